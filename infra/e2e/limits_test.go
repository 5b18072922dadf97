package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The largest batch that a lender can have agreed on, in the largest body. It is
// cancelled as soon as it is there: what the workers make of it, smaller batches
// show.
func TestABatchOf5000InABodyOf5MB(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	s := u.key()
	const total, bodyMax = 5000, 5 << 20
	type inquiry struct {
		BusinessName string            `json:"businessName"`
		ExternalID   string            `json:"externalId"`
		Metadata     map[string]string `json:"metadata"`
	}
	var batch struct {
		Name      string    `json:"name"`
		Inquiries []inquiry `json:"inquiries"`
	}
	batch.Name = "Portfolio"
	for i := range total {
		batch.Inquiries = append(batch.Inquiries, inquiry{
			fmt.Sprintf("Quiet Meadow %d LLC", i), fmt.Sprintf("LOAN-%d", i),
			map[string]string{"a": strings.Repeat("x", 240), "b": strings.Repeat("y", 240), "c": strings.Repeat("z", 240)},
		})
	}
	data, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	body := string(data) + strings.Repeat(" ", bodyMax-len(data))
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body); resp.StatusCode != http.StatusUnprocessableEntity || len(data) > 2000 {
		t.Errorf("before the limit is raised: %s, %d bytes", resp.Status, len(data))
	}
	admin(t, "", "lender", "set-batch-max", "--id", u.lender, "--batch-max", fmt.Sprint(total))
	accepted := s.submit(t, body)
	if accepted.Total != total {
		t.Fatalf("accepted %+v", accepted)
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+accepted.BatchID+"/cancel", "")
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("cancel: %s %s", resp.Status, data)
	}
	rows := s.rows(t, accepted.BatchID, 500)
	for i, r := range rows {
		if r.Index != i || r.ExternalID != fmt.Sprintf("LOAN-%d", i) {
			t.Fatalf("row %d is %+v", i, r)
		}
	}
	if len(rows) != total {
		t.Errorf("%d rows", len(rows))
	}
	if done := s.follow(t, accepted.BatchID); done.Total != total || done.Completed+done.Cancelled != total {
		t.Errorf("it ended as %+v", done)
	}
	if resp, _ := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body+" "); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a byte more than 5 MiB: %s", resp.Status)
	}
}

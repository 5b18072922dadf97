package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A lender submits the largest possible batch in the largest allowed body. The test
// cancels the batch at once, because smaller batches test the processing.
func TestLargestBatch(t *testing.T) {
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
		t.Errorf("before raising the limit: %s with %d bytes, want 422 with at most 2000", resp.Status, len(data))
	}
	admin(t, "", "lender", "set-batch-max", "--id", u.lender, "--batch-max", fmt.Sprint(total))
	accepted := s.submit(t, body)
	if accepted.Total != total {
		t.Fatalf("accepted %d inquiries, want %d", accepted.Total, total)
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+accepted.BatchID+"/cancel", "")
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("canceling: %s %s, want 202", resp.Status, data)
	}
	rows := s.rows(t, accepted.BatchID, 500)
	for i, r := range rows {
		if r.Index != i || r.ExternalID != fmt.Sprintf("LOAN-%d", i) {
			t.Fatalf("inquiry %d is listed as %+v", i, r)
		}
	}
	if len(rows) != total {
		t.Errorf("%d inquiries are listed, want %d", len(rows), total)
	}
	if done := s.wait(t, accepted.BatchID); done.Total != total || done.Completed+done.Cancelled != total {
		t.Errorf("the batch ended as %+v, want %d inquiries completed or canceled", done, total)
	}
	if resp, _ := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body+" "); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body one byte above 5 MiB: %s, want 413", resp.Status)
	}
}

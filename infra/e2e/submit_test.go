package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// One bad row of a long file does not hold up the others, if the lender wants
// it so; a dry run says beforehand what would happen.
func TestFaultyRowsAreRejectedOneByOne(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	body := func(more string) string {
		return `{"name":"Mixed","metadata":{"team":"north"},` + more + `"inquiries":[
			{"businessName":"Quiet Meadow LLC","externalId":"L-0"},
			{"businessName":"Bad","externalId":"L-1","ein":"12"},
			{"businessName":"Quiet Meadow LLC","externalId":"L-2"}]}`
	}
	var checked struct {
		Valid                     bool
		Total, Accepted, Rejected int
		Errors                    []struct{ Pointer, ExternalID string }
		Duplicates                []struct{ Index, DuplicateOf int }
		Limits                    struct{ BatchMax, BatchLeft int }
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body(`"validateOnly":true,"onInvalid":"skip",`))
	decode(t, resp, data, http.StatusOK, &checked)
	if !checked.Valid || checked.Accepted != 2 || checked.Rejected != 1 || len(checked.Errors) != 1 || checked.Errors[0].ExternalID != "L-1" ||
		len(checked.Duplicates) != 1 || checked.Limits.BatchLeft != 247 {
		t.Errorf("dry run: %s", data)
	}
	var list struct{ Total int }
	if s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list); list.Total != 0 {
		t.Errorf("the dry run made %d batches", list.Total)
	}
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body("")); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("by default: %s %s", resp.Status, data)
	}

	accepted := s.submit(t, body(`"onInvalid":"skip",`), "Idempotency-Key", "mixed-1")
	corrected := strings.Replace(body(`"onInvalid":"skip",`), `"12"`, `"12-3456789"`, 1)
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", corrected, "Idempotency-Key", "mixed-1"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("corrected, under the same key: %s %s", resp.Status, data)
	}
	var now struct {
		batch
		Metadata map[string]string
	}
	s.get(t, "/v1/batch-inquiries/"+accepted.BatchID, http.StatusOK, &now)
	if accepted.Total != 3 || now.Failed < 1 || now.sum() != 3 || now.Metadata["team"] != "north" {
		t.Errorf("accepted %+v; right after that: %+v", accepted, now)
	}
	if done := s.follow(t, accepted.BatchID); done.Status != "PARTIAL_SUCCESS" || done.Completed != 2 || done.Failed != 1 {
		t.Errorf("it ended as %+v", done)
	}
	for i, r := range s.rows(t, accepted.BatchID, 2) {
		if want := map[bool]string{true: "FAILED", false: "COMPLETED"}[i == 1]; r.Index != i || r.Status != want {
			t.Errorf("row %d: %+v", i, r)
		}
	}
}

package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// With onInvalid=skip, an invalid inquiry does not stop the others. With
// validateOnly, the response says what would happen.
func TestSkipInvalid(t *testing.T) {
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
	if !checked.Valid || checked.Accepted != 2 || checked.Rejected != 1 {
		t.Errorf("validateOnly: valid %t, %d accepted, %d rejected, want true, 2, 1", checked.Valid, checked.Accepted, checked.Rejected)
	}
	if len(checked.Errors) != 1 || checked.Errors[0].ExternalID != "L-1" {
		t.Errorf("validateOnly: the errors are %+v, want one for L-1", checked.Errors)
	}
	if len(checked.Duplicates) != 1 {
		t.Errorf("validateOnly: the duplicates are %+v, want one", checked.Duplicates)
	}
	if checked.Limits.BatchLeft != 247 {
		t.Errorf("validateOnly: batchLeft is %d, want 247", checked.Limits.BatchLeft)
	}
	var list struct{ Total int }
	if s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list); list.Total != 0 {
		t.Errorf("validateOnly created %d batches", list.Total)
	}
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body("")); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("without onInvalid: %s %s, want 422", resp.Status, data)
	}

	accepted := s.submit(t, body(`"onInvalid":"skip",`), "Idempotency-Key", "mixed-1")
	corrected := strings.Replace(body(`"onInvalid":"skip",`), `"12"`, `"12-3456789"`, 1)
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", corrected, "Idempotency-Key", "mixed-1"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the corrected batch with the same key: %s %s, want 422", resp.Status, data)
	}
	var now struct {
		batch
		Metadata map[string]string
	}
	s.get(t, "/v1/batch-inquiries/"+accepted.BatchID, http.StatusOK, &now)
	if accepted.Total != 3 {
		t.Errorf("the response to the submission has the total %d, want 3", accepted.Total)
	}
	if now.Failed < 1 || now.sum() != 3 {
		t.Errorf("right after the submission the counters are %+v, want 3 in total with 1 failed", now.batch)
	}
	if now.Metadata["team"] != "north" {
		t.Errorf("the batch has the metadata %v, want team north", now.Metadata)
	}
	if done := s.wait(t, accepted.BatchID); done.Status != "PARTIAL_SUCCESS" || done.Completed != 2 || done.Failed != 1 {
		t.Errorf("the batch ended as %+v, want PARTIAL_SUCCESS with 2 completed and 1 failed", done)
	}
	for i, r := range s.rows(t, accepted.BatchID, 2) {
		if want := map[bool]string{true: "FAILED", false: "COMPLETED"}[i == 1]; r.Index != i || r.Status != want {
			t.Errorf("inquiry %d is listed as %+v, want %s", i, r, want)
		}
	}
}

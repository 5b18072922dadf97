package e2e

import (
	"net/http"
	"testing"
)

// A batch is canceled while workers process it. Unclaimed inquiries are canceled,
// and no inquiry is lost or counted twice.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	const total = 250
	id := s.submit(t, businesses("Wrong file", total)).BatchID
	path := "/v1/batch-inquiries/" + id + "/cancel"
	var response struct {
		batch
		CancelRequestedAt string
	}
	for i, key := range []string{"stop", "stop", ""} { // repeating a cancel is harmless
		var header []string
		if key != "" {
			header = []string{"Idempotency-Key", key}
		}
		resp, data := s.do(t, http.MethodPost, path, "", header...)
		decode(t, resp, data, http.StatusAccepted, &response)
		if response.CancelRequestedAt == "" {
			t.Errorf("cancel %d: no cancelRequestedAt: %+v", i, response)
		}
		if response.sum() != total {
			t.Errorf("cancel %d: the counters add up to %d, want %d: %+v", i, response.sum(), total, response)
		}
		if got := resp.Header.Get("Idempotent-Replayed"); i == 1 && got != "true" {
			t.Errorf("cancel %d: Idempotent-Replayed is %q, want true", i, got)
		}
	}
	done := s.wait(t, id)
	if done.Status != "CANCELLED" && done.Status != "COMPLETED" {
		t.Errorf("the batch ended as %s, want CANCELLED, or COMPLETED if the workers were faster", done.Status)
	}
	if done.Completed+done.Cancelled != total {
		t.Errorf("%d inquiries are completed and %d canceled, want %d together", done.Completed, done.Cancelled, total)
	}
	counted := map[string]int{}
	for _, r := range s.rows(t, id, 500) {
		counted[r.Status]++
	}
	if counted["COMPLETED"] != done.Completed || counted["CANCELLED"] != done.Cancelled {
		t.Errorf("the inquiries are %v, which differs from the counters %+v", counted, done)
	}

	resp, data := s.do(t, http.MethodPost, path, "")
	decode(t, resp, data, http.StatusOK, &response)
	other := s.submit(t, businesses("Right file", 1)).BatchID
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+other+"/cancel", "", "Idempotency-Key", "stop"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("canceling with the idempotency key of another batch: %s %s, want 422", resp.Status, data)
	}
	const unknown = "/v1/batch-inquiries/01a20846-fe00-7bd3-9d5e-3c4b8a2f0000/cancel"
	for _, header := range [][]string{nil, {"Idempotency-Key", "never used"}} {
		resp, data := s.do(t, http.MethodPost, unknown, "", header...)
		checkProblem(t, "canceling an unknown batch", resp, data, http.StatusNotFound)
	}
	s.wait(t, other)
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+other+"/cancel/", ""); resp.StatusCode != http.StatusConflict {
		t.Errorf("canceling a finished batch: %s %s, want 409", resp.Status, data)
	}
}

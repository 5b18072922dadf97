package e2e

import (
	"net/http"
	"testing"
)

// A cancel comes while workers are at it: what none has claimed stops, and
// nothing is lost or counted twice.
func TestACancelledBatchDrains(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	const total = 250
	id := s.submit(t, businesses("Wrong file", total)).BatchID
	path := "/v1/batch-inquiries/" + id + "/cancel"
	var asked struct {
		batch
		CancelRequestedAt string
	}
	for i, key := range []string{"stop", "stop", ""} { // asking again is harmless
		var header []string
		if key != "" {
			header = []string{"Idempotency-Key", key}
		}
		resp, data := s.do(t, http.MethodPost, path, "", header...)
		decode(t, resp, data, http.StatusAccepted, &asked)
		if asked.CancelRequestedAt == "" || asked.sum() != total || i == 1 && resp.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("answer %d to a cancel: %+v, replayed %q", i, asked, resp.Header.Get("Idempotent-Replayed"))
		}
	}
	done := s.follow(t, id)
	if done.Status != "CANCELLED" && done.Status != "COMPLETED" || done.Completed+done.Cancelled != total {
		t.Errorf("the batch ended as %+v", done)
	}
	counted := map[string]int{}
	for _, r := range s.rows(t, id, 500) {
		counted[r.Status]++
	}
	if counted["COMPLETED"] != done.Completed || counted["CANCELLED"] != done.Cancelled {
		t.Errorf("a recount gives %v, the counters %+v", counted, done)
	}

	resp, data := s.do(t, http.MethodPost, path, "")
	decode(t, resp, data, http.StatusOK, &asked)
	other := s.submit(t, businesses("Right file", 1)).BatchID
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+other+"/cancel", "", "Idempotency-Key", "stop"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the key of another batch's cancel: %s %s", resp.Status, data)
	}
	const unknown = "/v1/batch-inquiries/01a20846-fe00-7bd3-9d5e-3c4b8a2f0000/cancel"
	for _, header := range [][]string{nil, {"Idempotency-Key", "never used"}} {
		resp, data := s.do(t, http.MethodPost, unknown, "", header...)
		refused(t, "a cancel of no batch", resp, data, http.StatusNotFound)
	}
	s.follow(t, other)
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+other+"/cancel/", ""); resp.StatusCode != http.StatusConflict {
		t.Errorf("cancelling a finished batch: %s %s", resp.Status, data)
	}
}

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
	for range 2 { // asking again is harmless
		resp, data := s.do(t, http.MethodPost, path, "")
		decode(t, resp, data, http.StatusAccepted, &asked)
		if asked.CancelRequestedAt == "" || asked.sum() != total {
			t.Errorf("the answer to a cancel: %+v", asked)
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
	s.follow(t, other)
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+other+"/cancel/", ""); resp.StatusCode != http.StatusConflict {
		t.Errorf("cancelling a finished batch: %s %s", resp.Status, data)
	}
}

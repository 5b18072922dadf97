package e2e

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A lender whose open limit is used up cannot submit anything more until the batch is
// final.
func TestOpenLimit(t *testing.T) {
	t.Parallel()
	u, other := newUser(t, "", "member"), newUser(t, "-other", "member")
	s := u.key()
	const total = 250
	admin(t, "", "lender", "set-open-max", "--id", u.lender, "--open-max", strconv.Itoa(total))

	body := businesses("All at once", total)
	accepted := s.submit(t, body, "Idempotency-Key", "all")
	for name, request := range map[string]struct{ path, body string }{
		"submitting a batch":    {"/v1/batch-inquiries", businesses("Another", 1)},
		"submitting an inquiry": {"/v1/inquiries", `{"businessName":"Another LLC"}`},
	} {
		resp, data := s.do(t, http.MethodPost, request.path, request.body)
		checkProblem(t, name, resp, data, http.StatusTooManyRequests)
		var p struct{ Type, Detail string }
		if err := json.Unmarshal(data, &p); err != nil {
			t.Fatalf("%s: decoding the problem %s: %v", name, data, err)
		}
		if !strings.HasSuffix(p.Type, "#problem-too-many-open") {
			t.Errorf("%s: the problem type is %s, want too-many-open", name, p.Type)
		}
		if !strings.Contains(p.Detail, "250") {
			t.Errorf("%s: the detail does not contain the limit: %s", name, p.Detail)
		}
		if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || wait < 2 || wait > 300 {
			t.Errorf("%s: Retry-After is %q, want 2 to 300 seconds", name, resp.Header.Get("Retry-After"))
		}
		if limit := resp.Header.Get("RateLimit"); !strings.Contains(limit, `"open-inquiries";r=0`) {
			t.Errorf("%s: RateLimit is %s, want no open inquiries left", name, limit)
		}
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries", body, "Idempotency-Key", "all")
	var again submitted
	decode(t, resp, data, http.StatusOK, &again)
	if again.BatchID != accepted.BatchID {
		t.Errorf("repeating the submission with its key: batch %s, want %s", again.BatchID, accepted.BatchID)
	}
	if got := resp.Header.Get("Idempotent-Replayed"); got != "true" {
		t.Errorf("repeating the submission with its key: Idempotent-Replayed is %q, want true", got)
	}
	if other.key().submit(t, businesses("Of another lender", 1)).Total != 1 {
		t.Error("another lender cannot submit")
	}
	resp, data = s.do(t, http.MethodPost, "/v1/batch-inquiries/"+accepted.BatchID+"/cancel", "")
	if resp.StatusCode >= http.StatusBadRequest && resp.StatusCode != http.StatusConflict { // it may have finished by now
		t.Fatalf("canceling: %s %s", resp.Status, data)
	}
	s.wait(t, accepted.BatchID)
	var me struct{ Limits struct{ Open, OpenMax int } }
	s.get(t, "/v1/users/me", http.StatusOK, &me)
	if me.Limits.Open != 0 || me.Limits.OpenMax != total {
		t.Errorf("after the batch is final, the limits are %+v, want open 0 of %d", me.Limits, total)
	}
	if next := s.submit(t, body); next.Total != total {
		t.Errorf("after the batch is final, a new batch has %d inquiries, want %d", next.Total, total)
	}
}

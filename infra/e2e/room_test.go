package e2e

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A lender fills what they may have open. Until the batch has finished they submit
// nothing more, and from that moment on they do.
func TestALenderHasRoomForSoManyOpenInquiries(t *testing.T) {
	t.Parallel()
	u, other := newUser(t, "", "member"), newUser(t, "-other", "member")
	s := u.key()
	const total = 250
	admin(t, "", "lender", "set-open-max", "--id", u.lender, "--open-max", strconv.Itoa(total))

	body := businesses("All at once", total)
	accepted := s.submit(t, body, "Idempotency-Key", "all")
	for name, request := range map[string]struct{ path, body string }{
		"a batch": {"/v1/batch-inquiries", businesses("One more", 1)},
		"one":     {"/v1/inquiries", `{"businessName":"One More LLC"}`},
	} {
		resp, data := s.do(t, http.MethodPost, request.path, request.body)
		refused(t, name, resp, data, http.StatusTooManyRequests)
		var p struct{ Type, Detail string }
		if err := json.Unmarshal(data, &p); err != nil || !strings.HasSuffix(p.Type, "#problem-too-many-open") || !strings.Contains(p.Detail, "250") {
			t.Errorf("%s: %v, %s", name, err, data)
		}
		if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || wait < 2 || wait > 300 {
			t.Errorf("%s: Retry-After %q", name, resp.Header.Get("Retry-After"))
		}
		if limit := resp.Header.Get("RateLimit"); !strings.Contains(limit, `"open-inquiries";r=0`) {
			t.Errorf("%s: RateLimit %s", name, limit)
		}
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries", body, "Idempotency-Key", "all")
	var again submitted
	decode(t, resp, data, http.StatusOK, &again)
	if again.BatchID != accepted.BatchID || resp.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the same again: %s, %s", again.BatchID, data)
	}
	if other.key().submit(t, businesses("Somebody else's", 1)).Total != 1 {
		t.Error("another lender has no room")
	}
	if resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/"+accepted.BatchID+"/cancel", ""); resp.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s", resp.Status, data)
	}
	s.follow(t, accepted.BatchID)
	var me struct{ Limits struct{ Open, OpenMax int } }
	s.get(t, "/v1/users/me", http.StatusOK, &me)
	if me.Limits.Open != 0 || me.Limits.OpenMax != total {
		t.Errorf("after the end: %+v", me.Limits)
	}
	if next := s.submit(t, body); next.Total != total {
		t.Errorf("after the end: %+v", next)
	}
}

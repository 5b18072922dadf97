package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// The ETag that one credential was given is good with another, and a wait ends
// with the batch at the latest.
func TestAPollWithAnETag(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	path := "/v1/batch-inquiries/" + u.key().submit(t, businesses("Polled", 2)).BatchID
	tag := ""
	for polls := 0; ; polls++ {
		resp, body := u.key().do(t, http.MethodGet, path+"?waitSeconds=5", "", "If-None-Match", tag)
		if resp.StatusCode == http.StatusNotModified {
			if len(body) != 0 || resp.Header.Get("Retry-After") == "" {
				t.Errorf("304 with Retry-After %q and %d bytes", resp.Header.Get("Retry-After"), len(body))
			}
			continue
		}
		var b batch
		decode(t, resp, body, http.StatusOK, &b)
		if tag == resp.Header.Get("ETag") || tag != "" && polls == 0 {
			t.Errorf("a 200 under the ETag %s that was sent", tag)
		}
		tag = resp.Header.Get("ETag")
		if b.IsTerminal {
			if resp.Header.Get("Retry-After") != "" {
				t.Errorf("a finished batch says Retry-After %s", resp.Header.Get("Retry-After"))
			}
			break
		}
		if polls > 60 {
			t.Fatalf("not finished: %+v", b)
		}
	}
	resp, body := u.bearer(u.token).do(t, http.MethodGet, path, "", "If-None-Match", tag)
	if resp.StatusCode != http.StatusNotModified || len(body) != 0 || resp.Header.Get("ETag") != tag {
		t.Errorf("another credential: %s, ETag %s, want 304, %s", resp.Status, resp.Header.Get("ETag"), tag)
	}
}

// A poller without patience is told how long to wait, and what to do instead. It
// runs before the parallel tests, so that its requests all meet the same process,
// which does the counting.
func TestAnImpatientPollerIsToldWhen(t *testing.T) {
	s := newUser(t, "", "member").key()
	path := "/v1/batch-inquiries/" + s.submit(t, businesses("Watched", 1)).BatchID
	for range 2 * fairuse.Polls.Burst {
		resp, data := s.do(t, http.MethodGet, path, "")
		if resp.StatusCode == http.StatusOK {
			if limit := resp.Header.Get("RateLimit"); !strings.Contains(limit, `"polls";r=`) {
				t.Fatalf("RateLimit %s", limit)
			}
			continue
		}
		refused(t, "one poll too many", resp, data, http.StatusTooManyRequests)
		if wait := resp.Header.Get("Retry-After"); wait != "1" || !strings.Contains(string(data), "waitSeconds") {
			t.Errorf("Retry-After %s: %s", wait, data)
		}
		await(t, "the poller is answered again", func() bool {
			resp, _ := s.do(t, http.MethodGet, path, "")
			return resp.StatusCode == http.StatusOK
		})
		return
	}
	t.Errorf("%d polls at once are all answered", 2*fairuse.Polls.Burst)
}

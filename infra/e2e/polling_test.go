package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// A long poll ends when the batch is final, at the latest. An ETag from one
// credential is valid with the other.
func TestETag(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	path := "/v1/batch-inquiries/" + u.key().submit(t, businesses("Polled", 2)).BatchID
	tag := ""
	for polls := 0; ; polls++ {
		resp, body := u.key().do(t, http.MethodGet, path+"?waitSeconds=5", "", "If-None-Match", tag)
		if resp.StatusCode == http.StatusNotModified {
			if len(body) != 0 || resp.Header.Get("Retry-After") == "" {
				t.Errorf("the 304 has Retry-After %q and %d bytes, want a Retry-After and no body", resp.Header.Get("Retry-After"), len(body))
			}
			continue
		}
		var b batch
		decode(t, resp, body, http.StatusOK, &b)
		if tag == resp.Header.Get("ETag") || tag != "" && polls == 0 {
			t.Errorf("a 200 with the ETag %s that the request had sent", tag)
		}
		tag = resp.Header.Get("ETag")
		if b.IsTerminal {
			if resp.Header.Get("Retry-After") != "" {
				t.Errorf("the final batch has Retry-After %s, want none", resp.Header.Get("Retry-After"))
			}
			break
		}
		if polls > 60 {
			t.Fatalf("the batch is not final after %d changes: %+v", polls, b)
		}
	}
	resp, body := u.bearer(u.token).do(t, http.MethodGet, path, "", "If-None-Match", tag)
	if resp.StatusCode != http.StatusNotModified || len(body) != 0 {
		t.Errorf("the same ETag with the other credential: %s with %d bytes, want 304 without a body", resp.Status, len(body))
	}
	if got := resp.Header.Get("ETag"); got != tag {
		t.Errorf("the other credential gets the ETag %s, want %s", got, tag)
	}
}

// A client that polls too fast learns how long to wait and what to do instead. This
// test is not parallel, so that all requests reach the same process, which counts
// them.
func TestPollLimit(t *testing.T) {
	s := newUser(t, "", "member").key()
	path := "/v1/batch-inquiries/" + s.submit(t, businesses("Watched", 1)).BatchID
	for range 2 * fairuse.Polls.Burst {
		resp, data := s.do(t, http.MethodGet, path, "")
		if resp.StatusCode == http.StatusOK {
			if limit := resp.Header.Get("RateLimit"); !strings.Contains(limit, `"polls";r=`) {
				t.Fatalf("RateLimit is %s, want the remaining polls", limit)
			}
			continue
		}
		checkProblem(t, "a poll above the limit", resp, data, http.StatusTooManyRequests)
		if wait := resp.Header.Get("Retry-After"); wait != "1" {
			t.Errorf("Retry-After is %s, want 1", wait)
		}
		if !strings.Contains(string(data), "waitSeconds") {
			t.Errorf("the problem does not suggest waitSeconds: %s", data)
		}
		await(t, "polls succeed again", func() bool {
			resp, _ := s.do(t, http.MethodGet, path, "")
			return resp.StatusCode == http.StatusOK
		})
		return
	}
	t.Errorf("%d polls in a row all succeeded", 2*fairuse.Polls.Burst)
}

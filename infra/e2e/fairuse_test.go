package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()

	// One lender sends requests as fast as possible, with both credentials, until it is
	// limited. Other lenders are not affected, and the lender is served again soon after.
	t.Run("a lender above the limit does not affect others", func(t *testing.T) {
		t.Parallel()
		flood, calm := newUser(t, "-flood", "member"), newUser(t, "-calm", "member")
		const path = "/v1/users/me"
		sessions := []session{flood.key(), flood.bearer(flood.token)}
		for _, s := range sessions { // fill the authorizer's cache
			s.get(t, path, http.StatusOK, &struct{}{})
		}

		type rejection struct {
			resp *http.Response
			body []byte
		}
		const atOnce, most = 150, 2000
		var (
			begun        = time.Now()
			wg           sync.WaitGroup
			sent, served atomic.Int32
			rejections   = make(chan rejection, atOnce)
		)
		for i := range atOnce {
			wg.Go(func() {
				for len(rejections) == 0 && sent.Load() < most {
					id := fmt.Sprintf("flood-%d", sent.Add(1))
					resp, body, err := sessions[i%2].send(t.Context(), http.MethodGet, path, "", "X-Request-Id", id, "Origin", engine.PortalOrigin)
					if err != nil {
						t.Error(err)
						return
					}
					if got := resp.Header.Get("X-Request-Id"); got != id {
						t.Errorf("response %s: X-Request-Id %q, want %q", resp.Status, got, id)
					}
					if resp.StatusCode != http.StatusOK {
						rejections <- rejection{resp, body}
						return
					}
					served.Add(1)
				}
			})
		}
		over := make(chan struct{})
		go func() { wg.Wait(); close(rejections); close(over) }()

		first, limited := <-rejections
		if !limited {
			t.Fatalf("%d requests in %s, and none was rejected", served.Load(), time.Since(begun))
		}
		checkRateLimited(t, first.resp, first.body)
		calm.key().get(t, path, http.StatusOK, &struct{}{})
		<-over
		for r := range rejections {
			checkRateLimited(t, r.resp, r.body)
		}
		if bound := fairuse.Requests.Burst + fairuse.Requests.PerSecond*int(time.Since(begun).Seconds()+1); int(served.Load()) > bound {
			t.Errorf("%d requests were served, want at most %d", served.Load(), bound)
		}
		await(t, "the lender is served again", func() bool {
			resp, _ := flood.key().do(t, http.MethodGet, path, "")
			return resp.StatusCode == http.StatusOK
		})
		t.Logf("%d of %d requests were served", served.Load(), sent.Load())
	})

	// A lender who was created before the usage plan existed has no key in it. The API
	// answers 503, because it is not the lender's fault, and the operator's command
	// repairs it.
	t.Run("a lender without a gateway key gets 503 until it is repaired", func(t *testing.T) {
		t.Parallel()
		const lender, email = "from-before", "jane@from-before.example"
		if _, _, err := newInternals().store.CreateLender(t.Context(), inquiry.Lender{ID: lender, Name: "From Before"}); err != nil {
			t.Fatal(err)
		}
		admin(t, password, "user", "invite", "--lender", lender, "--email", email, "--role", "member", "--password-stdin")
		s := session{"Bearer " + signIn(t, email).id}
		resp, body := s.do(t, http.MethodGet, "/v1/users/me", "", "X-API-Key", "anything-that-a-caller-might-send")
		checkProblem(t, "a lender without a key in the usage plan", resp, body, http.StatusServiceUnavailable)
		if !strings.Contains(string(body), "#problem-unavailable") {
			t.Errorf("the problem is %s, want unavailable", body)
		}
		for range 2 {
			admin(t, "", "lender", "create", "--id", lender, "--name", "From Before")
		}
		s.get(t, "/v1/users/me", http.StatusOK, &struct{}{})
	})
}

// checkRateLimited checks the response to a lender who sends too many requests.
func checkRateLimited(t testing.TB, resp *http.Response, body []byte) {
	t.Helper()
	checkProblem(t, "too many requests", resp, body, http.StatusTooManyRequests)
	if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 5 {
		t.Errorf("Retry-After is %q, want 1 to 5 seconds", resp.Header.Get("Retry-After"))
	}
	if limit := resp.Header.Get("RateLimit"); !strings.HasPrefix(limit, `"requests";r=0;`) {
		t.Errorf("RateLimit is %s, want no requests left", limit)
	}
	if resp.Header.Get("RateLimit-Policy") == "" {
		t.Error("the response has no RateLimit-Policy")
	}
	var p struct{ Type string }
	if err := json.Unmarshal(body, &p); err != nil || !strings.HasSuffix(p.Type, "#problem-rate-limited") {
		t.Errorf("the problem is %s, want rate-limited; %v", body, err)
	}
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != engine.PortalOrigin {
		t.Errorf("Access-Control-Allow-Origin is %q, want the portal", got)
	}
}

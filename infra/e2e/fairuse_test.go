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

// One lender asks as fast as they can, with both of their credentials, until they
// are held back. Others do not notice, and a moment later all is well again.
func TestALenderWhoFloodsIsHeldBackAlone(t *testing.T) {
	t.Parallel()
	flood, calm := newUser(t, "-flood", "member"), newUser(t, "-calm", "member")
	const path = "/v1/users/me"
	sessions := []session{flood.key(), flood.bearer(flood.token)}
	for _, s := range sessions { // so that the authorizer need not be asked again
		s.get(t, path, http.StatusOK, &struct{}{})
	}

	type refusal struct {
		resp *http.Response
		body []byte
	}
	const atOnce, most = 150, 2000
	var (
		begun        = time.Now()
		wg           sync.WaitGroup
		sent, served atomic.Int32
		refusals     = make(chan refusal, atOnce)
	)
	for i := range atOnce {
		wg.Go(func() {
			for len(refusals) == 0 && sent.Load() < most {
				id := fmt.Sprintf("flood-%d", sent.Add(1))
				resp, body, err := sessions[i%2].send(t.Context(), http.MethodGet, path, "", "X-Request-Id", id, "Origin", engine.PortalOrigin)
				if err != nil {
					t.Error(err)
					return
				}
				if got := resp.Header.Get("X-Request-Id"); got != id {
					t.Errorf("%s: X-Request-Id %q, want %q", resp.Status, got, id)
				}
				if resp.StatusCode != http.StatusOK {
					refusals <- refusal{resp, body}
					return
				}
				served.Add(1)
			}
		})
	}
	over := make(chan struct{})
	go func() { wg.Wait(); close(refusals); close(over) }()

	first, any := <-refusals
	if !any {
		t.Fatalf("%d requests in %s and none is refused", served.Load(), time.Since(begun))
	}
	isRateLimited(t, first.resp, first.body)
	calm.key().get(t, path, http.StatusOK, &struct{}{})
	<-over
	for r := range refusals {
		isRateLimited(t, r.resp, r.body)
	}
	if bound := fairuse.Requests.Burst + fairuse.Requests.PerSecond*int(time.Since(begun).Seconds()+1); int(served.Load()) > bound {
		t.Errorf("%d requests were served, want %d at the most", served.Load(), bound)
	}
	await(t, "the lender is served again", func() bool {
		resp, _ := flood.key().do(t, http.MethodGet, path, "")
		return resp.StatusCode == http.StatusOK
	})
	t.Logf("%d of %d requests were served", served.Load(), sent.Load())
}

// isRateLimited checks the answer to a lender who is too fast.
func isRateLimited(t testing.TB, resp *http.Response, body []byte) {
	t.Helper()
	refused(t, "too fast", resp, body, http.StatusTooManyRequests)
	if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 5 {
		t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
	}
	if limit := resp.Header.Get("RateLimit"); !strings.HasPrefix(limit, `"requests";r=0;`) || resp.Header.Get("RateLimit-Policy") == "" {
		t.Errorf("RateLimit %s, RateLimit-Policy %s", limit, resp.Header.Get("RateLimit-Policy"))
	}
	var p struct{ Type string }
	if err := json.Unmarshal(body, &p); err != nil || !strings.HasSuffix(p.Type, "#problem-rate-limited") {
		t.Errorf("%v: %s", err, body)
	}
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != engine.PortalOrigin {
		t.Errorf("to the portal: Access-Control-Allow-Origin %q", got)
	}
}

// A lender from before there was a usage plan has no key in it. Nobody else's
// fault is theirs, and the operator's command mends it.
func TestALenderWhomTheGatewayDoesNotKnow(t *testing.T) {
	t.Parallel()
	const lender, email = "from-before", "jane@from-before.example"
	if _, _, err := lookInside().store.CreateLender(t.Context(), inquiry.Lender{ID: lender, Name: "From Before"}); err != nil {
		t.Fatal(err)
	}
	admin(t, password, "user", "invite", "--lender", lender, "--email", email, "--role", "member", "--password-stdin")
	s := session{"Bearer " + signIn(t, email).id}
	resp, body := s.do(t, http.MethodGet, "/v1/users/me", "", "X-API-Key", "anything-that-a-caller-might-send")
	refused(t, "a lender without a key in the plan", resp, body, http.StatusServiceUnavailable)
	if !strings.Contains(string(body), "#problem-unavailable") {
		t.Errorf("%s", body)
	}
	for range 2 {
		admin(t, "", "lender", "create", "--id", lender, "--name", "From Before")
	}
	s.get(t, "/v1/users/me", http.StatusOK, &struct{}{})
}

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

// A browser lets the portal's scripts read every answer, the function's and the
// gateway's own, and lets no other page's. (The gateway cannot look at who asks:
// it names the portal to everybody, which is a no to all others.)
func TestThePortalAndNobodyElseReadsAnswersInABrowser(t *testing.T) {
	t.Parallel()
	const foreign = "https://evil.example"
	key := newUser(t, "", "member").key()
	for name, c := range map[string]struct {
		session   session
		path      string
		status    int
		toForeign string // what a foreign origin is told: no origin, or the portal's
	}{
		"the function's answer":            {key, "/v1/users/me", 200, ""},
		"the function's refusal":           {key, "/v1/batch-inquiries?limit=0", 422, ""},
		"the public document":              {session{}, "/v1/openapi.json", 200, ""},
		"the gateway without a credential": {session{}, "/v1/users/me", 401, engine.PortalOrigin},
		"the gateway with a wrong one":     {session{"Bearer letmein"}, "/v1/users/me", 401, engine.PortalOrigin},
		"the gateway where nothing is":     {key, "/v2", 404, engine.PortalOrigin},
	} {
		for origin, want := range map[string]string{engine.PortalOrigin: engine.PortalOrigin, foreign: c.toForeign} {
			resp, body := c.session.do(t, http.MethodGet, c.path, "", "Origin", origin)
			if resp.StatusCode != c.status {
				t.Errorf("%s: %s %s", name, resp.Status, body)
			}
			if got := resp.Header.Values("Access-Control-Allow-Origin"); strings.Join(got, ", ") != want {
				t.Errorf("%s, to %s: Access-Control-Allow-Origin %q, want %q", name, origin, got, want)
			}
			exposed := strings.Split(resp.Header.Get("Access-Control-Expose-Headers"), ", ")
			if want != "" && (!slices.Contains(exposed, "Retry-After") || !slices.Contains(exposed, "X-Request-Id")) {
				t.Errorf("%s, to %s: scripts see %q", name, origin, exposed)
			}
			if resp.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: cookies are allowed", name)
			}
		}
	}
}

func TestABrowserAsksBeforeItSends(t *testing.T) {
	t.Parallel()
	for origin, allowed := range map[string]bool{engine.PortalOrigin: true, "https://evil.example": false, "null": false} {
		resp, body := session{}.do(t, http.MethodOptions, "/v1/batch-inquiries", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
		if resp.StatusCode != http.StatusNoContent || len(body) != 0 {
			t.Errorf("%s: %s %s", origin, resp.Status, body)
		}
		may := strings.ToLower(resp.Header.Get("Access-Control-Allow-Headers"))
		if !allowed {
			if got := resp.Header.Get("Access-Control-Allow-Origin") + resp.Header.Get("Access-Control-Allow-Methods") + may; got != "" {
				t.Errorf("%s is allowed %s", origin, got)
			}
			continue
		}
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != origin || !strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("%s: Access-Control-Allow-Origin %q, -Methods %q", origin, got, resp.Header.Get("Access-Control-Allow-Methods"))
		}
		for _, header := range []string{"authorization", "content-type", "idempotency-key"} {
			if !strings.Contains(may, header) {
				t.Errorf("%s may send %q, and not %s", origin, may, header)
			}
		}
	}
}

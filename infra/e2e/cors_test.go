package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

func TestCORS(t *testing.T) {
	t.Parallel()

	// In a browser, the portal's scripts can read every response, from the function and
	// from the gateway itself. Scripts of other origins cannot. The gateway does not look
	// at the request's origin: it always names the portal, which excludes all others.
	t.Run("only the portal can read responses", func(t *testing.T) {
		t.Parallel()
		const foreign = "https://evil.example"
		key := newUser(t, "", "member").key()
		for name, c := range map[string]struct {
			session   session
			path      string
			status    int
			toForeign string // Access-Control-Allow-Origin for a foreign origin: none, or the portal
		}{
			"a success response of the function":          {key, "/v1/users/me", 200, ""},
			"a problem from the function":                 {key, "/v1/batch-inquiries?limit=0", 422, ""},
			"the public document":                         {session{}, "/v1/openapi.json", 200, ""},
			"a gateway response without a credential":     {session{}, "/v1/users/me", 401, engine.PortalOrigin},
			"a gateway response to an invalid credential": {session{"Bearer letmein"}, "/v1/users/me", 401, engine.PortalOrigin},
			"a gateway response to an unknown path":       {key, "/v2", 404, engine.PortalOrigin},
		} {
			for origin, want := range map[string]string{engine.PortalOrigin: engine.PortalOrigin, foreign: c.toForeign} {
				resp, body := c.session.do(t, http.MethodGet, c.path, "", "Origin", origin)
				if resp.StatusCode != c.status {
					t.Errorf("%s: status %s, want %d: %s", name, resp.Status, c.status, body)
				}
				if got := resp.Header.Values("Access-Control-Allow-Origin"); strings.Join(got, ", ") != want {
					t.Errorf("%s, to %s: Access-Control-Allow-Origin %q, want %q", name, origin, got, want)
				}
				exposed := strings.Split(resp.Header.Get("Access-Control-Expose-Headers"), ", ")
				if want != "" && (!slices.Contains(exposed, "Retry-After") || !slices.Contains(exposed, "X-Request-Id")) {
					t.Errorf("%s, to %s: scripts can read the headers %q, want Retry-After and X-Request-Id among them", name, origin, exposed)
				}
				if resp.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: the response allows cookies", name)
				}
			}
		}
	})

	t.Run("only the portal passes a preflight request", func(t *testing.T) {
		t.Parallel()
		for origin, allowed := range map[string]bool{engine.PortalOrigin: true, "https://evil.example": false, "null": false} {
			resp, body := session{}.do(t, http.MethodOptions, "/v1/batch-inquiries", "", "Origin", origin,
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
			if resp.StatusCode != http.StatusNoContent || len(body) != 0 {
				t.Errorf("preflight from %s: %s %s, want 204 without a body", origin, resp.Status, body)
			}
			allowedHeaders := strings.ToLower(resp.Header.Get("Access-Control-Allow-Headers"))
			if !allowed {
				if got := resp.Header.Get("Access-Control-Allow-Origin") + resp.Header.Get("Access-Control-Allow-Methods") + allowedHeaders; got != "" {
					t.Errorf("preflight from %s allows %s, want nothing", origin, got)
				}
				continue
			}
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != origin {
				t.Errorf("preflight from %s: Access-Control-Allow-Origin %q", origin, got)
			}
			if got := resp.Header.Get("Access-Control-Allow-Methods"); !strings.Contains(got, "POST") {
				t.Errorf("preflight from %s: Access-Control-Allow-Methods %q, want POST among them", origin, got)
			}
			for _, header := range []string{"authorization", "content-type", "idempotency-key"} {
				if !strings.Contains(allowedHeaders, header) {
					t.Errorf("preflight from %s: Access-Control-Allow-Headers %q, want %s among them", origin, allowedHeaders, header)
				}
			}
		}
	})
}

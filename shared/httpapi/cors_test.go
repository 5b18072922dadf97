package httpapi_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

func TestCORS(t *testing.T) {
	t.Parallel()

	t.Run("only the portal's origin may read", func(t *testing.T) {
		t.Parallel()
		const portal = "https://portal.lender.example"
		for name, c := range map[string]struct{ configured, origin, want string }{
			"the portal":                     {portal, portal, portal},
			"another origin":                 {portal, "https://evil.example", ""},
			"an origin with the same prefix": {portal, portal + ".evil.example", ""},
			"no portal":                      {"", portal, ""},
			"no browser":                     {portal, "", ""},
			"a file":                         {"", "null", ""},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				api := httpapi.API{
					Batches: newFake(), Keys: fakeKeys{}, Access: trusting{}, PortalOrigin: c.configured,
					Now: func() time.Time { return noon }, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
				}
				who := newClient(t, newFake(), io.Discard)
				who.handler = api.Handler()
				for _, ask := range []struct {
					method, path string
					status       int
				}{{"GET", "/v1/batch-inquiries", 200}, {"GET", "/v2", 404}, {"OPTIONS", "/v1/batch-inquiries", 204}} {
					resp, _ := who.do(t, ask.method, ask.path, "", "Origin", c.origin, "Access-Control-Request-Method", "POST")
					header := resp.Header
					if resp.StatusCode != ask.status || header.Get("Access-Control-Allow-Origin") != c.want || header.Get("Access-Control-Allow-Credentials") != "" {
						t.Errorf("%s %s: %d, allowed %q, want %q", ask.method, ask.path, resp.StatusCode, header.Get("Access-Control-Allow-Origin"), c.want)
					}
					if (header.Get("Access-Control-Expose-Headers") != "") != (c.want != "") || (header.Get("Vary") == "Origin") != (c.configured != "") {
						t.Errorf("%s %s: %v", ask.method, ask.path, header)
					}
					if preflight := ask.method == http.MethodOptions && c.want != ""; (header.Get("Access-Control-Allow-Headers") != "") != preflight {
						t.Errorf("%s %s: may send %q", ask.method, ask.path, header.Get("Access-Control-Allow-Headers"))
					}
				}
			})
		}
	})
}

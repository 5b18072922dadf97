package httpapi_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestOuter(t *testing.T) {
	t.Parallel()

	t.Run("the caller's request id is used everywhere", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct{ sent, want string }{
			"none":               {"", "req-1"},
			"a word":             {"nightly-run:7", "nightly-run:7"},
			"the maximum length": {strings.Repeat("x", 128), strings.Repeat("x", 128)},
			"too long":           {strings.Repeat("x", 129), "req-1"},
			"with a space":       {"night run", "req-1"},
			"with a line break":  {"a\nb", "req-1"},
			"not ASCII":          {"nächtlich", "req-1"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				log := &bytes.Buffer{}
				resp, body := newClient(t, newFake(), log).do(t, "GET", "/v2", "", "X-Request-Id", c.sent)
				if got := resp.Header.Get("X-Request-Id"); got != c.want {
					t.Errorf("echoed %q, want %q", got, c.want)
				}
				if !strings.Contains(body, `"requestId":"`+c.want+`"`) || !strings.Contains(log.String(), `"requestId":"`+c.want+`"`) {
					t.Errorf("not in the problem or not in the log:\n%s%s", body, log)
				}
				if !strings.Contains(log.String(), `"gatewayRequestId":"req-1"`) {
					t.Errorf("the gateway's id is not in the log: %s", log)
				}
			})
		}
	})

	t.Run("a wrong method is a 405", func(t *testing.T) {
		t.Parallel()
		id := inquiry.NewBatchID(noon).String()
		for path, allow := range map[string]string{
			"/v1/batch-inquiries":                      "GET, HEAD, OPTIONS, POST",
			"/v1/batch-inquiries/":                     "GET, HEAD, OPTIONS, POST",
			"/v1/batch-inquiries/" + id + "/inquiries": "GET, HEAD, OPTIONS",
			"/v1/inquiries/" + id:                      "GET, HEAD, OPTIONS",
			"/v1/openapi.json":                         "GET, HEAD, OPTIONS",
		} {
			c := newClient(t, newFake(), io.Discard)
			resp, body := c.do(t, "PUT", path, "")
			if p := problem(t, resp, body); p.Status != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != allow {
				t.Errorf("PUT %s: %d, Allow %q; want 405, %q", path, p.Status, resp.Header.Get("Allow"), allow)
			}
			resp, body = c.do(t, "OPTIONS", path, "")
			if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Allow") != allow || body != "" {
				t.Errorf("OPTIONS %s: %d, Allow %q, body %q; want 204, %q", path, resp.StatusCode, resp.Header.Get("Allow"), body, allow)
			}
		}
		resp, body := newClient(t, newFake(), io.Discard).do(t, "OPTIONS", "/v2", "")
		if p := problem(t, resp, body); p.Status != http.StatusNotFound {
			t.Errorf("OPTIONS of an unknown path: %d", p.Status)
		}
	})

	// ServeMux would redirect the client, without the stage and with an HTML body.
	t.Run("an unclean path is a 404", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			method, path string
			empty        bool // the response says that an id may be missing
		}{
			"double slashes":           {"GET", "//v1//batch-inquiries", true},
			"an empty id":              {"GET", "/v1/batch-inquiries//inquiries", true},
			"an empty id at the end":   {"GET", "/v1/batch-inquiries//", true},
			"an empty id in a cancel":  {"POST", "/v1/batch-inquiries//cancel", true},
			"an empty id in a delete":  {"DELETE", "/v1/batch-inquiries//", true},
			"a dot":                    {"GET", "/v1/./batch-inquiries", false},
			"a dot as id":              {"POST", "/v1/batch-inquiries/%2e/cancel", false},
			"two dots as id":           {"POST", "/v1/batch-inquiries/%2e%2e/cancel", false},
			"two dots":                 {"GET", "/v1/users/../batch-inquiries", false},
			"two dots at the end":      {"GET", "/v1/batch-inquiries/..", false},
			"OPTIONS with an empty id": {"OPTIONS", "/v1/batch-inquiries//cancel", true},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				resp, body := newClient(t, newFake(), io.Discard).do(t, c.method, c.path, "")
				p := problem(t, resp, body)
				if p.Status != http.StatusNotFound || resp.Header.Get("Location") != "" || strings.Contains(p.Detail, "missing") != c.empty {
					t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
				}
			})
		}
	})

	t.Run("HEAD is GET without the body", func(t *testing.T) {
		t.Parallel()
		for path, status := range map[string]int{"/v1/batch-inquiries": 200, "/v1/docs": 200, "/v2": 404} {
			c := newClient(t, newFake(), io.Discard)
			get, _ := c.do(t, "GET", path, "")
			head, body := c.do(t, "HEAD", path, "")
			if head.StatusCode != status || get.StatusCode != status || body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
				t.Errorf("%s: HEAD %d %q, GET %d; body %q", path, head.StatusCode, head.Header, get.StatusCode, body)
			}
		}
	})

	t.Run("an ambiguous idempotency key is rejected", func(t *testing.T) {
		t.Parallel()
		for name, lines := range map[string][]string{"empty": {""}, "twice": {"a", "b"}, "one value twice": {"a", "a"}, "empty and not empty": {"", "a"}} {
			fake := newFake()
			c := newClient(t, fake, io.Discard)
			inner := c.handler
			c.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header["Idempotency-Key"] = lines
				inner.ServeHTTP(w, r)
			})
			resp, body := c.do(t, "POST", "/v1/batch-inquiries", `{"name":"A","inquiries":[{"businessName":"B"}]}`)
			if p := problem(t, resp, body); p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Parameter != "Idempotency-Key" || len(fake.stored) != 0 {
				t.Errorf("%s: %s, %d stored", name, body, len(fake.stored))
			}
		}
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()

	t.Run("every answer has them", func(t *testing.T) {
		t.Parallel()
		small := fakeWith(inquiry.StatusCompleted)
		batch := "/v1/batch-inquiries/" + small.batches[0].ID.String()
		for name, c := range map[string]struct {
			fake         *fakeBatches
			method, path string
			header       []string
			status       int
		}{
			"JSON":             {small, "GET", batch, nil, 200},
			"HEAD":             {small, "HEAD", batch, nil, 200},
			"304":              {small, "GET", batch, []string{"If-None-Match", "*"}, 304},
			"NDJSON":           {small, "GET", batch + "/results", nil, 200},
			"CSV":              {small, "GET", batch + "/results", []string{"Accept", "text/csv"}, 200},
			"303":              {big(), "GET", "", nil, 303},
			"OPTIONS":          {small, "OPTIONS", batch, nil, 204},
			"a problem":        {small, "GET", "/v1/batch-inquiries?limit=0", nil, 422},
			"an unknown path":  {small, "GET", "/v2", nil, 404},
			"an unclean path":  {small, "GET", "/v1//batch-inquiries", nil, 404},
			"an unused method": {small, "PUT", batch, nil, 405},
			"a panic":          {nil, "GET", "/v1/batch-inquiries", nil, 500},
			"the document":     {small, "GET", "/v1/openapi.json", nil, 200},
			"the page":         {small, "GET", "/v1/docs", nil, 200},
		} {
			var batches httpapi.Batches
			if c.fake != nil {
				batches = c.fake
			}
			if c.path == "" {
				c.path = "/v1/batch-inquiries/" + c.fake.batches[0].ID.String() + "/results"
			}
			api := httpapi.API{
				Batches: batches, Keys: fakeKeys{}, Access: trusting{}, Exports: &fakeExports{}, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
			}
			who := newClient(t, newFake(), io.Discard)
			who.handler = api.Handler()
			resp, _ := who.do(t, c.method, c.path, "", c.header...)
			if resp.StatusCode != c.status {
				t.Errorf("%s: %s, want %d", name, resp.Status, c.status)
			}
			for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000"} {
				if got := resp.Header.Values(header); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %s %q, want %s", name, header, got, want)
				}
			}
		}
	})
}

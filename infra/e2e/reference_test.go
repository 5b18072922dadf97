package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The reference needs no credential, the type of a problem links to a paragraph of
// it, and Location links to the new batch.
func TestLinks(t *testing.T) {
	t.Parallel()
	anonymous := session{}
	for path, media := range map[string]string{
		"/v1/openapi.json": "application/openapi+json", "/v1/openapi.yaml": "application/yaml",
		"/v1/docs": "text/html", "/v1/docs/": "text/html",
	} {
		resp, body := anonymous.do(t, http.MethodGet, path, "")
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), media) {
			t.Errorf("%s: %s with Content-Type %s, want 200 with %s: %.200s", path, resp.Status, resp.Header.Get("Content-Type"), media, body)
		}
		for _, link := range regexp.MustCompile(`href="([^"#]*openapi[^"]*)"`).FindAllSubmatch(body, -1) {
			if file, _ := followLink(t, resp, string(link[1])); file.StatusCode != http.StatusOK {
				t.Errorf("%s links to %s, which is %s", path, link[1], file.Status)
			}
		}
	}

	s := newUser(t, "", "member").key()
	resp, body := s.do(t, http.MethodGet, "/v1/batch-inquiries?limit=0", "")
	var problem struct{ Type string }
	if err := json.Unmarshal(body, &problem); err != nil {
		t.Fatalf("decoding the problem %s: %v", body, err)
	}
	page, body := followLink(t, resp, problem.Type)
	if anchor := page.Request.URL.Fragment; anchor == "" || !strings.Contains(string(body), `id="`+anchor+`"`) {
		t.Errorf("the problem type %s leads to a page (%s) without that anchor", problem.Type, page.Status)
	}

	resp, _ = s.do(t, http.MethodPost, "/v1/batch-inquiries", businesses("Somewhere", 1))
	if batch, body := followLink(t, resp, resp.Header.Get("Location"), "Authorization", s.authorization); batch.StatusCode != http.StatusOK {
		t.Errorf("the Location %s is %s %s, want 200", resp.Header.Get("Location"), batch.Status, body)
	}
}

// followLink requests a link in a response, as a browser would.
func followLink(t testing.TB, resp *http.Response, reference string, header ...string) (*http.Response, []byte) {
	t.Helper()
	where, err := resp.Request.URL.Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, where.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	linked, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer linked.Body.Close()
	body, err := io.ReadAll(linked.Body)
	if err != nil {
		t.Fatal(err)
	}
	return linked, body
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	resp, body := s.do(t, http.MethodPut, "/v1/batch-inquiries", "{}", "X-Request-Id", "mine-1")
	checkProblem(t, "PUT", resp, body, http.StatusMethodNotAllowed)
	if resp.Header.Get("Allow") == "" {
		t.Error("PUT: the response has no Allow")
	}
	if got := resp.Header.Get("X-Request-Id"); got != "mine-1" {
		t.Errorf("PUT: X-Request-Id is %q, want mine-1", got)
	}
	resp, body = s.do(t, http.MethodHead, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusOK || len(body) != 0 {
		t.Errorf("HEAD: %s with the body %q, want 200 without a body", resp.Status, body)
	}
	resp, body = session{}.do(t, http.MethodOptions, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusNoContent || !strings.Contains(resp.Header.Get("Allow"), "POST") || len(body) != 0 {
		t.Errorf("OPTIONS: %s, Allow %q, body %q, want 204 with POST and no body", resp.Status, resp.Header.Get("Allow"), body)
	}
	// HEAD does not bypass the authorizer.
	resp, _ = session{}.do(t, http.MethodHead, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("HEAD without a credential: %s, want 401", resp.Status)
	}
}

// Every response has a request ID that also appears in our logs, and returns the
// caller's own request ID if there was one.
func TestRequestID(t *testing.T) {
	t.Parallel()
	key := newUser(t, "", "member").key()
	for name, c := range map[string]struct {
		session session
		path    string
		ours    bool // the function responds: it always sends X-Request-Id, and rejects IDs with spaces
	}{
		"a response of the function":              {session: key, path: "/v1/inquiries/none", ours: true},
		"a gateway response to an unknown path":   {session: key, path: "/v2"},
		"a gateway response without a credential": {session: session{}, path: "/v1/users/me"},
	} {
		var p struct{ RequestID string }
		resp, body := c.session.do(t, http.MethodGet, c.path, "")
		decode(t, resp, body, resp.StatusCode, &p)
		gateways := resp.Header.Get("x-amzn-RequestId")
		if gateways == "" || p.RequestID != gateways {
			t.Errorf("%s: x-amzn-RequestId is %q and the body's requestId %q, want the same", name, gateways, p.RequestID)
		}
		if got := resp.Header.Get("X-Request-Id"); c.ours && got != gateways || !c.ours && got != "" {
			t.Errorf("%s: the request has no X-Request-Id and the response has %q; x-amzn-RequestId is %q", name, got, gateways)
		}
		const mine = `mine", "status": 200`
		resp, body = c.session.do(t, http.MethodGet, c.path, "", "X-Request-Id", mine)
		decode(t, resp, body, resp.StatusCode, &p)
		if got := resp.Header.Get("X-Request-Id"); got != mine && !c.ours {
			t.Errorf("%s: X-Request-Id is %q, want the caller's %q", name, got, mine)
		}
		if want := resp.Header.Get("x-amzn-RequestId"); p.RequestID != want {
			t.Errorf("%s: the body's requestId is %q, want the gateway's %q", name, p.RequestID, want)
		}
	}
}

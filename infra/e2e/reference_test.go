package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The reference needs no credential, what errors say of themselves leads to a
// paragraph of it, and Location to what it names.
func TestWhatAnswersReferToIsThere(t *testing.T) {
	t.Parallel()
	nobody := session{}
	for path, media := range map[string]string{
		"/v1/openapi.json": "application/openapi+json", "/v1/openapi.yaml": "application/yaml",
		"/v1/docs": "text/html", "/v1/docs/": "text/html",
	} {
		resp, body := nobody.do(t, http.MethodGet, path, "")
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), media) {
			t.Errorf("%s: %s, %s: %.200s", path, resp.Status, resp.Header.Get("Content-Type"), body)
		}
		for _, link := range regexp.MustCompile(`href="([^"#]*openapi[^"]*)"`).FindAllSubmatch(body, -1) {
			if file, _ := follow(t, resp, string(link[1])); file.StatusCode != http.StatusOK {
				t.Errorf("%s links to %s: %s", path, link[1], file.Status)
			}
		}
	}

	s := newUser(t, "", "member").key()
	resp, body := s.do(t, http.MethodGet, "/v1/batch-inquiries?limit=0", "")
	var problem struct{ Type string }
	if err := json.Unmarshal(body, &problem); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	page, body := follow(t, resp, problem.Type)
	if anchor := page.Request.URL.Fragment; anchor == "" || !strings.Contains(string(body), `id="`+anchor+`"`) {
		t.Errorf("type %s: %s, which has nothing under it", problem.Type, page.Status)
	}

	resp, _ = s.do(t, http.MethodPost, "/v1/batch-inquiries", businesses("Somewhere", 1))
	if batch, body := follow(t, resp, resp.Header.Get("Location"), "Authorization", s.authorization); batch.StatusCode != http.StatusOK {
		t.Errorf("Location %s: %s %s", resp.Header.Get("Location"), batch.Status, body)
	}
}

// follow asks for what an answer refers to, as a browser would.
func follow(t testing.TB, resp *http.Response, reference string, header ...string) (*http.Response, []byte) {
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
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

func TestMethodsAndRequestIDs(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	resp, body := s.do(t, http.MethodPut, "/v1/batch-inquiries", "{}", "X-Request-Id", "mine-1")
	refused(t, "PUT", resp, body, http.StatusMethodNotAllowed)
	if resp.Header.Get("Allow") == "" || resp.Header.Get("X-Request-Id") != "mine-1" {
		t.Errorf("Allow %q, X-Request-Id %q", resp.Header.Get("Allow"), resp.Header.Get("X-Request-Id"))
	}
	resp, body = s.do(t, http.MethodHead, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusOK || len(body) != 0 {
		t.Errorf("HEAD: %s %s", resp.Status, body)
	}
	resp, body = session{}.do(t, http.MethodOptions, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusNoContent || !strings.Contains(resp.Header.Get("Allow"), "POST") || len(body) != 0 {
		t.Errorf("OPTIONS: %s, Allow %q: %s", resp.Status, resp.Header.Get("Allow"), body)
	}
	// HEAD is no way around the authorizer.
	resp, _ = session{}.do(t, http.MethodHead, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("HEAD without a credential: %s", resp.Status)
	}
}

// Every answer has a name that leads to its lines in our logs, and the caller's
// own if they sent one.
func TestAnAnswerNamesItsRequest(t *testing.T) {
	t.Parallel()
	key := newUser(t, "", "member").key()
	for name, c := range map[string]struct {
		session session
		path    string
		ours    bool // the function answers: it always has one, and takes no blanks
	}{
		"the function":                     {session: key, path: "/v1/inquiries/none", ours: true},
		"the gateway, where nothing is":    {session: key, path: "/v2"},
		"the gateway without a credential": {session: session{}, path: "/v1/users/me"},
	} {
		var p struct{ RequestID string }
		resp, body := c.session.do(t, http.MethodGet, c.path, "")
		decode(t, resp, body, resp.StatusCode, &p)
		gateways := resp.Header.Get("x-amzn-RequestId")
		if gateways == "" || p.RequestID != gateways {
			t.Errorf("%s: x-amzn-RequestId %q, in the body %q", name, gateways, p.RequestID)
		}
		if got := resp.Header.Get("X-Request-Id"); c.ours && got != gateways || !c.ours && got != "" {
			t.Errorf("%s: X-Request-Id %q to a request without, x-amzn-RequestId %q", name, got, gateways)
		}
		const mine = `mine", "status": 200`
		resp, body = c.session.do(t, http.MethodGet, c.path, "", "X-Request-Id", mine)
		decode(t, resp, body, resp.StatusCode, &p)
		if got := resp.Header.Get("X-Request-Id"); got != mine && !c.ours {
			t.Errorf("%s: X-Request-Id %q, want %q", name, got, mine)
		}
		if want := resp.Header.Get("x-amzn-RequestId"); p.RequestID != want {
			t.Errorf("%s: in the body %q, want the gateway's %q", name, p.RequestID, want)
		}
	}
}

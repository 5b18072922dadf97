package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// routes are all that the API has.
var routes = [][2]string{
	{"GET", "/v1/batch-inquiries"},
	{"POST", "/v1/batch-inquiries/"},
	{"GET", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000"},
	{"POST", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000/cancel"},
	{"GET", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000/inquiries"},
	{"GET", "/v1/inquiries/0191e0c0-7a5c-7000-8000-000000000001"},
	{"GET", "/users/me/api-key"},
}

func TestNoRouteWorksWithoutACredential(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	token := strings.Split(u.token, ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + token[1] + "."
	for name, header := range map[string]string{
		"none":                        "",
		"an empty bearer":             "Bearer ",
		"a word":                      "letmein",
		"a key that was never issued": "Bearer vd__AAAAAAAAAAAAAAAAAAAAAAAAAA_" + strings.Repeat("a", 49),
		"a key with another ending":   "Bearer " + u.apiKey[:len(u.apiKey)-1] + "!",
		"a key with a letter changed": "Bearer " + flip(u.apiKey),
		"a token without signature":   "Bearer " + unsigned,
		"a token of another signer":   "Bearer " + token[0] + "." + token[1] + "." + flip(token[2]),
		"a token of another user":     "Bearer " + token[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"someone"}`)) + "." + token[2],
	} {
		for _, route := range routes {
			resp, body := session{header}.do(t, route[0], route[1], "")
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: %s %s answers %s %s", name, route[0], route[1], resp.Status, body)
			}
		}
	}
}

// flip changes one character in the middle.
func flip(s string) string {
	i := len(s) / 2
	other := "A"
	if s[i] == 'A' {
		other = "B"
	}
	return s[:i] + other + s[i+1:]
}

func TestBothCredentialsWorkInBothForms(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	for name, header := range map[string]string{
		"key": u.apiKey, "bearer key": "Bearer " + u.apiKey, "lower-case bearer": "bearer " + u.apiKey,
		"ID token": u.token, "bearer ID token": "Bearer " + u.token, "access token": "Bearer " + signIn(t, u.email).access,
	} {
		var list struct{ Total int }
		session{header}.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
		// The key that is shown is the same, whoever asks.
		var shown struct{ APIKey string }
		session{header}.get(t, "/users/me/api-key", http.StatusOK, &shown)
		if shown.APIKey != u.apiKey || !strings.HasPrefix(shown.APIKey, "vd__") {
			t.Errorf("%s: another key is shown", name)
		}
	}
}

func TestAViewerReadsAndDoesNotSubmit(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "viewer").key()
	resp, body := s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("Mine", 1))
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("submit: %s %s", resp.Status, body)
	}
	var list struct{ Total int }
	s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
	if list.Total != 0 {
		t.Errorf("%d batches", list.Total)
	}
}

func TestASuspendedUserIsDenied(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	admin(t, "", "user", "suspend", "--email", u.email)
	// Each form of the credential has a place of its own in the authorizer's
	// cache; this one has not been used before.
	resp, body := session{"bEaReR " + u.apiKey}.do(t, http.MethodGet, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("key of a suspended user: %s %s", resp.Status, body)
	}
	admin(t, "", "user", "resume", "--email", u.email)
	resp, body = session{"BEARER " + u.apiKey}.do(t, http.MethodGet, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("after the resume: %s %s", resp.Status, body)
	}
}

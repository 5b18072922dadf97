package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// API Gateway remembers for a minute whom it let in. Who was cut off in the meantime can
// still read, and do nothing else.
func TestCutOff(t *testing.T) {
	t.Parallel()

	const keyPath = "/v1/users/me/api-key"
	for name, c := range map[string]struct {
		cut     func(*testing.T, user)
		token   bool   // ends the token too, not only the key
		status  int    // of all answers after it
		problem string // of all answers after it
		exports bool   // results may still be read
	}{
		"user suspend":    {func(t *testing.T, u user) { admin(t, "", "user", "suspend", "--email", u.email) }, true, 403, "suspended", false},
		"lender suspend":  {func(t *testing.T, u user) { admin(t, "", "lender", "suspend", "--id", u.lender) }, true, 403, "suspended", false},
		"user set-role":   {func(t *testing.T, u user) { admin(t, "", "user", "set-role", "--email", u.email, "--role", "viewer") }, true, 403, "forbidden", true},
		"user rotate-key": {func(t *testing.T, u user) { admin(t, "", "user", "rotate-key", "--email", u.email) }, false, 401, "key-revoked", false},
		"user revoke-key": {func(t *testing.T, u user) { admin(t, "", "user", "revoke-key", "--email", u.email) }, false, 401, "key-revoked", false},
		"rotating it":     {func(t *testing.T, u user) { must(t, u.bearer(u.token), "POST", keyPath+"/rotate") }, false, 401, "key-revoked", false},
		"revoking it":     {func(t *testing.T, u user) { must(t, u.bearer(u.token), "DELETE", keyPath) }, false, 401, "key-revoked", false},
		"revoking itself": {func(t *testing.T, u user) { must(t, u.key(), "DELETE", keyPath) }, false, 401, "key-revoked", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, "", "member")
			id := u.key().submit(t, businesses("Before", 2)).BatchID
			u.key().wait(t, id)
			credentials := map[string]session{"key": u.key()}
			if c.token {
				credentials["token"] = u.bearer(u.token)
			}
			for what, s := range credentials { // from now on, API Gateway has it in its cache
				var list struct{ Total int }
				s.get(t, "/v1/batch-inquiries", http.StatusOK, &list)
				if list.Total != 1 {
					t.Fatalf("with the %s: %d batches", what, list.Total)
				}
			}

			c.cut(t, u)

			for what, s := range credentials {
				resp, body := s.do(t, "GET", "/v1/batch-inquiries/"+id, "")
				if resp.StatusCode != http.StatusOK { // otherwise the checks below prove nothing
					t.Fatalf("API Gateway has forgotten the %s: %s %s", what, resp.Status, body)
				}
				for route, body := range map[string]string{
					"POST /v1/batch-inquiries":                   businesses("After", 1),
					"POST /v1/batch-inquiries/":                  `{"validateOnly":true,"name":"After","inquiries":[{"businessName":"Quiet Meadow LLC"}]}`,
					"POST /v1/inquiries":                         `{"businessName":"Quiet Meadow LLC"}`,
					"POST /v1/batch-inquiries/" + id + "/rerun":  `{"scope":"unsuccessful"}`,
					"POST /v1/batch-inquiries/" + id + "/cancel": "",
					"DELETE /v1/batch-inquiries/" + id:           "",
					"GET /v1/batch-inquiries/" + id + "/results": "",
				} {
					method, path, _ := strings.Cut(route, " ")
					resp, answer := s.do(t, method, path, body)
					if strings.HasSuffix(path, "/results") && c.exports {
						if resp.StatusCode != http.StatusOK {
							t.Errorf("with the %s, %s: %s %s", what, route, resp.Status, answer)
						}
						continue
					}
					checkProblem(t, route+" with the "+what, resp, answer, c.status)
					if !strings.Contains(string(answer), "#problem-"+c.problem+`"`) {
						t.Errorf("with the %s, %s: the problem is %s, want %s", what, route, answer, c.problem)
					}
				}
			}
			var list struct{ Total int }
			u.key().get(t, "/v1/batch-inquiries", http.StatusOK, &list)
			if list.Total != 1 {
				t.Errorf("%d batches were accepted after the cut-off", list.Total-1)
			}
		})
	}
}

// must sends a request that has to succeed.
func must(t *testing.T, s session, method, path string) {
	t.Helper()
	if resp, body := s.do(t, method, path, ""); resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s", method, path, resp.Status, body)
	}
}

package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// routes has every route of the API that needs a credential.
var routes = [][2]string{
	{"GET", "/v1/batch-inquiries"},
	{"POST", "/v1/batch-inquiries/"},
	{"GET", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000"},
	{"DELETE", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000"},
	{"POST", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000/cancel"},
	{"POST", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000/rerun"},
	{"GET", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000/inquiries"},
	{"GET", "/v1/batch-inquiries/0191e0c0-7a5c-7000-8000-000000000000/results"},
	{"POST", "/v1/inquiries/"},
	{"GET", "/v1/inquiries/0191e0c0-7a5c-7000-8000-000000000001"},
	{"GET", "/users/me/api-key"},
	{"GET", "/v1/users/me"},
	{"DELETE", "/v1/users/me/api-key"},
	{"POST", "/v1/users/me/api-key/rotate"},
}

func TestAuthentication(t *testing.T) {
	t.Parallel()

	t.Run("no route works without a valid credential", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "", "member")
		token := strings.Split(u.token, ".")
		unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + token[1] + "."
		for name, header := range map[string]string{
			"no credential":                        "",
			"an empty bearer credential":           "Bearer ",
			"a word":                               "letmein",
			"a key that was never issued":          "Bearer vd__AAAAAAAAAAAAAAAAAAAAAAAAAA_" + strings.Repeat("a", 49),
			"a key with an invalid last character": "Bearer " + u.apiKey[:len(u.apiKey)-1] + "!",
			"a key with one character changed":     "Bearer " + flip(u.apiKey),
			"a token without signature":            "Bearer " + unsigned,
			"a token with another signature":       "Bearer " + token[0] + "." + token[1] + "." + flip(token[2]),
			"a token of another user":              "Bearer " + token[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"someone"}`)) + "." + token[2],
		} {
			for _, route := range routes {
				resp, body := session{header}.do(t, route[0], route[1], "")
				checkProblem(t, name+": "+route[0]+" "+route[1], resp, body, http.StatusUnauthorized)
				if !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: WWW-Authenticate is %q, want a Bearer challenge", name, resp.Header.Get("WWW-Authenticate"))
				}
			}
		}
	})

	// The problem tells a developer what is wrong with their credential.
	t.Run("the problem says what is wrong with the credential", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "", "member")
		var rotated struct{ APIKey string }
		resp, data := u.bearer(u.token).do(t, http.MethodPost, "/v1/users/me/api-key/rotate", "")
		decode(t, resp, data, http.StatusOK, &rotated)
		if rotated.APIKey == u.apiKey {
			t.Error("the rotation did not change the key")
		}
		var me struct {
			Role, Credential string
			Lender           struct{ LenderID string }
			Limits           struct{ BatchMax int }
		}
		u.bearer(rotated.APIKey).get(t, "/v1/users/me", http.StatusOK, &me)
		if me.Role != "member" {
			t.Errorf("role %q, want member", me.Role)
		}
		if me.Credential != "apiKey" {
			t.Errorf("credential %q, want apiKey", me.Credential)
		}
		if me.Lender.LenderID != u.lender {
			t.Errorf("lender %q, want %q", me.Lender.LenderID, u.lender)
		}
		if me.Limits.BatchMax != 250 {
			t.Errorf("batchMax %d, want 250", me.Limits.BatchMax)
		}
		for range 2 { // the second time the key is already revoked
			resp, data = u.bearer(u.token).do(t, http.MethodDelete, "/v1/users/me/api-key", "")
			if resp.StatusCode != http.StatusNoContent || len(data) != 0 {
				t.Errorf("revoking the key: %s %s, want 204 without a body", resp.Status, data)
			}
		}
		resp, data = u.bearer(u.token).do(t, http.MethodGet, "/v1/users/me/api-key", "")
		checkProblem(t, "a revoked key", resp, data, http.StatusNotFound)

		payload := func(claims string) string { return base64.RawURLEncoding.EncodeToString([]byte(claims)) }
		token := strings.Split(u.token, ".")
		for name, c := range map[string]struct{ credential, want string }{
			"a word":                          {"letmein", "unauthenticated"},
			"a mistyped key":                  {flip(rotated.APIKey), "key-malformed"},
			"a key with an incomplete prefix": {strings.Replace(rotated.APIKey, "vd__", "vd_", 1), "key-malformed"},
			"the rotated key":                 {u.apiKey, "key-revoked"},
			"the revoked key":                 {rotated.APIKey, "key-revoked"},
			"a token with another signature":  {token[0] + "." + token[1] + "." + flip(token[2]), "token-invalid"},
			"a token of another pool":         {token[0] + "." + payload(`{"iss":"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other","sub":"u"}`) + "." + token[2], "token-foreign"},
		} {
			// The authorizer's cache has no entry for this spelling yet.
			resp, body := session{"BeArEr " + c.credential}.do(t, http.MethodGet, "/v1/users/me", "")
			checkProblem(t, name, resp, body, http.StatusUnauthorized)
			if !strings.Contains(string(body), "#problem-"+c.want+`"`) {
				t.Errorf("%s: the problem is %s, want %s", name, body, c.want)
			}
		}
	})

	// API Gateway accepts a rotated or revoked key for a minute. Its holder, who may
	// be a thief, must not be able to read the key that replaced it.
	t.Run("a rotated or revoked key cannot read the next key", func(t *testing.T) {
		t.Parallel()
		const keyPath = "/v1/users/me/api-key"
		u := newUser(t, "", "member")
		thief := u.key()
		thief.get(t, "/v1/users/me", http.StatusOK, &struct{}{}) // from now on, API Gateway has the key in its cache
		owner := u.bearer(u.token)
		call := func(method, path string) {
			t.Helper()
			if resp, data := owner.do(t, method, path, ""); resp.StatusCode >= 300 {
				t.Fatalf("%s %s: %s %s", method, path, resp.Status, data)
			}
		}
		checkThief := func(after string) {
			t.Helper()
			thief.get(t, "/v1/users/me", http.StatusOK, &struct{}{}) // otherwise the checks below prove nothing
			for _, route := range [][2]string{{"GET", keyPath}, {"GET", "/users/me/api-key"}, {"POST", keyPath + "/rotate"}} {
				resp, body := thief.do(t, route[0], route[1], "")
				checkProblem(t, after+": "+route[0]+" "+route[1], resp, body, http.StatusUnauthorized)
				if !strings.Contains(string(body), `#problem-key-revoked"`) {
					t.Errorf("%s: %s %s: the problem is %s, want key-revoked", after, route[0], route[1], body)
				}
				if strings.Contains(string(body), "vd__") {
					t.Errorf("%s: %s %s: the response contains a key", after, route[0], route[1])
				}
			}
		}
		call("DELETE", keyPath)
		checkThief("after the revocation")
		call("POST", keyPath+"/rotate")
		checkThief("after the rotation")
		resp, body := thief.do(t, "DELETE", keyPath, "")
		checkProblem(t, "revoking the owner's new key", resp, body, http.StatusUnauthorized)

		var next struct{ APIKey string }
		owner.get(t, keyPath, http.StatusOK, &next)
		u.bearer(next.APIKey).get(t, keyPath, http.StatusOK, &next)
		if next.APIKey == u.apiKey {
			t.Error("the rotation did not change the key")
		}

		// A key cannot make the next one: only its owner can, with a token.
		const request = "8a4cf0b5-3f5e-4c38-9d0c-d6b8b1f3a7e2"
		resp, body = u.bearer(next.APIKey).do(t, "POST", keyPath+"/rotate", "", "Idempotency-Key", request)
		checkProblem(t, "rotating with the key itself", resp, body, http.StatusForbidden)
		if !strings.Contains(string(body), `#problem-token-required"`) || strings.Contains(string(body), "vd__") {
			t.Errorf("rotating with the key itself: the problem is %s, want token-required", body)
		}
		u.bearer(next.APIKey).get(t, keyPath, http.StatusOK, &next) // it is still the current key

		// A repeat of the owner's rotation returns the new key again.
		var made, again struct{ APIKey string }
		resp, body = owner.do(t, "POST", keyPath+"/rotate", "", "Idempotency-Key", request)
		decode(t, resp, body, http.StatusOK, &made)
		resp, body = owner.do(t, "POST", keyPath+"/rotate", "", "Idempotency-Key", request)
		decode(t, resp, body, http.StatusOK, &again)
		if made == next {
			t.Error("the rotation did not change the key")
		}
		if made != again {
			t.Error("the repeated rotation returned another key")
		}
		if got := resp.Header.Get("Idempotent-Replayed"); got != "true" {
			t.Errorf("the repeated rotation: Idempotent-Replayed is %q, want true", got)
		}
		resp, body = u.bearer(next.APIKey).do(t, "POST", keyPath+"/rotate", "", "Idempotency-Key", request)
		checkProblem(t, "repeating it with the rotated key", resp, body, http.StatusUnauthorized)
	})

	// The user pool knows the user and the table does not: the invitation was started
	// and not finished.
	t.Run("an account without a lender is rejected until it is invited", func(t *testing.T) {
		t.Parallel()
		const email = "nobody-yet@lender.example"
		pool := userPool()
		if _, err := pool.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
			UserPoolId: &stack.UserPoolID, Username: aws.String(email), MessageAction: types.MessageActionTypeSuppress,
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.AdminSetUserPassword(t.Context(), &cognito.AdminSetUserPasswordInput{
			UserPoolId: &stack.UserPoolID, Username: aws.String(email), Password: aws.String(password), Permanent: true,
		}); err != nil {
			t.Fatal(err)
		}
		before := session{"Bearer " + signIn(t, email).id}
		resp, body := before.do(t, http.MethodGet, "/v1/users/me", "")
		checkProblem(t, "before the invitation", resp, body, http.StatusUnauthorized)
		if !strings.Contains(string(body), `#problem-not-a-member"`) {
			t.Errorf("before the invitation: the problem is %s, want not-a-member", body)
		}
		if got := resp.Header.Get("WWW-Authenticate"); !strings.Contains(got, "not a member here") {
			t.Errorf("before the invitation: WWW-Authenticate is %q, want one that says why", got)
		}

		admin(t, "", "lender", "create", "--id", "no-member-yet", "--name", "Lender")
		admin(t, password, "user", "invite", "--lender", "no-member-yet", "--email", email, "--role", "viewer", "--password-stdin")
		var me struct{ Role string }
		session{"Bearer " + signIn(t, email).id}.get(t, "/v1/users/me", http.StatusOK, &me)
		if me.Role != "viewer" {
			t.Errorf("after the invitation: role %q, want viewer", me.Role)
		}
	})

	t.Run("both credentials work with and without Bearer", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "", "member")
		for name, header := range map[string]string{
			"key": u.apiKey, "bearer key": "Bearer " + u.apiKey, "lower-case bearer": "bearer " + u.apiKey,
			"ID token": u.token, "bearer ID token": "Bearer " + u.token, "access token": "Bearer " + signIn(t, u.email).access,
		} {
			var list struct{ Total int }
			session{header}.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
			// Both credentials read the same key.
			var shown struct{ APIKey string }
			session{header}.get(t, "/users/me/api-key", http.StatusOK, &shown)
			if shown.APIKey != u.apiKey {
				t.Errorf("%s: reads another key than the user's ID token did", name)
			}
			if !strings.HasPrefix(shown.APIKey, "vd__") {
				t.Errorf("%s: the key does not start with vd__", name)
			}
		}
	})
}

func TestAuthorization(t *testing.T) {
	t.Parallel()

	t.Run("an unknown path is a 404", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "member").key()
		for _, path := range []string{"/v2", "/v1/batch-inquiriez", "/"} {
			resp, body := s.do(t, http.MethodGet, path, "")
			checkProblem(t, path, resp, body, http.StatusNotFound)
		}
	})

	t.Run("a viewer can read but not submit", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "viewer").key()
		resp, body := s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("Mine", 1))
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("a viewer submits: %s %s, want 403", resp.Status, body)
		}
		var list struct{ Total int }
		s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
		if list.Total != 0 {
			t.Errorf("the list has %d batches, want none", list.Total)
		}
	})

	t.Run("a suspended user is rejected", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "", "member")
		admin(t, "", "user", "suspend", "--email", u.email)
		// Each spelling of the credential has its own entry in the authorizer's cache.
		// This spelling has not been used before.
		resp, body := session{"bEaReR " + u.apiKey}.do(t, http.MethodGet, "/v1/batch-inquiries/", "")
		checkProblem(t, "key of a suspended user", resp, body, http.StatusForbidden)
		admin(t, "", "user", "resume", "--email", u.email)
		resp, body = session{"BEARER " + u.apiKey}.do(t, http.MethodGet, "/v1/batch-inquiries/", "")
		if resp.StatusCode != http.StatusOK {
			t.Errorf("after resuming the user: %s %s, want 200", resp.Status, body)
		}
	})
}

// flip changes the character in the middle.
func flip(s string) string {
	i := len(s) / 2
	other := "A"
	if s[i] == 'A' {
		other = "B"
	}
	return s[:i] + other + s[i+1:]
}

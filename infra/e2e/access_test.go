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

// routes are all that the API has.
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
			refused(t, name+": "+route[0]+" "+route[1], resp, body, http.StatusUnauthorized)
			if !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: challenge %q", name, resp.Header.Get("WWW-Authenticate"))
			}
		}
	}
}

// A developer is told what is wrong with the credential that they hold.
func TestARefusedCredentialIsTold(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	var rotated struct{ APIKey string }
	resp, data := u.key().do(t, http.MethodPost, "/v1/users/me/api-key/rotate", "")
	decode(t, resp, data, http.StatusOK, &rotated)
	if rotated.APIKey == u.apiKey {
		t.Error("the key is the same after its rotation")
	}
	var me struct {
		Role, Credential string
		Lender           struct{ LenderID string }
		Limits           struct{ BatchMax int }
	}
	u.bearer(rotated.APIKey).get(t, "/v1/users/me", http.StatusOK, &me)
	if me.Role != "member" || me.Credential != "apiKey" || me.Lender.LenderID != u.lender || me.Limits.BatchMax != 250 {
		t.Errorf("who the new key is: %+v", me)
	}
	for range 2 { // the second time there is nothing left to end
		resp, data = u.bearer(u.token).do(t, http.MethodDelete, "/v1/users/me/api-key", "")
		if resp.StatusCode != http.StatusNoContent || len(data) != 0 {
			t.Errorf("revoking: %s %s", resp.Status, data)
		}
	}
	resp, data = u.bearer(u.token).do(t, http.MethodGet, "/v1/users/me/api-key", "")
	refused(t, "a revoked key", resp, data, http.StatusNotFound)

	payload := func(claims string) string { return base64.RawURLEncoding.EncodeToString([]byte(claims)) }
	token := strings.Split(u.token, ".")
	for name, c := range map[string]struct{ credential, want string }{
		"a word":                    {"letmein", "unauthenticated"},
		"a mistyped key":            {flip(rotated.APIKey), "key-malformed"},
		"half the prefix":           {strings.Replace(rotated.APIKey, "vd__", "vd_", 1), "key-malformed"},
		"the rotated key":           {u.apiKey, "key-revoked"},
		"the revoked key":           {rotated.APIKey, "key-revoked"},
		"a token of another signer": {token[0] + "." + token[1] + "." + flip(token[2]), "token-invalid"},
		"a token of another pool":   {token[0] + "." + payload(`{"iss":"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other","sub":"u"}`) + "." + token[2], "token-foreign"},
	} {
		// Written in a way that no cache has an answer for yet.
		resp, body := session{"BeArEr " + c.credential}.do(t, http.MethodGet, "/v1/users/me", "")
		refused(t, name, resp, body, http.StatusUnauthorized)
		if !strings.Contains(string(body), "#problem-"+c.want+`"`) {
			t.Errorf("%s: %s, want %s", name, body, c.want)
		}
	}
}

// API Gateway lets an ended key through for minutes. Who holds it then must not
// get hold of the key that came after it.
func TestAnEndedKeyLeadsToNoOther(t *testing.T) {
	t.Parallel()
	const keyPath = "/v1/users/me/api-key"
	u := newUser(t, "", "member")
	thief := u.key()
	thief.get(t, "/v1/users/me", http.StatusOK, &struct{}{}) // from now on API Gateway knows the key
	owner := u.bearer(u.token)
	end := func(method, path string) {
		t.Helper()
		if resp, data := owner.do(t, method, path, ""); resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %s %s", method, path, resp.Status, data)
		}
	}
	tries := func(after string) {
		t.Helper()
		thief.get(t, "/v1/users/me", http.StatusOK, &struct{}{}) // or the rest would prove nothing
		for _, route := range [][2]string{{"GET", keyPath}, {"GET", "/users/me/api-key"}, {"POST", keyPath + "/rotate"}} {
			resp, body := thief.do(t, route[0], route[1], "")
			refused(t, after+": "+route[0]+" "+route[1], resp, body, http.StatusUnauthorized)
			if !strings.Contains(string(body), `#problem-key-revoked"`) || strings.Contains(string(body), "vd__") {
				t.Errorf("%s: %s %s: %s", after, route[0], route[1], body)
			}
		}
	}
	end("DELETE", keyPath)
	tries("after the revocation")
	end("POST", keyPath+"/rotate")
	tries("after the rotation")
	resp, body := thief.do(t, "DELETE", keyPath, "")
	refused(t, "ending the owner's new key", resp, body, http.StatusUnauthorized)

	var next struct{ APIKey string }
	owner.get(t, keyPath, http.StatusOK, &next)
	u.bearer(next.APIKey).get(t, keyPath, http.StatusOK, &next)
	if next.APIKey == u.apiKey {
		t.Error("the key is the same after its rotation")
	}

	// Only the request that ended the key is told again which came after it.
	const request = "8a4cf0b5-3f5e-4c38-9d0c-d6b8b1f3a7e2"
	var made, again struct{ APIKey string }
	resp, body = u.bearer(next.APIKey).do(t, "POST", keyPath+"/rotate", "", "Idempotency-Key", request)
	decode(t, resp, body, http.StatusOK, &made)
	resp, body = u.bearer(next.APIKey).do(t, "POST", keyPath+"/rotate", "", "Idempotency-Key", request)
	decode(t, resp, body, http.StatusOK, &again)
	if made != again || made == next || resp.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the same key again: %v; replayed %q", made == again, resp.Header.Get("Idempotent-Replayed"))
	}
	resp, body = u.bearer(next.APIKey).do(t, "POST", keyPath+"/rotate", "", "Idempotency-Key", strings.ToUpper(request))
	refused(t, "another request with the ended key", resp, body, http.StatusUnauthorized)
}

// The user pool knows them and this service does not: an invitation that was
// begun and not finished.
func TestWhoIsNoMemberIsTold(t *testing.T) {
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
	refused(t, "before the invitation", resp, body, http.StatusUnauthorized)
	if !strings.Contains(string(body), `#problem-not-a-member"`) || !strings.Contains(resp.Header.Get("WWW-Authenticate"), "no member here") {
		t.Errorf("before the invitation: %s, challenge %q", body, resp.Header.Get("WWW-Authenticate"))
	}

	admin(t, "", "lender", "create", "--id", "no-member-yet", "--name", "Lender")
	admin(t, password, "user", "invite", "--lender", "no-member-yet", "--email", email, "--role", "viewer", "--password-stdin")
	var me struct{ Role string }
	session{"Bearer " + signIn(t, email).id}.get(t, "/v1/users/me", http.StatusOK, &me)
	if me.Role != "viewer" {
		t.Errorf("after the invitation: %+v", me)
	}
}

func TestAPathThatThereIsNot(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	for _, path := range []string{"/v2", "/v1/batch-inquiriez", "/"} {
		resp, body := s.do(t, http.MethodGet, path, "")
		refused(t, path, resp, body, http.StatusNotFound)
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
	refused(t, "key of a suspended user", resp, body, http.StatusForbidden)
	admin(t, "", "user", "resume", "--email", u.email)
	resp, body = session{"BEARER " + u.apiKey}.do(t, http.MethodGet, "/v1/batch-inquiries/", "")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("after the resume: %s %s", resp.Status, body)
	}
}

package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// fakeAccess is a table that can be down and counts its reads.
type fakeAccess struct {
	users   map[string]store.User
	lenders map[inquiry.LenderID]inquiry.Lender
	keys    map[string]store.APIKey
	down    error
	reads   int
}

func read[K comparable, V any](f *fakeAccess, from map[K]V, id K) (V, error) {
	f.reads++
	v, ok := from[id]
	if f.down != nil {
		return v, f.down
	}
	if !ok {
		return v, inquiry.ErrNotFound
	}
	return v, nil
}

func (f *fakeAccess) User(_ context.Context, id string) (store.User, error) {
	return read(f, f.users, id)
}

func (f *fakeAccess) LenderProfile(_ context.Context, id inquiry.LenderID) (inquiry.Lender, error) {
	return read(f, f.lenders, id)
}

func (f *fakeAccess) APIKey(_ context.Context, id string) (store.APIKey, error) {
	return read(f, f.keys, id)
}

func (f *fakeAccess) Membership(_ context.Context, userID string, lender inquiry.LenderID) (store.User, inquiry.Lender, error) {
	u, err := read(f, f.users, userID)
	if err != nil {
		return u, inquiry.Lender{}, err
	}
	l, err := read(f, f.lenders, lender)
	f.reads-- // one call reads both
	return u, l, err
}

// fakeTokens accepts the tokens in subs.
type fakeTokens struct {
	subs map[string]string
	down error
}

func (f fakeTokens) Verify(_ context.Context, token string) (string, error) {
	if f.down != nil {
		return "", f.down
	}
	if sub, ok := f.subs[token]; ok {
		return sub, nil
	}
	return "", auth.ErrInvalidToken
}

const (
	token     = "eyJraWQiOiJmaXJzdCIsImFsZyI6IlJTMjU2In0.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl"
	methodARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/GET/v1/batch-inquiries"
	stageARN  = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/*"
)

type fixture struct {
	*Handler
	access  *fakeAccess
	tokens  *fakeTokens
	secrets *fakeSecrets
	keys    auth.Keys // of the second generation of the master key
	key     string    // u1's
	log     *strings.Builder
}

// fakeSecrets has two generations of the master key, unless it is down.
type fakeSecrets struct{ down error }

var generations = map[string]string{"first": "0123456789abcdef0123456789abcdef", "second": "fedcba9876543210fedcba9876543210"}

func (f *fakeSecrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(generations[*in.SecretId])}, f.down
}

// newFixture returns a handler that knows the lender acme with its member u1, who has
// key k1.
func newFixture(tb testing.TB) fixture {
	tb.Helper()
	keys, err := auth.NewKeys([]byte(generations["second"]))
	if err != nil {
		tb.Fatal(err)
	}
	f := fixture{
		access: &fakeAccess{
			users:   map[string]store.User{"u1": {ID: "u1", LenderID: "acme", Role: "member", Status: inquiry.AccessActive, APIKeyID: "k1"}},
			lenders: map[inquiry.LenderID]inquiry.Lender{"acme": {ID: "acme", Name: "Acme Lending", Status: inquiry.AccessActive}},
			keys:    map[string]store.APIKey{"k1": {ID: "k1", LenderID: "acme", UserID: "u1", Version: 2, Generation: 2}},
		},
		tokens:  &fakeTokens{subs: map[string]string{token: "u1"}},
		secrets: &fakeSecrets{}, keys: keys,
		key: keys.Issue("k1", 2),
		log: &strings.Builder{},
	}
	f.Handler = &Handler{Access: f.access, Tokens: f.tokens, Master: auth.NewMasterKeys(f.secrets, []string{"first", "second"}), Log: slog.New(slog.NewJSONHandler(f.log, nil))}
	return f
}

func (f fixture) ask(tb testing.TB, credential string) (response, error) {
	tb.Helper()
	return f.Handle(tb.Context(), request{MethodArn: methodARN, AuthorizationToken: credential})
}

func TestHandle(t *testing.T) {
	t.Parallel()

	t.Run("a caller is allowed the whole stage", func(t *testing.T) {
		t.Parallel()

		user := auth.Caller{LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialUser}
		key := auth.Caller{LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "k1", KeyVersion: 2}
		f := newFixture(t)
		for name, c := range map[string]struct {
			header string
			want   auth.Caller
		}{
			"token":              {token, user},
			"token, with Bearer": {"Bearer " + token, user},
			"key":                {f.key, key},
			"key, with bearer":   {"bearer " + f.key, key},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				resp, err := f.ask(t, c.header)
				if err != nil {
					t.Fatal(err)
				}
				effect, resource := decision(t, resp)
				if effect != "Allow" || resource != stageARN {
					t.Errorf("%s %s, want Allow %s", effect, resource, stageARN)
				}
				if resp.PrincipalID != "u1" {
					t.Errorf("principal %q", resp.PrincipalID)
				}
				if want := auth.UsageKey("prod", "acme"); resp.UsageIdentifierKey != want {
					t.Errorf("counted under %q, want %q", resp.UsageIdentifierKey, want)
				}
				got, err := auth.CallerFromContext(resp.Context)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if f.access.reads != 2 {
					t.Errorf("%d reads, want 2", f.access.reads)
				}
			})
		}
	})

	// API Gateway caches the answer and uses it for every method and path of the stage, and
	// for no other stage.
	t.Run("a cached policy fits every request to the stage", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t)
		first, err := f.ask(t, token)
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.ask(t, token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the second answer differs: %s", diff)
		}
		_, resource := decision(t, first)
		const api = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/"
		for arn, want := range map[string]bool{
			api + "prod/GET/v1/batch-inquiries":                     true,
			api + "prod/POST/v1/batch-inquiries":                    true,
			api + "prod/POST/v1/batch-inquiries/b1/cancel":          true,
			api + "prod/GET/users/me/api-key":                       true,
			api + "production/GET/v1/batch-inquiries":               false,
			api + "test/GET/v1/batch-inquiries":                     false,
			strings.Replace(api, "a1", "z9", 1) + "prod/GET/v1/any": false,
		} {
			// API Gateway's asterisk matches slashes, path.Match's does not.
			flat := func(s string) string { return strings.ReplaceAll(s, "/", "|") }
			got, err := path.Match(flat(resource), flat(arn))
			if err != nil || got != want {
				t.Errorf("%s: matches %v, error %v; want %v", arn, got, err, want)
			}
		}
	})

	// The owner of a credential learns what is wrong with it, and nobody learns anything
	// about another credential: a key with a wrong secret is as unknown as a key that
	// never existed.
	t.Run("a rejected credential gets its problem", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t)
		revoke := func(f fixture) {
			k := f.access.keys["k1"]
			k.RevokedAt = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
			f.access.keys["k1"] = k
		}
		for name, c := range map[string]struct {
			credential string
			change     func(fixture)
			want       problem.Name
		}{
			"no credential":                               {credential: "", want: "unauthenticated"},
			"only Bearer":                                 {credential: "Bearer ", want: "unauthenticated"},
			"another scheme":                              {credential: "Basic dXNlcjpwYXNz", want: "unauthenticated"},
			"an invalid token":                            {credential: token + "x", want: "token-invalid"},
			"an expired token":                            {credential: token, change: func(f fixture) { f.tokens.down = auth.ErrExpiredToken }, want: "token-expired"},
			"a token of another pool":                     {credential: token, change: func(f fixture) { f.tokens.down = auth.ErrForeignToken }, want: "token-foreign"},
			"a token of an unknown user":                  {credential: token, change: func(f fixture) { delete(f.access.users, "u1") }, want: "not-a-member"},
			"a mistyped key":                              {credential: f.key[:len(f.key)-1] + "_", want: "key-malformed"},
			"a key with half its prefix":                  {credential: strings.Replace(f.key, "vd__", "vd_", 1), want: "key-malformed"},
			"a key that does not exist":                   {credential: f.keys.Issue("k2", 2), want: "key-unknown"},
			"a key of a later version":                    {credential: f.keys.Issue("k1", 3), want: "key-unknown"},
			"a key of a later version than a revoked one": {credential: f.keys.Issue("k1", 3), change: revoke, want: "key-unknown"},
			"a rotated key":                               {credential: f.keys.Issue("k1", 1), want: "key-revoked"},
			"a revoked key":                               {credential: f.key, change: revoke, want: "key-revoked"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				if c.change != nil {
					c.change(f)
				}
				resp, err := f.ask(t, c.credential)
				if err != nil {
					t.Fatal(err)
				}
				kind, known := problem.Of(c.want)
				if effect, resource := decision(t, resp); effect != "Deny" || resource != stageARN {
					t.Errorf("%s %s, want Deny %s", effect, resource, stageARN)
				}
				if resp.PrincipalID != "nobody" {
					t.Errorf("principal %q, want nobody", resp.PrincipalID)
				}
				if resp.UsageIdentifierKey != "" {
					t.Errorf("a denial is counted under %s", resp.UsageIdentifierKey)
				}
				if resp.Context["problem"] != c.want {
					t.Errorf("problem %v, want %s", resp.Context["problem"], c.want)
				}
				if !known || kind.Status != 401 || resp.Context["title"] != kind.Title {
					t.Errorf("title %v; problem %s has title %q and status %d, want status 401", resp.Context["title"], c.want, kind.Title, kind.Status)
				}
				detail, _ := resp.Context["detail"].(string)
				challenge, _ := resp.Context["challenge"].(string)
				if detail == "" || strings.ContainsAny(detail, "\"\\") {
					t.Errorf("detail %q, want text without quotes and backslashes", detail)
				}
				if !strings.HasPrefix(challenge, `Bearer error="invalid_token"`) {
					t.Errorf("challenge %q", challenge)
				}
			})
		}
	})

	t.Run("a key of an earlier generation of the master key is accepted", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t)
		first, err := f.Master.Keys(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		k := f.access.keys["k1"]
		k.Generation = 1
		f.access.keys["k1"] = k
		if resp, err := f.ask(t, first.Issue("k1", 2)); err != nil || resp.Context["keyId"] != "k1" {
			t.Errorf("context %v, error %v", resp.Context, err)
		}
		if resp, err := f.ask(t, f.keys.Issue("k1", 2)); err != nil || resp.Context["problem"] != problem.KeyUnknown {
			t.Errorf("made with another generation: context %v, error %v; want %s", resp.Context, err, problem.KeyUnknown)
		}
		k.Generation, k.Version = 2, 3 // rotated, with the next generation
		f.access.keys["k1"] = k
		if resp, err := f.ask(t, first.Issue("k1", 2)); err != nil || resp.Context["problem"] != problem.KeyRevoked {
			t.Errorf("after its rotation: context %v, error %v; want %s", resp.Context, err, problem.KeyRevoked)
		}
	})

	// A rejection would be cached, and would tell the owner of a valid key to make another.
	t.Run("a generation of the master key that cannot be read is an outage", func(t *testing.T) {
		t.Parallel()

		for name, c := range map[string]struct {
			generation int
			down       error
		}{
			"it is not deployed here": {3, nil},
			"Secrets Manager is down": {2, errors.New("no answer")},
		} {
			f := newFixture(t)
			f.secrets.down = c.down
			k := f.access.keys["k1"]
			k.Generation = c.generation
			f.access.keys["k1"] = k
			for _, credential := range []string{f.key, f.keys.Issue("k1", 1)} {
				if resp, err := f.ask(t, credential); err == nil || resp.PolicyDocument.Statement != nil {
					t.Errorf("%s: answered %+v, error %v; want only an error", name, resp, err)
				}
			}
		}
	})

	t.Run("a mistyped key costs no read", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t)
		if resp, err := f.ask(t, "vd__k2"+f.key[len("vd__k1"):]); err != nil || resp.Context["problem"] != problem.KeyMalformed {
			t.Errorf("context %v, error %v; want %s", resp.Context, err, problem.KeyMalformed)
		}
		if f.access.reads != 0 {
			t.Errorf("%d reads", f.access.reads)
		}
	})

	// The API itself answers suspended callers. An API version that does not know of
	// suspensions must not find a caller in the context.
	t.Run("a suspended caller is let through without a name", func(t *testing.T) {
		t.Parallel()

		for name, suspend := range map[string]func(*fakeAccess){
			"lender": func(a *fakeAccess) {
				l := a.lenders["acme"]
				l.Status = inquiry.AccessSuspended
				a.lenders["acme"] = l
			},
			"user": func(a *fakeAccess) {
				u := a.users["u1"]
				u.Status = inquiry.AccessSuspended
				a.users["u1"] = u
			},
			"lender with a status of a later version": func(a *fakeAccess) {
				l := a.lenders["acme"]
				l.Status = "CLOSED"
				a.lenders["acme"] = l
			},
			"user without a status": func(a *fakeAccess) {
				u := a.users["u1"]
				u.Status = ""
				a.users["u1"] = u
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				suspend(f.access)
				for _, credential := range []string{token, f.key} {
					resp, err := f.ask(t, credential)
					if err != nil {
						t.Fatal(err)
					}
					if effect, resource := decision(t, resp); effect != "Allow" || resource != stageARN {
						t.Errorf("%s %s, want Allow %s", effect, resource, stageARN)
					}
					if diff := cmp.Diff(map[string]any{"suspended": "true"}, resp.Context); diff != "" || resp.PrincipalID == "" {
						t.Errorf("principal %q, context %s", resp.PrincipalID, diff)
					}
					if want := auth.UsageKey("prod", "acme"); resp.UsageIdentifierKey != want {
						t.Errorf("counted under %q, want %q: otherwise the gateway does not let the caller through", resp.UsageIdentifierKey, want)
					}
					if _, err := auth.CallerFromContext(resp.Context); !errors.Is(err, inquiry.ErrSuspended) {
						t.Errorf("the API reads %v", err)
					}
				}
			})
		}
	})

	// A Deny would be cached, and an Unauthorized would tell a lender that their key is
	// wrong. A fault of the service must therefore be another error.
	t.Run("a fault of the service is an error and not an answer", func(t *testing.T) {
		t.Parallel()

		outage := errors.New("no answer")
		for name, c := range map[string]struct {
			credential func(fixture) string
			fault      func(fixture)
		}{
			"table down, token":     {byToken, func(f fixture) { f.access.down = outage }},
			"table down, key":       {byKey, func(f fixture) { f.access.down = outage }},
			"user pool down":        {byToken, func(f fixture) { f.tokens.down = outage }},
			"lender missing, token": {byToken, func(f fixture) { delete(f.access.lenders, "acme") }},
			"lender missing, key":   {byKey, func(f fixture) { delete(f.access.lenders, "acme") }},
			"the key's user was deleted": {byKey, func(f fixture) {
				delete(f.access.users, "u1")
			}},
			"the key and its user belong to different lenders": {byKey, func(f fixture) {
				f.access.lenders["other"] = inquiry.Lender{ID: "other", Status: inquiry.AccessActive}
				u := f.access.users["u1"]
				u.LenderID = "other"
				f.access.users["u1"] = u
			}},
			"a role of a later version": {byToken, func(f fixture) {
				u := f.access.users["u1"]
				u.Role = "auditor"
				f.access.users["u1"] = u
			}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				c.fault(f)
				resp, err := f.ask(t, c.credential(f))
				if err == nil || err.Error() == "Unauthorized" {
					t.Errorf("error %v, want one that is not Unauthorized", err)
				}
				if resp.PolicyDocument.Statement != nil {
					t.Errorf("policy %+v, want none", resp.PolicyDocument)
				}
			})
		}
	})

	t.Run("an invalid method ARN is an error", func(t *testing.T) {
		t.Parallel()

		for _, arn := range []string{"", "*", "arn:aws:execute-api:us-east-1:1:api", "arn:aws:execute-api:us-east-1:1:api//GET/", "api/prod/GET/"} {
			f := newFixture(t)
			if _, err := f.Handle(t.Context(), request{MethodArn: arn, AuthorizationToken: token}); err == nil || err.Error() == "Unauthorized" {
				t.Errorf("%q: error %v", arn, err)
			}
		}
	})

	t.Run("two Authorization headers count as none", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t)
		for name, headers := range map[string]map[string][]string{
			"one name":                  {"Authorization": {token, f.key}},
			"two spellings of the name": {"Authorization": {token}, "authorization": {f.key}},
		} {
			req := request{
				MethodArn:         methodARN,
				Headers:           map[string]string{"Authorization": token}, // API Gateway keeps the last one
				MultiValueHeaders: headers,
			}
			if resp, err := f.Handle(t.Context(), req); err != nil || resp.Context["problem"] != problem.Unauthenticated {
				t.Errorf("%s: context %v, error %v; want %s", name, resp.Context, err, problem.Unauthenticated)
			}
		}
	})

	t.Run("sample events", func(t *testing.T) {
		t.Parallel()

		for _, name := range []string{"token", "request"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sample, err := os.ReadFile("../../../events/authorize-request-" + name + ".json")
				if err != nil {
					t.Fatal(err)
				}
				var req request
				if err := json.Unmarshal(sample, &req); err != nil {
					t.Fatal(err)
				}
				resp, err := newFixture(t).Handle(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if effect, resource := decision(t, resp); effect != "Allow" || resource != stageARN {
					t.Errorf("%s %s, want Allow %s", effect, resource, stageARN)
				}
			})
		}
	})

	t.Run("no credential is logged", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t)
		for _, credential := range []string{token, token + "x", f.key, f.keys.Issue("k2", 1), f.key[:40], "Basic dXNlcjpwYXNz"} {
			_, _ = f.ask(t, credential)
			req := request{MethodArn: methodARN, AuthorizationToken: credential}
			said := f.log.String() + fmt.Sprintf("%v %+v %s", req, req, req)
			if strings.Contains(said, credential) || strings.Contains(said, credential[len(credential)/2:]) {
				t.Errorf("logged or printed: %s", said)
			}
		}
	})
}

func decision(tb testing.TB, resp response) (effect, resource string) {
	tb.Helper()
	statements := resp.PolicyDocument.Statement
	if len(statements) != 1 || len(statements[0].Resource) != 1 {
		tb.Fatalf("policy %+v, want one statement on one resource", resp.PolicyDocument)
	}
	return statements[0].Effect, statements[0].Resource[0]
}

func byToken(fixture) string { return token }
func byKey(f fixture) string { return f.key }

package handler

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func TestRotateAPIKey(t *testing.T) {
	t.Parallel()

	t.Run("a key is rotated, revoked and rotated again", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		rotate := func() string {
			t.Helper()
			resp := f.ask(t, request(acme, "POST", "/v1/users/me/api-key/rotate", ""))
			var body httpapi.APIKeyBody
			if err := json.Unmarshal([]byte(resp.Body), &body); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%d, error %v", resp.StatusCode, err)
			}
			if _, shown := f.shown(t, acme); shown != body.APIKey {
				t.Error("the key that is shown is not the new one")
			}
			return body.APIKey
		}
		first := rotate() // the user had no key before
		second := rotate()
		for range 2 {
			if resp := f.ask(t, request(acme, "DELETE", "/v1/users/me/api-key", "")); resp.StatusCode != http.StatusNoContent || resp.Body != "" {
				t.Errorf("revoking: %d %s", resp.StatusCode, resp.Body)
			}
		}
		if status, _ := f.shown(t, acme); status != http.StatusNotFound {
			t.Errorf("showing a revoked key: %d", status)
		}
		if third := rotate(); third == second || second == first {
			t.Error("a key was issued twice")
		}
		if resp := f.ask(t, request(globex, "DELETE", "/v1/users/me/api-key", "")); resp.StatusCode != http.StatusNoContent {
			t.Errorf("revoking a key that never existed: %d", resp.StatusCode)
		}
	})

	// The reply to a rotation is lost, and the owner's old key has ended.
	t.Run("delivered twice, the reply is the same", func(t *testing.T) {
		t.Parallel()

		for name, credential := range map[string]auth.Credential{"with the key": auth.CredentialAPIKey, "with a token": auth.CredentialUser} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				owner := f.keyed(t)
				if credential == auth.CredentialUser {
					owner = acme
				}
				first, again := f.ask(t, rotated(owner, ours)), f.ask(t, rotated(owner, ours))
				if first.StatusCode != http.StatusOK || again.StatusCode != http.StatusOK {
					t.Errorf("status %d, then %d", first.StatusCode, again.StatusCode)
				}
				if again.Body != first.Body {
					t.Error("the repeated request returned a different key")
				}
				if a, b := header(first, "Idempotent-Replayed"), header(again, "Idempotent-Replayed"); a != "" || b != "true" {
					t.Errorf("replayed %q, then %q", a, b)
				}
				f.ask(t, request(acme, "DELETE", keyURL, ""))
				if credential == auth.CredentialUser {
					if resp := f.ask(t, rotated(owner, ours)); resp.StatusCode != http.StatusNotFound || strings.Contains(resp.Body, "vd__") {
						t.Errorf("after a revocation: %d %s", resp.StatusCode, resp.Body)
					}
				} else {
					f.endedKey(t, "after a revocation", rotated(owner, ours))
				}
				f.ask(t, rotated(acme, guess))
				if credential == auth.CredentialAPIKey {
					f.endedKey(t, "after another rotation", rotated(owner, ours))
				}
			})
		}
	})

	t.Run("an idempotency key that can be guessed is rejected", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		owner := f.keyed(t)
		if resp := f.ask(t, rotated(owner, "rotate-2026-11")); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(resp.Body, `"parameter":"Idempotency-Key"`) {
			t.Errorf("with the key: %d %s", resp.StatusCode, resp.Body)
		}
		if now := f.keyed(t); now != owner {
			t.Errorf("the key was rotated: %+v", now)
		}
		if resp := f.ask(t, rotated(acme, "rotate-2026-11")); resp.StatusCode != http.StatusOK {
			t.Errorf("with a token, which the thief of a key does not have: %d %s", resp.StatusCode, resp.Body)
		}
	})

	// A key belongs to its user and has the user's role. A viewer's key can only read.
	t.Run("a viewer has a key too", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		viewer := f.keyed(t)
		viewer.Role = auth.RoleViewer
		if resp := f.ask(t, rotated(viewer, "")); resp.StatusCode != http.StatusOK {
			t.Errorf("rotating: %d %s", resp.StatusCode, resp.Body)
		}
	})
}

func TestEndedAccess(t *testing.T) {
	t.Parallel()

	t.Run("a suspended caller gets 403 on every route that is not public", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for path, want := range map[string]int{"/v1/batch-inquiries": 403, "/v1/users/me/api-key": 403, "/v1/nothing": 403, "/v1/docs": 200} {
			ev := request(acme, "GET", path, "")
			ev.RequestContext.Authorizer = map[string]any{"principalId": "u1", "suspended": "true"}
			resp := f.ask(t, ev)
			if resp.StatusCode != want || want == 403 && !strings.Contains(resp.Body, "#problem-suspended") {
				t.Errorf("%s: %d %.300s", path, resp.StatusCode, resp.Body)
			}
		}
	})

	// A thief who used a stolen key in the last minutes still passes API Gateway. If they
	// could see the owner's next key, or get another one, then neither a rotation nor a
	// revocation would ever end their access.
	t.Run("an ended key cannot do anything lasting", func(t *testing.T) {
		t.Parallel()

		ask := func(t *testing.T, f fixture, ev events.APIGatewayProxyRequest) {
			t.Helper()
			if resp := f.ask(t, ev); resp.StatusCode >= 300 {
				t.Fatalf("%d %s", resp.StatusCode, resp.Body)
			}
		}
		byHand := func(t *testing.T, f fixture, change func(id string) error) {
			t.Helper()
			record, err := f.store.EnsureAPIKey(t.Context(), acme.UserID)
			if err == nil {
				err = change(record.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for name, end := range map[string]func(*testing.T, fixture, auth.Caller){
			"its owner, with a token, rotates it":                            func(t *testing.T, f fixture, _ auth.Caller) { ask(t, f, rotated(acme, ours)) },
			"its owner, with the key, rotates it":                            func(t *testing.T, f fixture, k auth.Caller) { ask(t, f, rotated(k, ours)) },
			"its owner, with the key, rotates it without an idempotency key": func(t *testing.T, f fixture, k auth.Caller) { ask(t, f, rotated(k, "")) },
			"its owner, with a token, revokes it":                            func(t *testing.T, f fixture, _ auth.Caller) { ask(t, f, request(acme, "DELETE", keyURL, "")) },
			"its owner, with the key, revokes it":                            func(t *testing.T, f fixture, k auth.Caller) { ask(t, f, request(k, "DELETE", keyURL, "")) },
			"its owner revokes it and makes another": func(t *testing.T, f fixture, _ auth.Caller) {
				ask(t, f, request(acme, "DELETE", keyURL, ""))
				ask(t, f, rotated(acme, ours))
			},
			"the administrator rotates it": func(t *testing.T, f fixture, _ auth.Caller) {
				byHand(t, f, func(id string) error {
					_, _, err := f.store.RotateAPIKey(t.Context(), id, store.Rotation{})
					return err
				})
			},
			"the administrator revokes it": func(t *testing.T, f fixture, _ auth.Caller) {
				byHand(t, f, func(id string) error {
					_, err := f.store.RevokeAPIKey(t.Context(), id, store.AnyVersion)
					return err
				})
			},
			"nobody, but its version is unknown": func(_ *testing.T, _ fixture, k auth.Caller) {},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				thief := f.keyed(t)
				end(t, f, thief)
				if strings.HasPrefix(name, "nobody") {
					thief.KeyVersion = 0
				}
				before, err := f.store.APIKey(t.Context(), thief.KeyID)
				if err != nil {
					t.Fatal(err)
				}
				f.endedKey(t, "deleting a batch", request(thief, "DELETE", batchURL, ""))
				f.endedKey(t, "canceling a batch", request(thief, "POST", batchURL+"/cancel", ""))
				for what, ev := range map[string]events.APIGatewayProxyRequest{
					"showing": request(thief, "GET", keyURL, ""), "showing, on the short path": request(thief, "GET", "/users/me/api-key", ""),
					"rotating": rotated(thief, ""), "rotating with a guess": rotated(thief, guess),
				} {
					f.endedKey(t, what, ev)
				}
				if before.Version != thief.KeyVersion { // revoking the same version again is harmless
					f.endedKey(t, "revoking", request(thief, "DELETE", keyURL, ""))
				} else if resp := f.ask(t, request(thief, "DELETE", keyURL, "")); resp.StatusCode != http.StatusNoContent {
					t.Errorf("revoking again: %d %s", resp.StatusCode, resp.Body)
				}
				if after, err := f.store.APIKey(t.Context(), thief.KeyID); err != nil || after != before {
					t.Errorf("the key was %+v and is %+v, error %v", before, after, err)
				}
			})
		}
	})

	// API Gateway caches the caller for minutes after a suspension or a change of role.
	t.Run("a caller who lost the right cannot delete or cancel a batch", func(t *testing.T) {
		t.Parallel()

		for name, c := range map[string]struct {
			change func(context.Context, *store.Store) (bool, error)
			want   string
		}{
			"a suspended user":   {func(ctx context.Context, s *store.Store) (bool, error) { return s.SuspendUser(ctx, acme.UserID) }, "suspended"},
			"a suspended lender": {func(ctx context.Context, s *store.Store) (bool, error) { return s.SuspendLender(ctx, acme.LenderID) }, "suspended"},
			"a viewer": {func(ctx context.Context, s *store.Store) (bool, error) {
				return s.SetRole(ctx, acme.UserID, string(auth.RoleViewer))
			}, "forbidden"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				id, keyed := f.submit(t, acme), f.keyed(t)
				if changed, err := c.change(t.Context(), f.store); err != nil || !changed {
					t.Fatalf("changed %v, error %v", changed, err)
				}
				for _, caller := range []auth.Caller{acme, keyed} {
					for _, ev := range []events.APIGatewayProxyRequest{
						request(caller, "DELETE", "/v1/batch-inquiries/"+id.String(), ""),
						request(caller, "POST", "/v1/batch-inquiries/"+id.String()+"/cancel", ""),
					} {
						resp := f.ask(t, ev)
						if resp.StatusCode != http.StatusForbidden || !strings.Contains(resp.Body, "#problem-"+c.want) {
							t.Errorf("%s %s with %s: %d %s", ev.HTTPMethod, ev.Path, caller.Credential, resp.StatusCode, resp.Body)
						}
					}
				}
				if b, err := f.store.Batch(t.Context(), acme.LenderID, id); err != nil || !b.CancelRequestedAt.IsZero() || !b.DeletedAt.IsZero() {
					t.Errorf("the batch is %+v, error %v", b, err)
				}
			})
		}
	})

	// API Gateway lets a suspended caller through for minutes, as it does an ended key.
	t.Run("a caller who was just suspended cannot show, rotate or revoke a key", func(t *testing.T) {
		t.Parallel()

		for name, suspend := range map[string]func(fixture) (bool, error){
			"the user":   func(f fixture) (bool, error) { return f.store.SuspendUser(t.Context(), acme.UserID) },
			"the lender": func(f fixture) (bool, error) { return f.store.SuspendLender(t.Context(), acme.LenderID) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				keyed := f.keyed(t)
				if _, err := suspend(f); err != nil {
					t.Fatal(err)
				}
				for _, c := range []auth.Caller{acme, keyed} {
					for _, ev := range []events.APIGatewayProxyRequest{request(c, "GET", keyURL, ""), rotated(c, ""), request(c, "DELETE", keyURL, "")} {
						if resp := f.ask(t, ev); resp.StatusCode != http.StatusForbidden || !strings.Contains(resp.Body, `#problem-suspended"`) {
							t.Errorf("%s with %s: %d %s", ev.HTTPMethod, c.Credential, resp.StatusCode, resp.Body)
						}
					}
				}
				if now := f.keyed(t); now != keyed {
					t.Errorf("the key was rotated: %+v", now)
				}
			})
		}
	})
}

// keyed returns acme's user with their current API key. API Gateway caches this caller
// for minutes, whatever happens to the key.
func (f fixture) keyed(tb testing.TB) auth.Caller {
	tb.Helper()
	record, err := f.store.EnsureAPIKey(tb.Context(), acme.UserID)
	if err != nil {
		tb.Fatal(err)
	}
	c := acme
	c.Credential, c.KeyID, c.KeyVersion = auth.CredentialAPIKey, record.ID, record.Version
	return c
}

// rotated returns the request to rotate the caller's key. "" sends no idempotency key.
func rotated(c auth.Caller, idempotencyKey string) events.APIGatewayProxyRequest {
	ev := request(c, "POST", "/v1/users/me/api-key/rotate", "")
	if idempotencyKey != "" {
		ev.MultiValueHeaders["Idempotency-Key"] = []string{idempotencyKey}
	}
	return ev
}

const (
	ours   = "6b1e5c0a-55a4-4d0e-9a51-2f4c3f6e7d10"
	guess  = "00000000-0000-0000-0000-000000000000"
	keyURL = "/v1/users/me/api-key"

	batchURL = "/v1/batch-inquiries/01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"
)

// endedKey checks that a request is rejected as the authorizer would reject it.
func (f fixture) endedKey(tb testing.TB, what string, ev events.APIGatewayProxyRequest) {
	tb.Helper()
	resp := f.ask(tb, ev)
	if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(resp.Body, `#problem-key-revoked"`) {
		tb.Errorf("%s: %d %s", what, resp.StatusCode, resp.Body)
	}
	if strings.Contains(resp.Body, "vd__") {
		tb.Errorf("%s: the response contains a key", what)
	}
	if got := header(resp, "WWW-Authenticate"); got != problem.Challenge(problem.KeyEnded) {
		tb.Errorf("%s: challenge %q", what, got)
	}
}

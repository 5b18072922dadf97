package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
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

	// The reply to a rotation is lost.
	t.Run("delivered twice, the reply is the same", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		first, again := f.ask(t, rotated(acme, ours)), f.ask(t, rotated(acme, ours))
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
		if resp := f.ask(t, rotated(acme, ours)); resp.StatusCode != http.StatusNotFound || strings.Contains(resp.Body, "vd__") {
			t.Errorf("after a revocation: %d %s", resp.StatusCode, resp.Body)
		}
	})

	// Whoever stole a key could otherwise replace it again and again, and lock its owner out.
	t.Run("a key cannot rotate itself", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		keyed := f.keyed(t)
		for _, idempotencyKey := range []string{"", ours, guess} {
			resp := f.ask(t, rotated(keyed, idempotencyKey))
			if resp.StatusCode != http.StatusForbidden || !strings.Contains(resp.Body, `#problem-token-required"`) || strings.Contains(resp.Body, "vd__") {
				t.Errorf("with idempotency key %q: %d %s", idempotencyKey, resp.StatusCode, resp.Body)
			}
		}
		if now := f.keyed(t); now != keyed {
			t.Errorf("the key was rotated: %+v", now)
		}
		// Not even together with the request that its owner made.
		f.ask(t, rotated(acme, ours))
		f.endedKey(t, "after its owner rotated it", rotated(keyed, ours))
		// What the caller says about the credential does not count.
		lying := rotated(f.keyed(t), "")
		lying.MultiValueHeaders["Credential"], lying.MultiValueHeaders["X-Credential"] = []string{"user"}, []string{"user"}
		if resp := f.ask(t, lying); resp.StatusCode != http.StatusForbidden {
			t.Errorf("with headers that claim a token: %d %s", resp.StatusCode, resp.Body)
		}
	})

	t.Run("a key shows and revokes itself", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		_, key := f.shown(t, acme)
		keyed := f.keyed(t)
		if status, same := f.shown(t, keyed); status != http.StatusOK || same != key {
			t.Errorf("showing: status %d; the same key: %t", status, same == key)
		}
		if resp := f.ask(t, request(keyed, "DELETE", keyURL, "")); resp.StatusCode != http.StatusNoContent {
			t.Errorf("revoking: %d %s", resp.StatusCode, resp.Body)
		}
		f.endedKey(t, "after that", request(keyed, "GET", keyURL, ""))
	})

	t.Run("the sample event shows the key", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		_, key := f.shown(t, acme)
		if resp := f.ask(t, f.sample(t, "manage-api-keys-show")); resp.StatusCode != http.StatusOK || !strings.Contains(resp.Body, key) {
			t.Errorf("status %d; the key is shown: %t", resp.StatusCode, strings.Contains(resp.Body, key))
		}
	})

	// A key belongs to its user and has the user's role. A viewer's key can only read.
	t.Run("a viewer has a key too", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		viewer := acme
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

	// A thief who used a stolen key in the last minute still passes API Gateway. If they
	// could see the owner's next key, or get another one, then neither a rotation nor a
	// revocation would ever end their access.
	t.Run("an ended key can neither submit, change, export nor see a key", func(t *testing.T) {
		t.Parallel()

		ask := func(t *testing.T, f fixture, ev events.APIGatewayProxyRequest) {
			t.Helper()
			if resp := f.ask(t, ev); resp.StatusCode >= 300 {
				t.Fatalf("%d %s", resp.StatusCode, resp.Body)
			}
		}
		byHand := func(t *testing.T, f fixture, change func(id string) error) {
			t.Helper()
			record, err := f.store.EnsureAPIKey(t.Context(), acme.UserID, 1)
			if err == nil {
				err = change(record.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for name, end := range map[string]func(*testing.T, fixture, auth.Caller){
			"its owner rotates it":                func(t *testing.T, f fixture, _ auth.Caller) { ask(t, f, rotated(acme, ours)) },
			"its owner, with a token, revokes it": func(t *testing.T, f fixture, _ auth.Caller) { ask(t, f, request(acme, "DELETE", keyURL, "")) },
			"its owner, with the key, revokes it": func(t *testing.T, f fixture, k auth.Caller) { ask(t, f, request(k, "DELETE", keyURL, "")) },
			"its owner revokes it and makes another": func(t *testing.T, f fixture, _ auth.Caller) {
				ask(t, f, request(acme, "DELETE", keyURL, ""))
				ask(t, f, rotated(acme, ours))
			},
			"the administrator rotates it": func(t *testing.T, f fixture, _ auth.Caller) {
				byHand(t, f, func(id string) error {
					_, _, err := f.store.RotateAPIKey(t.Context(), id, store.Rotation{Generation: 1})
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
				id := f.submit(t, acme)
				for what, ev := range f.lasting(thief, id) {
					f.endedKey(t, what, ev)
				}
				before, err := f.store.APIKey(t.Context(), thief.KeyID)
				if err != nil {
					t.Fatal(err)
				}
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

	// API Gateway caches the caller for a minute after a suspension or a change of role.
	t.Run("a caller who lost the right can neither submit, change nor export", func(t *testing.T) {
		t.Parallel()

		for name, c := range map[string]struct {
			change  func(context.Context, *store.Store) (bool, error)
			want    string
			exports bool // reading is still allowed
		}{
			"a suspended user":   {func(ctx context.Context, s *store.Store) (bool, error) { return s.SuspendUser(ctx, acme.UserID) }, "suspended", false},
			"a suspended lender": {func(ctx context.Context, s *store.Store) (bool, error) { return s.SuspendLender(ctx, acme.LenderID) }, "suspended", false},
			"a viewer": {func(ctx context.Context, s *store.Store) (bool, error) {
				return s.SetRole(ctx, acme.UserID, string(auth.RoleViewer))
			}, "forbidden", true},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				id, keyed := f.submit(t, acme), f.keyed(t)
				used := request(acme, "POST", "/v1/batch-inquiries", oneInquiry)
				used.MultiValueHeaders["Idempotency-Key"] = []string{"used before"}
				f.ask(t, used)
				if changed, err := c.change(t.Context(), f.store); err != nil || !changed {
					t.Fatalf("changed %v, error %v", changed, err)
				}
				items := f.batchCount(t)
				for _, caller := range []auth.Caller{acme, keyed} {
					for what, ev := range f.lasting(caller, id) {
						resp := f.ask(t, ev)
						if what == "exporting" && c.exports {
							if resp.StatusCode != http.StatusOK {
								t.Errorf("%s with %s: %d %s", what, caller.Credential, resp.StatusCode, resp.Body)
							}
							continue
						}
						if resp.StatusCode != http.StatusForbidden || !strings.Contains(resp.Body, "#problem-"+c.want) {
							t.Errorf("%s with %s: %d %s", what, caller.Credential, resp.StatusCode, resp.Body)
						}
					}
				}
				if b, err := f.store.Batch(t.Context(), acme.LenderID, id); err != nil || !b.CancelRequestedAt.IsZero() || !b.DeletedAt.IsZero() {
					t.Errorf("the batch is %+v, error %v", b, err)
				}
				if now := f.batchCount(t); now != items {
					t.Errorf("the lender had %d batches and has %d", items, now)
				}
			})
		}
	})

	// API Gateway lets a suspended caller through for a minute, as it does an ended key.
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

// lasting returns requests about a batch that must be rejected at once when the caller
// has lost access.
func (f fixture) lasting(c auth.Caller, id inquiry.BatchID) map[string]events.APIGatewayProxyRequest {
	batch := "/v1/batch-inquiries/" + id.String()
	repeated := request(c, "POST", "/v1/batch-inquiries", oneInquiry)
	repeated.MultiValueHeaders["Idempotency-Key"] = []string{"used before"}
	return map[string]events.APIGatewayProxyRequest{
		"submitting a batch":         request(c, "POST", "/v1/batch-inquiries", oneInquiry),
		"repeating a submission":     repeated,
		"validating a batch":         request(c, "POST", "/v1/batch-inquiries", strings.Replace(oneInquiry, "{", `{"validateOnly":true,`, 1)),
		"submitting one inquiry":     request(c, "POST", "/v1/inquiries", `{"businessName":"Ash LLC"}`),
		"rerunning a batch":          request(c, "POST", batch+"/rerun", ""),
		"rerunning an unknown batch": request(c, "POST", batchURL+"/rerun", ""),
		"exporting":                  request(c, "GET", batch+"/results", ""),
		"canceling a batch":          request(c, "POST", batch+"/cancel", ""),
		"deleting a batch":           request(c, "DELETE", batch, ""),
		"deleting an unknown batch":  request(c, "DELETE", batchURL, ""),
		"canceling an unknown batch": request(c, "POST", batchURL+"/cancel", ""),
	}
}

// batchCount returns the number of batches that acme has ever submitted.
func (f fixture) batchCount(tb testing.TB) int {
	tb.Helper()
	lender, err := f.store.Lender(tb.Context(), acme.LenderID)
	if err != nil {
		tb.Fatal(err)
	}
	return lender.BatchCount
}

// keyed returns acme's user with their current API key. API Gateway caches this caller
// for a minute, whatever happens to the key.
func (f fixture) keyed(tb testing.TB) auth.Caller {
	tb.Helper()
	record, err := f.store.EnsureAPIKey(tb.Context(), acme.UserID, 1)
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

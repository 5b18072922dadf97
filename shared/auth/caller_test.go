package auth_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
)

func TestCallerFromContext(t *testing.T) {
	t.Parallel()

	t.Run("a caller passes through API Gateway unchanged", func(t *testing.T) {
		t.Parallel()

		for name, want := range map[string]auth.Caller{
			"user": {LenderID: "acme", UserID: "u1", Role: auth.RoleViewer, Credential: auth.CredentialUser},
			"key":  {LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "k1", KeyVersion: 12},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				values := want.Context()
				values["principalId"] = "u1" // added by API Gateway
				got, err := auth.CallerFromContext(values)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})

	t.Run("an incomplete context is an error", func(t *testing.T) {
		t.Parallel()

		whole := auth.Caller{LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialUser}.Context()
		for name, spoil := range map[string]func(map[string]any){
			"no context":                func(v map[string]any) { clear(v) },
			"no lender":                 func(v map[string]any) { delete(v, "lenderId") },
			"an empty lender":           func(v map[string]any) { v["lenderId"] = "" },
			"a lender that is not text": func(v map[string]any) { v["lenderId"] = 7 },
			"no user":                   func(v map[string]any) { delete(v, "userId") },
			"no role":                   func(v map[string]any) { delete(v, "role") },
			"an unknown role":           func(v map[string]any) { v["role"] = "root" },
			"no credential":             func(v map[string]any) { delete(v, "credential") },
			"an API key without an id":  func(v map[string]any) { v["credential"] = "apiKey" },
			"Cognito's own claims":      func(v map[string]any) { clear(v); v["claims"] = map[string]any{"custom:lenderId": "acme"} },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				values := maps.Clone(whole)
				spoil(values)
				if c, err := auth.CallerFromContext(values); err == nil {
					t.Errorf("caller %+v", c)
				}
			})
		}
	})

	// A key of unknown version is accepted, and proves no version.
	t.Run("an invalid key version is read as unknown", func(t *testing.T) {
		t.Parallel()

		for _, said := range []any{nil, "", "two", "0x2", 2} {
			values := auth.Caller{LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "k1"}.Context()
			values["keyVersion"] = said
			if c, err := auth.CallerFromContext(values); err != nil || c.KeyVersion != 0 || c.KeyID != "k1" {
				t.Errorf("%v: caller %+v, error %v", said, c, err)
			}
		}
	})
}

func TestRoleMayChange(t *testing.T) {
	t.Parallel()

	for role, want := range map[auth.Role]bool{auth.RoleMember: true, auth.RoleViewer: false, "": false, "root": false} {
		if role.MayChange() != want {
			t.Errorf("role %q may change data: %v", role, !want)
		}
	}
}

package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var (
	errDown = errors.New("no answer")
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// fakeSecrets returns the master key, after as many failures as failures says.
type fakeSecrets struct{ failures, reads int }

func (f *fakeSecrets) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	f.reads++
	if f.reads <= f.failures {
		return nil, errDown
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String("0123456789abcdef0123456789abcdef")}, nil
}

type fixture struct {
	*access.APIKeys
	access.Checker
	store   *store.Store
	secrets *fakeSecrets
	user    auth.Caller // acme's member u1, with a token
}

// newFixture returns APIKeys on a new table in a real engine, with one user.
func newFixture(tb testing.TB) fixture {
	tb.Helper()
	db, name := enginetest.NewTable(tb)
	f := fixture{
		store:   store.New(db, name, func() time.Time { return noon }),
		secrets: &fakeSecrets{},
		user:    auth.Caller{LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialUser},
	}
	f.APIKeys = &access.APIKeys{Records: f.store, Master: auth.NewMasterKeys(f.secrets, []string{"arn"})}
	f.Checker = access.Checker{Members: f.store}
	if _, _, err := f.store.CreateLender(tb.Context(), inquiry.Lender{ID: "acme", Name: "Acme Lending"}); err != nil {
		tb.Fatal(err)
	}
	if _, _, err := f.store.AddUser(tb.Context(), store.User{ID: "u1", LenderID: "acme", Role: "member"}); err != nil {
		tb.Fatal(err)
	}
	return f
}

// withKey returns the same user with their current API key, which it creates.
func (f fixture) withKey(tb testing.TB) auth.Caller {
	tb.Helper()
	record, err := f.store.EnsureAPIKey(tb.Context(), f.user.UserID, 1)
	if err != nil {
		tb.Fatal(err)
	}
	c := f.user
	c.Credential, c.KeyID, c.KeyVersion = auth.CredentialAPIKey, record.ID, record.Version
	return c
}

// calls are the methods of APIKeys, each for one caller.
func (f fixture) calls(ctx context.Context, c auth.Caller) map[string]func() error {
	return map[string]func() error{
		"Show":    func() error { _, err := f.Show(ctx, c); return err },
		"Rotate":  func() error { _, _, err := f.Rotate(ctx, c, ""); return err },
		"Revoke":  func() error { return f.Revoke(ctx, c) },
		"RoleNow": func() error { _, err := f.RoleNow(ctx, c); return err },
	}
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()

	t.Run("a key is shown, rotated and revoked", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		if err := f.Revoke(t.Context(), f.user); err != nil {
			t.Errorf("revoking before there is a key: %v", err)
		}
		first, err := f.Show(t.Context(), f.user)
		if err != nil || !auth.IsKey(first) {
			t.Fatalf("Show returned a key: %t, error %v", auth.IsKey(first), err)
		}
		second, _, err := f.Rotate(t.Context(), f.user, "")
		if err != nil || second == first {
			t.Fatalf("Rotate returned the same key: %t, error %v", second == first, err)
		}
		if shown, err := f.Show(t.Context(), f.user); err != nil || shown != second {
			t.Errorf("Show returned the rotated key: %t, error %v", shown == second, err)
		}
		if err := f.Revoke(t.Context(), f.user); err != nil {
			t.Error(err)
		}
		if _, err := f.Show(t.Context(), f.user); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("showing a revoked key: error %v, want %v", err, inquiry.ErrNotFound)
		}
	})

	t.Run("delivered twice, a rotation returns the same key", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		first, replayed, err := f.Rotate(t.Context(), f.user, "6b1e5c0a-55a4-4d0e-9a51-2f4c3f6e7d10")
		if err != nil || replayed {
			t.Fatalf("replayed %t, error %v", replayed, err)
		}
		again, replayed, err := f.Rotate(t.Context(), f.user, "6b1e5c0a-55a4-4d0e-9a51-2f4c3f6e7d10")
		if err != nil || !replayed || again != first {
			t.Errorf("replayed %t, same key: %t, error %v", replayed, again == first, err)
		}
	})

	t.Run("the master key is read once, on first use", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.secrets.failures = 1
		if _, err := f.RoleNow(t.Context(), f.user); err != nil || f.secrets.reads != 0 {
			t.Errorf("RoleNow: error %v, %d reads of the master key", err, f.secrets.reads)
		}
		if _, err := f.Show(t.Context(), f.user); !errors.Is(err, errDown) {
			t.Errorf("error %v, want %v", err, errDown)
		}
		for range 3 {
			if _, err := f.Show(t.Context(), f.user); err != nil {
				t.Error(err)
			}
		}
		if f.secrets.reads != 2 {
			t.Errorf("%d reads of the master key, want one that fails and one that succeeds", f.secrets.reads)
		}
	})

	t.Run("RoleNow returns the role in the table", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		if _, err := f.store.SetRole(t.Context(), "u1", string(auth.RoleViewer)); err != nil {
			t.Fatal(err)
		}
		for _, caller := range []auth.Caller{f.user, f.withKey(t)} {
			if role, err := f.RoleNow(t.Context(), caller); err != nil || role != auth.RoleViewer {
				t.Errorf("with %s: role %q, error %v", caller.Credential, role, err)
			}
		}
	})

	t.Run("a suspended caller is rejected", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		withKey := f.withKey(t)
		if _, err := f.store.SuspendUser(t.Context(), "u1"); err != nil {
			t.Fatal(err)
		}
		for _, caller := range []auth.Caller{f.user, withKey} {
			for method, call := range f.calls(t.Context(), caller) {
				if err := call(); !errors.Is(err, inquiry.ErrSuspended) {
					t.Errorf("%s with %s: error %v, want %v", method, caller.Credential, err, inquiry.ErrSuspended)
				}
			}
		}
		if now := f.withKey(t); now != withKey {
			t.Errorf("the key changed: %+v", now)
		}
	})
}

func TestAPIKeysEnded(t *testing.T) {
	t.Parallel()

	for name, end := range map[string]func(*testing.T, fixture, *auth.Caller) error{
		"a rotated key": func(t *testing.T, f fixture, _ *auth.Caller) error {
			_, _, err := f.Rotate(t.Context(), f.user, "")
			return err
		},
		"a revoked and rotated key": func(t *testing.T, f fixture, _ *auth.Caller) error {
			_, _, err := f.Rotate(t.Context(), f.user, "")
			return errors.Join(f.Revoke(t.Context(), f.user), err)
		},
		"a key of unknown version": func(_ *testing.T, _ fixture, c *auth.Caller) error {
			c.KeyVersion = 0
			return nil
		},
		"a key that does not exist": func(_ *testing.T, _ fixture, c *auth.Caller) error {
			c.KeyID = "unknown"
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			caller := f.withKey(t)
			if err := end(t, f, &caller); err != nil {
				t.Fatal(err)
			}
			before := f.withKey(t)
			for method, call := range f.calls(t.Context(), caller) {
				err := call()
				if !errors.Is(err, auth.ErrEndedKey) {
					t.Errorf("%s: error %v, want %v", method, err, auth.ErrEndedKey)
				}
				if errors.Is(err, inquiry.ErrNotFound) || errors.Is(err, inquiry.ErrConflict) {
					t.Errorf("%s: error %v, want %v only", method, err, auth.ErrEndedKey)
				}
			}
			if after := f.withKey(t); after != before {
				t.Errorf("the key changed from %+v to %+v", before, after)
			}
		})
	}
}

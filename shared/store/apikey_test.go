package store

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnsureAPIKey(t *testing.T) {
	t.Parallel()

	t.Run("simultaneous calls create one key", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		memberOf(t, s, "acme", "u1")
		var wg sync.WaitGroup
		keys := make([]APIKey, 8)
		for i := range keys {
			wg.Go(func() {
				k, err := s.EnsureAPIKey(t.Context(), "u1", 1)
				if err != nil {
					t.Error(err)
				}
				keys[i] = k
			})
		}
		wg.Wait()
		for _, k := range keys {
			if diff := cmp.Diff(keys[0], k); diff != "" {
				t.Error(diff)
			}
		}
		stored, err := s.APIKey(t.Context(), keys[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(keys[0], stored); diff != "" {
			t.Error(diff)
		}
		want := APIKey{ID: stored.ID, LenderID: "acme", UserID: "u1", Version: 1, Generation: 1, CreatedAt: stored.CreatedAt}
		if diff := cmp.Diff(want, stored); diff != "" || stored.CreatedAt.IsZero() {
			t.Errorf("created at %v; key (-want +got):\n%s", stored.CreatedAt, diff)
		}
		if n := s.count(t.Context(), t); n != 4 {
			t.Errorf("the table has %d items, want the two of the lender, the user and one key", n)
		}
	})
}

func TestRevokeAPIKey(t *testing.T) {
	t.Parallel()

	t.Run("once, and a rotation ends the revocation", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		memberOf(t, s, "acme", "u1")
		k, err := s.EnsureAPIKey(t.Context(), "u1", 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, first := range []bool{true, false} {
			if changed, err := s.RevokeAPIKey(t.Context(), k.ID, AnyVersion); err != nil || changed != first {
				t.Fatalf("revoked %v, error %v; want %v", changed, err, first)
			}
		}
		if revoked, err := s.EnsureAPIKey(t.Context(), "u1", 1); err != nil || revoked.RevokedAt.IsZero() || revoked.ID != k.ID {
			t.Errorf("after revoking: %+v, error %v; want the same key, revoked", revoked, err)
		}
		rotated, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Generation: 2})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := s.APIKey(t.Context(), k.ID)
		if err != nil {
			t.Fatal(err)
		}
		k.Version, k.Generation = 2, 2
		if diff := cmp.Diff(k, rotated); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(k, stored); diff != "" {
			t.Error(diff)
		}
	})
}

// keyOf adds a user of a new lender and returns their API key.
func keyOf(tb testing.TB, s *Store) APIKey {
	tb.Helper()
	memberOf(tb, s, "acme", "u1")
	k, err := s.EnsureAPIKey(tb.Context(), "u1", 1)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

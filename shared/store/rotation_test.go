package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestRotateAPIKey(t *testing.T) {
	t.Parallel()

	t.Run("the version ends during the rotation", func(t *testing.T) {
		t.Parallel()

		for name, c := range map[string]struct {
			end     func(*Store, APIKey) error
			version int // of the key after that
		}{
			"revoked": {func(s *Store, k APIKey) error {
				_, err := s.RevokeAPIKey(t.Context(), k.ID, AnyVersion)
				return err
			}, 1},
			"rotated": {func(s *Store, k APIKey) error {
				_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Generation: 2})
				return err
			}, 2},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				k := keyOf(t, s)
				racing := func() *Store {
					return New(&meanwhile{DB: s.db, happens: func() {
						if err := c.end(s, k); err != nil {
							t.Error(err)
						}
					}}, s.table, s.now)
				}
				// The rotation must not return a version that another caller also got.
				next, _, err := racing().RotateAPIKey(t.Context(), k.ID, Rotation{Generation: 2})
				if want := c.version + 1; err != nil || next.Version != want || !next.RevokedAt.IsZero() {
					t.Errorf("%+v, error %v; want version %d", next, err, want)
				}
			})
		}
	})

	t.Run("simultaneous rotations return different versions", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		k := keyOf(t, s)
		var wg sync.WaitGroup
		versions := make([]int, 3)
		for i := range versions {
			wg.Go(func() {
				next, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Generation: 1})
				if err != nil {
					t.Error(err)
				}
				versions[i] = next.Version
			})
		}
		wg.Wait()
		slices.Sort(versions)
		if diff := cmp.Diff([]int{2, 3, 4}, versions); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
	})

	t.Run("a repeat returns the same version", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		k := keyOf(t, s)
		request := Rotation{Generation: 1, Request: "a"}
		rotate := func(s *Store, r Rotation, version int, again bool) APIKey {
			t.Helper()
			k, replayed, err := s.RotateAPIKey(t.Context(), k.ID, r)
			if err != nil || k.Version != version || replayed != again {
				t.Errorf("version %d, replayed %v, error %v; want version %d, replayed %v", k.Version, replayed, err, version, again)
			}
			return k
		}
		rotate(s, request, 2, false)
		rotate(s, request, 2, true)
		// The version keeps the generation that it was made with.
		if same := rotate(s.later(23*time.Hour), Rotation{Generation: 2, Request: "a"}, 2, true); same.Generation != 1 {
			t.Errorf("a repeat returns generation %d", same.Generation)
		}
		if _, err := s.RevokeAPIKey(t.Context(), k.ID, 2); err != nil {
			t.Fatal(err)
		}
		if revoked := rotate(s, request, 2, true); revoked.RevokedAt.IsZero() {
			t.Error("a repeat undid the revocation")
		}
		rotate(s, Rotation{Generation: 2, Request: "b"}, 3, false)
		rotate(s.later(25*time.Hour), request, 4, false) // a day later it is a new request
		if stored, err := s.APIKey(t.Context(), k.ID); err != nil || stored.Generation != 1 {
			t.Errorf("%+v, error %v", stored, err)
		}
	})

	// A late repeat must not end the version that a later rotation began.
	t.Run("a late repeat changes nothing", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		k := keyOf(t, s)
		for i, name := range []string{"a", "b", "", "c"} {
			if _, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Request: name}); err != nil {
				t.Fatal(i, err)
			}
		}
		for _, name := range []string{"a", "b"} {
			if _, _, err := s.later(23*time.Hour).RotateAPIKey(t.Context(), k.ID, Rotation{Request: name}); !errors.Is(err, inquiry.ErrNotFound) {
				t.Errorf("repeating %q: error %v, want ErrNotFound", name, err)
			}
		}
		if got, replayed, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Request: "c"}); err != nil || !replayed || got.Version != 5 {
			t.Errorf("repeating the most recent one: version %d, replayed %v, error %v", got.Version, replayed, err)
		}
		for range maxRotations { // only so many are remembered
			if _, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Generation: 2}); err != nil {
				t.Fatal(err)
			}
		}
		if _, past, err := s.rotations(t.Context(), k.ID); err != nil || len(past) != maxRotations {
			t.Errorf("%d rotations are remembered, error %v", len(past), err)
		}
	})

	// The SDK repeats our own write. That must neither rotate the key twice nor deny its
	// holder the new version.
	t.Run("a lost reply does not rotate twice", func(t *testing.T) {
		t.Parallel()

		lossy := &lossyTransport{operation: "UpdateItem"}
		s := newStoreOver(t, lossy)
		k := keyOf(t, s)
		lossy.losses.Store(1)
		next, replayed, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Generation: 1})
		if err != nil || next.Version != 2 || replayed || lossy.losses.Load() > 0 {
			t.Errorf("%+v, replayed %v, error %v", next, replayed, err)
		}
	})
}

// meanwhile is a DB that calls happens between a store's read and its first update.
type meanwhile struct {
	DB
	happens func()
}

func (m *meanwhile) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if happens := m.happens; happens != nil {
		m.happens = nil
		happens()
	}
	return m.DB.UpdateItem(ctx, in, opts...)
}

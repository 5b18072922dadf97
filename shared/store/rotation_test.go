package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestRotateAPIKey(t *testing.T) {
	t.Parallel()

	// The holder of an ended version can neither end the current one nor get the next, not
	// even with the request name of a caller who proved their identity in another way.
	t.Run("an ended version changes nothing", func(t *testing.T) {
		t.Parallel()

		for name, end := range map[string]func(*Store, APIKey) error{
			"rotated by its owner": func(s *Store, k APIKey) error {
				_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Request: "a"})
				return err
			},
			"rotated with the key itself": func(s *Store, k APIKey) error {
				_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{From: k.Version})
				return err
			},
			"revoked": func(s *Store, k APIKey) error {
				_, err := s.RevokeAPIKey(t.Context(), k.ID, AnyVersion)
				return err
			},
			"revoked and replaced": func(s *Store, k APIKey) error {
				if _, err := s.RevokeAPIKey(t.Context(), k.ID, k.Version); err != nil {
					return err
				}
				_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{})
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				k := keyOf(t, s)
				if err := end(s, k); err != nil {
					t.Fatal(err)
				}
				before, err := s.APIKey(t.Context(), k.ID)
				if err != nil {
					t.Fatal(err)
				}
				for _, request := range []string{"", "a", "b"} {
					if _, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{From: k.Version, Request: request}); !errors.Is(err, inquiry.ErrConflict) {
						t.Errorf("rotating as %q: error %v, want ErrConflict", request, err)
					}
				}
				changed, err := s.RevokeAPIKey(t.Context(), k.ID, k.Version)
				if same := before.Version == k.Version; changed || same != (err == nil) || !same && !errors.Is(err, inquiry.ErrConflict) {
					t.Errorf("revoking: changed %v, error %v", changed, err)
				}
				after, err := s.APIKey(t.Context(), k.ID)
				if diff := cmp.Diff(before, after); diff != "" || err != nil {
					t.Errorf("%v; key (-before +after):\n%s", err, diff)
				}
			})
		}
	})

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
				_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{})
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
				if _, _, err := racing().RotateAPIKey(t.Context(), k.ID, Rotation{From: k.Version}); !errors.Is(err, inquiry.ErrConflict) {
					t.Errorf("with the key itself: error %v, want ErrConflict", err)
				}
				if stored, err := s.APIKey(t.Context(), k.ID); err != nil || stored.Version != c.version {
					t.Errorf("%+v, error %v; want version %d", stored, err, c.version)
				}
				// The owner's rotation must not return a version that another caller also got.
				next, _, err := racing().RotateAPIKey(t.Context(), k.ID, Rotation{})
				if want := c.version + 1 + (c.version - 1); err != nil || next.Version != want || !next.RevokedAt.IsZero() {
					t.Errorf("by the owner: %+v, error %v; want version %d", next, err, want)
				}
			})
		}
	})

	t.Run("one of many simultaneous rotations succeeds", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		k := keyOf(t, s)
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() {
				_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{From: k.Version})
				errs <- err
			}()
		}
		succeeded := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				succeeded++
			} else if !errors.Is(err, inquiry.ErrConflict) {
				t.Error(err)
			}
		}
		if stored, err := s.APIKey(t.Context(), k.ID); err != nil || stored.Version != 2 || succeeded != 1 {
			t.Errorf("%d succeeded; %+v, error %v", succeeded, stored, err)
		}
	})

	t.Run("a repeat returns the same version", func(t *testing.T) {
		t.Parallel()

		for name, from := range map[string]int{"with the key itself": 1, "by the owner": AnyVersion} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				k := keyOf(t, s)
				request := Rotation{From: from, Request: "a"}
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
				rotate(s.later(23*time.Hour), request, 2, true)

				_, _, err := s.later(25*time.Hour).RotateAPIKey(t.Context(), k.ID, Rotation{From: 1, Request: "a"})
				if !errors.Is(err, inquiry.ErrConflict) {
					t.Errorf("a day later with the ended key: error %v, want ErrConflict", err)
				}
				if _, err := s.RevokeAPIKey(t.Context(), k.ID, 2); err != nil {
					t.Fatal(err)
				}
				if revoked := rotate(s, request, 2, true); revoked.RevokedAt.IsZero() {
					t.Error("a repeat undid the revocation")
				}
				rotate(s, Rotation{Request: "b"}, 3, false)
				if _, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{From: 1, Request: "a"}); !errors.Is(err, inquiry.ErrConflict) {
					t.Errorf("after another rotation, with the ended key: error %v, want ErrConflict", err)
				}
			})
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
			if _, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{}); err != nil {
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

		for _, from := range []int{1, AnyVersion} {
			lossy := &lossyTransport{operation: "UpdateItem"}
			s := newStoreOver(t, lossy)
			k := keyOf(t, s)
			lossy.losses.Store(1)
			next, replayed, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{From: from})
			if err != nil || next.Version != 2 || replayed || lossy.losses.Load() > 0 {
				t.Errorf("from %d: %+v, replayed %v, error %v", from, next, replayed, err)
			}
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

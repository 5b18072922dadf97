package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// memberOf adds a user of a new lender, both active.
func memberOf(tb testing.TB, s *Store, lender inquiry.LenderID, userID string) User {
	tb.Helper()
	if _, _, err := s.CreateLender(tb.Context(), inquiry.Lender{ID: lender, Name: "Acme Lending"}); err != nil {
		tb.Fatal(err)
	}
	u, _, err := s.AddUser(tb.Context(), User{ID: userID, LenderID: lender, Role: "member"})
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func TestALenderIsCreatedOnceAndNeverOverwritten(t *testing.T) {
	t.Parallel()

	s := newStore(t)
	want := inquiry.Lender{ID: "acme", Name: "Acme Lending", Status: inquiry.AccessActive, BatchMax: inquiry.DefaultBatchMax, OpenMax: inquiry.DefaultOpenMax}
	for _, created := range []bool{true, false} {
		got, isNew, err := s.CreateLender(t.Context(), inquiry.Lender{ID: "acme", Name: "Acme Lending"})
		if err != nil || isNew != created {
			t.Fatalf("created %v, error %v; want %v", isNew, err, created)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	got, isNew, err := s.CreateLender(t.Context(), inquiry.Lender{ID: "acme", Name: "Another", BatchMax: 5})
	if err != nil || isNew {
		t.Fatalf("created %v, error %v", isNew, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestALenderThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()

	s := newStore(t)
	for name, l := range map[string]inquiry.Lender{
		"no id":                      {Name: "Acme"},
		"an id that forges a key":    {ID: "acme#BATCH#1", Name: "Acme"},
		"an id in upper case":        {ID: "Acme", Name: "Acme"},
		"an id with a line end":      {ID: "acme\n", Name: "Acme"},
		"an id too long":             {ID: inquiry.LenderID(strings.Repeat("a", 65)), Name: "Acme"},
		"no name":                    {ID: "acme"},
		"a negative batch limit":     {ID: "acme", Name: "Acme", BatchMax: -1},
		"a negative open limit":      {ID: "acme", Name: "Acme", OpenMax: -1},
		"a limit past the ids' room": {ID: "acme", Name: "Acme", BatchMax: inquiry.MaxInquiries + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, created, err := s.CreateLender(t.Context(), l); err == nil || created {
				t.Errorf("created %v, error %v", created, err)
			}
		})
	}
}

func TestProfileChangesSayWhetherTheyChangedAnything(t *testing.T) {
	t.Parallel()

	s := newStore(t)
	memberOf(t, s, "acme", "u1")
	for _, step := range []struct {
		name    string
		change  func() (bool, error)
		changed bool
	}{
		{"suspend the lender", func() (bool, error) { return s.SuspendLender(t.Context(), "acme") }, true},
		{"suspend it again", func() (bool, error) { return s.SuspendLender(t.Context(), "acme") }, false},
		{"resume it", func() (bool, error) { return s.ResumeLender(t.Context(), "acme") }, true},
		{"resume it again", func() (bool, error) { return s.ResumeLender(t.Context(), "acme") }, false},
		{"suspend it for the end", func() (bool, error) { return s.SuspendLender(t.Context(), "acme") }, true},
		{"suspend the user", func() (bool, error) { return s.SuspendUser(t.Context(), "u1") }, true},
		{"suspend them again", func() (bool, error) { return s.SuspendUser(t.Context(), "u1") }, false},
		{"resume them", func() (bool, error) { return s.ResumeUser(t.Context(), "u1") }, true},
		{"another role", func() (bool, error) { return s.SetRole(t.Context(), "u1", "viewer") }, true},
		{"the same role", func() (bool, error) { return s.SetRole(t.Context(), "u1", "viewer") }, false},
		{"another limit", func() (bool, error) { return s.SetBatchMax(t.Context(), "acme", 1000) }, true},
		{"the same limit", func() (bool, error) { return s.SetBatchMax(t.Context(), "acme", 1000) }, false},
		{"another open limit", func() (bool, error) { return s.SetOpenMax(t.Context(), "acme", 2000) }, true},
		{"the same open limit", func() (bool, error) { return s.SetOpenMax(t.Context(), "acme", 2000) }, false},
	} {
		changed, err := step.change()
		if err != nil || changed != step.changed {
			t.Fatalf("%s: changed %v, error %v; want %v", step.name, changed, err, step.changed)
		}
	}
	u, l, err := s.Membership(t.Context(), "u1", "acme")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(User{ID: "u1", LenderID: "acme", Role: "viewer", Status: inquiry.AccessActive}, u); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(inquiry.Lender{ID: "acme", Name: "Acme Lending", Status: inquiry.AccessSuspended, BatchMax: 1000, OpenMax: 2000}, l); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsAbsentIsNotFoundAndNotCreated(t *testing.T) {
	t.Parallel()

	s := newStore(t)
	memberOf(t, s, "acme", "u1")
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"lender":             func() error { _, err := s.Lender(ctx, "nobody"); return err },
		"user":               func() error { _, err := s.User(ctx, "nobody"); return err },
		"key":                func() error { _, err := s.APIKey(ctx, "nothing"); return err },
		"a user's lender":    func() error { _, _, err := s.Membership(ctx, "u1", "nobody"); return err },
		"a lender's user":    func() error { _, _, err := s.Membership(ctx, "nobody", "acme"); return err },
		"suspend a lender":   func() error { _, err := s.SuspendLender(ctx, "nobody"); return err },
		"resume a lender":    func() error { _, err := s.ResumeLender(ctx, "nobody"); return err },
		"limit a lender":     func() error { _, err := s.SetBatchMax(ctx, "nobody", 5); return err },
		"suspend a user":     func() error { _, err := s.SuspendUser(ctx, "nobody"); return err },
		"resume a user":      func() error { _, err := s.ResumeUser(ctx, "nobody"); return err },
		"the key of no user": func() error { _, err := s.EnsureAPIKey(ctx, "nobody"); return err },
		"rotate a key":       func() error { _, _, err := s.RotateAPIKey(ctx, "nothing", Rotation{}); return err },
		"revoke a key":       func() error { _, err := s.RevokeAPIKey(ctx, "nothing", AnyVersion); return err },
	} {
		if err := call(); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("%s: error %v, want ErrNotFound", name, err)
		}
	}
	if n := s.count(t.Context(), t); n != 2 {
		t.Errorf("the table has %d items, want the lender and the user", n)
	}
}

func TestAUserStaysWithTheirLender(t *testing.T) {
	t.Parallel()

	s := newStore(t)
	want := memberOf(t, s, "acme", "u1")
	got, added, err := s.AddUser(t.Context(), User{ID: "u1", LenderID: "other", Role: "member"})
	if err != nil || added {
		t.Fatalf("added %v, error %v", added, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAUserHasOneKeyHoweverManyAskAtOnce(t *testing.T) {
	t.Parallel()

	s := newStore(t)
	memberOf(t, s, "acme", "u1")
	var wg sync.WaitGroup
	keys := make([]APIKey, 8)
	for i := range keys {
		wg.Go(func() {
			k, err := s.EnsureAPIKey(t.Context(), "u1")
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
	want := APIKey{ID: stored.ID, LenderID: "acme", UserID: "u1", Version: 1, CreatedAt: stored.CreatedAt}
	if diff := cmp.Diff(want, stored); diff != "" || stored.CreatedAt.IsZero() {
		t.Errorf("created at %v; %s", stored.CreatedAt, diff)
	}
	if n := s.count(t.Context(), t); n != 3 {
		t.Errorf("the table has %d items, want lender, user and one key", n)
	}
}

func TestAKeyIsRotatedAndRevoked(t *testing.T) {
	t.Parallel()

	s := newStore(t)
	memberOf(t, s, "acme", "u1")
	k, err := s.EnsureAPIKey(t.Context(), "u1")
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []bool{true, false} {
		if changed, err := s.RevokeAPIKey(t.Context(), k.ID, AnyVersion); err != nil || changed != first {
			t.Fatalf("revoked %v, error %v; want %v", changed, err, first)
		}
	}
	if revoked, err := s.EnsureAPIKey(t.Context(), "u1"); err != nil || revoked.RevokedAt.IsZero() || revoked.ID != k.ID {
		t.Errorf("after revoking: %+v, error %v; want the same key, revoked", revoked, err)
	}
	rotated, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.APIKey(t.Context(), k.ID)
	if err != nil {
		t.Fatal(err)
	}
	k.Version = 2
	if diff := cmp.Diff(k, rotated); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(k, stored); diff != "" {
		t.Error(diff)
	}
}

// keyOf makes a user of a new lender, and their API key.
func keyOf(tb testing.TB, s *Store) APIKey {
	tb.Helper()
	memberOf(tb, s, "acme", "u1")
	k, err := s.EnsureAPIKey(tb.Context(), "u1")
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// Whoever holds a key that has ended can neither end the one in use nor get the
// next, not even with the rotation's name of somebody who proved another thing.
func TestAnEndedVersionChangesNothing(t *testing.T) {
	t.Parallel()

	for name, end := range map[string]func(*Store, APIKey) error{
		"rotated by its owner": func(s *Store, k APIKey) error {
			_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Request: "a"})
			return err
		},
		"rotated with itself": func(s *Store, k APIKey) error {
			_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{From: k.Version})
			return err
		},
		"revoked": func(s *Store, k APIKey) error {
			_, err := s.RevokeAPIKey(t.Context(), k.ID, AnyVersion)
			return err
		},
		"revoked, and another begun": func(s *Store, k APIKey) error {
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
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// meanwhile has something happen between a store's reading and its first update.
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

func TestAKeyThatEndsWhileItIsRotated(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		end     func(*Store, APIKey) error
		version int // of the key then
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
			// The owner's own rotation gives none that somebody else was given too.
			next, _, err := racing().RotateAPIKey(t.Context(), k.ID, Rotation{})
			if want := c.version + 1 + (c.version - 1); err != nil || next.Version != want || !next.RevokedAt.IsZero() {
				t.Errorf("by the owner: %+v, error %v; want version %d", next, err, want)
			}
		})
	}
}

func TestOfManyRotationsWithOneKeyOneSucceeds(t *testing.T) {
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
}

func TestARotationIsRepeated(t *testing.T) {
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
					t.Errorf("version %d, replayed %v, error %v; want %d, %v", k.Version, replayed, err, version, again)
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
}

// A late repeat must not end the key that a later rotation made.
func TestALateRepeatOfARotationChangesNothing(t *testing.T) {
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
		t.Errorf("repeating the last: version %d, replayed %v, error %v", got.Version, replayed, err)
	}
	for range mostRotations { // what is remembered has an end
		if _, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, past, err := s.rotations(t.Context(), k.ID); err != nil || len(past) != mostRotations {
		t.Errorf("%d rotations are remembered, error %v", len(past), err)
	}
}

// Not a repeat of anybody's, but our own: the key must not be ended twice, nor
// its holder be refused the one that they were given.
func TestALostReplyToARotation(t *testing.T) {
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
}

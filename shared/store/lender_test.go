package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestCreateLender(t *testing.T) {
	t.Parallel()

	t.Run("does not change an existing lender", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		want := inquiry.Lender{ID: "acme", Name: "Acme Lending", Status: inquiry.AccessActive, BatchMax: inquiry.DefaultBatchMax, OpenMax: inquiry.DefaultOpenMax}
		for _, created := range []bool{true, false} {
			got, isNew, err := s.CreateLender(t.Context(), inquiry.Lender{ID: "acme", Name: "Acme Lending"})
			if err != nil || isNew != created {
				t.Fatalf("created %v, error %v; want created %v", isNew, err, created)
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
	})

	t.Run("rejects an invalid lender", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		for name, l := range map[string]inquiry.Lender{
			"no id":                   {Name: "Acme"},
			"an id like a table key":  {ID: "acme#BATCH#1", Name: "Acme"},
			"an id in upper case":     {ID: "Acme", Name: "Acme"},
			"an id with a line break": {ID: "acme\n", Name: "Acme"},
			"an id that is too long":  {ID: inquiry.LenderID(strings.Repeat("a", 65)), Name: "Acme"},
			"no name":                 {ID: "acme"},
			"a negative batch limit":  {ID: "acme", Name: "Acme", BatchMax: -1},
			"a negative open limit":   {ID: "acme", Name: "Acme", OpenMax: -1},
			"a limit beyond the ids":  {ID: "acme", Name: "Acme", BatchMax: inquiry.MaxInquiries + 1},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if _, created, err := s.CreateLender(t.Context(), l); err == nil || created {
					t.Errorf("created %v, error %v", created, err)
				}
			})
		}
	})
}

func TestProfiles(t *testing.T) {
	t.Parallel()

	t.Run("a change reports whether it changed anything", func(t *testing.T) {
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
			{"suspend it a third time", func() (bool, error) { return s.SuspendLender(t.Context(), "acme") }, true},
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
	})

	t.Run("an absent profile is not found and not created", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		memberOf(t, s, "acme", "u1")
		ctx := t.Context()
		for name, call := range map[string]func() error{
			"lender":           func() error { _, err := s.Lender(ctx, "nobody"); return err },
			"user":             func() error { _, err := s.User(ctx, "nobody"); return err },
			"key":              func() error { _, err := s.APIKey(ctx, "nothing"); return err },
			"a user's lender":  func() error { _, _, err := s.Membership(ctx, "u1", "nobody"); return err },
			"a lender's user":  func() error { _, _, err := s.Membership(ctx, "nobody", "acme"); return err },
			"suspend a lender": func() error { _, err := s.SuspendLender(ctx, "nobody"); return err },
			"resume a lender":  func() error { _, err := s.ResumeLender(ctx, "nobody"); return err },
			"limit a lender":   func() error { _, err := s.SetBatchMax(ctx, "nobody", 5); return err },
			"suspend a user":   func() error { _, err := s.SuspendUser(ctx, "nobody"); return err },
			"resume a user":    func() error { _, err := s.ResumeUser(ctx, "nobody"); return err },
			"key of no user":   func() error { _, err := s.EnsureAPIKey(ctx, "nobody", 1); return err },
			"rotate a key":     func() error { _, _, err := s.RotateAPIKey(ctx, "nothing", Rotation{}); return err },
			"revoke a key":     func() error { _, err := s.RevokeAPIKey(ctx, "nothing", AnyVersion); return err },
		} {
			if err := call(); !errors.Is(err, inquiry.ErrNotFound) {
				t.Errorf("%s: error %v, want ErrNotFound", name, err)
			}
		}
		if n := s.count(t.Context(), t); n != 3 {
			t.Errorf("the table has %d items, want the two of the lender, and the user", n)
		}
	})
}

package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// memberOf adds an active lender and an active user of it.
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

func TestAddUser(t *testing.T) {
	t.Parallel()

	t.Run("an existing user stays with their lender", func(t *testing.T) {
		t.Parallel()

		s := newStore(t)
		want := memberOf(t, s, "acme", "u1")
		got, added, err := s.AddUser(t.Context(), User{ID: "u1", LenderID: "other", Role: "member"})
		if err != nil || added {
			t.Fatalf("added %v, error %v; want an existing user", added, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

package store

import (
	"errors"
	"sync"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// openInquiries returns how many open inquiries the table has for acme.
func (s *Store) openInquiries(t testing.TB) int {
	t.Helper()
	lender, err := s.Lender(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	return lender.Open
}

// roomFor returns a store whose lender may have n inquiries open.
func roomFor(t testing.TB, n int) (*Store, inquiry.Lender) {
	t.Helper()
	s := newStore(t)
	lender, _, err := s.CreateLender(t.Context(), inquiry.Lender{ID: acme, Name: "A Lender", BatchMax: 1, OpenMax: n})
	if err != nil {
		t.Fatal(err)
	}
	s.addSubmitter(t)
	return s, lender
}

func TestOpenInquiries(t *testing.T) {
	t.Parallel()

	t.Run("a submission beyond the limit is rejected", func(t *testing.T) {
		t.Parallel()
		keyed := func(key string, n int) inquiry.Submission {
			sub := submission(n)
			sub.IdempotencyKey, sub.Fingerprint = key, [32]byte{byte(n)}
			return sub
		}
		single := submission(1)
		single.Operation = inquiry.OperationSingle
		for name, c := range map[string]struct {
			before []inquiry.Submission // all of them are accepted
			sub    inquiry.Submission
			want   error
		}{
			"exactly the limit":               {[]inquiry.Submission{submission(7)}, submission(3), nil},
			"one too many":                    {[]inquiry.Submission{submission(7)}, submission(4), inquiry.ErrTooManyOpen},
			"a single inquiry is counted":     {[]inquiry.Submission{single, single, submission(7)}, submission(2), inquiry.ErrTooManyOpen},
			"a single inquiry needs room":     {[]inquiry.Submission{submission(10)}, single, inquiry.ErrTooManyOpen},
			"the key that took the last room": {[]inquiry.Submission{keyed("k", 10)}, keyed("k", 10), nil},
			"that key with another body":      {[]inquiry.Submission{keyed("k", 9)}, keyed("k", 10), inquiry.ErrIdempotencyMismatch},
			"another key":                     {[]inquiry.Submission{keyed("k", 10)}, keyed("l", 10), inquiry.ErrTooManyOpen},
			"a rejected key is not recorded":  {[]inquiry.Submission{keyed("k", 10)}, keyed("m", 1), inquiry.ErrTooManyOpen},
		} {
			// With the lender as it was read before all of that, and as it is now.
			for state, read := range map[string]func(*Store, inquiry.Lender) inquiry.Lender{
				"stale": func(_ *Store, l inquiry.Lender) inquiry.Lender { return l },
				"fresh": func(s *Store, l inquiry.Lender) inquiry.Lender { l.Open = s.openInquiries(t); return l },
			} {
				t.Run(name+", "+state, func(t *testing.T) {
					t.Parallel()
					s, lender := roomFor(t, 10)
					for _, sub := range c.before {
						if _, _, err := s.Submit(t.Context(), lender, sub); err != nil {
							t.Fatal(err)
						}
					}
					items, open := s.count(t.Context(), t), s.openInquiries(t)
					_, replayed, err := s.Submit(t.Context(), read(s, lender), c.sub)
					if !errors.Is(err, c.want) {
						t.Fatalf("Submit() = %v, want %v", err, c.want)
					}
					if err != nil && (s.count(t.Context(), t) != items || s.openInquiries(t) != open) {
						t.Errorf("a rejected submission changed something: %d items, %d open", s.count(t.Context(), t), s.openInquiries(t))
					}
					if err == nil && !replayed && s.openInquiries(t) != open+len(c.sub.Inquiries) {
						t.Errorf("%d inquiries are open, before there were %d", s.openInquiries(t), open)
					}
					if replayed && s.openInquiries(t) != open {
						t.Errorf("a replay took room: %d inquiries are open, before there were %d", s.openInquiries(t), open)
					}
				})
			}
		}
	})

	t.Run("a finished batch gives its room back", func(t *testing.T) {
		t.Parallel()
		s, lender := roomFor(t, 3)
		sub := submission(3)
		sub.Inquiries[0].Rejected = []inquiry.Rejection{{Pointer: "/ein", Code: "form"}}
		for round := range 3 {
			id, _, err := s.Submit(t.Context(), lender, sub)
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			for i, change := range []inquiry.Change{finished(1, inquiry.StatusCompleted), finished(2, inquiry.StatusCancelled), finished(2, inquiry.StatusCancelled)} {
				if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{change}); err != nil {
					t.Fatal(err)
				}
				if open := s.openInquiries(t); (i == 0) != (open == 3) || (i > 0) != (open == 0) {
					t.Errorf("round %d: after change %d, %d inquiries are open", round, i, open)
				}
			}
			if _, err := s.Delete(t.Context(), acme, id); err != nil || s.openInquiries(t) != 0 {
				t.Errorf("round %d: after the deletion %d inquiries are open, %v", round, s.openInquiries(t), err)
			}
		}
	})

	// Submissions and finished batches all write the lender's item.
	t.Run("simultaneous submissions and ends keep the count", func(t *testing.T) {
		t.Parallel()
		s, lender := roomFor(t, 8)
		var mu sync.Mutex
		accepted := 0
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				id, _, err := s.Submit(t.Context(), lender, submission(2))
				if errors.Is(err, inquiry.ErrTooManyOpen) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				accepted++
				finish := accepted%2 == 0
				mu.Unlock()
				if !finish {
					return
				}
				// Two functions count, such as tally-statuses and the sweep.
				for range 2 {
					wg.Go(func() {
						if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted), finished(1, inquiry.StatusCompleted)}); err != nil {
							t.Error(err)
						}
					})
				}
			})
		}
		wg.Wait()
		if open, want := s.openInquiries(t), 2*(accepted-accepted/2); open != want || open > 8 || accepted < 4 {
			t.Errorf("%d inquiries are open, want %d, of %d batches", open, want, accepted)
		}
	})

	// A try whose outcome is unknown may itself have taken the last room.
	t.Run("a submission that took the last room itself is accepted", func(t *testing.T) {
		t.Parallel()
		for _, key := range []string{"", "k"} {
			s, lender := roomFor(t, 3)
			sub := submission(3)
			sub.IdempotencyKey = key
			pages, err := paginate(sub.Inquiries)
			if err != nil {
				t.Fatal(err)
			}
			p := pending{lender: lender, sub: sub, id: inquiry.NewBatchID(noon), pages: pages}
			if batch, accepted, err := s.acceptedBefore(t.Context(), p); !errors.Is(err, inquiry.ErrTooManyOpen) || accepted {
				t.Errorf("key %q, before: batch %s, accepted %t, %v; want ErrTooManyOpen", key, batch, accepted, err)
			}
			if batch, accepted, err := s.trySubmit(t.Context(), &p); err != nil || !accepted || batch != p.id {
				t.Fatalf("key %q: batch %s, accepted %t, %v; want batch %s accepted", key, batch, accepted, err, p.id)
			}
			if batch, accepted, err := s.acceptedBefore(t.Context(), p); err != nil || !accepted || batch != p.id {
				t.Errorf("key %q, after: batch %s, accepted %t, %v; want batch %s accepted", key, batch, accepted, err, p.id)
			}
		}
	})
}

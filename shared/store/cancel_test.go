package store

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// cancelWorld has one running batch, one finished batch, and the key "taken", which the
// first batch was submitted with.
type cancelWorld struct {
	*Store
	running, done inquiry.BatchID
	lender        inquiry.Lender
}

func newCancelWorld(t testing.TB) cancelWorld {
	t.Helper()
	s := newStore(t)
	lender, sub := newLender(t, s, acme), submission(1)
	sub.IdempotencyKey = "taken"
	running, _, err := s.Submit(t.Context(), lender, sub)
	if err != nil {
		t.Fatal(err)
	}
	done, _, err := s.Submit(t.Context(), lender, submission(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Merge(t.Context(), acme, done, []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err != nil {
		t.Fatal(err)
	}
	return cancelWorld{s, running, done, lender}
}

// cancelOnce cancels the batch with the key and fails the test if that is not possible.
func (w cancelWorld) cancelOnce(t testing.TB, id inquiry.BatchID, key string) {
	t.Helper()
	if b, replayed, err := w.RequestCancelOnce(t.Context(), acme, id, key); err != nil || replayed || b.CancelRequestedAt.IsZero() {
		t.Fatalf("canceling: %+v, replayed %t, %v", b, replayed, err)
	}
}

func TestRequestCancelOnce(t *testing.T) {
	t.Parallel()

	t.Run("states of the batch and of the key", func(t *testing.T) {
		t.Parallel()
		tests := map[string]struct {
			before   func(testing.TB, cancelWorld)
			of       func(cancelWorld) inquiry.BatchID // the running one if nil
			key      string
			later    time.Duration
			want     error
			replayed bool
		}{
			"the first time": {key: "k"},
			"a repeat": {
				before: func(t testing.TB, w cancelWorld) { w.cancelOnce(t, w.running, "k") },
				key:    "k", later: time.Hour, replayed: true,
			},
			"a repeat after the batch is finished": {
				before: func(t testing.TB, w cancelWorld) {
					w.cancelOnce(t, w.running, "k")
					if _, err := w.Merge(t.Context(), acme, w.running, []inquiry.Change{finished(0, inquiry.StatusCancelled)}); err != nil {
						t.Fatal(err)
					}
				},
				key: "k", replayed: true,
			},
			"a repeat a day later": {
				before: func(t testing.TB, w cancelWorld) { w.cancelOnce(t, w.running, "k") },
				key:    "k", later: 24*time.Hour + time.Second,
			},
			"already canceled without a key": {
				before: func(t testing.TB, w cancelWorld) {
					if _, err := w.RequestCancel(t.Context(), acme, w.running); err != nil {
						t.Fatal(err)
					}
				},
				key: "k",
			},
			"already canceled with another key": {
				before: func(t testing.TB, w cancelWorld) { w.cancelOnce(t, w.running, "j") },
				key:    "k",
			},
			"the key of another batch's cancel": {
				before: func(t testing.TB, w cancelWorld) {
					other, _, err := w.Submit(t.Context(), w.lender, submission(1))
					if err != nil {
						t.Fatal(err)
					}
					w.cancelOnce(t, other, "k")
				},
				key: "k", want: inquiry.ErrIdempotencyMismatch,
			},
			"a submission's key": {key: "taken", want: inquiry.ErrIdempotencyMismatch},
			"a submission's key, and already canceled": {
				before: func(t testing.TB, w cancelWorld) { w.cancelOnce(t, w.running, "k") },
				key:    "taken", want: inquiry.ErrIdempotencyMismatch,
			},
			"a finished batch": {of: func(w cancelWorld) inquiry.BatchID { return w.done }, key: "k", want: inquiry.ErrFinished},
			"a batch that does not exist": {
				of:  func(cancelWorld) inquiry.BatchID { return inquiry.NewBatchID(noon) },
				key: "k", want: inquiry.ErrNotFound,
			},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newCancelWorld(t)
				id := w.running
				if tt.of != nil {
					id = tt.of(w)
				}
				if tt.before != nil {
					tt.before(t, w)
				}
				before, _ := w.Batch(t.Context(), acme, id)
				items := w.count(t.Context(), t)
				b, replayed, err := w.later(tt.later).RequestCancelOnce(t.Context(), acme, id, tt.key)
				if !errors.Is(err, tt.want) || replayed != tt.replayed {
					t.Fatalf("replayed %t, error %v; want %t, %v", replayed, err, tt.replayed, tt.want)
				}
				if err != nil {
					after, _ := w.Batch(t.Context(), acme, id)
					if w.count(t.Context(), t) != items || after.Version != before.Version {
						t.Error("a rejected cancel wrote something")
					}
					return
				}
				if b.ID != id || b.CancelRequestedAt.IsZero() || !before.CancelRequestedAt.IsZero() && b.Version != before.Version {
					t.Errorf("the batch is %+v, before it was %+v", b, before)
				}
				if b, replayed, err := w.RequestCancelOnce(t.Context(), acme, id, tt.key); err != nil || !replayed || b.CancelRequestedAt.IsZero() {
					t.Errorf("repeated: %+v, replayed %t, %v", b, replayed, err)
				}
				sub := submission(1)
				sub.IdempotencyKey = tt.key
				if _, _, err := w.Submit(t.Context(), w.lender, sub); !errors.Is(err, inquiry.ErrIdempotencyMismatch) {
					t.Errorf("a submission with the cancel's key: %v", err)
				}
			})
		}
	})

	// tally-statuses writes the header all the time, and the same request may arrive twice
	// at once.
	t.Run("simultaneous calls with one key cancel one batch", func(t *testing.T) {
		t.Parallel()
		w := newCancelWorld(t)
		other, _, err := w.Submit(t.Context(), w.lender, submission(1))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		fresh, mismatch := map[inquiry.BatchID]int{}, map[inquiry.BatchID]int{}
		var wg sync.WaitGroup
		for i := range 20 {
			id := []inquiry.BatchID{w.running, other}[i%2]
			wg.Go(func() {
				_, replayed, err := w.RequestCancelOnce(t.Context(), acme, id, "k")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, inquiry.ErrIdempotencyMismatch):
					mismatch[id]++
				case err != nil:
					t.Error(err)
				case !replayed:
					fresh[id]++
				}
			})
		}
		wg.Wait()
		for _, id := range []inquiry.BatchID{w.running, other} {
			b, err := w.Batch(t.Context(), acme, id)
			if canceled := !b.CancelRequestedAt.IsZero(); err != nil || canceled != (fresh[id] == 1) || canceled != (mismatch[id] == 0) {
				t.Errorf("canceled %t, %d times, with %d mismatches, %v", canceled, fresh[id], mismatch[id], err)
			}
		}
		if len(fresh) != 1 {
			t.Errorf("one key canceled %d batches", len(fresh))
		}
	})
}

func TestRequestCancel(t *testing.T) {
	t.Parallel()

	t.Run("once, and not for a finished batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 1)
		first, err := s.RequestCancel(t.Context(), acme, id)
		if err != nil || !first.CancelRequestedAt.Equal(noon) {
			t.Fatalf("the first request: %+v, %v", first, err)
		}
		again, err := s.later(time.Minute).RequestCancel(t.Context(), acme, id)
		if err != nil || again.Version != first.Version || !again.CancelRequestedAt.Equal(noon) {
			t.Errorf("the second request: %+v, %v", again, err)
		}
		if _, err := s.RequestCancel(t.Context(), "other-bank", id); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("another lender's: %v, want ErrNotFound", err)
		}

		over := newStore(t)
		id = mustSubmit(t, over, acme, 1)
		if _, err := over.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err != nil {
			t.Fatal(err)
		}
		if _, err := over.RequestCancel(t.Context(), acme, id); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("a finished batch: %v, want ErrFinished", err)
		}
	})
}

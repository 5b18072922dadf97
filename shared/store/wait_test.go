package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	waitPlaces = 3
	waitLease  = 26 * time.Second
)

// beginWait takes a place for acme.
func (s *Store) beginWait(t testing.TB) (end func(context.Context) error, left int, err error) {
	t.Helper()
	end, left, err = s.BeginWait(t.Context(), acme, waitPlaces, waitLease)
	if err != nil && !errors.Is(err, inquiry.ErrTooManyWaits) {
		t.Fatal(err)
	}
	return end, left, err
}

// mustEnd ends a wait.
func mustEnd(t testing.TB, end func(context.Context) error) {
	t.Helper()
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBeginWait(t *testing.T) {
	t.Parallel()

	t.Run("each wait takes a place, and its end gives it back", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		var ends []func(context.Context) error
		for want := waitPlaces - 1; want >= 0; want-- {
			end, left, err := s.beginWait(t)
			if err != nil || left != want {
				t.Fatalf("%d places are left, want %d: %v", left, want, err)
			}
			ends = append(ends, end)
		}
		if _, _, err := s.beginWait(t); !errors.Is(err, inquiry.ErrTooManyWaits) {
			t.Fatalf("BeginWait() = %v without a free place", err)
		}
		if _, _, err := s.BeginWait(t.Context(), "globex", waitPlaces, waitLease); err != nil {
			t.Errorf("another lender cannot wait: %v", err)
		}
		for _, end := range ends {
			mustEnd(t, end)
			mustEnd(t, end) // as after a lost reply
			again, left, err := s.beginWait(t)
			if err != nil || left != 0 {
				t.Fatalf("after an end: %d places are left, %v", left, err)
			}
			mustEnd(t, end) // an old end must not end the new wait
			if _, _, err := s.beginWait(t); !errors.Is(err, inquiry.ErrTooManyWaits) {
				t.Fatalf("BeginWait() = %v without a free place", err)
			}
			mustEnd(t, again)
			if _, _, err := s.beginWait(t); err != nil {
				t.Fatal(err)
			}
		}
	})

	t.Run("the place of a function that died is free after its lease", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		var died func(context.Context) error
		for range waitPlaces {
			died, _, _ = s.beginWait(t)
		}
		if _, _, err := s.later(waitLease).beginWait(t); !errors.Is(err, inquiry.ErrTooManyWaits) {
			t.Errorf("BeginWait() = %v at the end of the lease", err)
		}
		after := s.later(waitLease + time.Millisecond)
		for want := waitPlaces - 1; want >= 0; want-- {
			if _, left, err := after.beginWait(t); err != nil || left != want {
				t.Errorf("after the lease %d places are left, want %d: %v", left, want, err)
			}
		}
		mustEnd(t, died) // it was only slow
		if _, _, err := after.beginWait(t); !errors.Is(err, inquiry.ErrTooManyWaits) {
			t.Errorf("BeginWait() = %v: a late end ended another wait", err)
		}
	})

	t.Run("many waits at once never exceed the places", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		var (
			waiting, most, waited atomic.Int32
			wg                    sync.WaitGroup
		)
		for range 8 * waitPlaces {
			wg.Go(func() {
				for range 5 {
					end, _, err := s.beginWait(t)
					if err != nil {
						continue
					}
					now := waiting.Add(1)
					for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
					}
					waited.Add(1)
					waiting.Add(-1)
					mustEnd(t, end)
				}
			})
		}
		wg.Wait()
		if most.Load() > waitPlaces {
			t.Errorf("%d waits at once, want at most %d", most.Load(), waitPlaces)
		}
		if waited.Load() < waitPlaces {
			t.Errorf("%d waits in all, so this test proves little", waited.Load())
		}
		for want := waitPlaces - 1; want >= 0; want-- {
			if _, left, err := s.beginWait(t); err != nil || left != want {
				t.Errorf("after all have ended, %d places are left, want %d: %v", left, want, err)
			}
		}
	})

	t.Run("a lost reply costs no place", func(t *testing.T) {
		t.Parallel()
		lossy := &lossyTransport{operation: "UpdateItem"}
		lossy.losses.Store(1)
		s := newStoreOver(t, lossy)
		end, left, err := s.beginWait(t)
		if err != nil || left != waitPlaces-1 {
			t.Fatalf("%d places are left: %v", left, err)
		}
		lossy.losses.Store(1)
		mustEnd(t, end)
		if _, left, err := s.beginWait(t); err != nil || left != waitPlaces-1 {
			t.Errorf("after the end %d places are left: %v", left, err)
		}
	})
}

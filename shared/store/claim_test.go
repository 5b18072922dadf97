package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const lease = time.Minute

// until returns when a lease that is taken now ends.
func (s *Store) until() time.Time { return s.now().Add(lease) }

func TestClaim(t *testing.T) {
	t.Parallel()

	t.Run("a claimed inquiry is finished once", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		batch := mustSubmit(t, s, acme, 300)
		id := batch.Inquiry(299) // in the second bucket

		claim, err := s.Claim(t.Context(), acme, id, "worker-1", s.until())
		if err != nil || claim.Attempt != 1 {
			t.Fatalf("Claim() = %+v, %v", claim, err)
		}
		result := Result{
			Status: inquiry.StatusFailed,
			Sources: map[string]inquiry.SourceFigures{
				"ofac": {Outcome: inquiry.OutcomeStale, Records: 0, Elapsed: 1500 * time.Microsecond},
			},
			Report: []byte("packed"), Failure: "REQUIRED_SOURCE", Retryable: true,
		}
		finished := s.later(2 * time.Second)
		if err := finished.Finish(t.Context(), claim, result); err != nil {
			t.Fatal(err)
		}

		entry, err := s.Entry(t.Context(), acme, id)
		if err != nil {
			t.Fatal(err)
		}
		want := inquiry.Record{
			ID: id, Status: inquiry.StatusFailed, Report: []byte("packed"), Failure: "REQUIRED_SOURCE", Retryable: true,
			Figures: inquiry.Figures{StartedAt: noon, FinishedAt: noon.Add(2 * time.Second), Attempts: 1, Sources: result.Sources},
		}
		if diff := cmp.Diff(want, entry.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}

		result.Status = inquiry.StatusCompleted
		if err := finished.Finish(t.Context(), Claim{Lender: acme, ID: id, Token: "worker-2"}, result); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("a second, different final status: %v, want ErrFinished", err)
		}
		if _, err := s.later(time.Hour).Claim(t.Context(), acme, id, "worker-3", s.until()); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("claiming a final inquiry: %v, want ErrFinished", err)
		}
	})

	t.Run("a lease keeps other workers out until it ends", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 1).Inquiry(0)
		first, err := s.Claim(t.Context(), acme, id, "worker-1", s.until())
		if err != nil {
			t.Fatal(err)
		}

		early := s.later(lease - time.Millisecond)
		if _, err := early.Claim(t.Context(), acme, id, "worker-2", early.until()); !errors.Is(err, inquiry.ErrLeased) {
			t.Fatalf("claiming during the lease: %v, want ErrLeased", err)
		}
		after := s.later(lease)
		second, err := after.Claim(t.Context(), acme, id, "worker-2", after.until())
		if err != nil || second.Attempt != 2 {
			t.Fatalf("claiming after the lease: %+v, %v", second, err)
		}

		// The first worker continues and must not write.
		if err := after.Finish(t.Context(), first, Result{Status: inquiry.StatusCompleted}); !errors.Is(err, inquiry.ErrSuperseded) {
			t.Errorf("the first worker finishes: %v, want ErrSuperseded", err)
		}
		if err := after.Finish(t.Context(), second, Result{Status: inquiry.StatusPartialSuccess}); err != nil {
			t.Fatal(err)
		}
		if err := after.Finish(t.Context(), first, Result{Status: inquiry.StatusCompleted}); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("the first worker finishes after the second: %v, want ErrFinished", err)
		}
		entry, err := s.Entry(t.Context(), acme, id)
		if err != nil || entry.Record.Status != inquiry.StatusPartialSuccess || !entry.Record.Figures.StartedAt.Equal(noon) {
			t.Errorf("the record is %+v, %v; want the second worker's result and the first worker's start", entry.Record, err)
		}
	})

	t.Run("a lost reply to a claim or a finish is a success", func(t *testing.T) {
		t.Parallel()
		lossy := &lossyTransport{operation: "UpdateItem"}
		s := newStoreOver(t, lossy)
		id := mustSubmit(t, s, acme, 1).Inquiry(0)

		lossy.losses.Store(1)
		claim, err := s.Claim(t.Context(), acme, id, "worker-1", s.until())
		if err != nil || claim.Attempt != 1 {
			t.Fatalf("Claim() = %+v, %v", claim, err)
		}
		lossy.losses.Store(1)
		if err := s.Finish(t.Context(), claim, Result{Status: inquiry.StatusCompleted}); err != nil {
			t.Fatalf("Finish() = %v", err)
		}
	})
}

func TestFinish(t *testing.T) {
	t.Parallel()

	t.Run("does not bring back a deleted inquiry", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := inquiry.NewBatchID(noon).Inquiry(0)
		err := s.Finish(t.Context(), Claim{Lender: acme, ID: id, Token: "worker-1"}, Result{Status: inquiry.StatusCompleted})
		if !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("Finish() = %v, want ErrNotFound", err)
		}
		if n := s.count(t.Context(), t); n != 0 {
			t.Errorf("the table has %d items, want none", n)
		}
	})

	t.Run("rejects a status that is not final", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 1).Inquiry(0)
		claim, err := s.Claim(t.Context(), acme, id, "worker-1", s.until())
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range []inquiry.Status{inquiry.StatusPlanning, inquiry.StatusRunning, "", "DONE"} {
			if err := s.Finish(t.Context(), claim, Result{Status: status}); err == nil {
				t.Errorf("Finish() accepted the status %q", status)
			}
		}
	})
}

func TestFail(t *testing.T) {
	t.Parallel()

	t.Run("waits for a lease and keeps a final status", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		batch := mustSubmit(t, s, acme, 3)

		unclaimed := batch.Inquiry(0)
		if err := s.Fail(t.Context(), acme, unclaimed, inquiry.FailureDeadline); err != nil {
			t.Fatal(err)
		}
		entry, err := s.Entry(t.Context(), acme, unclaimed)
		if err != nil || entry.Record.Status != inquiry.StatusFailed || entry.Record.Failure != inquiry.FailureDeadline || !entry.Record.Retryable {
			t.Errorf("the record is %+v, %v", entry.Record, err)
		}
		if err := s.Fail(t.Context(), acme, unclaimed, inquiry.FailureExhausted); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("giving up twice: %v, want ErrFinished", err)
		}

		held := batch.Inquiry(1)
		claim, err := s.Claim(t.Context(), acme, held, "worker", s.until())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Fail(t.Context(), acme, held, inquiry.FailureExhausted); !errors.Is(err, inquiry.ErrLeased) {
			t.Errorf("giving up a claimed inquiry: %v, want ErrLeased", err)
		}
		after := s.later(lease)
		if err := after.Fail(t.Context(), acme, held, inquiry.FailureExhausted); err != nil {
			t.Fatal(err)
		}
		if err := after.Finish(t.Context(), claim, Result{Status: inquiry.StatusCompleted}); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("the worker finishes after that: %v, want ErrFinished", err)
		}
		if entry, err = s.Entry(t.Context(), acme, held); err != nil || entry.Record.Status != inquiry.StatusFailed || entry.Record.Figures.Attempts != 1 {
			t.Errorf("the record is %+v, %v", entry.Record, err)
		}

		done := batch.Inquiry(2)
		if claim, err = s.Claim(t.Context(), acme, done, "worker", s.until()); err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(t.Context(), claim, Result{Status: inquiry.StatusCompleted}); err != nil {
			t.Fatal(err)
		}
		if err := after.Fail(t.Context(), acme, done, inquiry.FailureExhausted); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("giving up a completed inquiry: %v, want ErrFinished", err)
		}
	})
}

func TestCancelInquiry(t *testing.T) {
	t.Parallel()

	t.Run("only an unclaimed inquiry is canceled", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		batch := mustSubmit(t, s, acme, 2)
		claim, err := s.Claim(t.Context(), acme, batch.Inquiry(0), "worker", s.until())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			if err := s.CancelInquiry(t.Context(), acme, batch.Inquiry(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Finish(t.Context(), claim, Result{Status: inquiry.StatusCompleted}); err != nil {
			t.Errorf("finishing the claimed inquiry: %v", err)
		}
		if _, err := s.later(time.Hour).Claim(t.Context(), acme, batch.Inquiry(1), "late", s.until()); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("claiming a canceled inquiry: %v, want ErrFinished", err)
		}
		_, entries, err := listEntries(t, s, acme, batch, 0, 2)
		if err != nil || entries[0].Record.Status != inquiry.StatusCompleted || entries[1].Record.Status != inquiry.StatusCancelled {
			t.Errorf("the inquiries are %+v, %v; want COMPLETED and CANCELLED", entries, err)
		}
	})
}

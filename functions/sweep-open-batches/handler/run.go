package handler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

const (
	// batchTime is the most time that one batch gets in one run. What is not done then,
	// later runs do.
	batchTime = time.Minute

	// lastStart is how long before the end of the invocation the last batch is begun.
	lastStart = 30 * time.Second

	// endTime is the time that is left at the end of the invocation for ending the sweeps
	// that took too long.
	endTime = 5 * time.Second

	// defaultTime is the length of an invocation whose context has no deadline, as in
	// tests.
	defaultTime = time.Minute
)

// run is one invocation.
type run struct {
	*Handler
	end time.Time // when Lambda ends the invocation

	mu     sync.Mutex
	failed int           // failures
	first  error         // the first of them
	oldest time.Duration // age of the oldest batch that is still unfinished
}

// invocationEnd returns the time at which Lambda ends this invocation.
func (h *Handler) invocationEnd(ctx context.Context) time.Time {
	if at, ok := ctx.Deadline(); ok {
		return at
	}
	return h.Now().Add(defaultTime)
}

// late reports whether no more batches should be begun.
func (r *run) late() bool { return r.end.Sub(r.Now()) < lastStart }

// sweep repairs one batch and sets when it is due again. Before it does anything else,
// it moves the batch to the end of the line. So a batch that takes too long, or that
// ends the whole run, does not keep the others waiting in the next run.
func (r *run) sweep(ctx context.Context, due store.DueBatch) {
	if r.late() {
		r.open(due.ID)
		return
	}
	begun, err := r.Batches.BeginSweep(ctx, due, r.end)
	if errors.Is(err, inquiry.ErrConflict) {
		return // another run has it, its lender has just canceled it, or it is finished
	}
	if err != nil {
		r.open(due.ID)
		r.fail(ctx, "batch could not be repaired", err, "batchId", due.ID)
		return
	}
	again, err := r.tryRepair(ctx, due.BatchRef)
	if err != nil {
		r.open(due.ID)
		r.fail(ctx, "batch could not be repaired", err, "batchId", due.ID)
		again = r.end // the next run tries it again
	}
	if again.IsZero() {
		return // the batch is finished
	}
	if err := r.Batches.EndSweep(ctx, begun, again); err != nil {
		r.fail(ctx, "batch could not be repaired", err, "batchId", due.ID)
	}
}

// tryRepair is repair with a time limit. It returns a panic as an error.
func (r *run) tryRepair(ctx context.Context, ref store.BatchRef) (again time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			// Only the panic's type: its value may quote an inquiry.
			err = fmt.Errorf("sweeping batch %s: panic of type %T", ref.ID, p)
		}
	}()
	limited, cancel := context.WithTimeout(ctx, min(batchTime, r.end.Add(-endTime).Sub(r.Now())))
	defer cancel()
	return r.repair(limited, ref)
}

// open records that the run leaves the batch unfinished.
func (r *run) open(id inquiry.BatchID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.oldest = max(r.oldest, r.Now().Sub(id.CreatedAt()))
}

// fail logs and counts a failure.
func (r *run) fail(ctx context.Context, what string, err error, attributes ...any) {
	r.Log.ErrorContext(ctx, what, append(attributes, "err", err)...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed++; r.failed == 1 {
		r.first = err
	}
}

// result returns nil if nothing failed, and otherwise an error with the first failure.
func (r *run) result() error {
	if r.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d failures in one run, the first: %w", r.failed, r.first)
}

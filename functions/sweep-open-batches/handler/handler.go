// Package handler sweeps the unfinished batches that are due. A sweep counts again
// what the stream may have lost, and then deals with every inquiry that no worker
// has: it cancels it, fails it or sends it again.
package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

const (
	// batchesPerSweep is the most batches that one run sweeps. The others stay due.
	batchesPerSweep = 100

	// writesAtOnce is the number of inquiries that are failed or canceled concurrently.
	writesAtOnce = 16
)

// Batches reads and repairs unfinished batches.
type Batches interface {
	// Due returns up to limit unfinished batches that are due for a sweep, longest
	// overdue first.
	Due(ctx context.Context, limit int) ([]store.BatchRef, error)

	// Submitted returns the batch with its inquiries, read consistently. It returns
	// inquiry.ErrNotFound if the batch was deleted or has expired.
	Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error)

	// Batch returns the batch from its header alone.
	Batch(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, error)

	// Records returns a record for each inquiry that was ever claimed, failed or
	// canceled, read consistently.
	Records(context.Context, inquiry.Batch) ([]inquiry.Record, error)

	// Merge merges changes of inquiries into the batch's counters and returns the batch.
	// Merging a change again does no harm.
	Merge(context.Context, inquiry.LenderID, inquiry.BatchID, []inquiry.Change) (inquiry.Batch, error)

	// Fail gives the inquiry the status FAILED, with a failure code. It stores nothing
	// and returns inquiry.ErrFinished if the inquiry already has its final status, and
	// inquiry.ErrLeased if a worker still has it.
	Fail(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, code string) error

	// CancelInquiry cancels the inquiry if no worker ever claimed it. Otherwise it does
	// nothing and returns nil.
	CancelInquiry(context.Context, inquiry.LenderID, inquiry.ID) error

	// Postpone sets when the batch is due again. It does nothing and returns nil if the
	// batch is finished or deleted.
	Postpone(ctx context.Context, ref store.BatchRef, next time.Time) error
}

// Sender sends messages to the queue.
type Sender interface {
	// Send sends every message, or returns an error after having sent some of them. The
	// same message may be sent again.
	Send(context.Context, []queue.Message) error
}

// Handler repairs unfinished batches.
type Handler struct {
	Batches  Batches
	Queue    Sender
	Deadline time.Duration // time from a batch's submission until its unfinished inquiries fail
	Now      func() time.Time
	Log      *slog.Logger
}

// Handle sweeps every batch that is due. A batch that cannot be repaired moves to
// the end of the line, so that it does not keep the others waiting, and the next
// run tries it again. The run then returns an error, which raises an alarm.
func (h *Handler) Handle(ctx context.Context) error {
	due, err := h.Batches.Due(ctx, batchesPerSweep)
	if err != nil {
		return err
	}
	var failed []error
	for _, ref := range due {
		if err := h.sweep(ctx, ref); err != nil {
			h.Log.ErrorContext(ctx, "batch could not be repaired", "batchId", ref.ID, "err", err)
			failed = append(failed, err, h.Batches.Postpone(ctx, ref, h.Now()))
		}
	}
	return errors.Join(failed...)
}

// sweep repairs one batch: it recounts the batch, then cancels, fails or resends
// every idle inquiry, and sets when the batch is due again.
func (h *Handler) sweep(ctx context.Context, ref store.BatchRef) error {
	batch, submitted, err := h.read(ctx, ref)
	if errors.Is(err, inquiry.ErrNotFound) {
		// The batch was deleted since the index was read, or it has expired and is not
		// deleted yet. Either way it must not stay first in line.
		return h.Batches.Postpone(ctx, ref, h.Now())
	}
	if err != nil {
		return err
	}
	canceled := !batch.CancelRequestedAt.IsZero() // before the recount, whose read may be stale
	batch, idle, err := h.recount(ctx, batch)
	if err != nil {
		return err
	}
	if batch.Status().Final() {
		return nil
	}
	if canceled {
		if idle, err = h.cancel(ctx, batch, idle); err != nil {
			return err
		}
	}
	age := h.Now().Sub(batch.CreatedAt())
	if age >= h.Deadline {
		err = h.fail(ctx, batch, idle)
	} else {
		err = h.resend(ctx, batch, idle, submitted)
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "batch swept", "batchId", batch.ID, "idle", len(idle), "ageSeconds", int(age.Seconds()))
	return h.Batches.Postpone(ctx, ref, h.nextSweep(batch, age))
}

// read returns the batch and its submitted inquiries. Past the deadline it returns
// the batch even if its inquiries cannot be read: to fail them, the header is
// enough.
func (h *Handler) read(ctx context.Context, ref store.BatchRef) (inquiry.Batch, []inquiry.Inquiry, error) {
	batch, submitted, err := h.Batches.Submitted(ctx, ref.Lender, ref.ID)
	if err == nil || errors.Is(err, inquiry.ErrNotFound) {
		return batch, submitted, err
	}
	batch, headerErr := h.Batches.Batch(ctx, ref.Lender, ref.ID)
	if headerErr != nil || h.Now().Sub(batch.CreatedAt()) < h.Deadline {
		return inquiry.Batch{}, nil, err
	}
	return batch, nil, nil
}

// idleInquiry is an inquiry that is not finished and that no worker has.
type idleInquiry struct {
	id      inquiry.ID
	claimed bool // a worker had it, and the lease has ended
}

// recount merges every record into the batch's counters. It returns the updated
// batch and its idle inquiries.
func (h *Handler) recount(ctx context.Context, batch inquiry.Batch) (inquiry.Batch, []idleInquiry, error) {
	records, err := h.Batches.Records(ctx, batch)
	if err != nil {
		return inquiry.Batch{}, nil, err
	}
	changes := make([]inquiry.Change, len(records))
	hasRecord := make(map[int]bool, len(records))
	var idle []idleInquiry
	for i, r := range records {
		changes[i] = r.Change()
		hasRecord[r.ID.Index()] = true
		if r.Status == inquiry.StatusRunning && !r.LeaseUntil.After(h.Now()) {
			idle = append(idle, idleInquiry{id: r.ID, claimed: true})
		}
	}
	for i := range batch.Total {
		if !hasRecord[i] && !batch.Final(i) { // a rejected inquiry is final without a record
			idle = append(idle, idleInquiry{id: batch.ID.Inquiry(i)})
		}
	}
	batch, err = h.Batches.Merge(ctx, batch.LenderID, batch.ID, changes)
	return batch, idle, err
}

// cancel cancels the idle inquiries that were never claimed, which dispatch-batch
// should have done. It returns the others, which run to their end.
func (h *Handler) cancel(ctx context.Context, batch inquiry.Batch, idle []idleInquiry) (claimed []idleInquiry, err error) {
	var unclaimed []idleInquiry
	for _, in := range idle {
		if in.claimed {
			claimed = append(claimed, in)
		} else {
			unclaimed = append(unclaimed, in)
		}
	}
	return claimed, h.finish(ctx, batch, unclaimed, func(ctx context.Context, id inquiry.ID) error {
		return h.Batches.CancelInquiry(ctx, batch.LenderID, id)
	})
}

// fail fails the idle inquiries, because the batch has passed its deadline.
func (h *Handler) fail(ctx context.Context, batch inquiry.Batch, idle []idleInquiry) error {
	return h.finish(ctx, batch, idle, func(ctx context.Context, id inquiry.ID) error {
		return h.Batches.Fail(ctx, batch.LenderID, id, inquiry.FailureDeadline)
	})
}

// finish gives every idle inquiry its final status with write, and counts the
// results at once: a stream that is late must not keep the batch open after this
// sweep.
func (h *Handler) finish(ctx context.Context, batch inquiry.Batch, idle []idleInquiry, write func(context.Context, inquiry.ID) error) error {
	g, writing := errgroup.WithContext(ctx)
	g.SetLimit(writesAtOnce)
	for _, in := range idle {
		g.Go(func() error {
			err := write(writing, in.id)
			if errors.Is(err, inquiry.ErrFinished) || errors.Is(err, inquiry.ErrLeased) {
				return nil // a worker was faster
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("finishing the idle inquiries of batch %s: %w", batch.ID, err)
	}
	_, _, err := h.recount(ctx, batch)
	return err
}

// resend sends the idle inquiries to the queue again. One that is still waiting in
// the queue is then there twice, which is harmless: process-inquiry claims each
// inquiry before it works on it.
func (h *Handler) resend(ctx context.Context, batch inquiry.Batch, idle []idleInquiry, submitted []inquiry.Inquiry) error {
	messages := make([]queue.Message, len(idle))
	for i, in := range idle {
		messages[i] = queue.Message{LenderID: batch.LenderID, ID: in.id, Inquiry: submitted[in.id.Index()]}
	}
	return h.Queue.Send(ctx, messages)
}

// nextSweep returns when the batch is due again: when it is twice as old as now,
// but at its deadline at the latest, and after the deadline in every run. The gaps
// grow because an idle inquiry may only be waiting in a long queue.
func (h *Handler) nextSweep(batch inquiry.Batch, age time.Duration) time.Time {
	if age >= h.Deadline {
		return h.Now()
	}
	return batch.CreatedAt().Add(min(2*age, h.Deadline))
}

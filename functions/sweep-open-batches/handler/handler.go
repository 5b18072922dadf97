// Package handler is what sweep-open-batches does each time the schedule calls.
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
	// batchesPerSweep bounds one run; what is left stays due for the next.
	batchesPerSweep = 100

	// writesAtOnce bounds how many inquiries are given up side by side.
	writesAtOnce = 16
)

// Batches is where unfinished batches are found and mended.
type Batches interface {
	Due(ctx context.Context, limit int) ([]store.BatchRef, error)
	Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error)
	Batch(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, error)
	Records(context.Context, inquiry.Batch) ([]inquiry.Record, error)
	Merge(context.Context, inquiry.LenderID, inquiry.BatchID, []inquiry.Change) (inquiry.Batch, error)
	Fail(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, code string) error
	CancelInquiry(context.Context, inquiry.LenderID, inquiry.ID) error
	Postpone(ctx context.Context, ref store.BatchRef, next time.Time) error
}

// Sender puts messages on the queue; it may be asked to send one twice.
type Sender interface {
	Send(context.Context, []queue.Message) error
}

// Handler mends unfinished batches.
type Handler struct {
	Batches  Batches
	Queue    Sender
	Deadline time.Duration // after its submission, what is left of a batch is given up
	Now      func() time.Time
	Log      *slog.Logger
}

// Handle looks at every batch that is due. A batch that cannot be mended goes to
// the end of the line: the next run looks at it again, and it does not keep the
// others from their turn. The run then ends with an error, for the alarm.
func (h *Handler) Handle(ctx context.Context) error {
	due, err := h.Batches.Due(ctx, batchesPerSweep)
	if err != nil {
		return err
	}
	var failed []error
	for _, ref := range due {
		if err := h.sweep(ctx, ref); err != nil {
			h.Log.ErrorContext(ctx, "batch could not be mended", "batchId", ref.ID, "err", err)
			failed = append(failed, err, h.Batches.Postpone(ctx, ref, h.Now()))
		}
	}
	return errors.Join(failed...)
}

// sweep brings one batch forward: it counts what the stream may have lost, then
// deals with every inquiry that nobody works on.
func (h *Handler) sweep(ctx context.Context, ref store.BatchRef) error {
	batch, asked, err := h.Batches.Submitted(ctx, ref.Lender, ref.ID)
	if errors.Is(err, inquiry.ErrNotFound) {
		// Deleted since the index was read, or expired and not deleted yet:
		// then it must not stay the first in line.
		return h.Batches.Postpone(ctx, ref, h.Now())
	}
	if err != nil {
		// What was asked cannot be read, so nothing can be sent again. The
		// deadline ends the batch all the same: to give up, its header will do.
		known, unread := h.Batches.Batch(ctx, ref.Lender, ref.ID)
		if unread != nil || h.Now().Sub(known.CreatedAt()) < h.Deadline {
			return err
		}
		batch = known
	}
	cancelled := !batch.CancelRequestedAt.IsZero() // read consistently, which a recount is not
	batch, idle, err := h.recount(ctx, batch)
	if err != nil || batch.Status().Final() {
		return err
	}
	if cancelled {
		if idle, err = h.cancel(ctx, batch, idle); err != nil {
			return err
		}
	}
	age := h.Now().Sub(batch.CreatedAt())
	if age >= h.Deadline {
		err = h.giveUp(ctx, batch, idle)
	} else {
		err = h.resend(ctx, batch, idle, asked)
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "batch swept", "batchId", batch.ID, "idle", len(idle), "ageSeconds", int(age.Seconds()))
	return h.Batches.Postpone(ctx, ref, h.nextCheck(batch, age))
}

// idleInquiry is one that nobody works on.
type idleInquiry struct {
	id      inquiry.ID
	claimed bool // a worker had it and its lease has ended
}

// recount merges every record into the batch's counters and returns the batch as
// it is then, with the inquiries that nobody works on.
func (h *Handler) recount(ctx context.Context, batch inquiry.Batch) (inquiry.Batch, []idleInquiry, error) {
	records, err := h.Batches.Records(ctx, batch)
	if err != nil {
		return inquiry.Batch{}, nil, err
	}
	changes := make([]inquiry.Change, len(records))
	known := make(map[int]bool, len(records))
	var idle []idleInquiry
	for i, r := range records {
		changes[i] = r.Change()
		known[r.ID.Index()] = true
		if r.Status == inquiry.StatusRunning && !r.LeaseUntil.After(h.Now()) {
			idle = append(idle, idleInquiry{id: r.ID, claimed: true})
		}
	}
	for i := range batch.Total {
		if !known[i] && !batch.Final(i) { // a rejected inquiry is final and has no record
			idle = append(idle, idleInquiry{id: batch.ID.Inquiry(i)})
		}
	}
	batch, err = h.Batches.Merge(ctx, batch.LenderID, batch.ID, changes)
	return batch, idle, err
}

// cancel does what the batch's cancel would have done to the idle inquiries:
// those that were never claimed stop. It returns the others, which run to their
// end.
func (h *Handler) cancel(ctx context.Context, batch inquiry.Batch, idle []idleInquiry) (claimed []idleInquiry, err error) {
	var unclaimed []idleInquiry
	for _, in := range idle {
		if in.claimed {
			claimed = append(claimed, in)
		} else {
			unclaimed = append(unclaimed, in)
		}
	}
	return claimed, h.settle(ctx, batch, unclaimed, func(ctx context.Context, id inquiry.ID) error {
		return h.Batches.CancelInquiry(ctx, batch.LenderID, id)
	})
}

func (h *Handler) giveUp(ctx context.Context, batch inquiry.Batch, idle []idleInquiry) error {
	return h.settle(ctx, batch, idle, func(ctx context.Context, id inquiry.ID) error {
		return h.Batches.Fail(ctx, batch.LenderID, id, inquiry.FailureDeadline)
	})
}

// settle ends every idle inquiry with end, and counts that at once: a stream
// that is out of order must not keep the batch open beyond this sweep.
func (h *Handler) settle(ctx context.Context, batch inquiry.Batch, idle []idleInquiry, end func(context.Context, inquiry.ID) error) error {
	g, writing := errgroup.WithContext(ctx)
	g.SetLimit(writesAtOnce)
	for _, in := range idle {
		g.Go(func() error {
			err := end(writing, in.id)
			if errors.Is(err, inquiry.ErrFinished) || errors.Is(err, inquiry.ErrLeased) {
				return nil // somebody was faster
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("settling batch %s: %w", batch.ID, err)
	}
	_, _, err := h.recount(ctx, batch)
	return err
}

// resend puts the idle inquiries on the queue again. Those that are only waiting
// their turn are there twice then, which their claims absorb.
func (h *Handler) resend(ctx context.Context, batch inquiry.Batch, idle []idleInquiry, asked []inquiry.Inquiry) error {
	messages := make([]queue.Message, len(idle))
	for i, in := range idle {
		messages[i] = queue.Message{LenderID: batch.LenderID, ID: in.id, Inquiry: asked[in.id.Index()]}
	}
	return h.Queue.Send(ctx, messages)
}

// nextCheck spaces the sweeps of a batch exponentially, for what is sent again
// may only be waiting in a long queue: the next one comes when the batch is
// twice as old, at its deadline at the latest, and then with every run.
func (h *Handler) nextCheck(batch inquiry.Batch, age time.Duration) time.Time {
	if age >= h.Deadline {
		return h.Now()
	}
	return batch.CreatedAt().Add(min(2*age, h.Deadline))
}

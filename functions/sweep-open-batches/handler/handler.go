// Package handler sweeps the unfinished batches that are due. A sweep counts again
// what the stream may have lost, and then deals with every inquiry that no worker
// has: it cancels it, fails it or sends it again.
package handler

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

const (
	// batchesAtOnce is the number of batches that are swept concurrently.
	batchesAtOnce = 16

	// writesAtOnce is the number of inquiries of one batch that are failed or canceled
	// concurrently.
	writesAtOnce = 16
)

// Batches reads and repairs unfinished batches.
type Batches interface {
	// Due returns the unfinished batches that are due for a sweep now, the most overdue
	// first, and an error for each part of them that it cannot read.
	Due(context.Context) iter.Seq2[store.DueBatch, error]

	// BeginSweep records that a sweep begins with the batch, which is due again at the
	// given time if the sweep does not end. It returns the batch as EndSweep needs it. It
	// returns inquiry.ErrConflict if the batch is not due any more.
	BeginSweep(ctx context.Context, due store.DueBatch, again time.Time) (store.DueBatch, error)

	// EndSweep records that the sweep has ended, and sets when the batch is due again. It
	// does nothing and returns nil if somebody else has set that in the meantime, or if
	// the batch is finished or deleted.
	EndSweep(ctx context.Context, begun store.DueBatch, again time.Time) error

	// Submitted returns the batch with its inquiries, read consistently. It returns
	// inquiry.ErrNotFound if the batch was deleted or has expired.
	Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error)

	// Batch returns the batch from its header alone.
	Batch(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, error)

	// Records returns a record for each inquiry that was ever claimed, failed or
	// canceled, read consistently. Its status may be one that this version does not know.
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
	Metrics  *metrics.Writer
	Log      *slog.Logger
}

// Handle sweeps the batches that are due, until none is left or the invocation's time is
// nearly over. If batches could not be repaired, Handle returns an error, which raises
// an alarm.
func (h *Handler) Handle(ctx context.Context) error {
	r := &run{Handler: h, end: h.invocationEnd(ctx)}
	var sweeps errgroup.Group
	sweeps.SetLimit(batchesAtOnce)
	for due, err := range h.Batches.Due(ctx) {
		if r.late() {
			if err == nil {
				r.open(due.ID)
			}
			break
		}
		switch {
		case err != nil:
			r.fail(ctx, "unfinished batches could not be found", err)
		case due.Begun:
			// An earlier run may have died because of this batch. If this run dies too, no
			// other batch may be affected again.
			_ = sweeps.Wait()
			r.sweep(ctx, due)
		default:
			sweeps.Go(func() error { r.sweep(ctx, due); return nil })
		}
	}
	_ = sweeps.Wait()
	h.Metrics.Write(map[metrics.Name]float64{metrics.OldestOpenBatchMinutes: r.oldest.Minutes()})
	return r.result()
}

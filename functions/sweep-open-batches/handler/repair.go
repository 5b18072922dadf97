package handler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// repair repairs one batch: it recounts the batch, then cancels, fails or resends every
// idle inquiry. It returns when the batch is due again, or the zero time when the batch
// is finished.
func (r *run) repair(ctx context.Context, ref store.BatchRef) (again time.Time, err error) {
	batch, submitted, err := r.read(ctx, ref)
	if errors.Is(err, inquiry.ErrNotFound) {
		return r.end, nil // it was deleted since the index was read, or it has expired and DynamoDB has not deleted it yet
	}
	if err != nil {
		return time.Time{}, err
	}
	canceled := !batch.CancelRequestedAt.IsZero() // before the recount, whose read may be stale
	batch, idle, err := r.recount(ctx, batch)
	if err != nil || batch.Status().Final() {
		return time.Time{}, err
	}
	if canceled {
		if batch, idle, err = r.cancel(ctx, batch, idle); err != nil {
			return time.Time{}, err
		}
	}
	age := r.Now().Sub(batch.CreatedAt())
	if age >= r.Deadline {
		batch, err = r.failIdle(ctx, batch, idle)
	} else {
		err = r.resend(ctx, batch, idle, submitted)
	}
	if err != nil {
		return time.Time{}, err
	}
	r.Log.InfoContext(ctx, "batch swept", "batchId", batch.ID, "idle", len(idle), "ageSeconds", int(age.Seconds()))
	if batch.Status().Final() {
		return time.Time{}, nil
	}
	r.open(batch.ID)
	return r.nextSweep(batch, age), nil
}

// read returns the batch and its submitted inquiries. Past the deadline it returns
// the batch even if its inquiries cannot be read: to fail them, the header is
// enough.
func (r *run) read(ctx context.Context, ref store.BatchRef) (inquiry.Batch, []inquiry.Inquiry, error) {
	batch, submitted, err := r.Batches.Submitted(ctx, ref.Lender, ref.ID)
	if err == nil || errors.Is(err, inquiry.ErrNotFound) {
		return batch, submitted, err
	}
	batch, headerErr := r.Batches.Batch(ctx, ref.Lender, ref.ID)
	if headerErr != nil || r.Now().Sub(batch.CreatedAt()) < r.Deadline {
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
func (r *run) recount(ctx context.Context, batch inquiry.Batch) (inquiry.Batch, []idleInquiry, error) {
	records, err := r.Batches.Records(ctx, batch)
	if err != nil {
		return inquiry.Batch{}, nil, err
	}
	changes := make([]inquiry.Change, len(records))
	hasRecord := make(map[int]bool, len(records))
	var idle []idleInquiry
	for i, rec := range records {
		hasRecord[rec.ID.Index()] = true
		if !rec.Status.Known() {
			changes[i] = r.unknown(ctx, batch, rec)
			continue
		}
		changes[i] = rec.Change()
		if rec.Status == inquiry.StatusRunning && !rec.LeaseUntil.After(r.Now()) {
			idle = append(idle, idleInquiry{id: rec.ID, claimed: true})
		}
	}
	for i := range batch.Total {
		if !hasRecord[i] && !batch.Final(i) { // a rejected inquiry is final without a record
			idle = append(idle, idleInquiry{id: batch.ID.Inquiry(i)})
		}
	}
	batch, err = r.Batches.Merge(ctx, batch.LenderID, batch.ID, changes)
	return batch, idle, err
}

// unknown returns what to count for a record whose status this version does not know. A
// newer version wrote it and may have been rolled back. The inquiry counts as running,
// and is not idle, until the deadline. Then it counts as failed, because the batch would
// never end otherwise. The record is not overwritten.
func (r *run) unknown(ctx context.Context, batch inquiry.Batch, rec inquiry.Record) inquiry.Change {
	now := r.Now().Truncate(time.Millisecond) // as times are stored
	change := inquiry.Change{Index: rec.ID.Index(), Status: inquiry.StatusRunning}
	change.Figures.StartedAt = rec.Figures.StartedAt
	switch {
	case now.Sub(batch.CreatedAt()) < r.Deadline:
		r.Log.WarnContext(ctx, "inquiry has an unknown status", "inquiryId", rec.ID, "status", rec.Status)
	case !batch.Final(rec.ID.Index()):
		r.Log.ErrorContext(ctx, "inquiry with an unknown status fails at its batch's deadline", "inquiryId", rec.ID, "status", rec.Status)
		change.Status = inquiry.StatusFailed
		change.Figures.Attempts, change.Figures.FinishedAt = rec.Figures.Attempts, now
	}
	return change
}

// cancel cancels the idle inquiries that were never claimed, which dispatch-batch
// should have done. It returns the batch and its other idle inquiries, which run to
// their end.
func (r *run) cancel(ctx context.Context, batch inquiry.Batch, idle []idleInquiry) (_ inquiry.Batch, claimed []idleInquiry, err error) {
	var unclaimed []idleInquiry
	for _, in := range idle {
		if in.claimed {
			claimed = append(claimed, in)
		} else {
			unclaimed = append(unclaimed, in)
		}
	}
	batch, err = r.finish(ctx, batch, unclaimed, func(ctx context.Context, id inquiry.ID) error {
		return r.Batches.CancelInquiry(ctx, batch.LenderID, id)
	})
	return batch, claimed, err
}

// failIdle fails the idle inquiries, because the batch has passed its deadline.
func (r *run) failIdle(ctx context.Context, batch inquiry.Batch, idle []idleInquiry) (inquiry.Batch, error) {
	return r.finish(ctx, batch, idle, func(ctx context.Context, id inquiry.ID) error {
		return r.Batches.Fail(ctx, batch.LenderID, id, inquiry.FailureDeadline)
	})
}

// finish gives every idle inquiry its final status with write, and counts the
// results at once: a stream that is late must not keep the batch open after this
// sweep. It returns the updated batch.
func (r *run) finish(ctx context.Context, batch inquiry.Batch, idle []idleInquiry, write func(context.Context, inquiry.ID) error) (inquiry.Batch, error) {
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
		return inquiry.Batch{}, fmt.Errorf("finishing the idle inquiries of batch %s: %w", batch.ID, err)
	}
	batch, _, err := r.recount(ctx, batch)
	return batch, err
}

// resend sends the idle inquiries to the queue again. One that is still waiting in
// the queue is then there twice, which is harmless: process-inquiry claims each
// inquiry before it works on it.
func (r *run) resend(ctx context.Context, batch inquiry.Batch, idle []idleInquiry, submitted []inquiry.Inquiry) error {
	messages := make([]queue.Message, len(idle))
	for i, in := range idle {
		messages[i] = queue.Message{LenderID: batch.LenderID, ID: in.id, Inquiry: submitted[in.id.Index()]}
	}
	return r.Queue.Send(ctx, messages)
}

// nextSweep returns when the batch is due again: when it is twice its present age,
// no later than its deadline, and after the deadline in every run. The gaps grow
// because an idle inquiry may only be waiting in a long queue.
func (r *run) nextSweep(batch inquiry.Batch, age time.Duration) time.Time {
	next := batch.CreatedAt().Add(min(2*age, r.Deadline))
	if next.Before(r.end) {
		return r.end // no run sweeps a batch twice
	}
	return next
}

// Package handler reads batch headers from the table's stream. It sends the
// inquiries of a submitted batch to the queue and cancels those of a canceled batch.
package handler

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// cancelsAtOnce is the number of inquiries that are canceled concurrently.
const cancelsAtOnce = 16

// Batches reads submitted batches and cancels inquiries.
type Batches interface {
	// Submitted returns the batch with its inquiries, in the order of submission. It
	// returns inquiry.ErrNotFound if the batch was deleted or has expired, and
	// inquiry.ErrUnreadable if it is damaged. The read must be consistent, because the stream can be faster than the table's replicas.
	Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error)

	// CancelInquiry cancels the inquiry if no worker has claimed it. Otherwise it does
	// nothing and returns nil.
	CancelInquiry(context.Context, inquiry.LenderID, inquiry.ID) error
}

// Sender sends messages to the queue.
type Sender interface {
	// Send sends every message, or returns an error after having sent some of them. The
	// same message may be sent again.
	Send(context.Context, []queue.Message) error
}

// FailedRecords keeps the records that cannot be acted on.
type FailedRecords interface {
	// Put stores the record. The same record may be put again.
	Put(context.Context, events.DynamoDBEventRecord) error
}

// Handler dispatches submitted batches and stops canceled ones.
type Handler struct {
	Batches Batches
	Queue   Sender
	Failed  FailedRecords
	Metrics *metrics.Writer
	Log     *slog.Logger
}

// Handle acts on each header that was submitted or canceled. It stops at the first
// failure and returns that record, and the stream continues from there. Inquiries
// that were already sent may be sent again, which is harmless: process-inquiry
// claims each inquiry before it works on it.
//
// A record that cannot be read, or whose batch cannot be read, is set aside and
// passed: the stream would repeat it for a day, and everything behind it would wait.
func (h *Handler) Handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	resp := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}} // not nil: a null list is not always read as empty
	aside := 0
	for _, r := range ev.Records {
		err := h.act(ctx, r)
		if errors.Is(err, inquiry.ErrUnreadable) {
			if err = h.setAside(ctx, r, err); err == nil {
				aside++
			}
		}
		if err != nil {
			h.Log.ErrorContext(ctx, "stream record will be read again", "sequenceNumber", r.Change.SequenceNumber, "err", err)
			resp.BatchItemFailures = append(resp.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			break
		}
	}
	if aside > 0 {
		h.Metrics.Write(map[metrics.Name]float64{metrics.RecordsSetAside: float64(aside)})
	}
	return resp, nil
}

// setAside puts a record that cannot be read with the failed records. The sweep
// repairs its batch, or ends it at its deadline.
func (h *Handler) setAside(ctx context.Context, r events.DynamoDBEventRecord, why error) error {
	if err := h.Failed.Put(ctx, r); err != nil {
		return errors.Join(why, err)
	}
	h.Log.ErrorContext(ctx, "stream record set aside", "sequenceNumber", r.Change.SequenceNumber, "err", why)
	return nil
}

func (h *Handler) act(ctx context.Context, r events.DynamoDBEventRecord) error {
	occasion, batch, err := store.ReadHeader(r)
	if err != nil {
		return err
	}
	switch occasion {
	case store.Submitted:
		return h.dispatch(ctx, batch)
	case store.CancelRequested:
		return h.cancel(ctx, batch)
	default:
		return nil
	}
}

// dispatch sends a message for every inquiry of the batch that was not rejected.
func (h *Handler) dispatch(ctx context.Context, batch inquiry.Batch) error {
	_, inquiries, err := h.Batches.Submitted(ctx, batch.LenderID, batch.ID)
	if errors.Is(err, inquiry.ErrNotFound) {
		h.Log.WarnContext(ctx, "batch was deleted or expired before it was dispatched", "batchId", batch.ID)
		return nil // there is nothing left to send
	}
	if err != nil {
		return err
	}
	messages := make([]queue.Message, 0, len(inquiries))
	for i, in := range inquiries {
		if !in.IsRejected() {
			messages = append(messages, queue.Message{LenderID: batch.LenderID, ID: batch.ID.Inquiry(i), Inquiry: in})
		}
	}
	if err := h.Queue.Send(ctx, messages); err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "batch dispatched", "batchId", batch.ID, "inquiries", len(messages))
	return nil
}

// cancel cancels every inquiry that was not known to be claimed when the lender
// requested the cancel. A worker may claim one at the same moment: the first write
// wins.
func (h *Handler) cancel(ctx context.Context, batch inquiry.Batch) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cancelsAtOnce)
	unclaimed := batch.Unclaimed()
	for _, index := range unclaimed {
		g.Go(func() error { return h.Batches.CancelInquiry(ctx, batch.LenderID, batch.ID.Inquiry(index)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "batch canceled", "batchId", batch.ID, "inquiries", len(unclaimed))
	return nil
}

// Package handler is what dispatch-batch does with the table's stream.
package handler

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// cancelsAtOnce bounds how many inquiries are cancelled side by side.
const cancelsAtOnce = 16

// Batches reads what was submitted and writes what was cancelled. The read must
// be consistent: the stream can be faster than the table's replicas.
type Batches interface {
	Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error)
	CancelInquiry(context.Context, inquiry.LenderID, inquiry.ID) error
}

// Sender puts messages on the queue; it may be asked to send one twice.
type Sender interface {
	Send(context.Context, []queue.Message) error
}

// Handler puts submitted batches on the queue, and stops cancelled ones.
type Handler struct {
	Batches Batches
	Queue   Sender
	Log     *slog.Logger
}

// Handle acts on each header that was submitted or cancelled. It stops at the
// first failure and names that record: the stream goes on from there, and what
// was sent before is sent again, which the claims of process-inquiry absorb.
func (h *Handler) Handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	resp := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	for _, r := range ev.Records {
		if err := h.act(ctx, r); err != nil {
			h.Log.ErrorContext(ctx, "record goes back to the stream", "sequenceNumber", r.Change.SequenceNumber, "err", err)
			resp.BatchItemFailures = append(resp.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			break
		}
	}
	return resp, nil
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

func (h *Handler) dispatch(ctx context.Context, batch inquiry.Batch) error {
	_, inquiries, err := h.Batches.Submitted(ctx, batch.LenderID, batch.ID)
	if errors.Is(err, inquiry.ErrNotFound) {
		h.Log.WarnContext(ctx, "batch is gone before it was dispatched", "batchId", batch.ID)
		return nil // deleted or expired since: there is nothing to send
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

// cancel races the workers for every inquiry that was not known to be claimed
// when the cancel was requested. Whoever writes first has it.
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
	h.Log.InfoContext(ctx, "batch cancelled", "batchId", batch.ID, "inquiries", len(unclaimed))
	return nil
}

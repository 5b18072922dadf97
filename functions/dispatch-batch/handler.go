package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// batches reads what was submitted. The read must be consistent: the stream can
// be faster than the table's replicas.
type batches interface {
	Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error)
}

// sender puts messages on the queue; it may be asked to send one twice.
type sender interface {
	Send(context.Context, []queue.Message) error
}

type handler struct {
	batches batches
	queue   sender
	log     *slog.Logger
}

// handle dispatches each submitted batch. It stops at the first failure and
// names that record: the stream goes on from there, and what was sent before is
// sent again, which the claims of process-inquiry absorb.
func (h *handler) handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	for _, r := range ev.Records {
		if err := h.dispatch(ctx, r); err != nil {
			h.log.ErrorContext(ctx, "dispatch goes back to the stream", "sequenceNumber", r.Change.SequenceNumber, "err", err)
			return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{
				{ItemIdentifier: r.Change.SequenceNumber},
			}}, nil
		}
	}
	return events.DynamoDBEventResponse{}, nil
}

func (h *handler) dispatch(ctx context.Context, r events.DynamoDBEventRecord) error {
	lender, id, ok, err := store.ReadSubmitted(r)
	if err != nil || !ok {
		return err
	}
	_, inquiries, err := h.batches.Submitted(ctx, lender, id)
	if errors.Is(err, inquiry.ErrNotFound) {
		h.log.WarnContext(ctx, "batch is gone before it was dispatched", "batchId", id)
		return nil // deleted or expired since: there is nothing to send
	}
	if err != nil {
		return err
	}
	messages := make([]queue.Message, len(inquiries))
	for i, in := range inquiries {
		messages[i] = queue.Message{LenderID: lender, ID: id.Inquiry(i), Inquiry: in}
	}
	if err := h.queue.Send(ctx, messages); err != nil {
		return err
	}
	h.log.InfoContext(ctx, "batch dispatched", "batchId", id, "inquiries", len(messages))
	return nil
}

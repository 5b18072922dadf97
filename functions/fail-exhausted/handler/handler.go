// Package handler is what fail-exhausted does with the dead letters.
package handler

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
)

// Inquiries is where an inquiry is given up.
type Inquiries interface {
	Fail(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, code string) error
}

// Handler gives up the inquiries of dead letters.
type Handler struct {
	Inquiries Inquiries
	Log       *slog.Logger
}

// Handle fails each letter's inquiry, unless it is final, and names the letters
// to deliver again: those it cannot read, and those whose inquiry a worker still
// holds and may yet finish.
func (h *Handler) Handle(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
	resp := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // a null list is not everywhere read as empty
	for _, m := range ev.Records {
		if err := h.fail(ctx, m); err != nil {
			h.Log.ErrorContext(ctx, "dead letter goes back to its queue", "messageId", m.MessageId, "err", err)
			resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return resp, nil
}

func (h *Handler) fail(ctx context.Context, m events.SQSMessage) error {
	msg, err := queue.Parse(m.Body)
	if err != nil {
		return err
	}
	err = h.Inquiries.Fail(ctx, msg.LenderID, msg.ID, inquiry.FailureExhausted)
	if errors.Is(err, inquiry.ErrFinished) {
		return nil // a second delivery, or the last attempt had finished after all
	}
	if err != nil {
		return err
	}
	h.Log.WarnContext(ctx, "inquiry given up", "inquiryId", msg.ID, "code", inquiry.FailureExhausted)
	return nil
}

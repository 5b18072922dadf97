// Package handler processes the dead letters: it fails the inquiry of each message
// that was delivered too often without success.
package handler

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
)

// Inquiries stores failures.
type Inquiries interface {
	// Fail gives the inquiry the status FAILED, with a failure code. It stores nothing
	// and returns inquiry.ErrFinished if the inquiry already has its final status, and
	// inquiry.ErrLeased if a worker still has it.
	Fail(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, code string) error
}

// Handler fails the inquiries of dead letters.
type Handler struct {
	Inquiries Inquiries
	Log       *slog.Logger
}

// Handle fails the inquiry of each letter, unless the inquiry is finished. It
// returns the letters that have to be delivered again: those that it could not
// read or store, and those whose inquiry a worker still has and may finish.
func (h *Handler) Handle(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
	resp := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // not nil: a null list is not always read as empty
	for _, m := range ev.Records {
		if err := h.fail(ctx, m); err != nil {
			h.Log.ErrorContext(ctx, "dead letter returned to its queue", "messageId", m.MessageId, "err", err)
			resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return resp, nil
}

// fail fails the inquiry of one letter. If it returns nil, the queue deletes the letter.
func (h *Handler) fail(ctx context.Context, m events.SQSMessage) error {
	msg, err := queue.Parse(m.Body)
	if err != nil {
		return err
	}
	err = h.Inquiries.Fail(ctx, msg.LenderID, msg.ID, inquiry.FailureExhausted)
	if errors.Is(err, inquiry.ErrFinished) {
		return nil // the letter was delivered before, or the last attempt finished after all
	}
	if err != nil {
		return err
	}
	h.Log.WarnContext(ctx, "inquiry failed after its last delivery", "inquiryId", msg.ID, "code", inquiry.FailureExhausted)
	return nil
}

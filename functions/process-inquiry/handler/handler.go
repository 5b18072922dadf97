// Package handler is what process-inquiry does with the queue's messages.
package handler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

const (
	// writeTime is kept back from the invocation for writing what was found.
	writeTime = 5 * time.Second

	// leaseMargin is how long a lease outlives its invocation, so that a worker
	// that was cut off has surely stopped when the next one starts.
	leaseMargin = 10 * time.Second

	// defaultTime is an invocation's length where nobody says, as in tests.
	defaultTime = time.Minute
)

// Inquiries is where claims and results are written.
type Inquiries interface {
	Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error)
	Finish(context.Context, store.Claim, store.Result) error
}

// Sources asks every source that applies, and returns when all have answered or
// the context ends.
type Sources interface {
	Run(context.Context, inquiry.ID, inquiry.Inquiry) []source.Answer
}

type Handler struct {
	Inquiries   Inquiries
	Sources     Sources
	MaxReceives int           // deliveries of one message before it goes to the dead letters
	Deadline    time.Duration // after its submission, what is left of a batch is given up
	Now         func() time.Time
	Log         *slog.Logger
}

// Handle runs the event's inquiries side by side and names the messages to
// deliver again.
//
// When none of them could be served, the cause is not in the messages: then the
// invocation itself fails, which makes Lambda slow down, where failed messages
// alone would be delivered again at full speed until they are used up.
func (h *Handler) Handle(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
	errs := make([]error, len(ev.Records))
	var wg sync.WaitGroup
	for i, m := range ev.Records {
		wg.Go(func() { errs[i] = h.run(ctx, m) })
	}
	wg.Wait()

	resp := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // a null list is not everywhere read as empty
	outages := 0
	for i, err := range errs {
		if err == nil {
			continue
		}
		if !ofItsMessage(err) {
			outages++
		}
		h.Log.ErrorContext(ctx, "inquiry goes back to the queue", "messageId", ev.Records[i].MessageId, "err", err)
		resp.BatchItemFailures = append(resp.BatchItemFailures,
			events.SQSBatchItemFailure{ItemIdentifier: ev.Records[i].MessageId})
	}
	if outages > 0 && outages == len(ev.Records) {
		return events.SQSEventResponse{}, fmt.Errorf("none of %d inquiries could be served; the first: %w", outages, errs[0])
	}
	return resp, nil
}

var (
	// errUnreadable is a fault of the one message.
	errUnreadable = errors.New("message cannot be read")

	// errIncomplete: asking the sources again, later, may give a full report.
	errIncomplete = errors.New("a source may answer later")
)

// ofItsMessage reports whether err tells of the one message alone, and so is no
// sign of an outage.
func ofItsMessage(err error) bool {
	return errors.Is(err, errUnreadable) || errors.Is(err, inquiry.ErrLeased) || errors.Is(err, inquiry.ErrSuperseded)
}

// run serves one delivery. A nil error acknowledges it.
func (h *Handler) run(ctx context.Context, m events.SQSMessage) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may quote the inquiry; its type does not.
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	msg, err := queue.Parse(m.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	claim, err := h.Inquiries.Claim(ctx, msg.LenderID, msg.ID, rand.Text(), h.lease(ctx, msg.ID))
	if errors.Is(err, inquiry.ErrFinished) {
		return nil // a second delivery; the first one did the work
	}
	if err != nil {
		// Leased included: acknowledging this delivery could delete the only
		// message left, should the worker that holds the lease die.
		return err
	}
	result, err := h.lookUp(ctx, msg, h.lastDelivery(m))
	if err != nil {
		return err
	}
	err = h.Inquiries.Finish(ctx, claim, result)
	if errors.Is(err, inquiry.ErrFinished) || errors.Is(err, inquiry.ErrNotFound) {
		h.Log.WarnContext(ctx, "result is not needed any more", "inquiryId", msg.ID, "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "inquiry finished", "inquiryId", msg.ID, "status", result.Status, "attempt", claim.Attempt)
	return nil
}

// lookUp asks the sources and composes the report. Unless this is the last
// delivery, a report that a later attempt may complete is errIncomplete.
func (h *Handler) lookUp(ctx context.Context, msg queue.Message, last bool) (store.Result, error) {
	asking, cancel := context.WithDeadline(ctx, h.deadline(ctx).Add(-writeTime))
	defer cancel()
	rep := report.Compose(msg.ID, h.Sources.Run(asking, msg.ID, msg.Inquiry), h.Now())
	if rep.Retryable() && !last {
		return store.Result{}, fmt.Errorf("looking up inquiry %s: %w", msg.ID, errIncomplete)
	}
	packed, err := report.Encode(rep)
	if err != nil {
		return store.Result{}, fmt.Errorf("looking up inquiry %s: %w", msg.ID, err)
	}
	result := store.Result{Status: rep.Status, Sources: rep.Figures(), Report: packed, Retryable: rep.Retryable()}
	if rep.Failure != nil {
		result.Failure = rep.Failure.Code
	}
	return result, nil
}

// deadline is when this invocation is cut off.
func (h *Handler) deadline(ctx context.Context) time.Time {
	if at, ok := ctx.Deadline(); ok {
		return at
	}
	return h.Now().Add(defaultTime)
}

// lease is until when a claim made now holds. It outlives the invocation, and
// not the batch's deadline: then a sweep finds nothing that it has to wait for.
func (h *Handler) lease(ctx context.Context, id inquiry.ID) time.Time {
	until, last := h.deadline(ctx).Add(leaseMargin), id.Batch().CreatedAt().Add(h.Deadline)
	if last.Before(until) {
		return last
	}
	return until
}

// lastDelivery reports whether the queue will not deliver the message again.
func (h *Handler) lastDelivery(m events.SQSMessage) bool {
	receives, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	return err == nil && receives >= h.MaxReceives
}

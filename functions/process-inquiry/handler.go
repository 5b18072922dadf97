package main

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

// inquiries is where claims and results are written.
type inquiries interface {
	Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error)
	Finish(context.Context, store.Claim, store.Result) error
}

// sources asks every source that applies, and returns when all have answered or
// the context ends.
type sources interface {
	Run(context.Context, inquiry.ID, inquiry.Inquiry) []source.Answer
}

type handler struct {
	inquiries   inquiries
	sources     sources
	maxReceives int // deliveries of one message before it goes to the dead letters
	now         func() time.Time
	log         *slog.Logger
}

// handle runs the event's inquiries side by side and names the messages to
// deliver again.
//
// When none of them could be served, the cause is not in the messages: then the
// invocation itself fails, which makes Lambda slow down, where failed messages
// alone would be delivered again at full speed until they are used up.
func (h *handler) handle(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
	errs := make([]error, len(ev.Records))
	var wg sync.WaitGroup
	for i, m := range ev.Records {
		wg.Go(func() { errs[i] = h.run(ctx, m) })
	}
	wg.Wait()

	var resp events.SQSEventResponse
	outages := 0
	for i, err := range errs {
		if err == nil {
			continue
		}
		if !ofItsMessage(err) {
			outages++
		}
		h.log.ErrorContext(ctx, "inquiry goes back to the queue", "messageId", ev.Records[i].MessageId, "err", err)
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
func (h *handler) run(ctx context.Context, m events.SQSMessage) (err error) {
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
	claim, err := h.inquiries.Claim(ctx, msg.LenderID, msg.ID, rand.Text(), h.deadline(ctx).Add(leaseMargin))
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
	err = h.inquiries.Finish(ctx, claim, result)
	if errors.Is(err, inquiry.ErrFinished) || errors.Is(err, inquiry.ErrNotFound) {
		h.log.WarnContext(ctx, "result is not needed any more", "inquiryId", msg.ID, "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	h.log.InfoContext(ctx, "inquiry finished", "inquiryId", msg.ID, "status", result.Status, "attempt", claim.Attempt)
	return nil
}

// lookUp asks the sources and composes the report. Unless this is the last
// delivery, a report that a later attempt may complete is errIncomplete.
func (h *handler) lookUp(ctx context.Context, msg queue.Message, last bool) (store.Result, error) {
	asking, cancel := context.WithDeadline(ctx, h.deadline(ctx).Add(-writeTime))
	defer cancel()
	rep := report.Compose(msg.ID, h.sources.Run(asking, msg.ID, msg.Inquiry), h.now())
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
func (h *handler) deadline(ctx context.Context) time.Time {
	if at, ok := ctx.Deadline(); ok {
		return at
	}
	return h.now().Add(defaultTime)
}

// lastDelivery reports whether the queue will not deliver the message again.
func (h *handler) lastDelivery(m events.SQSMessage) bool {
	receives, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	return err == nil && receives >= h.maxReceives
}

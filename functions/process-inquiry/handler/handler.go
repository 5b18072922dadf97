// Package handler processes the messages of the inquiry queue. For each message it
// claims the inquiry, looks it up in the sources, and stores the report. The claim
// makes it harmless that the queue may deliver a message more than once.
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
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

const (
	// writeTime is the part of an invocation that is reserved for storing the report.
	writeTime = 5 * time.Second

	// leaseMargin is how long a lease outlives its invocation, so that a worker that
	// Lambda cut off has surely stopped when the next one starts.
	leaseMargin = 10 * time.Second

	// defaultTime is the length of an invocation whose context has no deadline, as in
	// tests.
	defaultTime = time.Minute
)

// Inquiries stores claims and results.
type Inquiries interface {
	// Claim gives the inquiry to the attempt with this token until lease. Each attempt
	// needs a new token. Claim returns inquiry.ErrFinished if the inquiry has its final
	// status, and inquiry.ErrLeased if another attempt still has it. After any other
	// error the claim may or may not have been stored.
	Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error)

	// Finish stores the result of a claim. It stores nothing and returns
	// inquiry.ErrFinished if the inquiry already has its final status,
	// inquiry.ErrSuperseded if a later attempt has claimed it, and inquiry.ErrNotFound
	// if it was deleted. After any other error the result may or may not have been
	// stored.
	Finish(context.Context, store.Claim, store.Result) error
}

// Sources looks up inquiries.
type Sources interface {
	// Run asks every source that applies to the inquiry. It returns when all have
	// answered or the context ends. A source that fails is an answer too.
	Run(context.Context, inquiry.ID, inquiry.Inquiry) []source.Answer
}

// Handler processes the messages of the inquiry queue.
type Handler struct {
	Inquiries   Inquiries
	Sources     Sources
	MaxReceives int           // deliveries of a message before it moves to the dead letters
	Deadline    time.Duration // time from a batch's submission until its unfinished inquiries fail
	Now         func() time.Time
	Metrics     *metrics.Writer
	Log         *slog.Logger
}

// Handle processes the event's messages concurrently and returns those that the
// queue has to deliver again.
//
// If there is an outage, Handle fails the whole invocation, which makes Lambda slow
// down for all lenders. Messages that are only returned would be delivered again at
// full speed until their deliveries are used up.
func (h *Handler) Handle(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
	errs, asked := make([]error, len(ev.Records)), &answered{}
	var wg sync.WaitGroup
	for i, m := range ev.Records {
		wg.Go(func() { errs[i] = h.process(ctx, m, asked) })
	}
	wg.Wait()
	asked.write(h.Metrics)

	resp := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // not nil: a null list is not always read as empty
	for i, err := range errs {
		if err == nil {
			continue
		}
		h.Log.ErrorContext(ctx, "inquiry returned to the queue", "messageId", ev.Records[i].MessageId, "err", err)
		resp.BatchItemFailures = append(resp.BatchItemFailures,
			events.SQSBatchItemFailure{ItemIdentifier: ev.Records[i].MessageId})
	}
	if isOutage(errs) {
		return events.SQSEventResponse{}, fmt.Errorf("none of %d inquiries could be processed; first error: %w", len(errs), errs[0])
	}
	return resp, nil
}

// process handles one delivery: read the message, claim the inquiry, look it up,
// and store the report. If it returns nil, the queue deletes the message.
func (h *Handler) process(ctx context.Context, m events.SQSMessage, asked *answered) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// Log the panic's type only: its value may quote the inquiry.
			err = fmt.Errorf("%w of type %T", errPanic, p)
		}
	}()
	msg, err := queue.Parse(m.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	claim, err := h.Inquiries.Claim(ctx, msg.LenderID, msg.ID, rand.Text(), h.leaseEnd(ctx, msg.ID))
	if errors.Is(err, inquiry.ErrFinished) {
		return nil // an earlier delivery did the work
	}
	if err != nil {
		// This includes ErrLeased. This may be the inquiry's last message: if it were
		// deleted, no worker would take over from the one that has the lease if that dies.
		return err
	}
	result, err := h.lookUp(ctx, msg, claim.Attempt, h.lastDelivery(m), asked)
	if err != nil {
		return err
	}
	err = h.Inquiries.Finish(ctx, claim, result)
	if errors.Is(err, inquiry.ErrFinished) || errors.Is(err, inquiry.ErrNotFound) {
		h.Log.WarnContext(ctx, "result discarded: inquiry is already finished or deleted", "inquiryId", msg.ID, "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "inquiry finished", "inquiryId", msg.ID, "status", result.Status, "attempt", claim.Attempt)
	return nil
}

// maxSlowAttempts is how often an inquiry is tried if sources compute too long for it.
// Other work on the machine can be the reason once, but hardly each time.
const maxSlowAttempts = 3

// lookUp asks the sources and composes the report. It returns an error if a later
// attempt may complete the report. It does not if this is the last delivery, or if
// the inquiry itself seems to be what sources are too slow for: then an incomplete
// report is better than none.
func (h *Handler) lookUp(ctx context.Context, msg queue.Message, attempt int, last bool, asked *answered) (store.Result, error) {
	asking, cancel := context.WithDeadline(ctx, h.invocationEnd(ctx).Add(-writeTime))
	defer cancel()
	answers := h.Sources.Run(asking, msg.ID, msg.Inquiry)
	asked.add(answers)
	rep := report.Compose(msg.ID, answers, h.Now())
	if down := anyUnavailable(answers); rep.Retryable() && !last && (down || attempt < maxSlowAttempts) {
		err := errTooSlow
		if down {
			err = unavailable{asked: subjectOf(msg)}
		}
		return store.Result{}, fmt.Errorf("looking up inquiry %s: %w", msg.ID, err)
	}
	encoded, err := report.Encode(rep)
	if err != nil {
		return store.Result{}, fmt.Errorf("looking up inquiry %s: %w", msg.ID, err)
	}
	result := store.Result{Status: rep.Status, Sources: rep.Figures(), Report: encoded, Retryable: rep.Retryable()}
	if rep.Failure != nil {
		result.Failure = rep.Failure.Code
	}
	return result, nil
}

// invocationEnd returns the time at which Lambda ends this invocation.
func (h *Handler) invocationEnd(ctx context.Context) time.Time {
	if at, ok := ctx.Deadline(); ok {
		return at
	}
	return h.Now().Add(defaultTime)
}

// leaseEnd returns the end of a lease that starts now. A lease outlives its
// invocation, but not the batch's deadline: a sweep after the deadline must not
// have to wait for a lease.
func (h *Handler) leaseEnd(ctx context.Context, id inquiry.ID) time.Time {
	end := h.invocationEnd(ctx).Add(leaseMargin)
	deadline := id.Batch().CreatedAt().Add(h.Deadline)
	if deadline.Before(end) {
		return deadline
	}
	return end
}

// lastDelivery reports whether the queue will not deliver the message again.
func (h *Handler) lastDelivery(m events.SQSMessage) bool {
	receives, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	return err == nil && receives >= h.MaxReceives
}

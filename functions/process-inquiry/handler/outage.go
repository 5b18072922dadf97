package handler

import (
	"encoding/json"
	"errors"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

var (
	// errUnreadable: the message is not one that this service sent.
	errUnreadable = errors.New("message cannot be read")

	// errPanic: processing the inquiry panicked.
	errPanic = errors.New("panic")

	// errTooSlow: a source computed too long for this inquiry.
	errTooSlow = errors.New("a source was too slow for it")
)

// unavailable is the error of an inquiry for which a source was not available that may
// answer later.
type unavailable struct {
	asked string // see subjectOf; personal data, so Error does not show it
}

func (unavailable) Error() string { return "a source may answer later" }

// isOutage reports whether the errors of an event's messages, which may be nil, show an
// outage: no message succeeded, none failed for a reason of its own, and either the
// table failed or a source was unavailable for inquiries of two lenders or for two
// different inquiries. So no lender can slow down the others with an inquiry that is
// hard to process.
func isOutage(errs []error) bool {
	tableFailed, asked := false, map[string]bool{}
	for _, err := range errs {
		if err == nil || concernsOneMessage(err) {
			return false
		}
		if u, ok := errors.AsType[unavailable](err); ok {
			asked[u.asked] = true
		} else {
			tableFailed = true
		}
	}
	return tableFailed || len(asked) >= 2
}

// concernsOneMessage reports whether err is a fault of one message only, and so is not
// a sign of an outage.
func concernsOneMessage(err error) bool {
	for _, own := range []error{errUnreadable, errPanic, errTooSlow, inquiry.ErrLeased, inquiry.ErrSuperseded} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// anyUnavailable reports whether a source did not answer that may answer later, and not
// only because it computed too long.
func anyUnavailable(answers []source.Answer) bool {
	for _, a := range answers {
		if a.Outcome.Retryable() && a.Kind != source.TooSlow {
			return true
		}
	}
	return false
}

// subjectOf returns the lender and what sources see of the inquiry. It is the same for
// two inquiries that differ only in the lender's own ids and metadata.
func subjectOf(msg queue.Message) string {
	in := msg.Inquiry
	in.ExternalID, in.Metadata, in.RerunOf = "", nil, nil
	text, err := json.Marshal(in)
	if err != nil {
		return string(msg.LenderID) // cannot happen; then its inquiries count as one
	}
	return string(msg.LenderID) + " " + string(text)
}

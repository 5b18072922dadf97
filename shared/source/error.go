package source

import "github.com/batch-inquiries/batch-inquiries/shared/inquiry"

// Error is the reason why a source gave no answer.
type Error struct {
	Kind   ErrorKind
	Detail string // fixed words, safe to log and to show; never taken from the inquiry or the reply
	Err    error  // the cause, for errors.Is; not printed, because its text may contain a URL or a reply
}

// ErrorKind classifies an Error. Each kind has one outcome.
type ErrorKind string

const (
	Unavailable    ErrorKind = "unavailable"     // timeout, connection failure or a 5xx status
	TooSlow        ErrorKind = "too slow"        // our own computing for this inquiry took too long
	Throttled      ErrorKind = "throttled"       // a 429 status, or our quota is used up
	Misconfigured  ErrorKind = "misconfigured"   // the source rejected our credentials
	InvalidRequest ErrorKind = "invalid request" // the source rejected the request, or cannot handle the inquiry
	BadResponse    ErrorKind = "bad response"    // the reply does not have the expected form
	Stale          ErrorKind = "stale"           // our copy of the source's list is missing or too old
)

func (e *Error) Error() string { return "source: " + e.reason() }

// reason is the kind and the detail, which may be shown in a report.
func (e *Error) reason() string {
	if e.Detail == "" {
		return string(e.Kind)
	}
	return string(e.Kind) + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Outcome returns how the error counts toward the inquiry's status.
func (k ErrorKind) Outcome() inquiry.SourceOutcome {
	switch k {
	case Throttled:
		return inquiry.OutcomeThrottled
	case Misconfigured:
		return inquiry.OutcomeMisconfigured
	case InvalidRequest, BadResponse:
		return inquiry.OutcomeBadResponse
	case Stale:
		return inquiry.OutcomeStale
	default: // Unavailable, TooSlow, and any kind that is added without an outcome of its own
		return inquiry.OutcomeUnavailable
	}
}

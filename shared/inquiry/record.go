package inquiry

import "time"

// Record is what is known about an inquiry that a worker has claimed. Only the
// worker that holds the claim changes it; a final record never changes again.
type Record struct {
	ID      ID
	Status  Status
	Figures Figures
	Report  []byte // packed by package report; nil until the status is final
	Failure string // code that says why there is no report; otherwise ""

	// Retryable says whether submitting the inquiry again may give a better result.
	Retryable bool

	// LeaseUntil is when the claim of a running inquiry ends by itself.
	LeaseUntil time.Time
}

// Change returns what the record adds to the batch's tally.
func (r Record) Change() Change {
	return Change{Index: r.ID.Index(), Status: r.Status, Figures: r.Figures}
}

// Entry is one inquiry of a batch as its lender sees it: what was submitted, and its
// current state.
type Entry struct {
	ID      ID
	Inquiry Inquiry
	Record  Record // its status is PLANNING until a worker claims the inquiry
}

// Codes of failures that do not come from a source. Package report has the codes of
// those that do.
const (
	FailureExhausted = "ATTEMPTS_EXHAUSTED" // every delivery of its message failed
	FailureDeadline  = "DEADLINE_PASSED"    // the batch's deadline passed

	// FailureInvalid means that the inquiry was rejected at its submission. Submitting
	// the same inquiry again cannot help.
	FailureInvalid = "INVALID_INPUT"
)

// Figures are what a final inquiry adds to its batch's totals.
type Figures struct {
	StartedAt  time.Time                // when the first worker claimed it
	FinishedAt time.Time                // when its final status was written
	Attempts   int                      // claims, including the successful one
	Sources    map[string]SourceFigures // by source type, such as "ofac"
}

// SourceFigures are one source's part in one inquiry.
type SourceFigures struct {
	Outcome SourceOutcome
	Records int           // source records in the report
	Elapsed time.Duration // from query to answer, including retries
}

// SourceOutcome is how one source answered one inquiry. The first three outcomes are
// answers.
type SourceOutcome string

const (
	OutcomeFound         SourceOutcome = "FOUND"          // it has a record, and other evidence confirms it
	OutcomeNoRecord      SourceOutcome = "NO_RECORD"      // it looked and has none
	OutcomeAmbiguous     SourceOutcome = "AMBIGUOUS"      // it has candidates that a person must judge
	OutcomeNotApplicable SourceOutcome = "NOT_APPLICABLE" // the inquiry contains nothing that it could look up
	OutcomeUnavailable   SourceOutcome = "UNAVAILABLE"    // it did not answer in time
	OutcomeThrottled     SourceOutcome = "THROTTLED"      // it asked us to slow down
	OutcomeMisconfigured SourceOutcome = "MISCONFIGURED"  // it rejected our credentials
	OutcomeBadResponse   SourceOutcome = "BAD_RESPONSE"   // its answer could not be understood
	OutcomeStale         SourceOutcome = "STALE"          // its list is missing or too old to rely on
)

// Answered reports whether the source answered.
func (o SourceOutcome) Answered() bool {
	return o == OutcomeFound || o == OutcomeNoRecord || o == OutcomeAmbiguous
}

// Retryable reports whether asking again later may help.
func (o SourceOutcome) Retryable() bool {
	return o == OutcomeUnavailable || o == OutcomeThrottled
}

package inquiry

import (
	"log/slog"
	"time"
)

// Inquiry is what a lender asks about: one business, as its loan file describes
// it. It is set when the batch is accepted and never changes. It is personal
// data; printing or logging one shows nothing of it.
//
// The JSON names are those of the API reference. The same form is stored in the
// table's pages and travels in the queue's messages.
type Inquiry struct {
	BusinessName string            `json:"businessName"`
	DBA          string            `json:"dba,omitempty"` // the name it trades under
	EIN          string            `json:"ein,omitempty"` // nine digits, no hyphen, once normalised
	Address      *Address          `json:"address,omitempty"`
	Phone        string            `json:"phone,omitempty"`
	Email        string            `json:"email,omitempty"`
	Website      string            `json:"website,omitempty"`
	Principals   []Principal       `json:"principals,omitempty"`
	ExternalID   string            `json:"externalId,omitempty"` // the lender's own id, unique in its batch
	Metadata     map[string]string `json:"metadata,omitempty"`   // returned as given, never interpreted

	// RerunOf is the inquiry of the parent batch that this one repeats; nil when
	// its batch is no rerun.
	RerunOf *ID `json:"rerunOf,omitempty"`

	// Rejected says why the inquiry was not accepted, though its batch was: it
	// has failed from the start, has no item of its own and is never sent to a
	// worker. Empty for every other inquiry.
	Rejected []Rejection `json:"rejected,omitempty"`
}

// Rejection is one rule that a rejected inquiry breaks.
type Rejection struct {
	Pointer string `json:"pointer,omitempty"` // into the inquiry, such as "/ein"
	Code    string `json:"code"`
	Message string `json:"message"`
}

// IsRejected reports whether the inquiry was rejected by its submission.
func (in Inquiry) IsRejected() bool { return len(in.Rejected) > 0 }

// Address is where the business says it is.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"` // two letters for the United States
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country,omitempty"` // two letters (ISO 3166-1); empty means US
}

// Principal is a person who owns or runs the business.
type Principal struct {
	FirstName           string   `json:"firstName,omitempty"`
	LastName            string   `json:"lastName,omitempty"`
	DateOfBirth         string   `json:"dateOfBirth,omitempty"` // YYYY-MM-DD
	Title               string   `json:"title,omitempty"`
	OwnershipPercentage *float64 `json:"ownershipPercentage,omitempty"` // 0 to 100; nil when not stated
}

const hidden = "[personal data]"

// String hides the inquiry's content.
func (Inquiry) String() string { return hidden }

// GoString hides the inquiry's content from %#v.
func (Inquiry) GoString() string { return hidden }

// LogValue hides the inquiry's content.
func (Inquiry) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the principal's content.
func (Principal) String() string { return hidden }

// GoString hides the principal's content from %#v.
func (Principal) GoString() string { return hidden }

// LogValue hides the principal's content.
func (Principal) LogValue() slog.Value { return slog.StringValue(hidden) }

// Figures are what a finished inquiry adds to its batch's totals.
type Figures struct {
	StartedAt  time.Time                // when the first worker claimed it
	FinishedAt time.Time                // when its final status was written
	Attempts   int                      // claims, the successful one included
	Sources    map[string]SourceFigures // by source type, such as "ofac"
}

// SourceFigures are one source's part in one inquiry.
type SourceFigures struct {
	Outcome SourceOutcome
	Records int           // source records in the report
	Elapsed time.Duration // from question to answer, retries included
}

// SourceOutcome is how one source answered one inquiry, in the words of the
// status rules. The first three are answers.
type SourceOutcome string

const (
	OutcomeFound         SourceOutcome = "FOUND"          // it has a record, corroborated
	OutcomeNoRecord      SourceOutcome = "NO_RECORD"      // it looked and has none
	OutcomeAmbiguous     SourceOutcome = "AMBIGUOUS"      // it has candidates that a person must judge
	OutcomeNotApplicable SourceOutcome = "NOT_APPLICABLE" // the inquiry gives it nothing to look up
	OutcomeUnavailable   SourceOutcome = "UNAVAILABLE"    // it did not answer in time
	OutcomeThrottled     SourceOutcome = "THROTTLED"      // it asked us to slow down
	OutcomeMisconfigured SourceOutcome = "MISCONFIGURED"  // our credentials were refused
	OutcomeBadResponse   SourceOutcome = "BAD_RESPONSE"   // its answer could not be understood
	OutcomeStale         SourceOutcome = "STALE"          // its list is missing or too old to rely on
)

// Answered reports whether the source did its part.
func (o SourceOutcome) Answered() bool {
	return o == OutcomeFound || o == OutcomeNoRecord || o == OutcomeAmbiguous
}

// Retryable reports whether asking again later may help.
func (o SourceOutcome) Retryable() bool {
	return o == OutcomeUnavailable || o == OutcomeThrottled
}

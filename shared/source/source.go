// Package source asks the public data sources what they know of an inquiry. It
// defines what a source is, and the [Runner] that asks all of them at once.
//
// It knows no particular source: each has a package of its own below this one.
// Nor does it judge the answers; package report does.
package source

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Source is one place to look things up: a web service, or a list held in
// memory. Implementations are safe for concurrent use.
type Source interface {
	// Describe says what the source is. It never changes and does no I/O.
	Describe() Descriptor

	// Applicable reports whether the inquiry gives this source anything to look
	// up, and if not, why, in fixed words. It does no I/O. A source that is not
	// applicable has no influence on the inquiry's status.
	Applicable(in inquiry.Inquiry) (ok bool, reason string)

	// Lookup asks. It returns soon after ctx ends. "Nothing found" is a Result,
	// never an error; its only errors are of type *[Error].
	Lookup(ctx context.Context, q Query) (Result, error)
}

// Descriptor is what a source says of itself.
type Descriptor struct {
	Type        string        // names the source in reports and counters, such as "ofac"
	Version     string        // changes whenever the same raw answer would be read differently
	Criticality Criticality   // what it costs an inquiry if the source does not answer
	Subjects    []SubjectKind // whom it can look up
	Timeout     time.Duration // for one whole Lookup, retries included; zero means the caller's deadline alone
	Licence     string        // the terms its data comes under, for the reader of a report
}

// Criticality says what becomes of an inquiry whose source did not answer.
type Criticality string

const (
	Required  Criticality = "REQUIRED"  // without its answer there is no useful report
	Important Criticality = "IMPORTANT" // its absence makes the report partial
	Optional  Criticality = "OPTIONAL"  // partial as well; disabled rather than missing when it has no credentials
)

// Query is one inquiry to look up. The id is for keys and logs; the content is
// personal data.
type Query struct {
	ID      inquiry.ID
	Inquiry inquiry.Inquiry
}

// Result is a source's answer.
type Result struct {
	Outcome  inquiry.SourceOutcome // found, no record or ambiguous
	Records  []Record              // in the source's own order of importance
	AsOf     time.Time             // the date of the list or data set; zero if not known
	Evidence []Evidence            // what the answer was read from
	Notes    []string              // what the reader must know of the answer's limits
}

// Record is one thing a source knows, or has looked for, about one subject. It
// is personal data; printing or logging one shows nothing of it.
type Record struct {
	Outcome    inquiry.SourceOutcome `json:"outcome" doc:"What the source has on this subject."`
	Subject    Subject               `json:"subject" doc:"The part of the inquiry that the record is about."`
	Match      *Match                `json:"match,omitempty" doc:"How well the candidate fits; absent if nothing was matched."`
	Facts      []Fact                `json:"facts,omitempty" doc:"Statements that can be compared across sources."`
	Properties map[string]string     `json:"properties,omitempty" doc:"Details in the source's own words."`
}

// SubjectKind is what sort of thing was looked up.
type SubjectKind string

const (
	SubjectBusiness  SubjectKind = "business"
	SubjectPrincipal SubjectKind = "principal"
)

// Subject is the part of the inquiry that a record is about.
type Subject struct {
	Kind SubjectKind `json:"kind" doc:"business or principal."`
	Ref  string      `json:"ref" doc:"Where it stands in the inquiry: business, or principals/0 and so on."`
}

// Business is the subject that every inquiry has.
func Business() Subject { return Subject{Kind: SubjectBusiness, Ref: "business"} }

// Principal is the inquiry's principal at index, which counts from 0.
func Principal(index int) Subject {
	return Subject{Kind: SubjectPrincipal, Ref: fmt.Sprintf("principals/%d", index)}
}

// Match says how well a candidate fits its subject, and on what grounds.
type Match struct {
	Score       float64  `json:"score" doc:"How well the names fit, from 0 to 1."`
	Method      string   `json:"method" doc:"What the match rests on, such as name+address."`
	MatchedName string   `json:"matchedName" doc:"The name at the source that fits best."`
	Agree       []string `json:"agree,omitempty" doc:"What else both sides have, and is the same."`
	Disagree    []string `json:"disagree,omitempty" doc:"What both sides have, and is not the same." example:"dateOfBirth"`
	Label       string   `json:"label" doc:"The source's verdict, such as potential_match."`
}

// Fact is one typed statement under a name that sources share, such as
// "registration.status". Its value is a string or a bool; numbers and dates are
// strings, so that they survive JSON as they are.
type Fact struct {
	Name  string `json:"name" doc:"Name of the fact, which sources share, such as registration.status."`
	Value any    `json:"value" doc:"A text or a boolean; numbers and dates are texts."`
	Raw   string `json:"raw,omitempty" doc:"The source's own wording, if it differs." example:"Active/In Existence"`
}

// Evidence is something an answer was read from, in enough detail to show later
// that it was this and nothing else. It holds no personal data and no secret.
type Evidence struct {
	Name        string    `json:"name" doc:"A file's name, or an address without its query."`
	SHA256      string    `json:"sha256,omitempty" doc:"SHA-256 of its content, in hexadecimal."`
	Bytes       int       `json:"bytes" doc:"Its size in bytes."`
	RetrievedAt time.Time `json:"retrievedAt" doc:"When it was fetched."`
}

// Error is why a source gave no answer.
type Error struct {
	Kind   ErrorKind
	Detail string // fixed words, safe to log and to show; never taken from the inquiry or the reply
	Err    error  // the cause, for errors.Is; not printed, for a URL or a reply may be in its text
}

// ErrorKind is the sort of an Error. Each becomes one outcome.
type ErrorKind string

const (
	Unavailable    ErrorKind = "unavailable"     // timeout, connection, 5xx
	Throttled      ErrorKind = "throttled"       // 429, or the quota is spent
	Misconfigured  ErrorKind = "misconfigured"   // our credentials were refused
	InvalidRequest ErrorKind = "invalid request" // it refused what we sent
	BadResponse    ErrorKind = "bad response"    // the reply is not what it should be
	Stale          ErrorKind = "stale"           // our copy of its list is missing or too old
	Canceled       ErrorKind = "canceled"        // the caller gave up
)

func (e *Error) Error() string {
	if e.Detail == "" {
		return "source: " + string(e.Kind)
	}
	return "source: " + string(e.Kind) + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Outcome is how the error counts in the inquiry's status.
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
	default: // unavailable, canceled, and what a newer source may add
		return inquiry.OutcomeUnavailable
	}
}

const hidden = "[personal data]"

// String hides the record's content.
func (Record) String() string { return hidden }

// GoString hides the record's content from %#v.
func (Record) GoString() string { return hidden }

// LogValue hides the record's content.
func (Record) LogValue() slog.Value { return slog.StringValue(hidden) }

// Package report composes the business report of one inquiry from its sources'
// answers, decides the inquiry's final status, and packs the report for storage.
//
// It knows the rules that turn answers into a status. It asks nothing, stores
// nothing, and knows no particular source.
package report

import (
	"log/slog"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// Report is the business report of one inquiry. [Compose] makes it; nothing
// changes it afterwards. It is personal data; printing or logging one shows
// nothing of it.
type Report struct {
	InquiryID     inquiry.ID     `json:"inquiryId"`
	Status        inquiry.Status `json:"status"`
	GeneratedAt   time.Time      `json:"generatedAt"`
	Failure       *Failure       `json:"failure,omitempty"` // set if and only if the status is FAILED
	Coverage      Coverage       `json:"coverage"`
	Facts         []Fact         `json:"facts"`         // what the records state, each statement once
	SourceRecords []SourceRecord `json:"sourceRecords"` // by source, then in the source's order
	Scores        []Score        `json:"scores"`
	Notes         []string       `json:"notes"` // what a reader must know of the report's limits
}

// Coverage says how much of what should have been looked up was.
type Coverage struct {
	Applicable     int             `json:"applicable"` // sources that had something to look up
	Answered       int             `json:"answered"`   // of those, the ones that did their part
	MissingSources []MissingSource `json:"missingSources"`
	Sources        []SourceSummary `json:"sources"` // every source, the inapplicable ones too
}

// MissingSource is an applicable source that did not answer.
type MissingSource struct {
	Type      string                `json:"type"`
	Outcome   inquiry.SourceOutcome `json:"outcome"`
	Retryable bool                  `json:"retryable"`
}

// SourceSummary is how one source answered.
type SourceSummary struct {
	Type          string                `json:"type"`
	Version       string                `json:"version"`
	Criticality   source.Criticality    `json:"criticality"`
	Outcome       inquiry.SourceOutcome `json:"outcome"`
	Reason        string                `json:"reason,omitempty"` // why it did not answer
	Records       int                   `json:"records"`
	AsOf          time.Time             `json:"asOf,omitzero"` // the date of its list or data set
	RetrievedAt   time.Time             `json:"retrievedAt"`
	ElapsedMicros int64                 `json:"elapsedMicros"`
	Licence       string                `json:"licence,omitempty"`
	Evidence      []source.Evidence     `json:"evidence,omitempty"`
}

// SourceRecord is one record of one source.
type SourceRecord struct {
	ID   string `json:"id"` // the same for the same record of the same inquiry, however often it is composed
	Type string `json:"type"`
	source.Record
	Source Origin `json:"source"`
}

// Origin is where a record comes from.
type Origin struct {
	Version     string    `json:"version"`
	AsOf        time.Time `json:"asOf,omitzero"` // the date of the list or data set
	RetrievedAt time.Time `json:"retrievedAt"`
}

// Fact is one statement and the records that make it.
type Fact struct {
	source.Fact
	SourceRecords []string `json:"sourceRecords"`
}

// Score is a number from 0 to 1 that sums something up, with its reason. A score
// that would rest on a source that did not answer is absent, not zero.
type Score struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Basis string  `json:"basis"`
}

// Failure is why there is no useful report, in words fit for the lender.
type Failure struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"` // asking again later may help
}

// The codes of a Failure.
const (
	CodeRequiredSource = "REQUIRED_SOURCE_MISSING" // a required source did not answer
	CodeNoSource       = "NO_SOURCE_ANSWERED"      // nothing answered, required or not
)

const hidden = "[personal data]"

// String hides the report's content.
func (Report) String() string { return hidden }

// GoString hides the report's content from %#v.
func (Report) GoString() string { return hidden }

// LogValue hides the report's content.
func (Report) LogValue() slog.Value { return slog.StringValue(hidden) }

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
	InquiryID     inquiry.ID     `json:"inquiryId" doc:"The inquiry that the report is of."`
	Status        inquiry.Status `json:"status" doc:"The final status that the sources' answers led to."`
	GeneratedAt   time.Time      `json:"generatedAt" doc:"When the report was composed."`
	Failure       *Failure       `json:"failure,omitempty" doc:"Why there is no useful report; only when the status is FAILED."`
	Coverage      Coverage       `json:"coverage" doc:"How much of what should have been looked up was."`
	Facts         []Fact         `json:"facts" doc:"What the records state, each statement once."`
	SourceRecords []SourceRecord `json:"sourceRecords" doc:"What each source has, by source and then in the source's order."`
	Scores        []Score        `json:"scores" doc:"Numbers that sum something up; one that would rest on a source that did not answer is absent."`
	Notes         []string       `json:"notes" doc:"What a reader must know of the report's limits."`
}

// Coverage says how much of what should have been looked up was.
type Coverage struct {
	Applicable     int             `json:"applicable" doc:"Number of sources that had something to look up."`
	Answered       int             `json:"answered" doc:"Of those, the number that did their part."`
	MissingSources []MissingSource `json:"missingSources" doc:"The applicable sources that did not answer."`
	Sources        []SourceSummary `json:"sources" doc:"Every source, the inapplicable ones too."`
}

// MissingSource is an applicable source that did not answer.
type MissingSource struct {
	Type      string                `json:"type" doc:"Name of the source."`
	Outcome   inquiry.SourceOutcome `json:"outcome" doc:"How it failed."`
	Retryable bool                  `json:"retryable" doc:"Asking it again later may help."`
}

// SourceSummary is how one source answered.
type SourceSummary struct {
	Type          string                `json:"type" doc:"Name of the source, such as ofac."`
	Version       string                `json:"version" doc:"Changes whenever the same raw answer would be read differently."`
	Criticality   source.Criticality    `json:"criticality" doc:"What it costs the inquiry if the source does not answer: REQUIRED (no useful report), IMPORTANT or OPTIONAL (a partial one)."`
	Outcome       inquiry.SourceOutcome `json:"outcome" doc:"How it answered."`
	Reason        string                `json:"reason,omitempty" doc:"Why it did not answer, or had nothing to look up."`
	Records       int                   `json:"records" doc:"Number of its records in the report."`
	AsOf          time.Time             `json:"asOf,omitzero" doc:"Date of its list or data set; absent if not known."`
	RetrievedAt   time.Time             `json:"retrievedAt" doc:"When it was asked."`
	ElapsedMicros int64                 `json:"elapsedMicros" doc:"Time from question to answer, retries included, in microseconds."`
	Licence       string                `json:"licence,omitempty" doc:"The terms that its data comes under."`
	Evidence      []source.Evidence     `json:"evidence,omitempty" doc:"What the answer was read from."`
}

// SourceRecord is one record of one source.
type SourceRecord struct {
	ID   string `json:"id" doc:"The same for the same record of the same inquiry, however often it is composed."`
	Type string `json:"type" doc:"Name of the source."`
	source.Record
	Source Origin `json:"source" doc:"Where the record comes from."`
}

// Origin is where a record comes from.
type Origin struct {
	Version     string    `json:"version" doc:"Version of the source's reader."`
	AsOf        time.Time `json:"asOf,omitzero" doc:"Date of the list or data set; absent if not known."`
	RetrievedAt time.Time `json:"retrievedAt" doc:"When the source was asked."`
}

// Fact is one statement and the records that make it.
type Fact struct {
	source.Fact
	SourceRecords []string `json:"sourceRecords" doc:"Ids of the source records that state it."`
}

// Score is a number from 0 to 1 that sums something up, with its reason. A score
// that would rest on a source that did not answer is absent, not zero.
type Score struct {
	Name  string  `json:"name" doc:"Name of the score."`
	Value float64 `json:"value" doc:"From 0 to 1."`
	Basis string  `json:"basis" doc:"What it rests on."`
}

// Failure is why there is no useful report, in words fit for the lender.
type Failure struct {
	Code      string `json:"code" doc:"Stable word for programs."`
	Message   string `json:"message" doc:"The reason in words."`
	Retryable bool   `json:"retryable" doc:"Asking again later may help."`
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

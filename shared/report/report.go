// Package report composes the business report of one inquiry from its sources'
// answers, decides the inquiry's final status, and compresses the report for
// storage.
//
// It knows the rules that turn answers into a status. It does no I/O and knows no
// particular source.
package report

import (
	"log/slog"
	"slices"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// Report is the business report of one inquiry. [Compose] creates it, and it never
// changes afterwards. It is personal data; printing or logging one shows none of
// it.
type Report struct {
	InquiryID     inquiry.ID     `json:"inquiryId" doc:"The inquiry that the report is about."`
	Status        inquiry.Status `json:"status" doc:"The inquiry's final status, which follows from the sources' answers."`
	GeneratedAt   time.Time      `json:"generatedAt" doc:"When the report was composed."`
	Failure       *Failure       `json:"failure,omitempty" doc:"Why there is no useful report; only when the status is FAILED."`
	Coverage      Coverage       `json:"coverage" doc:"Which sources answered and which did not."`
	Facts         []Fact         `json:"facts" doc:"All facts that the records state, each once."`
	SourceRecords []SourceRecord `json:"sourceRecords" doc:"What each source found, grouped by source and in the source's own order."`
	Scores        []Score        `json:"scores" doc:"Numbers that summarize the report. A score that depends on a source that did not answer is absent."`
	Notes         []string       `json:"notes" doc:"Sentences about the result and its limits. Read them before you rely on the report."`
}

// Coverage says which sources answered and which did not.
type Coverage struct {
	Applicable     int             `json:"applicable" doc:"Number of sources that had something to look up."`
	Answered       int             `json:"answered" doc:"Number of those that answered."`
	MissingSources []MissingSource `json:"missingSources" doc:"The applicable sources that did not answer."`
	Sources        []SourceSummary `json:"sources" doc:"Every source, including those with nothing to look up."`
}

// MissingSource is an applicable source that did not answer.
type MissingSource struct {
	Type      string                `json:"type" doc:"Name of the source."`
	Outcome   inquiry.SourceOutcome `json:"outcome" doc:"How it failed."`
	Retryable bool                  `json:"retryable" doc:"Whether the source may answer if it is asked again later."`
}

// SourceSummary says how one source answered.
type SourceSummary struct {
	Type          string                `json:"type" doc:"Name of the source, such as ofac."`
	Version       string                `json:"version" doc:"Version of our code for this source. It changes whenever the same raw answer would be interpreted differently."`
	Criticality   source.Criticality    `json:"criticality" doc:"What happens if the source does not answer: REQUIRED (the inquiry fails), IMPORTANT or OPTIONAL (the report is partial)."`
	Outcome       inquiry.SourceOutcome `json:"outcome" doc:"How it answered."`
	Reason        string                `json:"reason,omitempty" doc:"Why it did not answer, or why it had nothing to look up."`
	Records       int                   `json:"records" doc:"Number of its records in the report."`
	AsOf          time.Time             `json:"asOf,omitzero" doc:"Date of its list or data set; absent if unknown."`
	RetrievedAt   time.Time             `json:"retrievedAt" doc:"When its answer arrived, or when we gave up."`
	ElapsedMicros int64                 `json:"elapsedMicros" doc:"Time from request to answer in microseconds, retries included."`
	Licence       string                `json:"licence,omitempty" doc:"The terms of use of its data."`
	Evidence      []source.Evidence     `json:"evidence,omitempty" doc:"The data that the answer was read from."`
}

// SourceRecord is one record of one source.
type SourceRecord struct {
	ID   string `json:"id" doc:"Id of the record. It stays the same if the report is composed again."`
	Type string `json:"type" doc:"Name of the source."`
	source.Record
	Source Origin `json:"source" doc:"Where the record comes from."`
}

// Origin is where a record comes from.
type Origin struct {
	Version     string    `json:"version" doc:"Version of our code for the source."`
	AsOf        time.Time `json:"asOf,omitzero" doc:"Date of the list or data set; absent if unknown."`
	RetrievedAt time.Time `json:"retrievedAt" doc:"When the source's answer arrived."`
}

// Fact is one fact and the records that state it.
type Fact struct {
	source.Fact
	SourceRecords []string `json:"sourceRecords" doc:"Ids of the source records that state it."`
}

// Score is a number from 0 to 1 that summarizes something, with its reason. A score
// that depends on a source that did not answer is absent, not zero.
type Score struct {
	Name  string  `json:"name" doc:"Name of the score."`
	Value float64 `json:"value" doc:"From 0 to 1."`
	Basis string  `json:"basis" doc:"What the value is based on."`
}

// Failure is the reason why there is no useful report, as the lender sees it.
type Failure struct {
	Code      string `json:"code" doc:"Stable error code."`
	Message   string `json:"message" doc:"The reason, in a sentence."`
	Retryable bool   `json:"retryable" doc:"Whether trying again later may succeed."`
}

// The codes of a Failure.
const (
	CodeRequiredSource = "REQUIRED_SOURCE_MISSING" // a required source did not answer
	CodeNoSource       = "NO_SOURCE_ANSWERED"      // no source answered, required or not
)

// Retryable reports whether a missing source may answer if asked again later.
func (r Report) Retryable() bool {
	return slices.ContainsFunc(r.Coverage.MissingSources, func(m MissingSource) bool { return m.Retryable })
}

// Figures returns the sources' part of the inquiry's [inquiry.Figures].
func (r Report) Figures() map[string]inquiry.SourceFigures {
	figures := make(map[string]inquiry.SourceFigures, len(r.Coverage.Sources))
	for _, s := range r.Coverage.Sources {
		figures[s.Type] = inquiry.SourceFigures{
			Outcome: s.Outcome,
			Records: s.Records,
			Elapsed: time.Duration(s.ElapsedMicros) * time.Microsecond,
		}
	}
	return figures
}

const hidden = "[personal data]"

// String hides the report's content.
func (Report) String() string { return hidden }

// GoString hides the report's content from %#v.
func (Report) GoString() string { return hidden }

// LogValue hides the report's content.
func (Report) LogValue() slog.Value { return slog.StringValue(hidden) }

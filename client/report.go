package client

import "time"

// Report is what the sources know about a business.
type Report struct {
	InquiryID     string         `json:"inquiryId"`
	Status        InquiryStatus  `json:"status"`
	GeneratedAt   time.Time      `json:"generatedAt"`
	Failure       *ReportFailure `json:"failure"` // set if and only if the status is FAILED
	Coverage      Coverage       `json:"coverage"`
	Facts         []Fact         `json:"facts"` // each fact once, with the records that support it
	SourceRecords []SourceRecord `json:"sourceRecords"`
	Scores        []Score        `json:"scores"`
	Notes         []string       `json:"notes"` // the report's limitations
}

// ReportFailure is the reason why there is no useful report.
type ReportFailure struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

// Coverage says which sources a report is based on.
type Coverage struct {
	Applicable     int             `json:"applicable"` // sources that had something to look up
	Answered       int             `json:"answered"`   // of the applicable ones
	MissingSources []MissingSource `json:"missingSources"`
	Sources        []SourceSummary `json:"sources"` // every source, including those that do not apply
}

// MissingSource is an applicable source that did not answer.
type MissingSource struct {
	Type      string `json:"type"`
	Outcome   string `json:"outcome"`
	Retryable bool   `json:"retryable"`
}

// SourceSummary is one source's contribution to a report.
type SourceSummary struct {
	Type          string     `json:"type"`
	Version       string     `json:"version"`
	Criticality   string     `json:"criticality"`
	Outcome       string     `json:"outcome"`
	Reason        string     `json:"reason"` // why it did not answer
	Records       int        `json:"records"`
	AsOf          time.Time  `json:"asOf"` // the date of its data; zero if unknown
	RetrievedAt   time.Time  `json:"retrievedAt"`
	ElapsedMicros int64      `json:"elapsedMicros"`
	License       string     `json:"licence"`
	Evidence      []Evidence `json:"evidence"`
}

// Evidence identifies the data that an answer was read from.
type Evidence struct {
	Name        string    `json:"name"`
	SHA256      string    `json:"sha256"`
	Bytes       int       `json:"bytes"`
	RetrievedAt time.Time `json:"retrievedAt"`
}

// SourceRecord is one record from one source.
type SourceRecord struct {
	ID         string            `json:"id"`
	Type       string            `json:"type"` // the source's name
	Outcome    string            `json:"outcome"`
	Subject    Subject           `json:"subject"`
	Match      *Match            `json:"match"` // nil if nothing was matched
	Facts      []SourceFact      `json:"facts"`
	Properties map[string]string `json:"properties"` // in the source's own terms
	Source     Origin            `json:"source"`
}

// Subject is the business or person that a record is about.
type Subject struct {
	Kind string `json:"kind"` // business or principal
	Ref  string `json:"ref"`  // its place in the inquiry, such as principals/0
}

// Match is how well a record fits the inquiry.
type Match struct {
	Score       float64  `json:"score"`  // similarity of the names, from 0 to 1
	Method      string   `json:"method"` // what was compared, such as name+address
	MatchedName string   `json:"matchedName"`
	Agree       []string `json:"agree"`
	Disagree    []string `json:"disagree"`
	Label       string   `json:"label"` // the source's verdict
}

// Origin is the version of a source that a record comes from.
type Origin struct {
	Version     string    `json:"version"`
	AsOf        time.Time `json:"asOf"`
	RetrievedAt time.Time `json:"retrievedAt"`
}

// SourceFact is one fact from one record.
type SourceFact struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Raw   string `json:"raw"` // the source's original text, if it differs
}

// Fact is one fact with the ids of the records that support it.
type Fact struct {
	SourceFact
	SourceRecords []string `json:"sourceRecords"`
}

// Score is a number computed from a report.
type Score struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Basis string  `json:"basis"` // what it was computed from
}

package source

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Result is a source's answer.
type Result struct {
	Outcome  inquiry.SourceOutcome // found, no record or ambiguous
	Records  []Record              // the most important first, as the source ranks them
	AsOf     time.Time             // the date of the list or data set; zero if unknown
	Evidence []Evidence            // the data that the answer was read from
	Notes    []string              // sentences for the reader about the answer's limits
}

// Record is what a source has about one subject, or its statement that it has
// nothing. It is personal data; printing or logging one shows none of it.
type Record struct {
	Outcome    inquiry.SourceOutcome `json:"outcome" doc:"What the source has about this subject."`
	Subject    Subject               `json:"subject" doc:"The part of the inquiry that the record is about."`
	Match      *Match                `json:"match,omitempty" doc:"How well the source's entry matches the subject; absent if there is no matching entry."`
	Facts      []Fact                `json:"facts,omitempty" doc:"Statements that can be compared across sources."`
	Properties map[string]string     `json:"properties,omitempty" doc:"Details in the source's own words."`
}

// SubjectKind is the kind of thing that was looked up.
type SubjectKind string

const (
	SubjectBusiness  SubjectKind = "business"
	SubjectPrincipal SubjectKind = "principal"
)

// Subject is the part of the inquiry that a record is about.
type Subject struct {
	Kind SubjectKind `json:"kind" doc:"business or principal."`
	Ref  string      `json:"ref" doc:"Its place in the inquiry: business, or principals/0 and so on."`
}

// Business returns the subject that every inquiry has.
func Business() Subject { return Subject{Kind: SubjectBusiness, Ref: "business"} }

// Principal returns the subject for the inquiry's principal at index, which
// counts from 0.
func Principal(index int) Subject {
	return Subject{Kind: SubjectPrincipal, Ref: fmt.Sprintf("principals/%d", index)}
}

// Match describes how well a source's entry matches the subject.
type Match struct {
	Score       float64  `json:"score" doc:"How similar the names are, from 0 (nothing in common) to 1 (the same)."`
	Method      string   `json:"method" doc:"What the match is based on, such as name+address."`
	MatchedName string   `json:"matchedName" doc:"The source's name that matches best."`
	Agree       []string `json:"agree,omitempty" doc:"Other details that the inquiry and the source both state and that are the same."`
	Disagree    []string `json:"disagree,omitempty" doc:"Other details that the inquiry and the source both state and that differ." example:"dateOfBirth"`
	Label       string   `json:"label" doc:"The source's verdict, such as potential_match."`
}

// Evidence identifies data that an answer was read from, exactly enough to prove
// later that it was this data. It contains no personal data and no secret.
type Evidence struct {
	Name        string    `json:"name" doc:"A file name, or a web address without its query."`
	SHA256      string    `json:"sha256,omitempty" doc:"SHA-256 of its content, in hexadecimal."`
	Bytes       int       `json:"bytes" doc:"Its size in bytes."`
	RetrievedAt time.Time `json:"retrievedAt" doc:"When it was fetched."`
}

const hidden = "[personal data]"

// String hides the record's content.
func (Record) String() string { return hidden }

// GoString hides the record's content from %#v.
func (Record) GoString() string { return hidden }

// LogValue hides the record's content.
func (Record) LogValue() slog.Value { return slog.StringValue(hidden) }

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// InquiryInput is one business to look up. Only its name is required; the more
// there is, the better the report.
type InquiryInput struct {
	BusinessName string            `json:"businessName"`
	DBA          string            `json:"dba,omitempty"`
	EIN          string            `json:"ein,omitempty"` // nine digits, hyphen allowed
	Address      *AddressInput     `json:"address,omitempty"`
	Phone        string            `json:"phone,omitempty"`
	Email        string            `json:"email,omitempty"`
	Website      string            `json:"website,omitempty"`
	Principals   []PrincipalInput  `json:"principals,omitempty"` // who own or run it
	ExternalID   string            `json:"externalId,omitempty"` // your own id, unique in the batch
	Metadata     map[string]string `json:"metadata,omitempty"`   // returned as given
}

// AddressInput is a postal address.
type AddressInput struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"` // two letters for the United States
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country,omitempty"` // two letters; US if empty
}

// PrincipalInput is a person who owns or runs the business.
type PrincipalInput struct {
	FirstName           string   `json:"firstName,omitempty"`
	LastName            string   `json:"lastName,omitempty"`
	DateOfBirth         string   `json:"dateOfBirth,omitempty"` // YYYY-MM-DD
	Title               string   `json:"title,omitempty"`
	OwnershipPercentage *float64 `json:"ownershipPercentage,omitempty"`
}

// InquirySummary is how far one inquiry has come.
type InquirySummary struct {
	InquiryID          string            `json:"inquiryId"`
	Index              int               `json:"index"` // position in the batch, from 0
	ExternalID         string            `json:"externalId"`
	BusinessName       string            `json:"businessName"`
	Status             InquiryStatus     `json:"status"`
	ProgressPercentage float64           `json:"progressPercentage"`
	SourceRecordCount  int               `json:"sourceRecordCount"`
	Attempts           int               `json:"attempts"`
	StartedAt          *time.Time        `json:"startedAt"`
	FinishedAt         *time.Time        `json:"finishedAt"`
	Sources            map[string]string `json:"sources"` // how each answered, once the inquiry is final
	Failure            *InquiryFailure   `json:"failure"` // why there is no useful report
	RerunOf            string            `json:"rerunOf"` // the inquiry of the parent batch that this one repeats
	Errors             []Fault           `json:"errors"`  // the rules that a rejected inquiry breaks; pointers are into the inquiry
	Metadata           map[string]string `json:"metadata"`
}

// InquiryStatus is how far one inquiry has come.
type InquiryStatus string

const (
	InquiryPlanning       InquiryStatus = "PLANNING" // waiting for a worker
	InquiryRunning        InquiryStatus = "RUNNING"
	InquiryCompleted      InquiryStatus = "COMPLETED"
	InquiryPartialSuccess InquiryStatus = "PARTIAL_SUCCESS" // a source is missing from the report
	InquiryFailed         InquiryStatus = "FAILED"
	InquiryCancelled      InquiryStatus = "CANCELLED"
)

// InquiryFailure is why an inquiry failed.
type InquiryFailure struct {
	Code      string `json:"code"`
	Retryable bool   `json:"retryable"` // submitting it again may help
}

// Inquiry is one inquiry with its business report.
type Inquiry struct {
	InquirySummary
	BatchID string       `json:"batchId"`
	Inquiry InquiryInput `json:"inquiry"` // what was asked
	Report  *Report      `json:"report"`  // nil until the inquiry is final
}

// Report is what is known of a business after every source was asked.
type Report struct {
	InquiryID     string         `json:"inquiryId"`
	Status        InquiryStatus  `json:"status"`
	GeneratedAt   time.Time      `json:"generatedAt"`
	Failure       *ReportFailure `json:"failure"` // set if and only if the status is FAILED
	Coverage      Coverage       `json:"coverage"`
	Facts         []Fact         `json:"facts"` // each statement once, with the records it rests on
	SourceRecords []SourceRecord `json:"sourceRecords"`
	Scores        []Score        `json:"scores"`
	Notes         []string       `json:"notes"` // the report's limits
}

// ReportFailure is why there is no useful report.
type ReportFailure struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

// Coverage says which sources a report rests on.
type Coverage struct {
	Applicable     int             `json:"applicable"` // sources that had something to look up
	Answered       int             `json:"answered"`   // of those
	MissingSources []MissingSource `json:"missingSources"`
	Sources        []SourceSummary `json:"sources"` // every source, the inapplicable ones too
}

// MissingSource is a source that should have answered and did not.
type MissingSource struct {
	Type      string `json:"type"`
	Outcome   string `json:"outcome"`
	Retryable bool   `json:"retryable"`
}

// SourceSummary is one source's part in a report.
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
	Licence       string     `json:"licence"`
	Evidence      []Evidence `json:"evidence"`
}

// Evidence is what an answer was read from.
type Evidence struct {
	Name        string    `json:"name"`
	SHA256      string    `json:"sha256"`
	Bytes       int       `json:"bytes"`
	RetrievedAt time.Time `json:"retrievedAt"`
}

// SourceRecord is one observation by one source.
type SourceRecord struct {
	ID         string            `json:"id"`
	Type       string            `json:"type"` // the source's name
	Outcome    string            `json:"outcome"`
	Subject    Subject           `json:"subject"`
	Match      *Match            `json:"match"` // nil if nothing was matched
	Facts      []SourceFact      `json:"facts"`
	Properties map[string]string `json:"properties"` // in the source's own words
	Source     Origin            `json:"source"`
}

// Subject is whom a record is about.
type Subject struct {
	Kind string `json:"kind"` // business or principal
	Ref  string `json:"ref"`  // where it stands in the inquiry, such as principals/0
}

// Match is how well a record fits the inquiry.
type Match struct {
	Score       float64  `json:"score"`  // of the names, 0 to 1
	Method      string   `json:"method"` // what it rests on, such as name+address
	MatchedName string   `json:"matchedName"`
	Agree       []string `json:"agree"`
	Disagree    []string `json:"disagree"`
	Label       string   `json:"label"` // the source's verdict
}

// Origin is which state of a source a record comes from.
type Origin struct {
	Version     string    `json:"version"`
	AsOf        time.Time `json:"asOf"`
	RetrievedAt time.Time `json:"retrievedAt"`
}

// SourceFact is one statement by one record.
type SourceFact struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Raw   string `json:"raw"` // the source's own wording, if it differs
}

// Fact is one statement, and the ids of the records that make it.
type Fact struct {
	SourceFact
	SourceRecords []string `json:"sourceRecords"`
}

// Score is a number worked out of a report, and what it rests on.
type Score struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Basis string  `json:"basis"`
}

const inquiriesPath = "/v1/inquiries"

const hidden = "[personal data]"

// Printed or logged as a whole, these show nothing of the people in them.
func (InquiryInput) String() string         { return hidden }
func (InquiryInput) GoString() string       { return hidden }
func (InquiryInput) LogValue() slog.Value   { return slog.StringValue(hidden) }
func (PrincipalInput) String() string       { return hidden }
func (PrincipalInput) GoString() string     { return hidden }
func (PrincipalInput) LogValue() slog.Value { return slog.StringValue(hidden) }
func (Report) String() string               { return hidden }
func (Report) GoString() string             { return hidden }
func (Report) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (i Inquiry) String() string            { return "inquiry " + i.InquiryID }
func (i Inquiry) GoString() string          { return i.String() }
func (i Inquiry) LogValue() slog.Value      { return slog.StringValue(i.String()) }
func (i InquirySummary) String() string     { return "inquiry " + i.InquiryID }
func (i InquirySummary) GoString() string   { return i.String() }
func (i InquirySummary) LogValue() slog.Value {
	return slog.StringValue(i.String())
}

// InquiryFilter says which of a batch's inquiries to list. A zero field asks
// nothing.
type InquiryFilter struct {
	Status     InquiryStatus
	ExternalID string
	PageSize   int // how many to ask for at a time, 500 at the most; 0 is 100
}

func (f InquiryFilter) query() url.Values {
	q := url.Values{}
	set(q, "status", string(f.Status))
	set(q, "externalId", f.ExternalID)
	return q
}

// Inquiries iterates over a batch's inquiries in the order of their submission,
// and asks for a page at a time as the loop goes on. An error is the last pair.
func (c *Client) Inquiries(ctx context.Context, batchID string, f InquiryFilter) iter.Seq2[*InquirySummary, error] {
	return pages(f.query(), f.PageSize, func(query url.Values) ([]*InquirySummary, string, error) {
		type list struct {
			Inquiries  []*InquirySummary `json:"inquiries"`
			NextCursor string            `json:"nextCursor"`
		}
		path, err := batchPath(batchID, "/inquiries")
		if err != nil {
			return nil, "", err
		}
		page, _, err := call(ctx, c, get(path, query), func(l *list) bool { return l.Inquiries != nil })
		if err != nil {
			return nil, "", err
		}
		return page.Inquiries, page.NextCursor, nil
	})
}

// SubmittedInquiry is the answer to an inquiry that is submitted on its own. It
// lies in a batch of one, which is in no list; [Client.Wait] for its end.
type SubmittedInquiry struct {
	InquiryID string        `json:"inquiryId"`
	BatchID   string        `json:"batchId"`
	Status    InquiryStatus `json:"status"`
	Message   string        `json:"message"`

	// Replayed says that it had been submitted before with the same key.
	Replayed bool `json:"-"`
}

// SubmitInquiry has one business looked up. The key is as in a [Submission], and
// may be empty.
func (c *Client) SubmitInquiry(ctx context.Context, in InquiryInput, idempotencyKey string) (*SubmittedInquiry, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	ours := func(s *SubmittedInquiry) bool { return IsID(s.InquiryID) && IsID(s.BatchID) }
	out, a, err := call(ctx, c, post(inquiriesPath, idempotencyKey, body), ours)
	if err != nil {
		return nil, err
	}
	out.Replayed = a.header.Get("Idempotent-Replayed") == "true"
	return out, nil
}

// Inquiry returns one inquiry with its business report.
func (c *Client) Inquiry(ctx context.Context, inquiryID string) (*Inquiry, error) {
	if !IsID(inquiryID) {
		return nil, fmt.Errorf("inquiryID %q is not the id of an inquiry", inquiryID)
	}
	ours := func(i *Inquiry) bool { return strings.EqualFold(i.InquiryID, inquiryID) }
	out, _, err := call(ctx, c, get(inquiriesPath+"/"+inquiryID, nil), ours)
	return out, err
}

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"time"
)

// InquiryInput is one business to look up. Only its name is required, but every
// other field improves the report.
type InquiryInput struct {
	BusinessName string            `json:"businessName"`
	DBA          string            `json:"dba,omitempty"`
	EIN          string            `json:"ein,omitempty"` // nine digits, hyphen allowed
	Address      *AddressInput     `json:"address,omitempty"`
	Phone        string            `json:"phone,omitempty"`
	Email        string            `json:"email,omitempty"`
	Website      string            `json:"website,omitempty"`
	Principals   []PrincipalInput  `json:"principals,omitempty"` // the people who own or run it
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

// InquirySummary is the status of one inquiry.
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
	Sources            map[string]string `json:"sources"` // each source's outcome, once the inquiry is final
	Failure            *InquiryFailure   `json:"failure"` // why there is no useful report
	RerunOf            string            `json:"rerunOf"` // the inquiry of the parent batch that this one repeats
	Errors             []Fault           `json:"errors"`  // what is wrong with a rejected inquiry; pointers are into the inquiry
	Metadata           map[string]string `json:"metadata"`
}

// InquiryStatus is the state of one inquiry.
type InquiryStatus string

const (
	InquiryPlanning       InquiryStatus = "PLANNING" // waiting for a worker
	InquiryRunning        InquiryStatus = "RUNNING"
	InquiryCompleted      InquiryStatus = "COMPLETED"
	InquiryPartialSuccess InquiryStatus = "PARTIAL_SUCCESS" // the report lacks a source
	InquiryFailed         InquiryStatus = "FAILED"
	InquiryCancelled      InquiryStatus = "CANCELLED"
)

// InquiryFailure is the reason why an inquiry failed.
type InquiryFailure struct {
	Code      string `json:"code"`
	Retryable bool   `json:"retryable"` // submitting it again may help
}

// Inquiry is one inquiry with its business report.
type Inquiry struct {
	InquirySummary
	BatchID string       `json:"batchId"`
	Inquiry InquiryInput `json:"inquiry"` // as it was submitted
	Report  *Report      `json:"report"`  // nil until the inquiry is final
}

const inquiriesPath = "/v1/inquiries"

// InquiryFilter selects the inquiries of a batch to list. A zero field does not
// filter.
type InquiryFilter struct {
	Status     InquiryStatus
	ExternalID string
	PageSize   int // inquiries per request, at most [MaxPageSize]; 0 is [DefaultPageSize]
}

func (f InquiryFilter) query() url.Values {
	q := url.Values{}
	setNonEmpty(q, "status", string(f.Status))
	setNonEmpty(q, "externalId", f.ExternalID)
	return q
}

// Inquiries iterates over a batch's inquiries in the order of submission. It
// requests a page at a time as the loop advances. If there is an error, it is in
// the last pair.
func (c *Client) Inquiries(ctx context.Context, batchID string, f InquiryFilter) iter.Seq2[*InquirySummary, error] {
	return pages(f.query(), f.PageSize, func(query url.Values) ([]*InquirySummary, string, error) {
		type listBody struct {
			Inquiries  []*InquirySummary `json:"inquiries"`
			NextCursor string            `json:"nextCursor"`
		}
		path, err := batchPath(batchID, "/inquiries")
		if err != nil {
			return nil, "", err
		}
		page, _, err := call(ctx, c, get(path, query), func(l *listBody) bool { return l.Inquiries != nil })
		if err != nil {
			return nil, "", err
		}
		return page.Inquiries, page.NextCursor, nil
	})
}

// SubmittedInquiry is the response to a single inquiry. The inquiry is in a batch
// of one, which is not listed; pass its BatchID to [Client.Wait].
type SubmittedInquiry struct {
	InquiryID string        `json:"inquiryId"`
	BatchID   string        `json:"batchId"`
	Status    InquiryStatus `json:"status"`
	Message   string        `json:"message"`

	// Replayed reports that it had already been submitted with the same key.
	Replayed bool `json:"-"`
}

// SubmitInquiry submits one business without a batch. The idempotency key works as
// in a [Submission] and may be empty.
func (c *Client) SubmitInquiry(ctx context.Context, in InquiryInput, idempotencyKey string) (*SubmittedInquiry, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	expected := func(s *SubmittedInquiry) bool { return IsID(s.InquiryID) && IsID(s.BatchID) }
	out, resp, err := call(ctx, c, post(inquiriesPath, idempotencyKey, body), expected)
	if err != nil {
		return nil, err
	}
	out.Replayed = resp.replayed()
	return out, nil
}

// Inquiry returns one inquiry with its business report.
func (c *Client) Inquiry(ctx context.Context, inquiryID string) (*Inquiry, error) {
	if !IsID(inquiryID) {
		return nil, fmt.Errorf("inquiryID %q is not the id of an inquiry", inquiryID)
	}
	expected := func(i *Inquiry) bool { return strings.EqualFold(i.InquiryID, inquiryID) }
	out, _, err := call(ctx, c, get(inquiriesPath+"/"+inquiryID, nil), expected)
	return out, err
}

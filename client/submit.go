package client

import (
	"context"
	"encoding/json"
)

// Submission is a batch to submit.
type Submission struct {
	Name      string            `json:"name"`
	Inquiries []InquiryInput    `json:"inquiries"`
	Metadata  map[string]string `json:"metadata,omitempty"`

	// OnInvalid says what happens when some inquiries are invalid; empty is [Reject].
	OnInvalid OnInvalid `json:"onInvalid,omitempty"`

	// IdempotencyKey makes it safe to submit again after this process has ended:
	// within 24 hours, the same key with the same submission returns the same batch.
	// When it is empty, each call uses a new key.
	IdempotencyKey string `json:"-"`
}

// OnInvalid says what happens to a batch in which some inquiries are invalid.
type OnInvalid string

const (
	Reject OnInvalid = "reject" // the API rejects the batch and stores nothing
	Skip   OnInvalid = "skip"   // the invalid inquiries fail at once, the others are looked up
)

// Submitted is the response to a submission.
type Submitted struct {
	BatchID   string  `json:"batchId"`
	BatchName string  `json:"batchName"`
	Total     int     `json:"total"`    // including rejected inquiries
	Accepted  int     `json:"accepted"` // inquiries that will be looked up
	Rejected  int     `json:"rejected"` // always 0 without [Skip]
	Message   string  `json:"message"`
	Errors    []Fault `json:"errors"` // what is wrong with the rejected inquiries

	// ParentBatchID is the batch that this one is a rerun of; empty if it is not a
	// rerun.
	ParentBatchID string `json:"parentBatchId"`

	// Replayed reports that the batch had already been submitted with the same key.
	Replayed bool `json:"-"`
}

// Validated is the response to a dry run, which stores nothing.
type Validated struct {
	Valid      bool           `json:"valid"` // submitting it would succeed once there is room for it
	Total      int            `json:"total"`
	Accepted   int            `json:"accepted"` // inquiries that would be looked up
	Rejected   int            `json:"rejected"` // invalid inquiries
	Errors     []Fault        `json:"errors"`
	Duplicates []Duplicate    `json:"duplicates"` // not errors, but perhaps mistakes
	Inquiries  []InquiryInput `json:"inquiries"`  // the first 500 as they would be stored
	Limits     Limits         `json:"limits"`
}

// Duplicate points from an inquiry to an earlier one about the same business.
type Duplicate struct {
	Index       int    `json:"index"`
	DuplicateOf int    `json:"duplicateOf"`
	By          string `json:"by"` // ein or name-and-address
}

// Limits are the largest size of a batch and the room that the lender has now.
type Limits struct {
	BatchMax  int `json:"batchMax"`
	BatchLeft int `json:"batchLeft"` // negative when the batch has too many
	OpenMax   int `json:"openMax"`   // inquiries in all of the lender's unfinished batches together
	OpenLeft  int `json:"openLeft"`  // inquiries that still fit now
}

// Submit submits a batch. It returns once the batch is safely stored.
func (c *Client) Submit(ctx context.Context, s Submission) (*Submitted, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return c.SubmitJSON(ctx, body, s.IdempotencyKey)
}

// SubmitJSON submits a body that is already the API's JSON, for example from a
// file. An empty key is replaced by a new one.
func (c *Client) SubmitJSON(ctx context.Context, body []byte, idempotencyKey string) (*Submitted, error) {
	return c.submit(ctx, batchesPath, idempotencyKey, body)
}

// submit creates a batch, by a submission or a rerun.
func (c *Client) submit(ctx context.Context, path, key string, body []byte) (*Submitted, error) {
	out, resp, err := call(ctx, c, post(path, key, body), func(s *Submitted) bool { return IsID(s.BatchID) })
	if err != nil {
		return nil, err
	}
	out.Replayed = resp.replayed()
	return out, nil
}

// Validate reports what would happen if s were submitted. It stores nothing.
func (c *Client) Validate(ctx context.Context, s Submission) (*Validated, error) {
	body, err := json.Marshal(struct {
		Submission
		ValidateOnly bool `json:"validateOnly"`
	}{s, true})
	if err != nil {
		return nil, err
	}
	return c.ValidateJSON(ctx, body)
}

// ValidateJSON is [Client.Validate] for a body that is already the API's JSON. Its
// validateOnly must be true.
func (c *Client) ValidateJSON(ctx context.Context, body []byte) (*Validated, error) {
	out, _, err := call(ctx, c, post(batchesPath, "", body), func(v *Validated) bool { return v.Limits.BatchMax > 0 })
	return out, err
}

// Rerun says which inquiries of a finished batch to look up again.
type Rerun struct {
	Scope      RerunScope `json:"scope,omitempty"`      // empty is [RerunFailed]
	InquiryIDs []string   `json:"inquiryIds,omitempty"` // instead of a scope
	Name       string     `json:"name,omitempty"`       // of the new batch; empty is the old name

	// IdempotencyKey works as in a [Submission].
	IdempotencyKey string `json:"-"`
}

// RerunScope selects the inquiries of a batch to look up again. No scope includes
// rejected inquiries.
type RerunScope string

const (
	RerunFailed       RerunScope = "failed"       // those without a useful report
	RerunPartial      RerunScope = "partial"      // those whose report lacks a source
	RerunUnsuccessful RerunScope = "unsuccessful" // both, and those that were canceled
)

// Rerun creates a new batch from inquiries of a finished one, which keeps its
// results. Each of the two batches refers to the other.
func (c *Client) Rerun(ctx context.Context, batchID string, rerun Rerun) (*Submitted, error) {
	path, err := batchPath(batchID, "/rerun")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(rerun)
	if err != nil {
		return nil, err
	}
	return c.submit(ctx, path, rerun.IdempotencyKey, body)
}

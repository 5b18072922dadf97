package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Submission is a batch to screen.
type Submission struct {
	Name      string            `json:"name"`
	Inquiries []InquiryInput    `json:"inquiries"`
	Metadata  map[string]string `json:"metadata,omitempty"`

	// OnInvalid says what becomes of the batch when some inquiries break the
	// rules; empty is [Reject].
	OnInvalid OnInvalid `json:"onInvalid,omitempty"`

	// IdempotencyKey makes submitting safe over the end of this process: the
	// same key with the same submission within 24 hours is the same batch. Each
	// call has a new one when it is empty.
	IdempotencyKey string `json:"-"`
}

// OnInvalid is what becomes of a batch when some inquiries break the rules.
type OnInvalid string

const (
	Reject OnInvalid = "reject" // nothing is stored
	Skip   OnInvalid = "skip"   // those fail at once, the others are looked up
)

// Submitted is the answer to a submission.
type Submitted struct {
	BatchID   string  `json:"batchId"`
	BatchName string  `json:"batchName"`
	Total     int     `json:"total"`    // rejected ones included
	Accepted  int     `json:"accepted"` // inquiries that will be looked up
	Rejected  int     `json:"rejected"` // always 0 without [Skip]
	Message   string  `json:"message"`
	Errors    []Fault `json:"errors"` // what is wrong with the rejected ones

	// ParentBatchID is the batch that this one is a rerun of; empty for others.
	ParentBatchID string `json:"parentBatchId"`

	// Replayed says that the batch had been submitted before with the same key.
	Replayed bool `json:"-"`
}

// Validated is the answer to a dry run. Nothing was stored.
type Validated struct {
	Valid      bool           `json:"valid"` // submitting it would succeed, once there is room for it
	Total      int            `json:"total"`
	Accepted   int            `json:"accepted"` // inquiries that would be looked up
	Rejected   int            `json:"rejected"` // inquiries that break the rules
	Errors     []Fault        `json:"errors"`
	Duplicates []Duplicate    `json:"duplicates"` // no fault, but perhaps a mistake
	Inquiries  []InquiryInput `json:"inquiries"`  // the first 500 as they would be stored
	Limits     Limits         `json:"limits"`
}

// Duplicate points from an inquiry to the first one about its business.
type Duplicate struct {
	Index       int    `json:"index"`
	DuplicateOf int    `json:"duplicateOf"`
	By          string `json:"by"` // ein or name-and-address
}

// Limits say how large a batch may be, and for how many inquiries there is room.
type Limits struct {
	BatchMax  int `json:"batchMax"`
	BatchLeft int `json:"batchLeft"` // negative when the batch has too many
	OpenMax   int `json:"openMax"`   // inquiries that the lender's unfinished batches may have, all together
	OpenLeft  int `json:"openLeft"`  // inquiries for which there is room now
}

// Status is how far a batch has come.
type Status string

const (
	StatusPending        Status = "PENDING" // no inquiry has been started
	StatusRunning        Status = "RUNNING"
	StatusCompleted      Status = "COMPLETED"       // every source answered for every inquiry
	StatusPartialSuccess Status = "PARTIAL_SUCCESS" // some inquiries failed or lack a source
	StatusFailed         Status = "FAILED"          // no inquiry has a useful report
	StatusCancelled      Status = "CANCELLED"
)

// OperationType is what made a batch.
type OperationType string

const (
	OperationSubmit OperationType = "SUBMIT"
	OperationRerun  OperationType = "RERUN"  // inquiries of an earlier batch, once more
	OperationSingle OperationType = "SINGLE" // an inquiry that was submitted on its own
)

// Batch is how far a batch has come. The six counters sum to Total.
type Batch struct {
	BatchID            string              `json:"batchId"`
	BatchName          string              `json:"batchName"`
	Metadata           map[string]string   `json:"metadata"`
	OperationType      OperationType       `json:"operationType"`
	ParentBatchID      string              `json:"parentBatchId"`      // the batch that this one is a rerun of
	ChildBatchIDs      []string            `json:"childBatchIds"`      // its own first 20 reruns, oldest first
	LatestChildBatchID string              `json:"latestChildBatchId"` // its own last rerun
	Status             Status              `json:"status"`
	StatusReason       string              `json:"statusReason"` // a sentence for people
	IsTerminal         bool                `json:"isTerminal"`   // nothing in it can change any more
	Total              int                 `json:"total"`
	Planning           int                 `json:"planning"` // waiting for a worker
	Running            int                 `json:"running"`
	Completed          int                 `json:"completed"`      // every applicable source answered
	PartialSuccess     int                 `json:"partialSuccess"` // a report from which a source is missing
	Failed             int                 `json:"failed"`         // without a useful report
	Cancelled          int                 `json:"cancelled"`
	ProgressPercentage float64             `json:"progressPercentage"` // never falls; 100 only at the end
	CreatedAt          time.Time           `json:"createdAt"`
	FinishedAt         *time.Time          `json:"finishedAt"`
	EstimatedEnd       *EstimateRange      `json:"estimatedCompletionAt"` // nil when unknown or past
	ResultsExpireAt    time.Time           `json:"resultsExpireAt"`
	CancelRequestedAt  *time.Time          `json:"cancelRequestedAt"`
	DeletedAt          *time.Time          `json:"deletedAt"` // set: only the counts are left
	PhaseProgress      *PhaseProgress      `json:"phaseProgress"`
	SourceRecordTotals *SourceRecordTotals `json:"sourceRecordTotals"` // nil until one inquiry is final
	TimingSummary      *TimingSummary      `json:"timingSummary"`      // nil until one inquiry is final
}

// Settled is how many inquiries are final.
func (b *Batch) Settled() int { return b.Completed + b.PartialSuccess + b.Failed + b.Cancelled }

// EstimateRange is a time that is known only roughly.
type EstimateRange struct {
	Earliest time.Time `json:"earliest"`
	Latest   time.Time `json:"latest"`
}

// PhaseProgress says how many inquiries have passed each phase.
type PhaseProgress struct {
	Validate Phase `json:"validate"`
	Plan     Phase `json:"plan"`   // waiting for a worker
	Gather   Phase `json:"gather"` // asking the sources
}

// Phase is one step that every inquiry takes.
type Phase struct {
	Total     int        `json:"total"`
	Done      int        `json:"done"`
	StartedAt *time.Time `json:"startedAt"`
	EndedAt   *time.Time `json:"endedAt"`
}

// SourceRecordTotals counts what the sources had over all final inquiries.
type SourceRecordTotals struct {
	Total    int                     `json:"total"`
	BySource map[string]SourceTotals `json:"bySource"`
}

// SourceTotals counts one source's answers, in inquiries but for Records.
type SourceTotals struct {
	Records       int `json:"records"`
	Found         int `json:"found"`
	NotFound      int `json:"notFound"`
	Ambiguous     int `json:"ambiguous"` // candidates that a person must judge
	NotApplicable int `json:"notApplicable"`
	Failed        int `json:"failed"`
}

// TimingSummary says where the time went, in seconds.
type TimingSummary struct {
	FirstStartedAt time.Time               `json:"firstStartedAt"`
	LastFinishedAt time.Time               `json:"lastFinishedAt"`
	QueuedSeconds  float64                 `json:"queuedSeconds"`
	WallSeconds    float64                 `json:"wallSeconds"`
	MeanSeconds    float64                 `json:"meanSeconds"`
	P50Seconds     float64                 `json:"p50Seconds"`
	P95Seconds     float64                 `json:"p95Seconds"`
	LongestSeconds float64                 `json:"longestSeconds"`
	Attempts       int                     `json:"attempts"`
	BySource       map[string]SourceTiming `json:"bySource"`
}

// SourceTiming is how long one source took, in seconds.
type SourceTiming struct {
	MeanSeconds    float64 `json:"meanSeconds"`
	LongestSeconds float64 `json:"longestSeconds"`
}

const batchesPath = "/v1/batch-inquiries"

// batchPath is where a batch is, or something of it. What is no id asks nothing:
// the path without one is the list's.
func batchPath(id, of string) (string, error) {
	if !IsID(id) {
		return "", fmt.Errorf("batchID %q is not the id of a batch", id)
	}
	return batchesPath + "/" + id + of, nil
}

// IsID reports whether text has the form of a batch's or an inquiry's id, which
// is a UUID's: 019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000.
func IsID(text string) bool { return idForm.MatchString(text) }

var idForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// isBatch accepts the batch that was asked for and no other.
func isBatch(id string) func(*Batch) bool {
	return func(b *Batch) bool { return strings.EqualFold(b.BatchID, id) }
}

// Submit has a batch looked up. It returns once the batch is safely stored.
func (c *Client) Submit(ctx context.Context, s Submission) (*Submitted, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return c.SubmitJSON(ctx, body, s.IdempotencyKey)
}

// SubmitJSON submits a body that is the API's JSON already, such as a file's. An
// empty key is replaced by a new one.
func (c *Client) SubmitJSON(ctx context.Context, body []byte, idempotencyKey string) (*Submitted, error) {
	return c.submit(ctx, batchesPath, idempotencyKey, body)
}

// submit makes a batch, by either route.
func (c *Client) submit(ctx context.Context, path, key string, body []byte) (*Submitted, error) {
	out, a, err := call(ctx, c, post(path, key, body), func(s *Submitted) bool { return IsID(s.BatchID) })
	if err != nil {
		return nil, err
	}
	out.Replayed = a.header.Get("Idempotent-Replayed") == "true"
	return out, nil
}

// Validate asks what submitting s would lead to, and stores nothing.
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

// ValidateJSON is [Client.Validate] for a body that is the API's JSON already
// and has validateOnly set.
func (c *Client) ValidateJSON(ctx context.Context, body []byte) (*Validated, error) {
	out, _, err := call(ctx, c, post(batchesPath, "", body), func(v *Validated) bool { return v.Limits.BatchMax > 0 })
	return out, err
}

// Batch says how far a batch has come.
func (c *Client) Batch(ctx context.Context, batchID string) (*Batch, error) {
	path, err := batchPath(batchID, "")
	if err != nil {
		return nil, err
	}
	out, _, err := call(ctx, c, get(path, nil), isBatch(batchID))
	return out, err
}

// Cancel stops what no worker has begun; what is running finishes. The answer is
// the batch as it drains: [Client.Wait] for its end.
func (c *Client) Cancel(ctx context.Context, batchID string) (*Batch, error) {
	path, err := batchPath(batchID, "/cancel")
	if err != nil {
		return nil, err
	}
	out, _, err := call(ctx, c, post(path, "", nil), isBatch(batchID))
	return out, err
}

// Delete removes a finished batch's personal data: its name and metadata, what
// was asked, and the reports. Its counts stay. Deleting it again does no harm.
func (c *Client) Delete(ctx context.Context, batchID string) (*Batch, error) {
	path, err := batchPath(batchID, "")
	if err != nil {
		return nil, err
	}
	out, _, err := call(ctx, c, request{method: http.MethodDelete, path: path}, isBatch(batchID))
	return out, err
}

// Rerun says which inquiries of a finished batch to look up once more.
type Rerun struct {
	Scope      RerunScope `json:"scope,omitempty"`      // empty is [RerunFailed]
	InquiryIDs []string   `json:"inquiryIds,omitempty"` // instead of a scope
	Name       string     `json:"name,omitempty"`       // of the new batch; empty is the old one's

	// IdempotencyKey is as in a [Submission].
	IdempotencyKey string `json:"-"`
}

// RerunScope is which inquiries of a batch to look up once more. Those that were
// rejected are in none.
type RerunScope string

const (
	RerunFailed       RerunScope = "failed"       // without a useful report
	RerunPartial      RerunScope = "partial"      // with a report from which a source is missing
	RerunUnsuccessful RerunScope = "unsuccessful" // both, and those that a cancel stopped
)

// Rerun makes a new batch out of inquiries of a finished one, which keeps its
// results. Each of the two names the other.
func (c *Client) Rerun(ctx context.Context, batchID string, again Rerun) (*Submitted, error) {
	path, err := batchPath(batchID, "/rerun")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(again)
	if err != nil {
		return nil, err
	}
	return c.submit(ctx, path, again.IdempotencyKey, body)
}

// BatchFilter says which batches to list. A zero field asks nothing.
type BatchFilter struct {
	Status        Status
	OperationType OperationType
	CreatedFrom   time.Time // this moment or later
	CreatedTo     time.Time // before this moment
	NamePrefix    string    // in upper or lower case
	PageSize      int       // how many to ask for at a time, 500 at the most; 0 is 100
}

func (f BatchFilter) query() url.Values {
	q := url.Values{}
	set(q, "status", string(f.Status))
	set(q, "operationType", string(f.OperationType))
	set(q, "namePrefix", f.NamePrefix)
	if !f.CreatedFrom.IsZero() {
		q.Set("createdFrom", f.CreatedFrom.Format(time.RFC3339Nano))
	}
	if !f.CreatedTo.IsZero() {
		q.Set("createdTo", f.CreatedTo.Format(time.RFC3339Nano))
	}
	return q
}

// Batches iterates over the lender's batches, newest first, and asks for a page
// at a time as the loop goes on. An error is the last pair.
func (c *Client) Batches(ctx context.Context, f BatchFilter) iter.Seq2[*Batch, error] {
	return pages(f.query(), f.PageSize, func(query url.Values) ([]*Batch, string, error) {
		type list struct {
			Batches    []*Batch `json:"batches"`
			NextCursor string   `json:"nextCursor"`
		}
		page, _, err := call(ctx, c, get(batchesPath, query), func(l *list) bool { return l.Batches != nil })
		if err != nil {
			return nil, "", err
		}
		return page.Batches, page.NextCursor, nil
	})
}

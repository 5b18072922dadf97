package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// BatchStatus is the state of a batch.
type BatchStatus string

const (
	BatchPending        BatchStatus = "PENDING" // no inquiry has been started
	BatchRunning        BatchStatus = "RUNNING"
	BatchCompleted      BatchStatus = "COMPLETED"       // every source answered for every inquiry
	BatchPartialSuccess BatchStatus = "PARTIAL_SUCCESS" // some inquiries failed or lack a source
	BatchFailed         BatchStatus = "FAILED"          // no inquiry has a useful report
	BatchCancelled      BatchStatus = "CANCELLED"
)

// OperationType says how a batch was created.
type OperationType string

const (
	OperationSubmit OperationType = "SUBMIT"
	OperationRerun  OperationType = "RERUN"  // inquiries of an earlier batch, looked up again
	OperationSingle OperationType = "SINGLE" // a single inquiry, submitted without a batch
)

// Batch is the status of a batch. The six counters, from Planning to Cancelled,
// add up to Total.
type Batch struct {
	BatchID            string              `json:"batchId"`
	BatchName          string              `json:"batchName"`
	Metadata           map[string]string   `json:"metadata"`
	OperationType      OperationType       `json:"operationType"`
	ParentBatchID      string              `json:"parentBatchId"`      // the batch that this one is a rerun of
	ChildBatchIDs      []string            `json:"childBatchIds"`      // its first 20 direct reruns, oldest first
	LatestChildBatchID string              `json:"latestChildBatchId"` // its most recent direct rerun
	Status             BatchStatus         `json:"status"`
	StatusReason       string              `json:"statusReason"` // a sentence for people
	IsTerminal         bool                `json:"isTerminal"`   // nothing in it can change anymore
	Total              int                 `json:"total"`
	Planning           int                 `json:"planning"` // waiting for a worker
	Running            int                 `json:"running"`
	Completed          int                 `json:"completed"`      // every applicable source answered
	PartialSuccess     int                 `json:"partialSuccess"` // the report lacks a source
	Failed             int                 `json:"failed"`         // no useful report
	Cancelled          int                 `json:"cancelled"`
	ProgressPercentage float64             `json:"progressPercentage"` // never falls; 100 only at the end
	CreatedAt          time.Time           `json:"createdAt"`
	FinishedAt         *time.Time          `json:"finishedAt"`
	EstimatedEnd       *EstimateRange      `json:"estimatedCompletionAt"` // nil when unknown or past
	ResultsExpireAt    time.Time           `json:"resultsExpireAt"`
	CancelRequestedAt  *time.Time          `json:"cancelRequestedAt"`
	DeletedAt          *time.Time          `json:"deletedAt"` // if set, only the counts and times are left
	PhaseProgress      *PhaseProgress      `json:"phaseProgress"`
	SourceRecordTotals *SourceRecordTotals `json:"sourceRecordTotals"` // nil until one inquiry is final
	TimingSummary      *TimingSummary      `json:"timingSummary"`      // nil until one inquiry is final
}

// Settled returns the number of inquiries that are final.
func (b *Batch) Settled() int { return b.Completed + b.PartialSuccess + b.Failed + b.Cancelled }

// EstimateRange is an estimate of a point in time.
type EstimateRange struct {
	Earliest time.Time `json:"earliest"`
	Latest   time.Time `json:"latest"`
}

// PhaseProgress is the number of inquiries that have passed each phase.
type PhaseProgress struct {
	Validate Phase `json:"validate"`
	Plan     Phase `json:"plan"`   // waiting for a worker
	Gather   Phase `json:"gather"` // querying the sources
}

// Phase is one step that every inquiry takes.
type Phase struct {
	Total     int        `json:"total"`
	Done      int        `json:"done"`
	StartedAt *time.Time `json:"startedAt"`
	EndedAt   *time.Time `json:"endedAt"`
}

// SourceRecordTotals counts the sources' records over all final inquiries.
type SourceRecordTotals struct {
	Total    int                     `json:"total"`
	BySource map[string]SourceTotals `json:"bySource"`
}

// SourceTotals counts one source's answers. Records counts source records, the
// other fields count inquiries.
type SourceTotals struct {
	Records       int `json:"records"`
	Found         int `json:"found"`
	NotFound      int `json:"notFound"`
	Ambiguous     int `json:"ambiguous"` // candidates that a person must review
	NotApplicable int `json:"notApplicable"`
	Failed        int `json:"failed"`
}

// TimingSummary is the time that a batch took, in seconds.
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

// SourceTiming is the time that one source took, in seconds.
type SourceTiming struct {
	MeanSeconds    float64 `json:"meanSeconds"`
	LongestSeconds float64 `json:"longestSeconds"`
}

const batchesPath = "/v1/batch-inquiries"

// batchPath returns the URL path of a batch or, with a suffix, of a part of it. It
// rejects a malformed id: the path of an empty id would be that of the list.
func batchPath(id, suffix string) (string, error) {
	if !IsID(id) {
		return "", fmt.Errorf("batchID %q is not the id of a batch", id)
	}
	return batchesPath + "/" + id + suffix, nil
}

// IsID reports whether text has the form of a batch's or an inquiry's id, which is
// the form of a UUID: 019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000.
func IsID(text string) bool { return idPattern.MatchString(text) }

var idPattern = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// isBatch returns a function that accepts only the batch with this id.
func isBatch(id string) func(*Batch) bool {
	return func(b *Batch) bool { return strings.EqualFold(b.BatchID, id) }
}

// Batch returns the status of a batch.
func (c *Client) Batch(ctx context.Context, batchID string) (*Batch, error) {
	path, err := batchPath(batchID, "")
	if err != nil {
		return nil, err
	}
	out, _, err := call(ctx, c, get(path, nil), isBatch(batchID))
	return out, err
}

// Cancel cancels the inquiries that no worker has started; the running ones
// finish. The returned batch may still be running: [Client.Wait] returns it when it
// is final.
func (c *Client) Cancel(ctx context.Context, batchID string) (*Batch, error) {
	path, err := batchPath(batchID, "/cancel")
	if err != nil {
		return nil, err
	}
	out, _, err := call(ctx, c, post(path, "", nil), isBatch(batchID))
	return out, err
}

// Delete removes a finished batch's personal data: its name and metadata, its
// inquiries and their reports. Its counts remain. Deleting it again is harmless.
func (c *Client) Delete(ctx context.Context, batchID string) (*Batch, error) {
	path, err := batchPath(batchID, "")
	if err != nil {
		return nil, err
	}
	out, _, err := call(ctx, c, request{method: http.MethodDelete, path: path}, isBatch(batchID))
	return out, err
}

// BatchFilter selects the batches to list. A zero field does not filter.
type BatchFilter struct {
	Status        BatchStatus
	OperationType OperationType
	CreatedFrom   time.Time // this moment or later
	CreatedTo     time.Time // before this moment
	NamePrefix    string    // case-insensitive
	PageSize      int       // batches per request, at most [MaxPageSize]; 0 is [DefaultPageSize]
}

func (f BatchFilter) query() url.Values {
	q := url.Values{}
	setNonEmpty(q, "status", string(f.Status))
	setNonEmpty(q, "operationType", string(f.OperationType))
	setNonEmpty(q, "namePrefix", f.NamePrefix)
	if !f.CreatedFrom.IsZero() {
		q.Set("createdFrom", f.CreatedFrom.Format(time.RFC3339Nano))
	}
	if !f.CreatedTo.IsZero() {
		q.Set("createdTo", f.CreatedTo.Format(time.RFC3339Nano))
	}
	return q
}

// Batches iterates over the lender's batches, newest first. It requests a page at
// a time as the loop advances. If there is an error, it is in the last pair.
func (c *Client) Batches(ctx context.Context, f BatchFilter) iter.Seq2[*Batch, error] {
	return pages(f.query(), f.PageSize, func(query url.Values) ([]*Batch, string, error) {
		type listBody struct {
			Batches    []*Batch `json:"batches"`
			NextCursor string   `json:"nextCursor"`
		}
		page, _, err := call(ctx, c, get(batchesPath, query), func(l *listBody) bool { return l.Batches != nil })
		if err != nil {
			return nil, "", err
		}
		return page.Batches, page.NextCursor, nil
	})
}

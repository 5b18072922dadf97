package inquiry

import "time"

// Retention is how long a batch and everything that belongs to it is kept after its
// submission.
const Retention = 30 * 24 * time.Hour

// DefaultDeadline is how long after a batch's submission its inquiries are tried. Then
// the remaining ones fail.
const DefaultDeadline = 6 * time.Hour

// Operation says how a batch came into being.
type Operation string

const (
	OperationSubmit Operation = "SUBMIT" // a lender submitted it
	OperationRerun  Operation = "RERUN"  // it repeats inquiries of its parent, an earlier batch
	OperationSingle Operation = "SINGLE" // it is one inquiry on its own and not in the list
)

// Batch is one lender's submission: inquiries that are accepted together and
// reported on together.
type Batch struct {
	ID        BatchID  // contains the time of submission
	LenderID  LenderID // from the caller's credentials, never from the request
	Name      string
	Operation Operation
	Metadata  map[string]string // returned as given, never interpreted

	// SubmittedBy is the user whose credentials submitted it.
	SubmittedBy string

	// Ordinal is the batch's position in its lender's list, from 1.
	Ordinal int

	// Tally is what tally-statuses and the sweep have counted, so it lags a moment
	// behind the inquiries themselves.
	Tally

	// FinishedAt is when the last inquiry became final; zero before.
	FinishedAt time.Time

	// CancelRequestedAt is when the lender first asked to cancel the batch; zero if it
	// never did. Inquiries that no worker had claimed then are canceled; the others
	// run to their end.
	CancelRequestedAt time.Time

	// DeletedAt is when the lender first asked to delete the batch's data; zero if it
	// never did. The batch's name and metadata are deleted with the data.
	DeletedAt time.Time

	// Parent is the batch that this one is a rerun of; zero for any other batch.
	Parent BatchID

	// Children are the first reruns of the batch, at most MaxChildren, and LatestChild
	// is the most recent one; zero when there is none.
	Children    []BatchID
	LatestChild BatchID

	// Version counts the writes of the header; a merge is conditional on it.
	Version int
}

// CreatedAt returns when the batch was submitted.
func (b Batch) CreatedAt() time.Time { return b.ID.CreatedAt() }

// ExpiresAt returns when the batch's data may be deleted.
func (b Batch) ExpiresAt() time.Time { return b.ID.ExpiresAt() }

// ExpiresAt returns when everything that belongs to the batch may be deleted. The time
// follows from the id, so all items of a batch expire together.
func (b BatchID) ExpiresAt() time.Time { return b.CreatedAt().Add(Retention).Truncate(time.Second) }

package inquiry

import "time"

// Retention is how long a batch and everything below it is kept, counted from
// its submission.
const Retention = 30 * 24 * time.Hour

// DefaultBatchMax is how many inquiries a lender may send in one batch unless
// its profile says otherwise.
const DefaultBatchMax = 250

// Operation says what made a batch.
type Operation string

// OperationSubmit is a batch that a lender submitted.
const OperationSubmit Operation = "SUBMIT"

// Batch is one lender's submission: inquiries accepted together and reported on
// together.
type Batch struct {
	ID        BatchID  // carries when it was submitted
	LenderID  LenderID // from the caller's credentials, never from the request
	Name      string
	Operation Operation

	// SubmittedBy is the user whose credentials submitted it.
	SubmittedBy string

	// Ordinal is the batch's place in its lender's list: 1 is the first one.
	Ordinal int

	// Tally is changed after submission by tally-statuses alone, from the
	// table's stream, so it trails the inquiries themselves by a moment.
	Tally

	// FinishedAt is when the last inquiry became final; zero before.
	FinishedAt time.Time

	// Version counts the writes of the header; a merge is conditional on it.
	Version int
}

// CreatedAt is when the batch was submitted.
func (b Batch) CreatedAt() time.Time { return b.ID.CreatedAt() }

// ExpiresAt is when the batch's data may be deleted.
func (b Batch) ExpiresAt() time.Time { return b.ID.ExpiresAt() }

// ExpiresAt is when everything under the batch may be deleted. It follows from
// the id, so all items of a batch share one expiry without passing it around.
func (b BatchID) ExpiresAt() time.Time { return b.CreatedAt().Add(Retention).Truncate(time.Second) }

package inquiry

import (
	"crypto/sha256"
	"time"
)

// Retention is how long a batch and everything below it is kept, counted from
// its submission.
const Retention = 30 * 24 * time.Hour

// DefaultDeadline is how long after its submission a batch's inquiries are tried
// before what is left of them is given up.
const DefaultDeadline = 6 * time.Hour

// Operation says what made a batch.
type Operation string

const (
	OperationSubmit Operation = "SUBMIT" // a batch that a lender submitted
	OperationRerun  Operation = "RERUN"  // inquiries of an earlier batch, its parent, once more
	OperationSingle Operation = "SINGLE" // one inquiry on its own; it is in no list
)

// Batch is one lender's submission: inquiries accepted together and reported on
// together.
type Batch struct {
	ID        BatchID  // carries when it was submitted
	LenderID  LenderID // from the caller's credentials, never from the request
	Name      string
	Operation Operation
	Metadata  map[string]string // returned as given, never interpreted

	// SubmittedBy is the user whose credentials submitted it.
	SubmittedBy string

	// Ordinal is the batch's place in its lender's list: 1 is the first one.
	Ordinal int

	// Tally is changed after submission by tally-statuses alone, from the
	// table's stream, so it trails the inquiries themselves by a moment.
	Tally

	// FinishedAt is when the last inquiry became final; zero before.
	FinishedAt time.Time

	// CancelRequestedAt is when the lender first asked to cancel the batch; zero
	// if it never did. Inquiries that no worker had claimed then are cancelled,
	// the others run to their end.
	CancelRequestedAt time.Time

	// DeletedAt is when the lender first asked for the batch's data to be deleted;
	// zero if it never did. Its name and metadata are gone with the data.
	DeletedAt time.Time

	// Parent is the batch that this one is a rerun of; zero for any other batch.
	Parent BatchID

	// Children are the first reruns of the batch, MaxChildren at the most, and
	// LatestChild is the last one; zero when there is none.
	Children    []BatchID
	LatestChild BatchID

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

// Submission is a batch to accept: checked, and normalised.
type Submission struct {
	UserID    string
	Name      string
	Metadata  map[string]string
	Inquiries []Inquiry // 1 to MaxInquiries, one of them at least not rejected
	Operation Operation // "" means OperationSubmit
	Parent    *Batch    // what this is a rerun of, as it was read; nil for any other

	// IdempotencyKey is the caller's key for this submission; "" means none.
	IdempotencyKey string

	// Fingerprint tells this request's content from others under the same key.
	Fingerprint [sha256.Size]byte
}

// Tally is where the submission starts: its rejected inquiries have failed, all
// others are planning.
func (s Submission) Tally() Tally {
	t := NewTally(len(s.Inquiries))
	failed, _ := StatusFailed.code()
	for i, in := range s.Inquiries {
		if in.IsRejected() {
			t.Ledger.advance(i, failed)
		}
	}
	return t
}

// Record is what is known of an inquiry that a worker has claimed. The worker
// that holds the claim changes it; a final record never changes again.
type Record struct {
	ID      ID
	Status  Status
	Figures Figures
	Report  []byte // packed by package report; nil until the status is final
	Failure string // code of why there is no report; "" otherwise

	// Retryable tells whether submitting the inquiry again may give more.
	Retryable bool

	// LeaseUntil is when the claim of a running inquiry ends by itself.
	LeaseUntil time.Time
}

// Change is what the record says to the batch's tally.
func (r Record) Change() Change {
	return Change{Index: r.ID.Index(), Status: r.Status, Figures: r.Figures}
}

// Why an inquiry was given up by the service itself. The codes of reports that
// sources could not fill are package report's.
const (
	FailureExhausted = "ATTEMPTS_EXHAUSTED" // every delivery of its message failed
	FailureDeadline  = "DEADLINE_PASSED"    // the batch's deadline came first
)

// FailureInvalid is the code of an inquiry that was rejected: it failed with its
// submission, and trying the same again cannot help.
const FailureInvalid = "INVALID_INPUT"

// Entry is one inquiry of a batch as its lender sees it: what was asked, and
// what has become of it.
type Entry struct {
	ID      ID
	Inquiry Inquiry
	Record  Record // its status is PLANNING while no worker has claimed it
}

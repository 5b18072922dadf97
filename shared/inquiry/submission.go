package inquiry

import "crypto/sha256"

// Submission is a batch to accept. It has been checked and normalized.
type Submission struct {
	Submitter Submitter
	Name      string
	Metadata  map[string]string
	Inquiries []Inquiry // 1 to MaxInquiries, at least one of them not rejected
	Operation Operation // "" means OperationSubmit
	Parent    *Batch    // the batch that this is a rerun of, as it was read; otherwise nil

	// IdempotencyKey is the caller's key for this submission; "" means none.
	IdempotencyKey string

	// Fingerprint is a hash of the request. It distinguishes requests that were sent
	// with the same key.
	Fingerprint [sha256.Size]byte
}

// Submitter is the caller who submits, as the authorizer let them in. A submission is
// accepted only if this is still true when it is stored.
type Submitter struct {
	UserID string
	Role   string

	// KeyID and KeyVersion are those of the API key that the caller sent. KeyID is ""
	// if they sent a token.
	KeyID      string
	KeyVersion int
}

// Tally returns the tally that the batch starts with: its rejected inquiries have
// failed, all others are planning.
func (s Submission) Tally() Tally {
	t := NewTally(len(s.Inquiries))
	failed, _ := statuses.code(StatusFailed)
	for i, in := range s.Inquiries {
		if in.IsRejected() {
			statuses.advance(t.Ledger, i, failed)
		}
	}
	return t
}

package inquiry

import (
	"errors"
	"fmt"
)

// The outcomes that callers act on. Any other error is an internal one.
var (
	// ErrNotFound: nothing with this id belongs to this lender. Another lender's id
	// gives the same error as an id that never existed, so that nobody can probe ids.
	ErrNotFound = errors.New("not found")

	// ErrDeleted: the lender has deleted the batch, and only its counts are left.
	// It is an ErrNotFound for callers that need more than the counts.
	ErrDeleted = fmt.Errorf("deleted: %w", ErrNotFound)

	// ErrUnfinished: the request has to wait until the batch is finished.
	ErrUnfinished = errors.New("batch is not finished")

	// ErrFinished: the inquiry already has its final status, so nothing is left to do
	// for this delivery.
	ErrFinished = errors.New("inquiry is already finished")

	// ErrLeased: another worker holds the inquiry. This message must be
	// delivered again: acknowledging it could delete the inquiry's only message.
	ErrLeased = errors.New("inquiry is leased to another worker")

	// ErrSuperseded: this attempt's claim is no longer the current one, so its
	// result must not be written.
	ErrSuperseded = errors.New("claim was superseded")

	// ErrIdempotencyMismatch: the key was used for another request in the last 24 hours.
	ErrIdempotencyMismatch = errors.New("idempotency key was used for another request")

	// ErrConflict: another writer was faster. Reading again and retrying helps.
	ErrConflict = errors.New("conflicting change")

	// ErrUnavailable: the storage cannot be reached or accepts no more requests right
	// now. It may still have carried out the request.
	ErrUnavailable = errors.New("not available at the moment")

	// ErrUnreadable: what is stored is damaged, or a newer version has written it.
	// Reading it again does not help.
	ErrUnreadable = errors.New("not readable")

	// ErrTooLarge: the batch does not fit into one transaction of the table.
	ErrTooLarge = errors.New("batch is too large to store")

	// ErrTooManyOpen: the lender has too many open inquiries to add these.
	ErrTooManyOpen = errors.New("too many open inquiries")

	// ErrTooManyWaits: the lender has as many waiting requests as it may have.
	ErrTooManyWaits = errors.New("too many waiting requests")

	// ErrCutOff: the submitter has been suspended, has another role, or sent an API key
	// that has ended. Reading their user and key again shows which.
	ErrCutOff = errors.New("the submitter has lost access")

	// ErrSuspended: the lender or the user exists but may not use the service.
	ErrSuspended = errors.New("suspended")
)

package inquiry

import (
	"errors"
	"fmt"
)

// The outcomes that callers act on. Anything else is an internal error.
var (
	// ErrNotFound: no such thing for this lender. Somebody else's id and an id
	// that never existed are the same error, so neither can be probed.
	ErrNotFound = errors.New("not found")

	// ErrDeleted: the lender has deleted the batch, and its counts alone are left.
	// To who asks for more it is an ErrNotFound.
	ErrDeleted = fmt.Errorf("deleted: %w", ErrNotFound)

	// ErrUnfinished: the batch is not finished, and what is asked has to wait.
	ErrUnfinished = errors.New("batch is not finished")

	// ErrFinished: the inquiry already has its final status; there is nothing
	// left to do for this delivery.
	ErrFinished = errors.New("inquiry is already finished")

	// ErrLeased: another worker holds the inquiry. This delivery has to come
	// back: acknowledging it could delete the only message left.
	ErrLeased = errors.New("inquiry is leased to another worker")

	// ErrSuperseded: the claim that this attempt worked under is no longer the
	// current one, so its answer must not be written.
	ErrSuperseded = errors.New("claim was superseded")

	// ErrIdempotencyMismatch: the key was used within 24 hours for another request.
	ErrIdempotencyMismatch = errors.New("idempotency key was used for another request")

	// ErrConflict: another writer was faster; reading again and retrying helps.
	ErrConflict = errors.New("conflicting change")

	// ErrUnavailable: what we keep things in cannot be reached, or takes no more at
	// the moment. What was asked of it may have been done.
	ErrUnavailable = errors.New("not available at the moment")

	// ErrTooLarge: the batch does not fit one transaction of the table.
	ErrTooLarge = errors.New("batch is too large to store")

	// ErrTooManyOpen: the lender has too many open inquiries to add these.
	ErrTooManyOpen = errors.New("too many open inquiries")

	// ErrSuspended: the lender or the user exists and may not use the service.
	ErrSuspended = errors.New("suspended")
)

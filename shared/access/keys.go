package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Records stores users, lenders and API keys. Every method returns
// inquiry.ErrNotFound if the user, the lender or the key does not exist.
type Records interface {
	Members

	// EnsureAPIKey returns the user's key. The first call creates it with this
	// generation of the master key.
	EnsureAPIKey(ctx context.Context, userID string, generation int) (store.APIKey, error)

	// RotateAPIKey ends the key's version and starts the next. It returns
	// inquiry.ErrNotFound if r repeats a rotation and the key has been rotated again
	// since.
	RotateAPIKey(ctx context.Context, id string, r store.Rotation) (k store.APIKey, replayed bool, err error)

	// RevokeAPIKey ends the key. It returns inquiry.ErrConflict if the version is not
	// in use.
	RevokeAPIKey(ctx context.Context, id string, version int) (changed bool, err error)
}

// APIKeys shows, rotates and revokes API keys.
//
// API Gateway caches the authorizer's answer, so it still accepts a key for a minute
// after the key has ended, and a user for a minute after their suspension. Therefore
// every method reads the table again.
//
// A key can show and revoke itself: both help its owner, and neither gives a thief
// more than they have. It cannot make the next key, because a thief could then keep
// the access for good and lock the owner out.
type APIKeys struct {
	Records Records
	Master  *auth.MasterKeys
}

// Show returns the caller's key, which the first call creates. It returns
// inquiry.ErrNotFound if the key is revoked, and auth.ErrEndedKey if the caller sent a
// key that has ended.
func (a *APIKeys) Show(ctx context.Context, caller auth.Caller) (string, error) {
	user, _, err := admit(ctx, a.Records, caller)
	if err != nil {
		return "", err
	}
	var record store.APIKey
	switch {
	case caller.Credential == auth.CredentialAPIKey:
		record, err = currentKey(ctx, a.Records, caller)
	case user.APIKeyID != "":
		record, err = a.Records.APIKey(ctx, user.APIKeyID)
	default:
		record, err = a.Records.EnsureAPIKey(ctx, user.ID, a.Master.Current())
	}
	if err != nil {
		return "", err
	}
	return a.issue(ctx, record)
}

// Rotate ends the caller's key, if there is one, and returns the next. It returns
// auth.ErrNeedsToken to a caller with an API key.
func (a *APIKeys) Rotate(ctx context.Context, caller auth.Caller, idempotencyKey string) (key string, replayed bool, err error) {
	user, _, err := admit(ctx, a.Records, caller)
	if err != nil {
		return "", false, err
	}
	if caller.Credential == auth.CredentialAPIKey {
		if _, err := currentKey(ctx, a.Records, caller); err != nil {
			return "", false, err
		}
		return "", false, fmt.Errorf("rotating API key %s: %w", caller.KeyID, auth.ErrNeedsToken)
	}
	generation := a.Master.Current()
	if _, err := a.Master.Keys(ctx, generation); err != nil { // before the old key ends
		return "", false, err
	}
	record, err := a.Records.EnsureAPIKey(ctx, user.ID, generation)
	if err != nil {
		return "", false, err
	}
	record, replayed, err = a.Records.RotateAPIKey(ctx, record.ID, store.Rotation{Generation: generation, Request: idempotencyKey})
	if err != nil {
		return "", false, err
	}
	key, err = a.issue(ctx, record)
	return key, replayed, err
}

// Revoke ends the caller's key. It does nothing for a user who never had one. It
// returns auth.ErrEndedKey if the caller sent a key of an earlier version.
func (a *APIKeys) Revoke(ctx context.Context, caller auth.Caller) error {
	user, _, err := admit(ctx, a.Records, caller)
	if err != nil {
		return err
	}
	id, version := user.APIKeyID, store.AnyVersion
	if caller.Credential == auth.CredentialAPIKey {
		id, version = caller.KeyID, caller.KeyVersion
	}
	if id == "" {
		return nil
	}
	_, err = a.Records.RevokeAPIKey(ctx, id, version)
	return asEndedKey(caller, err)
}

// issue returns the text of a key, or inquiry.ErrNotFound if the key is revoked.
func (a *APIKeys) issue(ctx context.Context, record store.APIKey) (string, error) {
	if !record.RevokedAt.IsZero() {
		return "", fmt.Errorf("API key %s is revoked: %w", record.ID, inquiry.ErrNotFound)
	}
	keys, err := a.Master.Keys(ctx, record.Generation)
	if err != nil {
		return "", err
	}
	return keys.Issue(record.ID, record.Version), nil
}

// asEndedKey translates an error of Records for a caller who sent an API key. If
// that version is not in use, or does not exist, their key has ended.
func asEndedKey(caller auth.Caller, err error) error {
	if caller.Credential == auth.CredentialAPIKey && (errors.Is(err, inquiry.ErrConflict) || errors.Is(err, inquiry.ErrNotFound)) {
		return fmt.Errorf("%w: %v", auth.ErrEndedKey, err) // %v, so that it is no longer the other error
	}
	return err
}

package access

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Records stores users, lenders and API keys. Every method returns
// inquiry.ErrNotFound if the user, the lender or the key does not exist.
type Records interface {
	// Membership returns a user and a lender, read consistently.
	Membership(ctx context.Context, userID string, lender inquiry.LenderID) (store.User, inquiry.Lender, error)

	// APIKey returns a key, revoked or not, read consistently.
	APIKey(ctx context.Context, id string) (store.APIKey, error)

	// EnsureAPIKey returns the user's key. The first call creates it.
	EnsureAPIKey(ctx context.Context, userID string) (store.APIKey, error)

	// RotateAPIKey ends the version r.From and starts the next. It returns
	// inquiry.ErrConflict if r.From is not in use, and inquiry.ErrNotFound if r
	// repeats a rotation and the key has been rotated again since.
	RotateAPIKey(ctx context.Context, id string, r store.Rotation) (k store.APIKey, replayed bool, err error)

	// RevokeAPIKey ends the key. It returns inquiry.ErrConflict if the version is not
	// in use.
	RevokeAPIKey(ctx context.Context, id string, version int) (changed bool, err error)
}

// APIKeys shows, rotates and revokes API keys.
//
// API Gateway caches the authorizer's answer, so it still accepts a key for
// minutes after the key has ended, and a user for minutes after their suspension.
// Nothing lasting may be done in these minutes. Therefore every method reads the
// table again: an ended key cannot show, make or end a key, and cannot delete or
// cancel a batch.
//
// The master key is read on first use, because few requests need it and the
// function's start must not wait for it.
type APIKeys struct {
	Records   Records
	Secrets   auth.SecretReader
	MasterKey string // ARN of the secret

	mu   sync.Mutex
	keys *auth.Keys // nil until the master key has been read
}

// Show returns the caller's key. It returns inquiry.ErrNotFound if the key is
// revoked, and auth.ErrEndedKey if the caller sent a key that has ended.
func (a *APIKeys) Show(ctx context.Context, caller auth.Caller) (string, error) {
	keys, err := a.load(ctx)
	if err != nil {
		return "", err
	}
	if _, _, err := a.admit(ctx, caller); err != nil {
		return "", err
	}
	record, err := a.currentKey(ctx, caller)
	if err != nil {
		return "", err
	}
	return issue(keys, record)
}

// Rotate ends the caller's key, if there is one, and returns the next. It returns
// auth.ErrEndedKey if the caller sent a key that has ended, unless it was this same
// request that ended it.
func (a *APIKeys) Rotate(ctx context.Context, caller auth.Caller, idempotencyKey string) (key string, replayed bool, err error) {
	keys, err := a.load(ctx)
	if err != nil {
		return "", false, err
	}
	user, _, err := a.admit(ctx, caller)
	if err != nil {
		return "", false, err
	}
	rotation := store.Rotation{From: store.AnyVersion, Request: idempotencyKey}
	id := caller.KeyID
	if caller.Credential == auth.CredentialAPIKey {
		rotation.From = caller.KeyVersion
	} else {
		record, err := a.Records.EnsureAPIKey(ctx, user.ID)
		if err != nil {
			return "", false, err
		}
		id = record.ID
	}
	record, replayed, err := a.Records.RotateAPIKey(ctx, id, rotation)
	if err != nil {
		return "", false, asEndedKey(caller, err)
	}
	key, err = issue(keys, record)
	return key, replayed, asEndedKey(caller, err)
}

// Revoke ends the caller's key. It does nothing for a user who never had one. It
// returns auth.ErrEndedKey if the caller sent a key of an earlier version.
func (a *APIKeys) Revoke(ctx context.Context, caller auth.Caller) error {
	user, _, err := a.admit(ctx, caller)
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

// RoleNow returns the role that the caller has at this moment, for requests that
// cannot be undone. It returns inquiry.ErrSuspended or auth.ErrEndedKey if the
// authorizer would reject the caller by now.
func (a *APIKeys) RoleNow(ctx context.Context, caller auth.Caller) (auth.Role, error) {
	_, role, err := a.admit(ctx, caller)
	if err != nil {
		return "", err
	}
	if caller.Credential == auth.CredentialAPIKey {
		if _, err := a.currentKey(ctx, caller); err != nil {
			return "", err
		}
	}
	return role, nil
}

// admit reads the caller's user again and applies Admit. It rejects an API key of
// unknown version, because that cannot be compared with the version in use.
func (a *APIKeys) admit(ctx context.Context, caller auth.Caller) (store.User, auth.Role, error) {
	if caller.Credential == auth.CredentialAPIKey && (caller.KeyID == "" || caller.KeyVersion < 1) {
		return store.User{}, "", fmt.Errorf("API key %s has an unknown version: %w", caller.KeyID, auth.ErrEndedKey)
	}
	user, lender, err := a.Records.Membership(ctx, caller.UserID, caller.LenderID)
	if err != nil {
		return store.User{}, "", err
	}
	role, err := Admit(user, lender)
	return user, role, err
}

// currentKey returns the key that the caller sent, or auth.ErrEndedKey if it has
// ended. For a caller with a token it returns their key, which the first call
// creates.
func (a *APIKeys) currentKey(ctx context.Context, caller auth.Caller) (store.APIKey, error) {
	if caller.Credential != auth.CredentialAPIKey {
		return a.Records.EnsureAPIKey(ctx, caller.UserID)
	}
	record, err := a.Records.APIKey(ctx, caller.KeyID)
	if err != nil {
		return store.APIKey{}, asEndedKey(caller, err)
	}
	if record.Version != caller.KeyVersion || !record.RevokedAt.IsZero() {
		return store.APIKey{}, fmt.Errorf("API key %s, version %d: %w", record.ID, caller.KeyVersion, auth.ErrEndedKey)
	}
	return record, nil
}

// issue returns the text of a key, or inquiry.ErrNotFound if the key is revoked.
func issue(keys auth.Keys, record store.APIKey) (string, error) {
	if !record.RevokedAt.IsZero() {
		return "", fmt.Errorf("API key %s is revoked: %w", record.ID, inquiry.ErrNotFound)
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

// load returns the keys of the master key, which it reads once. After a failed
// read the next call tries again.
func (a *APIKeys) load(ctx context.Context) (auth.Keys, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil {
		keys, err := auth.LoadKeys(ctx, a.Secrets, a.MasterKey)
		if err != nil {
			return auth.Keys{}, err
		}
		a.keys = &keys
	}
	return *a.keys, nil
}

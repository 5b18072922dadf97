package handler

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// KeyRecords keeps what the table holds of API keys, and of who may have one.
type KeyRecords interface {
	Membership(ctx context.Context, userID string, lender inquiry.LenderID) (store.User, inquiry.Lender, error)
	APIKey(ctx context.Context, id string) (store.APIKey, error)
	EnsureAPIKey(ctx context.Context, userID string) (store.APIKey, error)
	RotateAPIKey(ctx context.Context, id string, r store.Rotation) (k store.APIKey, replayed bool, err error)
	RevokeAPIKey(ctx context.Context, id string, version int) (changed bool, err error)
}

// APIKeys shows API keys. Few requests ask for one, so the master key is read
// when the first does, and the start of the function is not made to wait.
//
// API Gateway lets a key through for minutes after its end, and users for minutes
// after their suspension. What is lasting must not come of these minutes, so here
// the table is asked again: an ended key shows, makes and ends none, and neither
// deletes nor cancels a batch.
type APIKeys struct {
	Records   KeyRecords
	Secrets   auth.SecretReader
	MasterKey string // ARN of the secret

	mu   sync.Mutex
	keys *auth.Keys // nil until it has been read
}

// Show returns the caller's key; one that was revoked is inquiry.ErrNotFound, and
// auth.ErrEndedKey to whoever sent it.
func (a *APIKeys) Show(ctx context.Context, caller auth.Caller) (string, error) {
	keys, err := a.load(ctx)
	if err != nil {
		return "", err
	}
	if _, err := a.admit(ctx, caller); err != nil {
		return "", err
	}
	record, err := a.record(ctx, caller)
	if err != nil {
		return "", err
	}
	return issue(keys, record)
}

// Rotate ends the caller's key, if they have one, and returns the next. A key of
// the caller's that has ended already is auth.ErrEndedKey, unless this request
// ended it.
func (a *APIKeys) Rotate(ctx context.Context, caller auth.Caller, idempotencyKey string) (key string, replayed bool, err error) {
	keys, err := a.load(ctx)
	if err != nil {
		return "", false, err
	}
	user, err := a.admit(ctx, caller)
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
		return "", false, ended(caller, err)
	}
	key, err = issue(keys, record)
	return key, replayed, ended(caller, err)
}

// Revoke ends the caller's key; a user who never had one has nothing to end.
func (a *APIKeys) Revoke(ctx context.Context, caller auth.Caller) error {
	user, err := a.admit(ctx, caller)
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
	return ended(caller, err)
}

// RoleNow is the caller's role as the table has it at this moment, for what cannot
// be undone. It is inquiry.ErrSuspended and auth.ErrEndedKey where the authorizer
// would refuse the caller by now.
func (a *APIKeys) RoleNow(ctx context.Context, caller auth.Caller) (auth.Role, error) {
	user, err := a.admit(ctx, caller)
	if err != nil {
		return "", err
	}
	if caller.Credential == auth.CredentialAPIKey {
		if _, err := a.record(ctx, caller); err != nil {
			return "", ended(caller, err)
		}
	}
	return auth.ParseRole(user.Role)
}

// admit returns the caller as a user. It refuses the suspended, and a key that
// proves nothing here, since its version is not known.
func (a *APIKeys) admit(ctx context.Context, caller auth.Caller) (store.User, error) {
	if caller.Credential == auth.CredentialAPIKey && (caller.KeyID == "" || caller.KeyVersion < 1) {
		return store.User{}, fmt.Errorf("API key %s of an unknown version: %w", caller.KeyID, auth.ErrEndedKey)
	}
	user, lender, err := a.Records.Membership(ctx, caller.UserID, caller.LenderID)
	if err == nil && (user.Status != inquiry.AccessActive || lender.Status != inquiry.AccessActive) {
		err = fmt.Errorf("user %s of lender %s: %w", caller.UserID, caller.LenderID, inquiry.ErrSuspended)
	}
	return user, err
}

// record returns the caller's key: the one that they sent, if it has not ended, or
// else the one that they have, which the first call creates.
func (a *APIKeys) record(ctx context.Context, caller auth.Caller) (store.APIKey, error) {
	if caller.Credential != auth.CredentialAPIKey {
		return a.Records.EnsureAPIKey(ctx, caller.UserID)
	}
	record, err := a.Records.APIKey(ctx, caller.KeyID)
	if err == nil && (record.Version != caller.KeyVersion || !record.RevokedAt.IsZero()) {
		err = fmt.Errorf("API key %s of version %d: %w", record.ID, caller.KeyVersion, auth.ErrEndedKey)
	}
	return record, err
}

// issue returns a key, unless it is revoked, which is inquiry.ErrNotFound.
func issue(keys auth.Keys, record store.APIKey) (string, error) {
	if !record.RevokedAt.IsZero() {
		return "", fmt.Errorf("API key %s is revoked: %w", record.ID, inquiry.ErrNotFound)
	}
	return keys.Issue(record.ID, record.Version), nil
}

// ended says what it means to a caller with an API key that theirs is not the
// version in use, or that there is none.
func ended(caller auth.Caller, err error) error {
	if caller.Credential == auth.CredentialAPIKey && (errors.Is(err, inquiry.ErrConflict) || errors.Is(err, inquiry.ErrNotFound)) {
		return fmt.Errorf("%w: %v", auth.ErrEndedKey, err) // and no longer the other
	}
	return err
}

// load reads the master key once; a failed read is tried again by the next call.
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

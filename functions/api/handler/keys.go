package handler

import (
	"context"
	"fmt"
	"sync"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// KeyRecords keeps what the table holds of API keys.
type KeyRecords interface {
	User(ctx context.Context, id string) (store.User, error)
	EnsureAPIKey(ctx context.Context, userID string) (store.APIKey, error)
	RotateAPIKey(ctx context.Context, id string) (store.APIKey, error)
	RevokeAPIKey(ctx context.Context, id string) (changed bool, err error)
}

// APIKeys shows API keys. Few requests ask for one, so the master key is read
// when the first does, and the start of the function is not made to wait.
type APIKeys struct {
	Records   KeyRecords
	Secrets   auth.SecretReader
	MasterKey string // ARN of the secret

	mu   sync.Mutex
	keys *auth.Keys // nil until it has been read
}

// Show returns the user's key; one that was revoked is inquiry.ErrNotFound.
func (a *APIKeys) Show(ctx context.Context, userID string) (string, error) {
	keys, err := a.load(ctx)
	if err != nil {
		return "", err
	}
	record, err := a.Records.EnsureAPIKey(ctx, userID)
	if err != nil {
		return "", err
	}
	if !record.RevokedAt.IsZero() {
		return "", fmt.Errorf("API key %s is revoked: %w", record.ID, inquiry.ErrNotFound)
	}
	return keys.Issue(record.ID, record.Version), nil
}

// Rotate ends the user's key, if they have one, and returns the next.
func (a *APIKeys) Rotate(ctx context.Context, userID string) (string, error) {
	keys, err := a.load(ctx)
	if err != nil {
		return "", err
	}
	record, err := a.Records.EnsureAPIKey(ctx, userID)
	if err != nil {
		return "", err
	}
	if record, err = a.Records.RotateAPIKey(ctx, record.ID); err != nil {
		return "", err
	}
	return keys.Issue(record.ID, record.Version), nil
}

// Revoke ends the user's key; a user who never had one has nothing to end.
func (a *APIKeys) Revoke(ctx context.Context, userID string) error {
	user, err := a.Records.User(ctx, userID)
	if err != nil || user.APIKeyID == "" {
		return err
	}
	_, err = a.Records.RevokeAPIKey(ctx, user.APIKeyID)
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

package access

import (
	"context"
	"fmt"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Members stores users, lenders and API keys. Both methods read consistently, and
// return inquiry.ErrNotFound if what they read does not exist.
type Members interface {
	// Membership returns a user and a lender.
	Membership(ctx context.Context, userID string, lender inquiry.LenderID) (store.User, inquiry.Lender, error)

	// APIKey returns a key, revoked or not.
	APIKey(ctx context.Context, id string) (store.APIKey, error)
}

// Checker checks again whether a caller may use the service. API Gateway caches the
// authorizer's answer for a minute.
type Checker struct{ Members Members }

// RoleNow returns the role that the caller has at this moment, for requests that
// cannot be undone. It returns inquiry.ErrSuspended or auth.ErrEndedKey if the
// authorizer would reject the caller by now.
func (c Checker) RoleNow(ctx context.Context, caller auth.Caller) (auth.Role, error) {
	_, role, err := admit(ctx, c.Members, caller)
	if err != nil {
		return "", err
	}
	if caller.Credential == auth.CredentialAPIKey {
		if _, err := currentKey(ctx, c.Members, caller); err != nil {
			return "", err
		}
	}
	return role, nil
}

// admit reads the caller's user again and applies Admit. It rejects an API key of
// unknown version, because that cannot be compared with the version in use.
func admit(ctx context.Context, members Members, caller auth.Caller) (store.User, auth.Role, error) {
	if caller.Credential == auth.CredentialAPIKey && (caller.KeyID == "" || caller.KeyVersion < 1) {
		return store.User{}, "", fmt.Errorf("API key %s has an unknown version: %w", caller.KeyID, auth.ErrEndedKey)
	}
	user, lender, err := members.Membership(ctx, caller.UserID, caller.LenderID)
	if err != nil {
		return store.User{}, "", err
	}
	role, err := Admit(user, lender)
	return user, role, err
}

// currentKey returns the key that the caller sent, or auth.ErrEndedKey if it has
// ended.
func currentKey(ctx context.Context, members Members, caller auth.Caller) (store.APIKey, error) {
	record, err := members.APIKey(ctx, caller.KeyID)
	if err != nil {
		return store.APIKey{}, asEndedKey(caller, err)
	}
	if record.Version != caller.KeyVersion || !record.RevokedAt.IsZero() {
		return store.APIKey{}, fmt.Errorf("API key %s, version %d: %w", record.ID, caller.KeyVersion, auth.ErrEndedKey)
	}
	return record, nil
}

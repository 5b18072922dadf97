// Package access decides who may use the service, from what the table says at
// this moment, and it manages each user's one API key by the same rule.
//
// Package auth proves that a credential is genuine. This package knows nothing of
// HTTP: the authorizer and the API each turn its errors into their own answers.
package access

import (
	"fmt"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Admit decides whether a user may act for a lender, and returns the user's role.
// It returns inquiry.ErrSuspended unless both are active. Any other error means
// that the stored user is wrong, which is not the caller's fault.
func Admit(user store.User, lender inquiry.Lender) (auth.Role, error) {
	if user.LenderID != lender.ID {
		return "", fmt.Errorf("user %s belongs to lender %s, not to %s", user.ID, user.LenderID, lender.ID)
	}
	if lender.Status != inquiry.AccessActive {
		return "", fmt.Errorf("lender %s: %w", lender.ID, inquiry.ErrSuspended)
	}
	if user.Status != inquiry.AccessActive {
		return "", fmt.Errorf("user %s: %w", user.ID, inquiry.ErrSuspended)
	}
	role, err := auth.ParseRole(user.Role)
	if err != nil {
		return "", fmt.Errorf("user %s: %w", user.ID, err)
	}
	return role, nil
}

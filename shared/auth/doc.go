// Package auth knows who is calling: how an API key is made and checked, which
// Cognito tokens are believed, and how a verified caller travels from the
// authorizer to the API.
//
// It proves that a credential is genuine and no more. Which lender a credential
// belongs to, and whether that lender may use the service, is in the table,
// which this package does not know.
package auth

import (
	"errors"
	"fmt"
	"strings"
)

// The ways in which a credential is refused. Any other error of this package
// means that we could not find out.
var (
	// ErrMalformedKey: it cannot be a key of ours; most often a typing error or
	// a key that was cut short. Found without reading anything.
	ErrMalformedKey = errors.New("API key is malformed")

	// ErrUnknownKey: well formed, and not a key that was ever issued.
	ErrUnknownKey = errors.New("API key is unknown")

	// ErrEndedKey: it was issued, and then revoked or rotated. Only who holds the
	// whole key, its secret included, may be told so.
	ErrEndedKey = errors.New("API key has ended")

	// ErrInvalidToken: not a token that our user pool issued to our client, or
	// no longer valid.
	ErrInvalidToken = errors.New("token is invalid")

	// ErrExpiredToken: our user pool issued it to our client, and its time is
	// over. It is an ErrInvalidToken too.
	ErrExpiredToken = fmt.Errorf("%w: its time is over", ErrInvalidToken)

	// ErrForeignToken: it says itself that another issuer made it. It is an
	// ErrInvalidToken too.
	ErrForeignToken = fmt.Errorf("%w: it is of another issuer", ErrInvalidToken)
)

// keyPrefix begins every API key, so that a key is told from a token, and is
// found by tools that look for secrets in code.
const keyPrefix = "vd__"

// FromHeader returns the credential that an Authorization header carries, with
// or without "Bearer" before it.
func FromHeader(header string) string {
	header = strings.TrimSpace(header)
	if scheme, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest)
	}
	return header
}

// IsKey reports whether the credential means to be an API key, not a token. It
// looks at "vd_" only, so that a key with half its prefix is told that it is
// malformed.
func IsKey(credential string) bool { return strings.HasPrefix(credential, keyPrefix[:3]) }

// IsToken reports whether the credential has the three parts of a token.
func IsToken(credential string) bool { return strings.Count(credential, ".") == 2 }

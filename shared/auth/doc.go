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
	"strings"
)

// The ways in which a credential is refused. Any other error of this package
// means that we could not find out.
var (
	// ErrMalformedKey: it cannot be a key of ours; most often a typing error or
	// a key that was cut short. Found without reading anything.
	ErrMalformedKey = errors.New("API key is malformed")

	// ErrUnknownKey: well formed, and not a key that is valid now.
	ErrUnknownKey = errors.New("API key is unknown")

	// ErrInvalidToken: not a token that our user pool issued to our client, or
	// no longer valid.
	ErrInvalidToken = errors.New("token is invalid")
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

// IsKey reports whether the credential means to be an API key, not a token.
func IsKey(credential string) bool { return strings.HasPrefix(credential, keyPrefix) }

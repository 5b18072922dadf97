// Package auth identifies callers: it makes and checks API keys, verifies Cognito
// tokens, and passes the verified caller from the authorizer to the API.
//
// It only proves that a credential is genuine. The table says which lender a
// credential belongs to, and package access decides whether that lender may use the
// service.
package auth

import (
	"errors"
	"fmt"
	"strings"
)

// These errors mean that a credential was checked and rejected. Any other error of
// this package means that it could not be checked.
var (
	// ErrMalformedKey: the text cannot be an API key. Most often it was mistyped or cut
	// short. Nothing is read to find this out.
	ErrMalformedKey = errors.New("API key is malformed")

	// ErrUnknownKey: the key is well formed, but was never issued.
	ErrUnknownKey = errors.New("API key is unknown")

	// ErrEndedKey: the key was issued, and was then revoked or rotated. Only a caller who
	// has the whole key, including its secret, may learn this.
	ErrEndedKey = errors.New("API key has ended")

	// ErrNeedsToken: the request needs a token, and the caller sent an API key.
	ErrNeedsToken = errors.New("an API key may not do this")

	// ErrInvalidToken: the token was not issued by our user pool to our client, or it is
	// not valid now.
	ErrInvalidToken = errors.New("token is invalid")

	// ErrExpiredToken: our user pool issued the token to our client, and it has expired.
	// It is also an ErrInvalidToken.
	ErrExpiredToken = fmt.Errorf("%w: it has expired", ErrInvalidToken)

	// ErrForeignToken: the token names another issuer. It is also an ErrInvalidToken.
	ErrForeignToken = fmt.Errorf("%w: it is from another issuer", ErrInvalidToken)
)

// keyPrefix starts every API key. It distinguishes keys from tokens, and tools that
// look for secrets in code can find it.
const keyPrefix = "vd__"

// FromHeader returns the credential in the value of an Authorization header, with or
// without "Bearer" before it.
func FromHeader(header string) string {
	header = strings.TrimSpace(header)
	if scheme, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest)
	}
	return header
}

// IsKey reports whether the credential is meant as an API key. It looks for "vd_"
// only, so that a key with half of its prefix is reported as malformed.
func IsKey(credential string) bool { return strings.HasPrefix(credential, keyPrefix[:3]) }

// IsToken reports whether the credential has the three parts of a JSON Web Token.
func IsToken(credential string) bool { return strings.Count(credential, ".") == 2 }

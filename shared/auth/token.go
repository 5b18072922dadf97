package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// leeway is how much the user pool's clock and ours may differ.
const leeway = 30 * time.Second

// Pool is the Cognito user pool, and its client, whose tokens are accepted.
type Pool struct {
	Region   string
	ID       string
	ClientID string

	// Endpoint is the address of a local engine; empty on AWS. Only the signing keys
	// are fetched from it: the issuer's name is the same as on AWS.
	Endpoint string
}

func (p Pool) issuer() string {
	return fmt.Sprintf("https://cognito-idp.%s.amazonaws.com/%s", p.Region, p.ID)
}

func (p Pool) keySetURL() string {
	base := p.issuer()
	if p.Endpoint != "" {
		base = strings.TrimSuffix(p.Endpoint, "/") + "/" + p.ID
	}
	return base + "/.well-known/jwks.json"
}

// Tokens verifies Cognito tokens. It caches the pool's signing keys and is safe for
// concurrent use.
type Tokens struct {
	pool   Pool
	keys   *keySet
	parser *jwt.Parser
}

// NewTokens returns the Tokens of one pool. The signing keys are fetched on first use.
func NewTokens(pool Pool, client *http.Client, now func() time.Time) *Tokens {
	return &Tokens{
		pool: pool,
		keys: &keySet{url: pool.keySetURL(), client: client, now: now},
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
			jwt.WithIssuer(pool.issuer()),
			jwt.WithExpirationRequired(),
			jwt.WithLeeway(leeway),
			jwt.WithTimeFunc(now),
		),
	}
}

// claims are the claims that are checked. No other part of a token is used.
type claims struct {
	jwt.RegisteredClaims
	Use      string `json:"token_use"`
	ClientID string `json:"client_id"` // only in access tokens, which have no audience
}

// Verify returns the sub of a valid ID token or access token. It returns
// ErrExpiredToken, ErrForeignToken or ErrInvalidToken for a token that is not valid.
// Any other error means that the token could not be checked.
func (t *Tokens) Verify(ctx context.Context, token string) (sub string, err error) {
	var unreachable error
	var c claims
	_, err = t.parser.ParseWithClaims(token, &c, func(tok *jwt.Token) (any, error) {
		if c.Issuer != t.pool.issuer() {
			return nil, ErrForeignToken // before fetching any keys
		}
		id, _ := tok.Header["kid"].(string)
		if id == "" {
			return nil, errors.New("it names no signing key")
		}
		key, err := t.keys.key(ctx, id)
		if err != nil && !errors.Is(err, errUnknownKeyID) {
			unreachable = err
		}
		return key, err
	})
	if unreachable != nil {
		return "", unreachable
	}
	switch {
	case errors.Is(err, ErrForeignToken):
		return "", ErrForeignToken
	case errors.Is(err, jwt.ErrTokenExpired): // checked after the signature
		return "", ErrExpiredToken
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	if err := t.checkUse(c); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return c.Subject, nil
}

// checkUse checks that the token was issued to our client. ID tokens and access
// tokens name their client in different claims.
func (t *Tokens) checkUse(c claims) error {
	switch c.Use {
	case "id":
		if !slices.Equal(c.Audience, jwt.ClaimStrings{t.pool.ClientID}) {
			return errors.New("its audience is not exactly this client")
		}
	case "access":
		if c.ClientID != t.pool.ClientID {
			return errors.New("it was issued to another client")
		}
	default:
		return errors.New("it is neither an ID nor an access token")
	}
	if c.Subject == "" {
		return errors.New("it names no user")
	}
	return nil
}

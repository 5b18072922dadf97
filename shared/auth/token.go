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

// leeway is how far the user pool's clock may be from ours.
const leeway = 30 * time.Second

// Pool says which Cognito user pool and which of its clients we believe.
type Pool struct {
	Region   string
	ID       string
	ClientID string

	// Endpoint is where another engine than AWS serves Cognito; empty on AWS.
	// Only the keys come from there: the issuer is always named as on AWS.
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

// Tokens checks Cognito tokens. It keeps the pool's signing keys and is safe
// for concurrent use.
type Tokens struct {
	pool   Pool
	keys   *keySet
	parser *jwt.Parser
}

// NewTokens returns the Tokens of one pool; it fetches nothing yet.
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

// claims are those that we check. Nothing else in a token is believed.
type claims struct {
	jwt.RegisteredClaims
	Use      string `json:"token_use"`
	ClientID string `json:"client_id"` // in access tokens only, which have no audience
}

// Verify returns the sub of a valid ID or access token. A token that is not one
// is ErrInvalidToken; any other error means that we could not find out.
func (t *Tokens) Verify(ctx context.Context, token string) (sub string, err error) {
	var unreachable error
	var c claims
	_, err = t.parser.ParseWithClaims(token, &c, func(tok *jwt.Token) (any, error) {
		if c.Issuer != t.pool.issuer() {
			return nil, ErrForeignToken // and no reason to ask for keys
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
	case errors.Is(err, jwt.ErrTokenExpired): // looked at after the signature
		return "", ErrExpiredToken
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	if err := t.checkUse(c); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return c.Subject, nil
}

// checkUse holds each kind of token to the claim that names its client.
func (t *Tokens) checkUse(c claims) error {
	switch c.Use {
	case "id":
		if !slices.Equal(c.Audience, jwt.ClaimStrings{t.pool.ClientID}) {
			return errors.New("its audience is another client")
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

package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"

// signers are made once, because making a key takes time.
var signers = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var made [2]*rsa.PrivateKey
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made[i] = key
	}
	return made
})

// fakePool serves a user pool's key set and counts how often it is fetched.
type fakePool struct {
	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	down    bool
	fetches int
}

func (p *fakePool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetches++
	if p.down || r.URL.Path != "/us-east-1_pool/.well-known/jwks.json" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var keys []map[string]string
	for id, key := range p.keys {
		keys = append(keys, map[string]string{
			"kid": id, "kty": "RSA", "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
}

func (p *fakePool) set(change func(*fakePool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *fakePool) fetched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// bench is a Tokens with its own pool and a clock that the test sets.
type bench struct {
	*auth.Tokens
	pool *fakePool
	now  time.Time
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{
		pool: &fakePool{keys: map[string]*rsa.PublicKey{"first": &signers()[0].PublicKey}},
		now:  noon,
	}
	server := httptest.NewServer(b.pool)
	tb.Cleanup(server.Close)
	b.Tokens = auth.NewTokens(auth.Pool{
		Region: "us-east-1", ID: "us-east-1_pool", ClientID: "client", Endpoint: server.URL + "/",
	}, server.Client(), func() time.Time { return b.now })
	return b
}

func claimsOf(use string) jwt.MapClaims {
	c := jwt.MapClaims{
		"sub": "u1", "iss": issuer, "token_use": use,
		"iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix(),
		"custom:lenderId": "somebody-else",
	}
	if use == "id" {
		c["aud"] = "client"
	} else {
		c["client_id"] = "client"
	}
	return c
}

// sign makes a token. A kid of "" is left out.
func sign(tb testing.TB, method jwt.SigningMethod, kid string, key any, claims jwt.Claims) string {
	tb.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	signed, err := token.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return signed
}

func TestTokensVerify(t *testing.T) {
	t.Parallel()

	t.Run("a genuine token returns its user", func(t *testing.T) {
		t.Parallel()

		for _, use := range []string{"id", "access"} {
			t.Run(use, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				token := sign(t, jwt.SigningMethodRS256, "first", signers()[0], claimsOf(use))
				for range 3 {
					sub, err := b.Verify(t.Context(), token)
					if err != nil || sub != "u1" {
						t.Fatalf("sub %q, error %v", sub, err)
					}
				}
				if n := b.pool.fetched(); n != 1 {
					t.Errorf("the keys were fetched %d times for three tokens", n)
				}
			})
		}
	})

	t.Run("every other token is rejected", func(t *testing.T) {
		t.Parallel()

		mine, theirs := signers()[0], signers()[1]
		with := func(use, name string, value any) jwt.MapClaims {
			c := claimsOf(use)
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
			return c
		}
		rs := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodRS256, "first", mine, c) }
		publicDER, err := x509.MarshalPKIXPublicKey(&mine.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
		genuine := rs(claimsOf("id"))

		for name, token := range map[string]string{
			"empty":                                "",
			"not a token":                          "abc",
			"expired":                              rs(with("id", "exp", noon.Add(-time.Minute).Unix())),
			"without an expiry":                    rs(with("id", "exp", nil)),
			"not valid yet":                        rs(with("id", "nbf", noon.Add(time.Hour).Unix())),
			"another pool's issuer":                rs(with("id", "iss", issuer+"2")),
			"no issuer":                            rs(with("id", "iss", nil)),
			"ID token for another client":          rs(with("id", "aud", "other")),
			"ID token for this client and another": rs(with("id", "aud", []string{"client", "other"})),
			"ID token without an audience":         rs(with("id", "aud", nil)),
			"access token of another client":       rs(with("access", "client_id", "other")),
			"access token without a client":        rs(with("access", "client_id", nil)),
			"ID token called an access token":      rs(with("id", "token_use", "access")),
			"access token called an ID token":      rs(with("access", "token_use", "id")),
			"refresh token":                        rs(with("access", "token_use", "refresh")),
			"no token_use":                         rs(with("access", "token_use", nil)),
			"no user":                              rs(with("id", "sub", nil)),
			"no key id":                            sign(t, jwt.SigningMethodRS256, "", mine, claimsOf("id")),
			"an unknown key id":                    sign(t, jwt.SigningMethodRS256, "second", mine, claimsOf("id")),
			"signed with another key":              sign(t, jwt.SigningMethodRS256, "first", theirs, claimsOf("id")),
			"not signed":                           sign(t, jwt.SigningMethodNone, "first", jwt.UnsafeAllowNoneSignatureType, claimsOf("id")),
			"HS256 with the public key as secret":  sign(t, jwt.SigningMethodHS256, "first", publicPEM, claimsOf("id")),
			"HS256 with the modulus as secret":     sign(t, jwt.SigningMethodHS256, "first", mine.N.Bytes(), claimsOf("id")),
			"RS512 with the right key":             sign(t, jwt.SigningMethodRS512, "first", mine, claimsOf("id")),
			"PS256 with the right key":             sign(t, jwt.SigningMethodPS256, "first", mine, claimsOf("id")),
			"a genuine one with a changed claim":   tampered(genuine),
			"a genuine one without its signature":  genuine[:len(genuine)-342],
			"a genuine one with Bearer before it":  "Bearer " + genuine,
			"an API key":                           newKeys(t, master).Issue("k1", 1),
			"a key address in its own header":      withKeyAddress(t, theirs),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sub, err := newBench(t).Verify(t.Context(), token)
				if !errors.Is(err, auth.ErrInvalidToken) || sub != "" {
					t.Errorf("sub %q, error %v; want ErrInvalidToken", sub, err)
				}
			})
		}
	})

	t.Run("clocks may differ a little", func(t *testing.T) {
		t.Parallel()

		b := newBench(t)
		token := sign(t, jwt.SigningMethodRS256, "first", signers()[0], claimsOf("id"))
		b.now = noon.Add(time.Hour + 20*time.Second)
		if _, err := b.Verify(t.Context(), token); err != nil {
			t.Errorf("20 s after its expiry: %v", err)
		}
	})

	t.Run("made-up key ids cause one fetch per minute", func(t *testing.T) {
		t.Parallel()

		b := newBench(t)
		flood := func() {
			for i := range 1000 {
				if _, err := b.Verify(t.Context(), forge(fmt.Sprintf("invented-%d", i))); !errors.Is(err, auth.ErrInvalidToken) {
					t.Fatalf("error %v, want ErrInvalidToken", err)
				}
			}
		}
		flood()
		if n := b.pool.fetched(); n != 1 {
			t.Errorf("a thousand made-up key ids: %d fetches, want 1", n)
		}
		b.now = b.now.Add(time.Minute)
		flood()
		if n := b.pool.fetched(); n != 2 {
			t.Errorf("a minute later: %d fetches, want 2", n)
		}
		if _, err := b.Verify(t.Context(), sign(t, jwt.SigningMethodRS256, "first", signers()[0], claimsOf("id"))); err != nil {
			t.Errorf("a genuine token after the flood: %v", err)
		}
	})

	t.Run("a new key of the pool is found", func(t *testing.T) {
		t.Parallel()

		b := newBench(t)
		if _, err := b.Verify(t.Context(), sign(t, jwt.SigningMethodRS256, "first", signers()[0], claimsOf("id"))); err != nil {
			t.Fatal(err)
		}
		b.pool.set(func(p *fakePool) { p.keys = map[string]*rsa.PublicKey{"second": &signers()[1].PublicKey} })
		b.now = b.now.Add(2 * time.Minute)
		if _, err := b.Verify(t.Context(), sign(t, jwt.SigningMethodRS256, "second", signers()[1], claimsOf("id"))); err != nil {
			t.Errorf("the new key: %v", err)
		}
		if _, err := b.Verify(t.Context(), sign(t, jwt.SigningMethodRS256, "first", signers()[0], claimsOf("id"))); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("the removed key: error %v, want ErrInvalidToken", err)
		}
	})

	t.Run("a removed key is forgotten within an hour", func(t *testing.T) {
		t.Parallel()

		b := newBench(t)
		claims := claimsOf("id")
		claims["exp"] = noon.Add(24 * time.Hour).Unix()
		token := sign(t, jwt.SigningMethodRS256, "first", signers()[0], claims)
		if _, err := b.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		b.pool.set(func(p *fakePool) { p.keys = map[string]*rsa.PublicKey{"second": &signers()[1].PublicKey} })
		b.now = b.now.Add(time.Hour)
		if _, err := b.Verify(t.Context(), token); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("error %v, want ErrInvalidToken", err)
		}
	})

	t.Run("a pool that is down does not reject tokens", func(t *testing.T) {
		t.Parallel()

		b := newBench(t)
		b.pool.set(func(p *fakePool) { p.down = true })
		token := sign(t, jwt.SigningMethodRS256, "first", signers()[0], claimsOf("id"))
		for range 10 {
			if _, err := b.Verify(t.Context(), token); err == nil || errors.Is(err, auth.ErrInvalidToken) {
				t.Fatalf("error %v, want one that is not ErrInvalidToken", err)
			}
		}
		if n := b.pool.fetched(); n != 1 {
			t.Errorf("%d fetches from a pool that is down, want 1", n)
		}
		b.pool.set(func(p *fakePool) { p.down = false })
		b.now = b.now.Add(5 * time.Second)
		if _, err := b.Verify(t.Context(), token); err != nil {
			t.Errorf("five seconds later, when the pool is up: %v", err)
		}

		b.pool.set(func(p *fakePool) { p.down = true })
		b.now = b.now.Add(2 * time.Hour)
		late := claimsOf("id")
		late["exp"] = b.now.Add(time.Hour).Unix()
		if _, err := b.Verify(t.Context(), sign(t, jwt.SigningMethodRS256, "first", signers()[0], late)); err != nil {
			t.Errorf("with the pool down again and cached keys: %v", err)
		}
	})

	// A token is reported as expired or foreign only if nothing worse is wrong with it.
	t.Run("the error says why a token is rejected", func(t *testing.T) {
		t.Parallel()

		mine, theirs := signers()[0], signers()[1]
		old := claimsOf("id")
		old["exp"] = noon.Add(-time.Hour).Unix()
		foreign := claimsOf("id")
		foreign["iss"] = issuer + "2"
		for name, c := range map[string]struct {
			token            string
			expired, foreign bool
		}{
			"expired":                              {token: sign(t, jwt.SigningMethodRS256, "first", mine, old), expired: true},
			"expired and forged":                   {token: sign(t, jwt.SigningMethodRS256, "first", theirs, old)},
			"of another pool, with any signature":  {token: sign(t, jwt.SigningMethodRS256, "first", theirs, foreign), foreign: true},
			"of this pool, with another signature": {token: sign(t, jwt.SigningMethodRS256, "first", theirs, claimsOf("id"))},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				_, err := newBench(t).Verify(t.Context(), c.token)
				if !errors.Is(err, auth.ErrInvalidToken) {
					t.Errorf("error %v, want %v", err, auth.ErrInvalidToken)
				}
				if errors.Is(err, auth.ErrExpiredToken) != c.expired {
					t.Errorf("error %v; want expired: %t", err, c.expired)
				}
				if errors.Is(err, auth.ErrForeignToken) != c.foreign {
					t.Errorf("error %v; want foreign: %t", err, c.foreign)
				}
			})
		}
	})
}

// tampered changes the payload and keeps the signature.
func tampered(token string) string {
	changed := []byte(token)
	at := len(changed)/2 - 60
	if changed[at] == 'A' {
		changed[at] = 'B'
	} else {
		changed[at] = 'A'
	}
	return string(changed)
}

// withKeyAddress returns a token whose header says where to find the signing keys.
func withKeyAddress(tb testing.TB, key *rsa.PrivateKey) string {
	tb.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claimsOf("id"))
	token.Header["kid"], token.Header["jku"] = "theirs", "https://example.com/keys.json"
	signed, err := token.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return signed
}

// forge returns an RS256 token with a key id and a made-up signature. Signing a thousand
// tokens would take a second.
func forge(kid string) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(map[string]string{"alg": "RS256", "kid": kid}) + "." + part(claimsOf("id")) + ".c2lnbmF0dXJl"
}

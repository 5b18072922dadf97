package auth

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"
)

const (
	fetchTimeout = 2 * time.Second  // a client is waiting
	keySetLimit  = 64 << 10         // bytes; a user pool's key set has about 1,000
	fetchPause   = time.Minute      // between two fetches, so that tokens with made-up key ids cost nothing
	retryPause   = 2 * time.Second  // after a failed fetch
	keySetLife   = 60 * time.Minute // after this, keys that the pool has removed are forgotten
)

// errUnknownKeyID: the user pool has no signing key with this id.
var errUnknownKeyID = errors.New("no such signing key")

// keySet contains a user pool's public signing keys, fetched when first needed. The
// available libraries report "unknown key" if the pool cannot be reached. That would
// turn an outage into a rejected token, so this is a small implementation of its own.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu        sync.Mutex
	keys      map[string]*rsa.PublicKey // by key id
	fetchedAt time.Time                 // of keys
	nextFetch time.Time                 // earliest time of the next fetch
	lastErr   error                     // of the most recent fetch
}

// key returns the signing key with this id. It returns errUnknownKeyID only if the
// pool's own key set does not have it.
func (s *keySet) key(ctx context.Context, id string) (*rsa.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	now := s.now()
	known, fresh := s.keys[id], now.Sub(s.fetchedAt) < keySetLife
	if known != nil && fresh {
		return known, nil
	}
	if !now.Before(s.nextFetch) {
		s.fetch(ctx, now)
	}
	switch key := s.keys[id]; {
	case key != nil: // maybe older than keySetLife, but better than failing with the pool
		return key, nil
	case s.lastErr != nil:
		return nil, s.lastErr
	default:
		return nil, errUnknownKeyID
	}
}

// fetch replaces the keys. If that fails, it keeps them and sets lastErr.
func (s *keySet) fetch(ctx context.Context, now time.Time) {
	keys, err := fetchKeys(ctx, s.client, s.url)
	if err != nil {
		s.lastErr = fmt.Errorf("fetching the user pool's signing keys: %w", err)
		s.nextFetch = now.Add(retryPause)
		return
	}
	s.keys, s.fetchedAt, s.nextFetch, s.lastErr = keys, now, now.Add(fetchPause), nil
}

func fetchKeys(ctx context.Context, client *http.Client, url string) (map[string]*rsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", resp.Status)
	}
	var set struct {
		Keys []jsonWebKey `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, keySetLimit)).Decode(&set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		if key := k.publicKey(); key != nil {
			keys[k.ID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key for RS256")
	}
	return keys, nil
}

// jsonWebKey is one entry of a JSON Web Key Set (RFC 7517).
type jsonWebKey struct {
	ID        string `json:"kid"`
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	N         string `json:"n"`
	E         string `json:"e"`
}

// publicKey returns the key, or nil if it is not an RS256 signing key.
func (k jsonWebKey) publicKey() *rsa.PublicKey {
	n, errN := base64.RawURLEncoding.DecodeString(k.N)
	e, errE := base64.RawURLEncoding.DecodeString(k.E)
	if k.ID == "" || k.Type != "RSA" || k.Use == "enc" || (k.Algorithm != "" && k.Algorithm != "RS256") ||
		errN != nil || errE != nil || len(n) < 256 || len(e) == 0 || len(e) > 4 {
		return nil
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
}

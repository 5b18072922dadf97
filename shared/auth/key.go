package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"strconv"
	"strings"
)

// An API key has the form vd__<keyId>_<secret><checksum>. The secret and the checksum
// are in base 62 and have fixed lengths.
const (
	secretLength   = 43 // 256 bits
	checksumLength = 6  // 32 bits
	maxKeyIDLength = 64

	minMasterLength = 32 // bytes
)

const hidden = "[secret]"

// Keys makes and checks API keys with one generation of the master key. A key's secret
// is computed from the master key, the key's id and its version. The table therefore
// stores no secret, and a key can be shown again. Keys is immutable.
type Keys struct{ master []byte }

// NewKeys returns the Keys of a master key, which must have at least 32 bytes.
func NewKeys(master []byte) (Keys, error) {
	if len(master) < minMasterLength {
		return Keys{}, fmt.Errorf("the master key has %d bytes, needs at least %d", len(master), minMasterLength)
	}
	return Keys{master}, nil
}

// Issue returns the API key of this id and version, which is always the same.
func (k Keys) Issue(keyID string, version int) string {
	body := keyPrefix + keyID + "_" + k.secret(keyID, version)
	return body + checksum(body)
}

// ParseKey reads an API key without "Bearer". Its checksum detects any single mistyped
// character. [Keys.Verify] decides whether the key is genuine.
func ParseKey(s string) (ParsedKey, error) {
	rest, ok := strings.CutPrefix(s, keyPrefix)
	if !ok {
		return ParsedKey{}, fmt.Errorf("%w: it does not start with %s", ErrMalformedKey, keyPrefix)
	}
	id, tail, ok := strings.Cut(rest, "_")
	if !ok || !isBase62(id) || len(id) > maxKeyIDLength || len(tail) != secretLength+checksumLength {
		return ParsedKey{}, fmt.Errorf("%w: a part is missing or too long", ErrMalformedKey)
	}
	if body := s[:len(s)-checksumLength]; checksum(body) != tail[secretLength:] {
		return ParsedKey{}, fmt.Errorf("%w: the checksum does not match", ErrMalformedKey)
	}
	return ParsedKey{ID: id, secret: tail[:secretLength]}, nil
}

// Verify reports whether the key's secret belongs to this version.
func (k Keys) Verify(p ParsedKey, version int) bool {
	return subtle.ConstantTimeCompare([]byte(p.secret), []byte(k.secret(p.ID, version))) == 1
}

// secret returns the secret part of a key, which makes the key hard to guess.
func (k Keys) secret(keyID string, version int) string {
	mac := hmac.New(sha256.New, k.master)
	mac.Write([]byte("api-key|" + keyID + "|" + strconv.Itoa(version)))
	return base62(new(big.Int).SetBytes(mac.Sum(nil)), secretLength)
}

func (Keys) String() string       { return hidden }
func (Keys) GoString() string     { return hidden }
func (Keys) LogValue() slog.Value { return slog.StringValue(hidden) }

// ParsedKey is a well-formed key that is not verified yet.
type ParsedKey struct {
	ID     string // of the key's item in the table
	secret string
}

func (p ParsedKey) String() string       { return p.ID }
func (p ParsedKey) GoString() string     { return p.ID }
func (p ParsedKey) LogValue() slog.Value { return slog.StringValue(p.ID) }

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	return base62(new(big.Int).SetUint64(uint64(sum)), checksumLength)
}

// base62 writes n with digits, lower-case and upper-case letters, in this order,
// padded with zeros on the left.
func base62(n *big.Int, length int) string {
	s := n.Text(62)
	return strings.Repeat("0", length-len(s)) + s
}

func isBase62(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}

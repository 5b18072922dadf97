package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
)

// A token is called expired or foreign only when nothing worse is wrong with it.
func TestWhyATokenIsRefused(t *testing.T) {
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
		"its time is over":                     {token: sign(t, jwt.SigningMethodRS256, "first", mine, old), expired: true},
		"its time is over, and it is forged":   {token: sign(t, jwt.SigningMethodRS256, "first", theirs, old)},
		"of another pool, whoever signed it":   {token: sign(t, jwt.SigningMethodRS256, "first", theirs, foreign), foreign: true},
		"of ours, and signed by somebody else": {token: sign(t, jwt.SigningMethodRS256, "first", theirs, claimsOf("id"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newBench(t).Verify(t.Context(), c.token)
			if !errors.Is(err, auth.ErrInvalidToken) || errors.Is(err, auth.ErrExpiredToken) != c.expired || errors.Is(err, auth.ErrForeignToken) != c.foreign {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAnEarlierVersionOfAKeyIsKnown(t *testing.T) {
	t.Parallel()

	keys := newKeys(t, master)
	parsed, err := keys.Parse(keys.Issue("k1", 3))
	if err != nil {
		t.Fatal(err)
	}
	for version, ended := range map[int]bool{1: false, 3: false, 4: true, 103: true, 104: false} {
		if got := keys.Ended(parsed, version); got != ended {
			t.Errorf("the key of version 3, now that version %d is valid: ended %t, want %t", version, got, ended)
		}
	}
}

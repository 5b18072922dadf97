package auth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
)

const master = "0123456789abcdef0123456789abcdef"

func newKeys(tb testing.TB, master string) auth.Keys {
	tb.Helper()
	keys, err := auth.NewKeys([]byte(master))
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

var anyKeyID = rapid.StringMatching(`[0-9A-Za-z]{1,64}`)

func TestKeysVerify(t *testing.T) {
	t.Parallel()

	keys, others := newKeys(t, master), newKeys(t, strings.ToUpper(master))
	rapid.Check(t, func(t *rapid.T) {
		id, version := anyKeyID.Draw(t, "id"), rapid.IntRange(1, 1000).Draw(t, "version")
		key := keys.Issue(id, version)
		if key != keys.Issue(id, version) {
			t.Fatal("a second call issues a different key")
		}
		parsed, err := auth.ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.ID != id {
			t.Fatalf("key id %q, want %q", parsed.ID, id)
		}
		if !keys.Verify(parsed, version) {
			t.Fatal("its own version is rejected")
		}
		if keys.Verify(parsed, version+1) {
			t.Fatal("the key is valid after its rotation")
		}
		if others.Verify(parsed, version) {
			t.Fatal("the key is valid with another master key")
		}
	})
}

func TestKeysParse(t *testing.T) {
	t.Parallel()

	t.Run("any mistyped character is detected", func(t *testing.T) {
		t.Parallel()

		keys := newKeys(t, master)
		rapid.Check(t, func(t *rapid.T) {
			typed := []byte(keys.Issue(anyKeyID.Draw(t, "id"), 1))
			at := rapid.IntRange(0, len(typed)-1).Draw(t, "at")
			typed[at] ^= rapid.ByteRange(1, 255).Draw(t, "change")
			if _, err := auth.ParseKey(string(typed)); !errors.Is(err, auth.ErrMalformedKey) {
				t.Fatalf("%q: %v, want ErrMalformedKey", typed, err)
			}
		})
	})

	t.Run("malformed keys are rejected", func(t *testing.T) {
		t.Parallel()

		keys := newKeys(t, master)
		whole := keys.Issue("k1", 1)
		for name, s := range map[string]string{
			"empty":                           "",
			"only the prefix":                 "vd__",
			"no key id":                       keys.Issue("", 1),
			"a key id that is too long":       keys.Issue(strings.Repeat("a", 65), 1),
			"a key id with another character": keys.Issue("k#1", 1),
			"cut short":                       whole[:len(whole)-1],
			"one character too many":          whole + "0",
			"with Bearer before it":           "Bearer " + whole,
			"a token":                         "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
			"very long":                       "vd__" + strings.Repeat("a_", 1<<20),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if _, err := auth.ParseKey(s); !errors.Is(err, auth.ErrMalformedKey) {
					t.Errorf("error %v, want ErrMalformedKey", err)
				}
			})
		}
	})
}

func TestFromHeader(t *testing.T) {
	t.Parallel()

	for header, want := range map[string]string{
		"vd__a":            "vd__a",
		"Bearer vd__a":     "vd__a",
		"bearer vd__a":     "vd__a",
		"BEARER   vd__a ":  "vd__a",
		" vd__a ":          "vd__a",
		"Bearer":           "Bearer",
		"Basic dXNlcjpwdw": "Basic dXNlcjpwdw",
		"":                 "",
	} {
		if got := auth.FromHeader(header); got != want {
			t.Errorf("FromHeader(%q) = %q, want %q", header, got, want)
		}
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()

	keys := newKeys(t, master)
	key := keys.Issue("k1", 1)
	parsed, err := auth.ParseKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := key[len("vd__k1_") : len(key)-6]
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "keys", keys, "parsed", parsed)
	for _, printed := range []string{
		fmt.Sprintf("%v %+v %#v %s", keys, keys, keys, keys),
		fmt.Sprintf("%v %+v %#v %s", parsed, parsed, parsed, parsed),
		log.String(),
	} {
		if strings.Contains(printed, secret) || strings.Contains(printed, master) {
			t.Errorf("printed: %s", printed)
		}
	}
}

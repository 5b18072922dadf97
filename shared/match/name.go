// Package match compares the names of organizations and of people, as they are
// written in loan files and on public lists: with the words in any order, in any
// script, with or without legal forms, and with spelling mistakes.
//
// A comparison gives a score from 0 (nothing in common) to 1 (the same name). The
// package does not decide which score counts as a match; its callers do.
package match

import (
	"strings"

	"github.com/mozillazg/go-unidecode"
)

// Name is a name prepared for comparing: transliterated to ASCII, in lower case,
// split into words, without punctuation, and without an organization's legal form
// or a person's title. The zero Name scores 0 against every name.
type Name struct {
	Words []string // in the order they were written; none is empty
}

// OrganizationName prepares the name of a business, a vessel or an aircraft.
func OrganizationName(s string) Name {
	return Name{Words: expandAbbreviations(joinCharacters(legalForms.remove(words(fold(s)))))}
}

// PersonName prepares the name of a person. Given and family names may be in any
// order.
func PersonName(s string) Name { return Name{Words: joinCharacters(titles.remove(words(fold(s))))} }

// Joined returns the name without spaces.
func (n Name) Joined() string { return strings.Join(n.Words, "") }

// String returns the words with one space between them. Names with the same
// string are the same.
func (n Name) String() string { return strings.Join(n.Words, " ") }

// fold converts s to lower-case ASCII.
func fold(s string) string {
	lower := true
	for i := range len(s) {
		if c := s[i]; c >= 0x80 {
			return strings.ToLower(unidecode.Unidecode(s))
		} else if 'A' <= c && c <= 'Z' {
			lower = false
		}
	}
	if lower {
		return s
	}
	return strings.ToLower(s)
}

// words splits folded text at everything except letters and digits. Dots after
// single letters join them ("S.A." is "sa"), apostrophes are dropped ("o'hara" is
// "ohara"), and "&" becomes the word "and".
func words(s string) []string {
	out := make([]string, 0, 2+strings.Count(s, " "))
	// The current word is s[start:], as long as no character of it was dropped.
	// After that it is in buf.
	start, unchanged := -1, true
	var buf []byte
	endWord := func(end int) {
		switch {
		case !unchanged && len(buf) > 0:
			out = append(out, string(buf))
		case unchanged && start >= 0 && end > start:
			out = append(out, s[start:end])
		}
		start, unchanged, buf = -1, true, buf[:0]
	}
	dropChar := func(at int) {
		if unchanged && start >= 0 {
			buf, unchanged = append(buf[:0], s[start:at]...), false
		}
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			if start < 0 {
				start = i
			} else if !unchanged {
				buf = append(buf, c)
			}
		case c == '\'' || c == '`':
			dropChar(i)
		case c == '.' && initialBefore(s, i) && i+2 < len(s) && letter(s[i+1]) && !letter(s[i+2]):
			dropChar(i)
		case c == '&':
			endWord(i)
			out = append(out, "and")
		default:
			endWord(i)
		}
	}
	endWord(len(s))
	return out
}

// maxInitials is the most words of one character that stay apart, one after the other.
const maxInitials = 3

// joinCharacters joins more than maxInitials words of one character to one word:
// "k a r l o v a" is "karlova".
func joinCharacters(w []string) []string {
	kept := w[:0]
	for i := 0; i < len(w); {
		n := 0
		for i+n < len(w) && len(w[i+n]) == 1 {
			n++
		}
		switch {
		case n == 0:
			n = 1
			kept = append(kept, w[i])
		case n <= maxInitials:
			kept = append(kept, w[i:i+n]...)
		default:
			kept = append(kept, strings.Join(w[i:i+n], ""))
		}
		i += n
	}
	return kept
}

// initialBefore reports whether the character before s[i] is a single letter.
func initialBefore(s string, i int) bool {
	return i > 0 && letter(s[i-1]) && (i == 1 || !letter(s[i-2]))
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return 'a' <= c && c <= 'z' }

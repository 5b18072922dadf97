// Package match compares names of organisations and of people, as they are
// written on loan files and on public lists: in any order, in any script, with
// and without legal forms, misspelt.
//
// It knows names only. What a score means is decided where it is used.
package match

import (
	"strings"

	"github.com/mozillazg/go-unidecode"
)

// Name is a name made ready for comparing: transliterated to ASCII, in lower
// case, cut into words, without punctuation and, for an organisation, without
// its legal form. The zero Name is like nothing.
type Name struct {
	Words []string // in the order they were written; none is empty
}

// OrganizationName prepares the name of a business, a vessel or an aircraft.
func OrganizationName(s string) Name { return Name{Words: writeOut(legalForms.drop(words(fold(s))))} }

// PersonName prepares the name of a person, given and family names in any order.
func PersonName(s string) Name { return Name{Words: titles.drop(words(fold(s)))} }

// Joined is the name without its spaces.
func (n Name) Joined() string { return strings.Join(n.Words, "") }

// String is the name's words, one space between them. Two names that read the
// same are the same.
func (n Name) String() string { return strings.Join(n.Words, " ") }

// fold brings s to lower-case ASCII.
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

// words cuts folded text at everything that is neither letter nor digit. Dots
// after single letters join them ("S.A." is "sa"), apostrophes vanish ("o'hara"
// is "ohara"), and "&" is the word "and".
func words(s string) []string {
	out := make([]string, 0, 2+strings.Count(s, " "))
	start, clean := -1, true // the word being read, and whether it lies in s as it is
	var buf []byte
	flush := func(end int) {
		switch {
		case !clean && len(buf) > 0:
			out = append(out, string(buf))
		case clean && start >= 0 && end > start:
			out = append(out, s[start:end])
		}
		start, clean, buf = -1, true, buf[:0]
	}
	dirty := func(end int) {
		if clean && start >= 0 {
			buf, clean = append(buf[:0], s[start:end]...), false
		}
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			if start < 0 {
				start = i
			} else if !clean {
				buf = append(buf, c)
			}
		case c == '\'' || c == '`':
			dirty(i)
		case c == '.' && initialBefore(s, i) && i+2 < len(s) && letter(s[i+1]) && !letter(s[i+2]):
			dirty(i)
		case c == '&':
			flush(i)
			out = append(out, "and")
		default:
			flush(i)
		}
	}
	flush(len(s))
	return out
}

// initialBefore reports whether the letter before s[i] stands alone.
func initialBefore(s string, i int) bool {
	return i > 0 && letter(s[i-1]) && (i == 1 || !letter(s[i-2]))
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return 'a' <= c && c <= 'z' }

package ofac

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// holdAddress holds the business's address against the entity's. Street and
// place together corroborate; the place alone is shared by too many.
func (c *candidate) holdAddress(l *List, given *inquiry.Address, e *entity) {
	if country := strings.ToUpper(given.Country); country != "" && country != "US" && country != "USA" {
		return // the list writes countries out, and we have no table of them
	}
	samePlace, inCountry, elsewhere := false, false, false
	for at := e.address; at != none; at = l.addresses[at].next {
		a := l.addresses[at]
		if a.country != unitedStates {
			elsewhere = elsewhere || a.country != ""
			continue
		}
		inCountry = true
		if !placesAgree(given, a.city) {
			continue
		}
		if streetsAgree(given.Line1, a.line) {
			c.agrees("address")
			return
		}
		samePlace = true
	}
	switch {
	case samePlace:
		c.agree = append(c.agree, "city")
		if given.Line1 != "" {
			c.disagree = append(c.disagree, "street")
		}
	case inCountry:
		c.disagree = append(c.disagree, "address")
	case elsewhere:
		c.disagree = append(c.disagree, "country")
	}
}

// placesAgree holds city, state and ZIP code against "Richardson, TX 75081". The
// ZIP code decides if both have one.
func placesAgree(given *inquiry.Address, listed string) bool {
	city, rest, _ := strings.Cut(listed, ",")
	state, zip := "", ""
	for _, w := range strings.Fields(rest) {
		if d := digits(w); len(d) >= 5 {
			zip = d[:5]
		} else if len(w) == 2 {
			state = w
		}
	}
	if d := digits(given.PostalCode); len(d) >= 5 && zip != "" {
		return d[:5] == zip
	}
	return given.City != "" && strings.EqualFold(strings.TrimSpace(given.City), strings.TrimSpace(city)) &&
		strings.EqualFold(given.State, cmp.Or(state, given.State))
}

// streetsAgree holds a street line against each part of a listed one ("Suite 509,
// 525 International Parkway"): the same numbers, and words at least this alike.
func streetsAgree(given, listed string) bool {
	const alike = 0.8
	line, _, _ := strings.Cut(given, ",")
	want := street(line)
	if len(want.Words) < 2 {
		return false
	}
	for part := range strings.SplitSeq(listed, ",") {
		got := street(part)
		if slices.Equal(numbers(want), numbers(got)) && match.Compare(want, got).Value >= alike {
			return true
		}
	}
	return false
}

// streetWords are the usual abbreviations of the US Postal Service.
var streetWords = map[string]string{
	"st": "street", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "rd": "road", "dr": "drive", "ln": "lane",
	"ct": "court", "pl": "place", "sq": "square", "pkwy": "parkway", "hwy": "highway", "ter": "terrace", "cir": "circle",
	"n": "north", "s": "south", "e": "east", "w": "west", "ste": "suite", "apt": "apartment", "fl": "floor",
}

func street(line string) match.Name {
	words := strings.FieldsFunc(strings.ToLower(line), func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r > 127)
	})
	for i, w := range words {
		words[i] = cmp.Or(streetWords[w], w)
	}
	return match.Name{Words: words}
}

// numbers are the words that begin with a digit.
func numbers(n match.Name) []string {
	var found []string
	for _, w := range n.Words {
		if '0' <= w[0] && w[0] <= '9' {
			found = append(found, w)
		}
	}
	return found
}

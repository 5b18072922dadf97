package ofac

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// compareAddress compares the business's address with the entity's addresses. The
// same street in the same city corroborates. The same city alone does not,
// because too many share it.
func (c *candidate) compareAddress(l *List, given *inquiry.Address, e *entity) {
	if country := strings.ToUpper(given.Country); country != "" && country != "US" && country != "USA" {
		return // the list has country names, and we have no table from codes to names
	}
	sameCity, inUS, abroad := false, false, false
	for at := e.address; at != none; at = l.addresses[at].next {
		a := l.addresses[at]
		if a.country != unitedStates {
			abroad = abroad || a.country != ""
			continue
		}
		inUS = true
		if !citiesAgree(given, a.city) {
			continue
		}
		if streetsAgree(given.Line1, a.line) {
			c.corroborate("address")
			return
		}
		sameCity = true
	}
	switch {
	case sameCity:
		c.agree = append(c.agree, "city")
		if given.Line1 != "" {
			c.disagree = append(c.disagree, "street")
		}
	case inUS:
		c.disagree = append(c.disagree, "address")
	case abroad:
		c.disagree = append(c.disagree, "country")
	}
}

// citiesAgree compares city, state and ZIP code with "Richardson, TX 75081". If
// both sides have a ZIP code, it decides alone.
func citiesAgree(given *inquiry.Address, listed string) bool {
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

// streetsAgree compares a street line with each part of a listed one ("Suite 509,
// 525 International Parkway"). Numbers must be the same, words only similar.
func streetsAgree(given, listed string) bool {
	const minScore = 0.8 // allows for spelling mistakes
	line, _, _ := strings.Cut(given, ",")
	want := street(line)
	if len(want.Words) < 2 {
		return false
	}
	for part := range strings.SplitSeq(listed, ",") {
		got := street(part)
		if slices.Equal(numbers(want), numbers(got)) && match.Compare(want, got).Value >= minScore {
			return true
		}
	}
	return false
}

// streetWords are common abbreviations of the US Postal Service.
var streetWords = map[string]string{
	"st": "street", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "rd": "road", "dr": "drive", "ln": "lane",
	"ct": "court", "pl": "place", "sq": "square", "pkwy": "parkway", "hwy": "highway", "ter": "terrace", "cir": "circle",
	"n": "north", "s": "south", "e": "east", "w": "west", "ste": "suite", "apt": "apartment", "fl": "floor",
}

// street prepares a street line for comparing.
func street(line string) match.Name {
	words := strings.FieldsFunc(strings.ToLower(line), func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r > 127)
	})
	for i, w := range words {
		words[i] = cmp.Or(streetWords[w], w)
	}
	return match.Name{Words: words}
}

// numbers returns the words that begin with a digit.
func numbers(n match.Name) []string {
	var found []string
	for _, w := range n.Words {
		if '0' <= w[0] && w[0] <= '9' {
			found = append(found, w)
		}
	}
	return found
}

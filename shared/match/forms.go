package match

import (
	"slices"
	"strings"
)

// legalForms are the words for a company's legal form. They do not help to
// identify a company, so they are removed. They are removed anywhere in a name,
// because some countries put them first: "OOO Romashka". The longest form is
// tried first.
var legalForms = newPhrases(
	// United States and the Commonwealth
	"limited liability company", "limited liability co", "limited liability partnership", "limited partnership",
	"professional corporation", "professional limited liability company", "public limited company",
	"private limited", "proprietary limited", "pty ltd", "pvt ltd", "company limited", "co ltd", "co limited",
	"llc", "l l c", "llp", "lllp", "pllc", "inc", "incorporated", "corp", "corporation", "company", "co",
	"ltd", "limited", "lp", "l p", "plc", "pty", "pvt", "ltda",
	// Europe and Latin America
	"sociedad anonima de capital variable", "sociedad anonima", "sociedad limitada", "societe anonyme",
	"sociedad de responsabilidad limitada", "societe a responsabilite limitee",
	"aktiengesellschaft", "gesellschaft mit beschrankter haftung", "gmbh and co kg", "gmbh", "ag", "kg", "se",
	"sa de cv", "s de rl", "s de rl de cv", "sa", "sas", "sarl", "srl", "societatea cu raspundere limitata", "sl", "bv", "bvba", "nv", "ab", "oy", "oyj",
	"as", "a s", "asa", "aps", "kft", "zrt", "doo", "dd", "ood", "eood", "ad", "sro", "sp z o o", "spzoo", "eirl", "e u", "cia",
	// Russia and neighbors
	"open joint stock company", "closed joint stock company", "public joint stock company", "joint stock company",
	"obshchestvo s ogranichennoi otvetstvennostyu", "aktsionernoe obshchestvo",
	"ooo", "oao", "zao", "pao", "ao", "ojsc", "cjsc", "pjsc", "jsc",
	// Asia and the Gulf
	"sdn bhd", "bhd", "fze", "fzco", "fzc", "fz llc", "free zone establishment", "free zone company", "wll",
	"kabushiki kaisha", "kk", "pte ltd", "pte", "pjs", "psc",
)

// titles are written before or after a person's name and are not part of it.
var titles = newPhrases("mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "hon", "jr", "sr", "esq", "ph d", "phd")

// abbreviations are common in loan files.
var abbreviations = map[string]string{
	"assoc": "associates", "bros": "brothers", "ctr": "center", "dept": "department", "dist": "distribution",
	"govt": "government", "grp": "group", "hldgs": "holdings", "ind": "industries", "inds": "industries",
	"intl": "international", "mfg": "manufacturing", "mgmt": "management", "natl": "national",
	"svc": "service", "svcs": "services", "trdg": "trading",
}

// expandAbbreviations replaces abbreviations in place.
func expandAbbreviations(w []string) []string {
	for i := range w {
		if long, ok := abbreviations[w[i]]; ok {
			w[i] = long
		}
	}
	return w
}

// phrases are keyed by their first word. Each entry is the rest of a phrase, the
// longest first.
type phrases map[string][][]string

func newPhrases(list ...string) phrases {
	p := phrases{}
	for _, phrase := range list {
		w := strings.Split(phrase, " ")
		p[w[0]] = append(p[w[0]], w[1:])
	}
	for _, rest := range p {
		slices.SortStableFunc(rest, func(a, b []string) int { return len(b) - len(a) })
	}
	return p
}

// remove returns w without any of the phrases. If nothing would be left, it
// returns w unchanged.
func (p phrases) remove(w []string) []string {
	if !p.in(w) {
		return w // the usual case, without an allocation
	}
	kept := make([]string, 0, len(w))
	for i := 0; i < len(w); {
		if n := p.prefix(w[i:]); n > 0 {
			i += n
			continue
		}
		kept = append(kept, w[i])
		i++
	}
	if len(kept) == 0 {
		return w
	}
	return kept
}

// in reports whether w contains any of the phrases.
func (p phrases) in(w []string) bool {
	for i := range w {
		if p.prefix(w[i:]) > 0 {
			return true
		}
	}
	return false
}

// prefix returns the number of words of the longest phrase that w begins with, or
// 0 if there is none.
func (p phrases) prefix(w []string) int {
next:
	for _, rest := range p[w[0]] {
		if len(rest) > len(w)-1 {
			continue
		}
		for i := range rest {
			if rest[i] != w[i+1] {
				continue next
			}
		}
		return len(rest) + 1
	}
	return 0
}

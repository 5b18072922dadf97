package match

import "strings"

// legalForms are the words that say what kind of company it is, not which. They
// are matched longest first, anywhere in a name: "OOO Romashka" has its form in
// front.
var legalForms = index(
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
	// Russia and neighbours
	"open joint stock company", "closed joint stock company", "public joint stock company", "joint stock company",
	"obshchestvo s ogranichennoi otvetstvennostyu", "aktsionernoe obshchestvo",
	"ooo", "oao", "zao", "pao", "ao", "ojsc", "cjsc", "pjsc", "jsc",
	// Asia and the Gulf
	"sdn bhd", "bhd", "fze", "fzco", "fzc", "fz llc", "free zone establishment", "free zone company", "wll",
	"kabushiki kaisha", "kk", "pte ltd", "pte", "pjs", "psc",
)

// titles go before or after a person's name and are no part of it.
var titles = index("mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "hon", "jr", "sr", "esq", "ph d", "phd")

// longForms writes out what loan files like to shorten.
var longForms = map[string]string{
	"assoc": "associates", "bros": "brothers", "ctr": "center", "dept": "department", "dist": "distribution",
	"govt": "government", "grp": "group", "hldgs": "holdings", "ind": "industries", "inds": "industries",
	"intl": "international", "mfg": "manufacturing", "mgmt": "management", "natl": "national",
	"svc": "service", "svcs": "services", "trdg": "trading",
}

// writeOut replaces, in place, the words that longForms knows.
func writeOut(w []string) []string {
	for i := range w {
		if long, ok := longForms[w[i]]; ok {
			w[i] = long
		}
	}
	return w
}

// phrases are keyed by first word; each entry is the rest of a phrase, longest first.
type phrases map[string][][]string

func index(list ...string) phrases {
	p := phrases{}
	for _, phrase := range list {
		w := strings.Split(phrase, " ")
		rest, i := p[w[0]], 0
		for i < len(rest) && len(rest[i]) >= len(w)-1 {
			i++
		}
		rest = append(rest, nil)
		copy(rest[i+1:], rest[i:])
		rest[i] = w[1:]
		p[w[0]] = rest
	}
	return p
}

// drop removes every phrase from w, which it overwrites. A name that is nothing
// but phrases stays as it is.
func (p phrases) drop(w []string) []string {
	first := -1
	for i := range w {
		if p.at(w[i:]) > 0 {
			first = i
			break
		}
	}
	if first < 0 {
		return w
	}
	kept := make([]string, 0, len(w))
	for i := 0; i < len(w); {
		if n := p.at(w[i:]); n > 0 {
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

// at is the number of words of the longest phrase that w begins with, or 0.
func (p phrases) at(w []string) int {
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

package ofac

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// The thresholds of a screening. A name score is from 0 to 1; see package match.
const (
	// potentialScore is the lowest name score at which an entity is reported as a
	// candidate. On the labeled pairs of match's TestLabeledPairs, the threshold
	// with the best balance of missed matches and false alarms (F1) is 0.76.
	potentialScore = 0.75

	// strongScore is the lowest name score at which a candidate is called a strong
	// match, if something besides the name is the same too. A person must review
	// every other candidate, however high its score.
	strongScore = 0.90
)

// candidate is an entity that may be the subject.
type candidate struct {
	entity          int32   // its index
	score           float64 // of the listed name that is most similar
	name            string  // that name
	foundBy         string  // name, alias, weakAlias, containedName or taxId
	agree, disagree []string
	corroborated    bool // a detail is the same that only the same party is likely to have
}

func (c candidate) strong() bool { return c.score >= strongScore && c.corroborated }

// method returns what the match is based on, such as "alias+taxId".
func (c candidate) method() string {
	parts := []string{c.foundBy}
	for _, detail := range c.agree {
		if detail != c.foundBy {
			parts = append(parts, detail)
		}
	}
	return strings.Join(parts, "+")
}

// screen returns the subject's candidates: strong matches first, then by score. It
// returns ctx's error soon after ctx ends.
func (l *List) screen(ctx context.Context, sub subject) ([]candidate, error) {
	found, err := l.find(ctx, sub)
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	for _, c := range found {
		l.compareDetails(&c, sub)
		candidates = append(candidates, c)
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		if a.strong() != b.strong() {
			if a.strong() {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(len(b.agree), len(a.agree)),
			cmp.Compare(l.entities[a.entity].number, l.entities[b.entity].number))
	})
	return candidates, nil
}

// find returns the entities that have a similar name, the same weak alias, a name that
// stands inside the subject's, or the same tax id, each with its best name. Only
// individuals are found for a principal.
func (l *List) find(ctx context.Context, sub subject) (map[int32]candidate, error) {
	best := map[int32]candidate{}
	add := func(c candidate) {
		if sub.Kind == source.SubjectPrincipal && l.entities[c.entity].kind != individual {
			return
		}
		if old, ok := best[c.entity]; !ok || c.score > old.score {
			best[c.entity] = c
		}
	}
	x := l.indexes()
	for _, name := range sub.names {
		hits, err := x.byName.Search(ctx, name, potentialScore)
		if err != nil {
			return nil, err
		}
		for _, hit := range hits {
			n := x.names[hit.At]
			foundBy := "name"
			if n.alias {
				foundBy = "alias"
			}
			add(candidate{entity: n.entity, score: hit.Value, name: n.name, foundBy: foundBy})
		}
		if len(name.Words) > 0 {
			for _, w := range x.weakAliases[name.String()] {
				add(candidate{entity: w.entity, score: 1, name: w.name, foundBy: "weakAlias"})
			}
		}
		for _, at := range x.byName.Contained(name) { // a person must review it, however low its score
			n := x.names[at]
			score := match.Compare(name, prepareName(n.name, l.entities[n.entity].kind)).Value
			add(candidate{entity: n.entity, score: score, name: n.name, foundBy: "containedName"})
		}
	}
	for _, e := range x.taxIDs[sub.taxID] {
		if _, ok := best[e]; !ok { // the same tax id under a different name: a person must review it
			add(l.foundByTaxID(e, sub))
		}
	}
	return best, nil
}

// foundByTaxID returns the candidate for an entity whose names are not similar
// enough but whose tax id is the same. Its score and name are those of the most
// similar name.
func (l *List) foundByTaxID(e int32, sub subject) candidate {
	c := candidate{entity: e, name: l.entities[e].name, foundBy: "taxId"}
	for _, n := range l.indexes().names {
		if n.entity != e {
			continue
		}
		for _, name := range sub.names {
			if s := match.Compare(name, prepareName(n.name, l.entities[e].kind)); s.Value > c.score {
				c.score, c.name = s.Value, n.name
			}
		}
	}
	return c
}

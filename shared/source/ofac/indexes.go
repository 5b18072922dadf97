package ofac

import (
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// indexes are what entities are found by.
type indexes struct {
	names       []listedName            // names and aliases, an individual's given name first
	byName      *match.Index            // of names, which may be similar
	weakAliases map[string][]listedName // by prepared name, which must be the same
	taxIDs      map[string][]int32      // from nine digits to the indexes of entities
}

// buildIndexes prepares every name for searching, and reads weak aliases and tax
// ids from the remarks. It takes longer than the rest of loading.
func (l *List) buildIndexes() *indexes {
	x := &indexes{
		names:       make([]listedName, 0, len(l.entities)+len(l.aliases)),
		weakAliases: map[string][]listedName{},
		taxIDs:      map[string][]int32{},
	}
	for i := range l.entities {
		at, e := int32(i), &l.entities[i]
		x.names = append(x.names, listedName{entity: at, name: givenNameFirst(e.name, e.kind)})
		weakAliases(e.remarks, func(alias string) {
			alias = givenNameFirst(alias, e.kind)
			key := prepareName(alias, e.kind).String()
			x.weakAliases[key] = append(x.weakAliases[key], listedName{entity: at, name: alias, alias: true})
		})
		eachTaxID(e.remarks, func(id string) { x.taxIDs[id] = append(x.taxIDs[id], at) })
	}
	for _, a := range l.aliases {
		a.name = givenNameFirst(a.name, l.entities[a.entity].kind)
		x.names = append(x.names, a)
	}

	prepared := make([]match.Name, len(x.names))
	for i, n := range x.names {
		prepared[i] = prepareName(n.name, l.entities[n.entity].kind)
	}
	x.byName = match.NewIndex(prepared)
	return x
}

// givenNameFirst changes an individual's "SURNAME, Given" to "Given SURNAME".
// Other names are left alone: their commas belong to them ("CO., LTD.").
func givenNameFirst(name string, k kind) string {
	if k != individual {
		return name
	}
	surname, given, ok := strings.Cut(name, ", ")
	if !ok {
		return name
	}
	return given + " " + surname
}

func prepareName(name string, k kind) match.Name {
	if k == individual {
		return match.PersonName(name)
	}
	return match.OrganizationName(name)
}

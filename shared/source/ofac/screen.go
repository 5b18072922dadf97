package ofac

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/match"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// From which likeness of names on a candidate is shown, and from which it is
// called strong if something else agrees as well. Between the two nobody is
// cleared but by a person.
const (
	potential = 0.75
	strong    = 0.90
)

// subject is what is screened: the business, or one principal.
type subject struct {
	source.Subject
	names []match.Name

	// What a candidate can be held against. A principal has a birth, the
	// business the rest; zero means that the inquiry does not say.
	birth   time.Time
	taxID   string
	address *inquiry.Address
	email   string
	phone   string
	website string
}

// subjects are the business and its principals.
func subjects(in inquiry.Inquiry) []subject {
	business := subject{
		Subject: source.Business(),
		names:   []match.Name{match.OrganizationName(in.BusinessName)},
		address: in.Address,
		email:   strings.ToLower(strings.TrimSpace(in.Email)),
		phone:   lastTen(in.Phone),
		website: host(in.Website),
	}
	if id := digits(in.EIN); len(id) == 9 {
		business.taxID = id
	}
	if in.DBA != "" {
		business.names = append(business.names, match.OrganizationName(in.DBA))
	}
	all := []subject{business}
	for i, p := range in.Principals {
		principal := subject{
			Subject: source.Principal(i),
			names:   []match.Name{match.PersonName(p.FirstName + " " + p.LastName)},
		}
		if born, err := time.Parse(time.DateOnly, p.DateOfBirth); err == nil {
			principal.birth = born
		}
		all = append(all, principal)
	}
	return all
}

// candidate is an entity that may be the subject.
type candidate struct {
	entity          int32
	score           float64 // of the most alike name
	name            string
	by              string // what led to it: name, alias, weakAlias or taxId
	agree, disagree []string
	corroborated    bool // something that only the same one would share agrees
}

func (c candidate) strong() bool { return c.score >= strong && c.corroborated }

// method says what the match rests on: "alias+taxId".
func (c candidate) method() string {
	parts := []string{c.by}
	for _, a := range c.agree {
		if a != c.by {
			parts = append(parts, a)
		}
	}
	return strings.Join(parts, "+")
}

// screen returns the subject's candidates, strong ones first, then by score.
func (l *List) screen(sub subject) []candidate {
	best := map[int32]candidate{}
	offer := func(c candidate) {
		if sub.Kind == source.SubjectPrincipal && l.entities[c.entity].kind != individual {
			return
		}
		if old, ok := best[c.entity]; !ok || c.score > old.score {
			best[c.entity] = c
		}
	}
	found := l.lookup()
	for _, name := range sub.names {
		for _, hit := range found.index.Search(name, potential) {
			n := found.names[hit.At]
			offer(candidate{entity: n.entity, score: hit.Value, name: n.name, by: n.by()})
		}
		if len(name.Words) > 0 {
			for _, w := range found.weak[name.String()] {
				offer(candidate{entity: w.entity, score: 1, name: w.name, by: "weakAlias"})
			}
		}
	}
	if sub.taxID != "" {
		for _, e := range found.taxIDs[sub.taxID] {
			if _, ok := best[e]; !ok { // the same number under another name: somebody has to look
				offer(l.nearest(e, sub))
			}
		}
	}

	candidates := make([]candidate, 0, len(best))
	for _, c := range best {
		l.corroborate(&c, sub)
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
	return candidates
}

func (n listed) by() string {
	if n.alias {
		return "alias"
	}
	return "name"
}

// nearest is the candidate for an entity that was found by its tax id.
func (l *List) nearest(e int32, sub subject) candidate {
	c := candidate{entity: e, name: l.entities[e].name, by: "taxId"}
	for _, n := range l.lookup().names {
		if n.entity != e {
			continue
		}
		for _, name := range sub.names {
			if s := match.Compare(name, prepare(n.name, l.entities[e].kind)); s.Value > c.score {
				c.score, c.name = s.Value, n.name
			}
		}
	}
	return c
}

// corroborate holds everything but the name against the candidate. What one side
// does not state neither agrees nor disagrees.
func (l *List) corroborate(c *candidate, sub subject) {
	e := &l.entities[c.entity]
	id := readRemarks(e.remarks)

	c.exact("taxId", sub.taxID, id.taxIDs)
	c.exact("email", sub.email, id.emails)
	c.exact("phone", sub.phone, id.phones)
	c.exact("website", sub.website, id.websites)
	if !sub.birth.IsZero() && len(id.births) > 0 {
		c.holdBirth(sub.birth, id.births)
	}
	if sub.address != nil && e.address != none {
		c.holdAddress(l, sub.address, e)
	}
}

// exact holds one identifier against those listed.
func (c *candidate) exact(what, given string, listed []string) {
	switch {
	case given == "" || len(listed) == 0:
	case slices.Contains(listed, given):
		c.agrees(what)
	default:
		c.disagree = append(c.disagree, what)
	}
}

func (c *candidate) agrees(what string) {
	c.agree = append(c.agree, what)
	c.corroborated = true
}

// holdBirth: only a birth listed to the day corroborates. A year that fits is
// shared by one in sixty, and is shown for what it is.
func (c *candidate) holdBirth(born time.Time, listed []span) {
	fits := false
	for _, s := range listed {
		if s.contains(born) {
			if s.exact {
				c.agrees("dateOfBirth")
				return
			}
			fits = true
		}
	}
	if fits {
		c.agree = append(c.agree, "yearOfBirth")
		return
	}
	c.disagree = append(c.disagree, "dateOfBirth")
}

package ofac

import (
	"slices"
	"time"
)

// compareDetails compares everything except the name. A detail that only one side
// states neither agrees nor disagrees.
func (l *List) compareDetails(c *candidate, sub subject) {
	e := &l.entities[c.entity]
	id := readRemarks(e.remarks)

	c.compareExactly("taxId", sub.taxID, id.taxIDs)
	c.compareExactly("email", sub.email, id.emails)
	c.compareExactly("phone", sub.phone, id.phones)
	c.compareExactly("website", sub.website, id.websites)
	if !sub.birth.IsZero() && len(id.births) > 0 {
		c.compareBirth(sub.birth, id.births)
	}
	if sub.address != nil && e.address != none {
		c.compareAddress(l, sub.address, e)
	}
}

// compareExactly compares one identifier with the listed ones.
func (c *candidate) compareExactly(detail, given string, listed []string) {
	switch {
	case given == "" || len(listed) == 0:
	case slices.Contains(listed, given):
		c.corroborate(detail)
	default:
		c.disagree = append(c.disagree, detail)
	}
}

// corroborate records a detail that agrees and makes a strong match possible.
func (c *candidate) corroborate(detail string) {
	c.agree = append(c.agree, detail)
	c.corroborated = true
}

// compareBirth compares a date of birth with the listed ones. Only a listed day
// corroborates. A year that fits is reported but is not enough: about one person
// in sixty shares it.
func (c *candidate) compareBirth(born time.Time, listed []span) {
	fits := false
	for _, s := range listed {
		if s.contains(born) {
			if s.exact {
				c.corroborate("dateOfBirth")
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

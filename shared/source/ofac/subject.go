package ofac

import (
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/match"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// subject is the business or one principal, prepared for screening.
type subject struct {
	source.Subject
	names []match.Name

	// The details that a candidate is compared with. A principal has a date of
	// birth, the business has the rest. Zero means that the inquiry does not state
	// it.
	birth   time.Time
	taxID   string // nine digits
	address *inquiry.Address
	email   string // lower case
	phone   string // the last ten digits
	website string // host name without "www."
}

// hasLongName reports whether a name has more words than are compared with other
// spellings.
func (s subject) hasLongName() bool {
	return slices.ContainsFunc(s.names, func(n match.Name) bool { return len(n.Words) > match.MaxWords })
}

// subjects returns the business and its principals.
func subjects(in inquiry.Inquiry) []subject {
	business := subject{
		Subject: source.Business(),
		names:   []match.Name{match.OrganizationName(in.BusinessName)},
		address: in.Address,
		email:   strings.ToLower(strings.TrimSpace(in.Email)),
		phone:   lastTenDigits(in.Phone),
		website: hostName(in.Website),
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

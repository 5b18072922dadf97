package ofac

import "strings"

// An entity's remarks are one text. Its parts, such as "DOB 25 Mar 1947" or "Tax
// ID No. 52-1234567 (United States)", are separated by semicolons.

// weakAliases calls yield for every weak alias in the remarks. The list calls an
// alias weak if it is too common to identify anyone, so only an exact match
// counts.
func weakAliases(remarks string, yield func(alias string)) {
	const mark = "a.k.a. '"
	for {
		i := strings.Index(remarks, mark)
		if i < 0 {
			return
		}
		remarks = remarks[i+len(mark):]
		alias, rest, found := strings.Cut(remarks, "';")
		if !found {
			alias, rest = strings.TrimSuffix(strings.TrimSuffix(remarks, "."), "'"), ""
		}
		if alias != "" {
			yield(alias)
		}
		remarks = rest
	}
}

// identifiers are the details in the remarks that matter for a match.
type identifiers struct {
	taxIDs   []string // nine digits; of the United States, or of no stated country
	births   []span
	emails   []string // lower case
	phones   []string // the last ten digits
	websites []string // host name without "www."

	// Shown to the reader as written, not compared.
	links         []string // names after "Linked To"
	registrations []string
}

// readRemarks finds the identifiers. It runs for candidates, not for the whole
// list while it is loaded.
func readRemarks(remarks string) identifiers {
	var id identifiers
	for part := range strings.SplitSeq(remarks, ";") {
		part = strings.TrimSuffix(strings.TrimSpace(part), ".")
		part = strings.TrimPrefix(strings.TrimPrefix(part, "alt. "), "Alt. ")
		switch {
		case strings.HasPrefix(part, "DOB "):
			if s, ok := parseBirth(part[len("DOB "):]); ok {
				id.births = append(id.births, s)
			}
		case strings.HasPrefix(part, taxIDMark):
			if tax := readTaxID(part[len(taxIDMark):]); tax != "" {
				id.taxIDs = append(id.taxIDs, tax)
			}
		case strings.HasPrefix(part, "Email Address "):
			id.emails = append(id.emails, strings.ToLower(strings.TrimSpace(part[len("Email Address "):])))
		case strings.HasPrefix(part, "Phone Number "):
			if p := lastTenDigits(part[len("Phone Number "):]); p != "" {
				id.phones = append(id.phones, p)
			}
		case strings.HasPrefix(part, "Website"):
			if h := hostName(strings.TrimPrefix(part[len("Website"):], ":")); h != "" {
				id.websites = append(id.websites, h)
			}
		case strings.HasPrefix(part, "Linked To: "):
			id.links = append(id.links, part[len("Linked To: "):])
		case strings.HasPrefix(part, "Business Registration "), strings.HasPrefix(part, "Registration ID "),
			strings.HasPrefix(part, "Registration Number "):
			id.registrations = append(id.registrations, part)
		}
	}
	return id
}

const taxIDMark = "Tax ID No. "

// eachTaxID calls yield for every tax id in the remarks that can be an EIN.
func eachTaxID(remarks string, yield func(id string)) {
	for {
		i := strings.Index(remarks, taxIDMark)
		if i < 0 {
			return
		}
		remarks = remarks[i+len(taxIDMark):]
		part, rest, _ := strings.Cut(remarks, ";")
		if id := readTaxID(part); id != "" {
			yield(id)
		}
		remarks = rest
	}
}

// readTaxID returns the nine digits of "52-1234567 (United States)". It returns ""
// for a number of another country, or one that cannot be an EIN.
func readTaxID(part string) string {
	number, country, named := strings.Cut(part, "(")
	if named && !strings.HasPrefix(country, unitedStates) {
		return ""
	}
	if id := digits(number); len(id) == 9 {
		return id
	}
	return ""
}

const unitedStates = "United States"

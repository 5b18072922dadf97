package ofac

import (
	"strings"
	"time"
)

// Remarks are one text of parts such as "DOB 25 Mar 1947" or "Tax ID No.
// 52-1234567 (United States)", between semicolons.

// weakAliases calls yield for every alias in the remarks that the list calls
// weak: too broad to be screened for as if it were a name.
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

// identifiers are what the remarks say that an inquiry can be held against.
type identifiers struct {
	taxIDs   []string // digits only; of the United States, or of no stated country
	births   []span
	emails   []string // lower case
	phones   []string // last ten digits
	websites []string // host name without "www."
	links    []string // "Linked To", as written
	numbers  []string // registrations, as written
}

// readRemarks finds the identifiers. It runs for candidates only, not at load.
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
			if p := lastTen(part[len("Phone Number "):]); p != "" {
				id.phones = append(id.phones, p)
			}
		case strings.HasPrefix(part, "Website"):
			if h := host(strings.TrimPrefix(part[len("Website"):], ":")); h != "" {
				id.websites = append(id.websites, h)
			}
		case strings.HasPrefix(part, "Linked To: "):
			id.links = append(id.links, part[len("Linked To: "):])
		case strings.HasPrefix(part, "Business Registration "), strings.HasPrefix(part, "Registration ID "),
			strings.HasPrefix(part, "Registration Number "):
			id.numbers = append(id.numbers, part)
		}
	}
	return id
}

const taxIDMark = "Tax ID No. "

// eachTaxID calls yield for every tax id in the remarks that may be an EIN.
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

// readTaxID returns the nine digits of "52-1234567 (United States)", or "" for
// the number of another country, or one that cannot be an EIN.
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

// span is a date of birth as exactly as it is known: the person was born on
// first, on last or between. Exact means that day and month were given.
type span struct {
	first, last time.Time
	exact       bool
}

// parseBirth reads "25 Mar 1947", "Mar 1947", "1947", "circa 1947", and two of
// them with "to" between.
func parseBirth(s string) (span, bool) {
	s, circa := strings.CutPrefix(strings.TrimSpace(s), "circa ")
	from, to, isRange := strings.Cut(s, " to ")
	if !isRange {
		from, to, isRange = strings.Cut(s, "-")
	}
	first, ok := parseDate(from)
	if !ok {
		return span{}, false
	}
	if isRange {
		last, ok := parseDate(to)
		if !ok {
			return span{}, false
		}
		first.last, first.exact = last.last, false
	}
	if circa { // we take "circa" to mean two years either way
		first = span{first: first.first.AddDate(-2, 0, 0), last: first.last.AddDate(2, 0, 0)}
	}
	return first, true
}

func parseDate(s string) (span, bool) {
	s = strings.TrimSpace(s)
	if day, err := time.Parse("2 Jan 2006", s); err == nil {
		return span{day, day, true}, true
	}
	if month, err := time.Parse("Jan 2006", s); err == nil {
		return span{month, month.AddDate(0, 1, -1), false}, true
	}
	if year, err := time.Parse("2006", s); err == nil {
		return span{year, year.AddDate(1, 0, -1), false}, true
	}
	return span{}, false
}

func (s span) contains(day time.Time) bool { return !day.Before(s.first) && !day.After(s.last) }

// digits returns the digits of s.
func digits(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// lastTen is the part of a phone number that does not depend on how its country
// is written, or "" for a number too short to tell one subscriber from another.
func lastTen(phone string) string {
	d := digits(phone)
	if len(d) < 10 {
		return ""
	}
	return d[len(d)-10:]
}

// host is the host name of a web address, without "www.".
func host(address string) string {
	h := strings.ToLower(strings.TrimSpace(address))
	if _, after, ok := strings.Cut(h, "://"); ok {
		h = after
	}
	h, _, _ = strings.Cut(h, "/")
	return strings.TrimPrefix(h, "www.")
}

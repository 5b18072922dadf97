package ofac

import (
	"strings"
	"time"
)

// span is a listed date of birth, which may be inexact. The person was born on or
// after first and on or before last.
type span struct {
	first, last time.Time
	exact       bool // the list gives the day
}

// parseBirth parses "25 Mar 1947", "Mar 1947", "1947", "circa 1947", and ranges
// such as "1947 to 1949".
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
	if circa { // we take "circa" to mean within two years
		first = span{first: first.first.AddDate(-2, 0, 0), last: first.last.AddDate(2, 0, 0)}
	}
	return first, true
}

// parseDate parses a day, a month or a year.
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

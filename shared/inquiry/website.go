package inquiry

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest host name and the longest part of one between two dots (RFC 1035,
// section 2.3.4).
const (
	maxHostLength  = 253
	maxLabelLength = 63
)

// WebsiteForm says what a website may look like.
const WebsiteForm = "a host name such as example.com, or an address that begins with http:// or https://"

// CheckWebsite returns what is wrong with a website, or "" if it is valid. A valid one
// is empty, a host name, or an http or https URL without a user name, so that it is
// safe to open. A port, a path and what follows are optional.
func CheckWebsite(s string) (message string) {
	rest := strings.TrimSpace(s)
	if rest == "" {
		return ""
	}
	if scheme, after, ok := strings.Cut(rest, "://"); ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		rest = after
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	host, port, hasPort := strings.Cut(host, ":")
	if !isHostName(host) || hasPort && !isPort(port) || strings.ContainsFunc(rest, isBlank) {
		return "give " + WebsiteForm
	}
	return ""
}

// isHostName reports whether s is a host name with at least one dot before its end.
// Letters may be of any script.
func isHostName(s string) bool {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	if len(labels) < 2 || utf8.RuneCountInString(s) > maxHostLength {
		return false
	}
	for _, label := range labels {
		n := utf8.RuneCountInString(label)
		if n == 0 || n > maxLabelLength || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

func notInLabel(c rune) bool {
	return c != '-' && !unicode.In(c, unicode.Letter, unicode.Mark, unicode.Digit)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func isBlank(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }

package ofac

import "strings"

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

// lastTenDigits returns a phone number without its country code, which can be
// written in several ways. It returns "" if the number is too short to identify
// one subscriber.
func lastTenDigits(phone string) string {
	d := digits(phone)
	if len(d) < 10 {
		return ""
	}
	return d[len(d)-10:]
}

// hostName returns the host name of a web address, without "www.", port and final dot.
func hostName(address string) string {
	h := strings.ToLower(strings.TrimSpace(address))
	if _, after, ok := strings.Cut(h, "://"); ok {
		h = after
	}
	if end := strings.IndexAny(h, ":/?#"); end >= 0 {
		h = h[:end]
	}
	return strings.TrimSuffix(strings.TrimPrefix(h, "www."), ".")
}

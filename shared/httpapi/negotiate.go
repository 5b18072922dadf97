package httpapi

import (
	"mime"
	"strconv"
	"strings"
)

// negotiate returns the offered media type that an Accept header prefers (RFC 9110,
// section 12.5.1): the one with the greatest weight; among equals, the one matched
// most specifically; then the first. ok is false if the header accepts none. An
// empty header accepts all.
//
// The libraries for this have had no release in years, and huma's own supports
// neither wildcards nor a weight of 0.
func negotiate(header string, offers ...string) (media string, ok bool) {
	if strings.TrimSpace(header) == "" {
		return offers[0], true
	}
	var best preference
	for _, offer := range offers {
		if p := preferenceFor(offer, header); p.weight > 0 && (p.weight > best.weight || p.weight == best.weight && p.exact > best.exact) {
			media, best = offer, p
		}
	}
	return media, media != ""
}

// preference is what an Accept header says about one media type.
type preference struct {
	weight float64 // 0 means not acceptable
	exact  int     // 3: matched by name; 2: by a range such as text/*; 1: by */*; 0: not at all
}

// preferenceFor returns the weight of the most specific range that matches the media
// type: "text/csv;q=0, */*" accepts anything but CSV. It ignores other parameters,
// and any range that it cannot parse.
func preferenceFor(media, header string) (p preference) {
	kind, _, _ := strings.Cut(media, "/")
	for part := range strings.SplitSeq(header, ",") {
		name, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		exact := map[string]int{media: 3, kind + "/*": 2, "*/*": 1}[name]
		weight := 1.0
		if q, given := parameters["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || weight < 0 || weight > 1 {
				continue
			}
		}
		if exact > p.exact {
			p = preference{weight, exact}
		}
	}
	return p
}

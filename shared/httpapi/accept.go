package httpapi

import (
	"mime"
	"strconv"
	"strings"
)

// acceptable picks one of the media types on offer by an Accept header (RFC
// 9110, section 12.5.1): the one of most weight, of several such the one that is
// named most exactly, of several such the first. ok is false when the header
// takes none of them; one that is empty takes all.
//
// The libraries for this have had no release in years, and huma's own knows
// neither wildcards nor a weight of 0.
func acceptable(header string, offers ...string) (media string, ok bool) {
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

// preference is what an Accept header says of one media type.
type preference struct {
	weight float64 // 0 is refused
	exact  int     // 3: by its name; 2: by its kind, such as text/*; 1: as any type; 0: not at all
}

// preferenceFor is the weight of the range that names the media type most exactly,
// so that "text/csv;q=0, */*" takes anything but CSV. A range that cannot be
// read, or whose weight cannot, is left aside; parameters are as well.
func preferenceFor(media, header string) (p preference) {
	kind, _, _ := strings.Cut(media, "/")
	for part := range strings.SplitSeq(header, ",") {
		asked, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		exact := map[string]int{media: 3, kind + "/*": 2, "*/*": 1}[asked]
		weight := 1.0
		if q, said := parameters["q"]; said {
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

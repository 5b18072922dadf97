package inquiry

import "strings"

// Duplicate reports that an inquiry seems to be about the same business as an
// earlier one in its batch.
type Duplicate struct {
	Index int
	Of    int    // index of the first inquiry about that business
	By    string // DuplicateEIN or DuplicateName
}

// What two inquiries have in common.
const (
	DuplicateEIN  = "ein"              // the EIN
	DuplicateName = "name-and-address" // the name and, if given, the first address line and postal code
)

// Duplicates returns the inquiries that are about the same business as an earlier
// one. They are allowed: a lender may have two loans with one business.
func Duplicates(inquiries []Inquiry) []Duplicate {
	var list []Duplicate
	byEIN, byName := map[string]int{}, map[string]int{}
	for i, in := range inquiries {
		name := foldText(in.BusinessName)
		if name == "" {
			continue
		}
		if in.Address != nil {
			name += "\x00" + foldText(in.Address.Line1) + "\x00" + foldText(in.Address.PostalCode)
		}
		ofEIN, sameEIN := byEIN[in.EIN]
		ofName, sameName := byName[name]
		switch {
		case in.EIN != "" && sameEIN:
			list = append(list, Duplicate{i, ofEIN, DuplicateEIN})
		case sameName && (in.EIN == "" || inquiries[ofName].EIN == ""): // different EINs are different businesses
			list = append(list, Duplicate{i, ofName, DuplicateName})
		}
		if !sameEIN {
			byEIN[in.EIN] = i
		}
		if !sameName {
			byName[name] = i
		}
	}
	return list
}

// foldText removes what people write differently: case and spaces.
func foldText(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

package inquiry

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What is kept of a rejected inquiry is bounded, whatever was sent.
const (
	nameLength       = 250
	externalIDLength = 128
	maxRejections    = 10
	pointerBytes     = 200
)

// Reject returns what is kept of an inquiry that breaks the rules: what its
// lender knows it by, as far as that is in order, and why it was rejected. The
// faults, of which there is one at least, are those of this inquiry.
func (in Inquiry) Reject(faults []Fault) Inquiry {
	var out Inquiry
	if code, _ := CheckText(in.BusinessName); code == "" && utf8.RuneCountInString(in.BusinessName) <= nameLength {
		out.BusinessName = in.BusinessName
	}
	if code, _ := CheckText(in.ExternalID); code == "" && utf8.RuneCountInString(in.ExternalID) <= externalIDLength {
		out.ExternalID = in.ExternalID
	}
	for _, f := range faults[:min(len(faults), maxRejections)] {
		pointer := strings.TrimPrefix(f.Pointer, fmt.Sprintf("/inquiries/%d", f.Index))
		if len(pointer) > pointerBytes {
			pointer = strings.ToValidUTF8(pointer[:pointerBytes], "")
		}
		out.Rejected = append(out.Rejected, Rejection{Pointer: pointer, Code: f.Code, Message: f.Message})
	}
	return out
}

// Duplicate says that an inquiry seems to ask about the same business as an
// earlier one of its batch.
type Duplicate struct {
	Index int
	Of    int    // index of the first inquiry about the business
	By    string // DuplicateEIN or DuplicateName
}

// By what two inquiries look alike.
const (
	DuplicateEIN  = "ein"              // both have the same EIN
	DuplicateName = "name-and-address" // the same name, first address line and postal code, if any
)

// Duplicates returns the inquiries that ask about a business once more. They
// break no rule: a lender may have two loans with one business.
func Duplicates(inquiries []Inquiry) []Duplicate {
	var list []Duplicate
	byEIN, byName := map[string]int{}, map[string]int{}
	for i, in := range inquiries {
		name := alike(in.BusinessName)
		if name == "" {
			continue
		}
		if in.Address != nil {
			name += "\x00" + alike(in.Address.Line1) + "\x00" + alike(in.Address.PostalCode)
		}
		ofEIN, sameEIN := byEIN[in.EIN]
		ofName, sameName := byName[name]
		switch {
		case in.EIN != "" && sameEIN:
			list = append(list, Duplicate{i, ofEIN, DuplicateEIN})
		case sameName && (in.EIN == "" || inquiries[ofName].EIN == ""): // two EINs are two businesses
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

// alike is a text without what people write differently: case and blanks.
func alike(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

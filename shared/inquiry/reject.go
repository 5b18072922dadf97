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
	out.ExternalID = in.SoundExternalID()
	for _, f := range faults[:min(len(faults), maxRejections)] {
		pointer := ClipPointer(strings.TrimPrefix(f.Pointer, fmt.Sprintf("/inquiries/%d", f.Index)))
		out.Rejected = append(out.Rejected, Rejection{Pointer: pointer, Code: f.Code, Message: f.Message})
	}
	return out
}

// SoundExternalID returns the inquiry's external id if it may have it, or "". A
// faulty one is no name to call an inquiry by, and of any length.
func (in Inquiry) SoundExternalID() string {
	if code, _ := CheckText(in.ExternalID); code != "" || utf8.RuneCountInString(in.ExternalID) > externalIDLength {
		return ""
	}
	return in.ExternalID
}

// ClipPointer cuts a pointer off that a field of absurd length has made long: it
// still shows where to look.
func ClipPointer(pointer string) string {
	if len(pointer) <= pointerBytes {
		return pointer
	}
	return strings.ToValidUTF8(pointer[:pointerBytes], "")
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

package inquiry

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits on what is stored about a rejected inquiry, whatever was sent.
const (
	maxRejections   = 10
	maxPointerBytes = 200
)

// Rejection is one rule that a rejected inquiry breaks.
type Rejection struct {
	Pointer string `json:"pointer,omitempty"` // into the inquiry, such as "/ein"
	Code    string `json:"code"`
	Message string `json:"message"`
}

// IsRejected reports whether the inquiry was rejected at its submission.
func (in Inquiry) IsRejected() bool { return len(in.Rejected) > 0 }

// Reject returns what is stored about an inquiry that breaks the rules: why it was
// rejected and, if they are valid, its name and external id, so that its lender can
// recognize it. The faults are those of this inquiry, at least one.
func (in Inquiry) Reject(faults []Fault) Inquiry {
	var out Inquiry
	if code, _ := CheckText(in.BusinessName); code == "" && utf8.RuneCountInString(in.BusinessName) <= MaxNameLength {
		out.BusinessName = in.BusinessName
	}
	out.ExternalID = in.ValidExternalID()
	for _, f := range faults[:min(len(faults), maxRejections)] {
		pointer := ClipPointer(strings.TrimPrefix(f.Pointer, fmt.Sprintf("/inquiries/%d", f.Index)))
		out.Rejected = append(out.Rejected, Rejection{Pointer: pointer, Code: f.Code, Message: f.Message})
	}
	return out
}

// ValidExternalID returns the inquiry's external id if it is valid, otherwise "". An
// invalid one must not be repeated in messages: it may have any length and content.
func (in Inquiry) ValidExternalID() string {
	if code, _ := CheckText(in.ExternalID); code != "" || utf8.RuneCountInString(in.ExternalID) > MaxExternalIDLength {
		return ""
	}
	return in.ExternalID
}

// ClipPointer shortens a JSON pointer that contains an absurdly long field name. The
// rest still shows where to look.
func ClipPointer(pointer string) string {
	if len(pointer) <= maxPointerBytes {
		return pointer
	}
	return strings.ToValidUTF8(pointer[:maxPointerBytes], "")
}

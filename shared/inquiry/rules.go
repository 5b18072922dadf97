package inquiry

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Maximum lengths, in characters. The API's schema repeats the first two in its tags,
// and also limits how many metadata entries there may be.
const (
	MaxNameLength          = 250 // of a business name
	MaxExternalIDLength    = 128
	MaxMetadataKeyLength   = 40
	MaxMetadataValueLength = 250
)

// Fault is one error in a request. It says where the error is and how to fix it. It never
// repeats a value, because values are personal data.
type Fault struct {
	Pointer    string // JSON pointer (RFC 6901) into the request body
	Index      int    // index of the inquiry, from 0; -1 when the fault is outside the inquiries
	ExternalID string // of that inquiry, if it has a valid one
	Code       string // fixed word for programs, such as "duplicate"
	Message    string // for people
}

// ValidationError lists all errors in a request.
type ValidationError struct{ Faults []Fault }

func (e *ValidationError) Error() string {
	return fmt.Sprintf("%d errors in the request", len(e.Faults))
}

// Normalize returns the inquiry as it is stored: without spaces around values, without
// the hyphen in the EIN, and with state and country in upper case.
func (in Inquiry) Normalize() Inquiry {
	for _, field := range in.fields() {
		*field.value = strings.TrimSpace(*field.value)
	}
	in.EIN = strings.ReplaceAll(in.EIN, "-", "")
	if in.Address != nil {
		in.Address.State = strings.ToUpper(in.Address.State)
		in.Address.Country = strings.ToUpper(in.Address.Country)
	}
	return in
}

// Check returns all violations of the rules that a schema cannot express. The API
// checks its schema first: lengths, patterns and unknown fields.
func Check(inquiries []Inquiry, now time.Time) []Fault {
	var faults []Fault
	firstWith := map[string]int{} // index by external id
	for i, in := range inquiries {
		faults = append(faults, in.check(i, now)...)
		if in.ExternalID == "" {
			continue
		}
		if first, taken := firstWith[in.ExternalID]; taken {
			faults = append(faults, in.fault(i, "/externalId", "duplicate",
				fmt.Sprintf("the inquiry at index %d has the same externalId; make it unique in the batch", first)))
			continue
		}
		firstWith[in.ExternalID] = i
	}
	return faults
}

func (in Inquiry) check(index int, now time.Time) []Fault {
	var faults []Fault
	fail := func(pointer, code, message string) {
		faults = append(faults, in.fault(index, pointer, code, message))
	}
	if strings.TrimSpace(in.BusinessName) == "" {
		fail("/businessName", "required", "give the business's name")
	}
	if strings.Trim(in.EIN, "0-") == "" && in.EIN != "" {
		fail("/ein", "invalid", "an EIN of zeros identifies nobody; leave the field out when it is unknown")
	}
	for i, p := range in.Principals {
		at := fmt.Sprintf("/principals/%d", i)
		if strings.TrimSpace(p.FirstName+p.LastName) == "" {
			fail(at+"/lastName", "required", "give the principal's first or last name")
		}
		if born, err := time.Parse(time.DateOnly, p.DateOfBirth); p.DateOfBirth != "" {
			if err != nil || born.After(now) || born.Year() < 1900 {
				fail(at+"/dateOfBirth", "invalid", "give a day between 1900-01-01 and today as YYYY-MM-DD")
			}
		}
	}
	if message := CheckWebsite(in.Website); message != "" {
		fail("/website", "form", message)
	}
	for _, field := range in.fields() {
		if code, message := CheckText(*field.value); code != "" {
			fail(field.pointer, code, message)
		}
	}
	checkMetadata(in.Metadata, fail)
	return faults
}

// CheckMetadata returns the errors in a batch's own metadata.
func CheckMetadata(metadata map[string]string) []Fault {
	var faults []Fault
	checkMetadata(metadata, func(pointer, code, message string) {
		faults = append(faults, Fault{Pointer: pointer, Index: -1, Code: code, Message: message})
	})
	return faults
}

func checkMetadata(metadata map[string]string, fail func(pointer, code, message string)) {
	for key, value := range metadata {
		at := "/metadata/" + EscapePointer(key)
		if n := utf8.RuneCountInString(key); n == 0 || n > MaxMetadataKeyLength {
			fail(at, "invalid", fmt.Sprintf("a metadata key has 1 to %d characters", MaxMetadataKeyLength))
		}
		if utf8.RuneCountInString(value) > MaxMetadataValueLength {
			fail(at, "too-long", fmt.Sprintf("a metadata value has at most %d characters", MaxMetadataValueLength))
		}
		if code, message := CheckText(key + value); code != "" {
			fail(at, code, message)
		}
	}
}

// CheckText returns what is wrong with the text of a field; code is "" when it is
// valid.
//
// Gateways turn bytes that are not UTF-8 into replacement characters: a name with one
// would be looked up wrongly. SQS does not carry noncharacters. Direction controls make
// a name look different from what is looked up.
func CheckText(s string) (code, message string) {
	switch {
	case strings.ContainsFunc(s, unicode.IsControl):
		return "control-character", "remove control characters such as line breaks and tabs"
	case strings.ContainsFunc(s, func(c rune) bool { return unicode.Is(unicode.Bidi_Control, c) }):
		return "control-character", "remove invisible characters that change the direction of text, such as U+202E"
	case strings.ContainsRune(s, utf8.RuneError):
		return "damaged-text", "the text contains a replacement character (U+FFFD); send it as UTF-8"
	case strings.ContainsFunc(s, func(c rune) bool { return unicode.Is(unicode.Noncharacter_Code_Point, c) }):
		return "damaged-text", "the text contains a code that is not a character, such as U+FFFE; remove it or send the text as UTF-8"
	}
	return "", ""
}

// EscapePointer escapes a name for use in a JSON pointer (RFC 6901, section 3).
func EscapePointer(name string) string { return pointerEscapes.Replace(name) }

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func (in Inquiry) fault(index int, pointer, code, message string) Fault {
	return Fault{
		Pointer:    fmt.Sprintf("/inquiries/%d%s", index, pointer),
		Index:      index,
		ExternalID: in.ValidExternalID(),
		Code:       code,
		Message:    message,
	}
}

// field is one text of an inquiry and its place.
type field struct {
	pointer string
	value   *string
}

// fields lists every text of the inquiry except its metadata. It first copies the
// address and the principals, so that changing a text through the list does not change
// another Inquiry that shares them.
func (in *Inquiry) fields() []field {
	list := []field{
		{"/businessName", &in.BusinessName}, {"/dba", &in.DBA}, {"/ein", &in.EIN},
		{"/phone", &in.Phone}, {"/email", &in.Email}, {"/website", &in.Website},
		{"/externalId", &in.ExternalID},
	}
	if in.Address != nil {
		a := *in.Address
		in.Address = &a
		list = append(list,
			field{"/address/line1", &a.Line1}, field{"/address/line2", &a.Line2}, field{"/address/city", &a.City},
			field{"/address/state", &a.State}, field{"/address/postalCode", &a.PostalCode},
			field{"/address/country", &a.Country})
	}
	in.Principals = append([]Principal(nil), in.Principals...)
	for i := range in.Principals {
		p, at := &in.Principals[i], fmt.Sprintf("/principals/%d", i)
		list = append(list,
			field{at + "/firstName", &p.FirstName}, field{at + "/lastName", &p.LastName},
			field{at + "/dateOfBirth", &p.DateOfBirth}, field{at + "/title", &p.Title})
	}
	return list
}

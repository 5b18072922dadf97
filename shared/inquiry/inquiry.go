package inquiry

import "log/slog"

// Inquiry is one business that a lender asks about, as its loan file describes it.
// It is set when the batch is accepted and never changes. It is personal data, so
// printing or logging an Inquiry does not show its content.
//
// The JSON names are those of the API reference. The same form is stored in the
// table's pages and sent in the queue's messages.
type Inquiry struct {
	BusinessName string            `json:"businessName"`
	DBA          string            `json:"dba,omitempty"` // the name that it trades under
	EIN          string            `json:"ein,omitempty"` // nine digits, no hyphen, once normalized
	Address      *Address          `json:"address,omitempty"`
	Phone        string            `json:"phone,omitempty"`
	Email        string            `json:"email,omitempty"`
	Website      string            `json:"website,omitempty"`
	Principals   []Principal       `json:"principals,omitempty"`
	ExternalID   string            `json:"externalId,omitempty"` // the lender's own id, unique in its batch
	Metadata     map[string]string `json:"metadata,omitempty"`   // returned as given, never interpreted

	// RerunOf is the inquiry of the parent batch that this one repeats; nil when its
	// batch is not a rerun.
	RerunOf *ID `json:"rerunOf,omitempty"`

	// Rejected says why the inquiry was rejected when its batch was accepted. A rejected
	// inquiry has failed from the start, has no item in the table and is never sent to
	// a worker. Empty for every other inquiry.
	Rejected []Rejection `json:"rejected,omitempty"`
}

// Address is the address that the business gives.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"` // two letters for the United States
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country,omitempty"` // two letters (ISO 3166-1); empty means US
}

// Principal is a person who owns or runs the business.
type Principal struct {
	FirstName           string   `json:"firstName,omitempty"`
	LastName            string   `json:"lastName,omitempty"`
	DateOfBirth         string   `json:"dateOfBirth,omitempty"` // YYYY-MM-DD
	Title               string   `json:"title,omitempty"`
	OwnershipPercentage *float64 `json:"ownershipPercentage,omitempty"` // 0 to 100; nil when not stated
}

const hidden = "[personal data]"

// String hides the inquiry's content.
func (Inquiry) String() string { return hidden }

// GoString hides the inquiry's content from %#v.
func (Inquiry) GoString() string { return hidden }

// LogValue hides the inquiry's content.
func (Inquiry) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the principal's content.
func (Principal) String() string { return hidden }

// GoString hides the principal's content from %#v.
func (Principal) GoString() string { return hidden }

// LogValue hides the principal's content.
func (Principal) LogValue() slog.Value { return slog.StringValue(hidden) }

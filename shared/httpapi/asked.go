package httpapi

import "github.com/batch-inquiries/batch-inquiries/shared/inquiry"

// AskedInquiry is an inquiry in an answer, as submitted. Its fields are those of
// InquiryInput without the rules: a rejected inquiry breaks some of them.
type AskedInquiry struct {
	BusinessName string            `json:"businessName" doc:"Legal name of the business." example:"Kylderon Mist Valley LLC"`
	DBA          string            `json:"dba,omitempty" doc:"Trade name (doing business as), if different."`
	EIN          string            `json:"ein,omitempty" doc:"Employer Identification Number." example:"12-3456789"`
	Address      *AskedAddress     `json:"address,omitempty" doc:"Address of the business."`
	Phone        string            `json:"phone,omitempty" doc:"Phone number." example:"+1 555 0100"`
	Email        string            `json:"email,omitempty" doc:"Email address." example:"office@kylderon.example"`
	Website      string            `json:"website,omitempty" doc:"Website." example:"kylderon.example"`
	Principals   []AskedPrincipal  `json:"principals,omitempty" doc:"People who own or run the business."`
	ExternalID   string            `json:"externalId,omitempty" doc:"Your own id for the inquiry." example:"LOAN-1001"`
	Metadata     map[string]string `json:"metadata,omitempty" doc:"The inquiry's metadata, as submitted."`
}

// AskedAddress is an address in an answer.
type AskedAddress struct {
	Line1      string `json:"line1,omitempty" example:"120 Harbor Street" doc:"Street and number."`
	Line2      string `json:"line2,omitempty" doc:"Suite, floor or similar."`
	City       string `json:"city,omitempty" example:"Denver" doc:"City."`
	State      string `json:"state,omitempty" doc:"State; two letters in the United States." example:"CO"`
	PostalCode string `json:"postalCode,omitempty" example:"80202" doc:"ZIP or other postal code."`
	Country    string `json:"country,omitempty" doc:"Two-letter country code (ISO 3166-1)." example:"US"`
}

// AskedPrincipal is a person in an answer.
type AskedPrincipal struct {
	FirstName           string   `json:"firstName,omitempty" example:"Mira" doc:"First name."`
	LastName            string   `json:"lastName,omitempty" example:"Kylder" doc:"Last name."`
	DateOfBirth         string   `json:"dateOfBirth,omitempty" doc:"Date of birth as YYYY-MM-DD." example:"1980-02-29"`
	Title               string   `json:"title,omitempty" example:"Managing member" doc:"Position in the business."`
	OwnershipPercentage *float64 `json:"ownershipPercentage,omitempty" doc:"Share of the business in percent." example:"60"`
}

func askedInquiry(in inquiry.Inquiry) AskedInquiry {
	out := AskedInquiry{
		BusinessName: in.BusinessName,
		DBA:          in.DBA,
		EIN:          in.EIN,
		Phone:        in.Phone,
		Email:        in.Email,
		Website:      in.Website,
		ExternalID:   in.ExternalID,
		Metadata:     in.Metadata,
	}
	if in.Address != nil {
		address := AskedAddress(*in.Address)
		out.Address = &address
	}
	for _, p := range in.Principals {
		out.Principals = append(out.Principals, AskedPrincipal(p))
	}
	return out
}

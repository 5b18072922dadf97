package httpapi

import "github.com/batch-inquiries/batch-inquiries/shared/inquiry"

// SubmitBody is the request body of a submission. Its tags are the contract: both the
// API's document and the check of every request are made from them.
type SubmitBody struct {
	Name         string            `json:"name" minLength:"1" maxLength:"250" doc:"Name of the batch, for people." example:"November renewals"`
	Inquiries    []InquiryInput    `json:"inquiries" minItems:"1" maxItems:"65535" doc:"The businesses to look up: at most 250, unless your lender has a different limit."`
	Metadata     map[string]string `json:"metadata,omitempty" maxProperties:"16" doc:"Up to 16 values of at most 250 characters each, with keys of at most 40 characters. They are returned unchanged."`
	OnInvalid    string            `json:"onInvalid,omitempty" enum:"reject,skip" default:"reject" doc:"What happens if some inquiries are invalid. reject: nothing is stored. skip: the invalid inquiries are stored as FAILED with the reasons, and the others are looked up; a batch without a valid inquiry, or with an error outside its inquiries, is still rejected as a whole."`
	ValidateOnly bool              `json:"validateOnly,omitempty" doc:"Check the batch and store nothing. The response lists all errors, possible duplicates, and the inquiries as they would be stored."`
}

// InquiryInput is one business to look up.
type InquiryInput struct {
	BusinessName string            `json:"businessName" minLength:"1" maxLength:"250" doc:"Legal name of the business." example:"Kylderon Mist Valley LLC"`
	DBA          string            `json:"dba,omitempty" maxLength:"250" doc:"Trade name (doing business as), if different."`
	EIN          string            `json:"ein,omitempty" pattern:"^(\\d{2}-?\\d{7})?$" doc:"Employer Identification Number: nine digits; a hyphen is allowed." example:"12-3456789"`
	Address      *AddressInput     `json:"address,omitempty" doc:"Address of the business."`
	Phone        string            `json:"phone,omitempty" maxLength:"40" pattern:"^[0-9+() .x-]*$" doc:"Phone number. Only digits, spaces, x and + ( ) . - are allowed." example:"+1 555 0100"`
	Email        string            `json:"email,omitempty" maxLength:"254" pattern:"^([^@\\s]+@[^@\\s]+)?$" doc:"Email address." example:"office@kylderon.example"`
	Website      string            `json:"website,omitempty" maxLength:"2048" pattern:"^\\S*$" doc:"Website: a host name such as example.com, or an address that begins with http:// or https://." example:"kylderon.example"`
	Principals   []PrincipalInput  `json:"principals,omitempty" maxItems:"20" doc:"People who own or run the business."`
	ExternalID   string            `json:"externalId,omitempty" maxLength:"128" doc:"Your own id for the inquiry, unique in the batch. Every response about the inquiry repeats it." example:"LOAN-1001"`
	Metadata     map[string]string `json:"metadata,omitempty" maxProperties:"16" doc:"Up to 16 values of at most 250 characters each, with keys of at most 40 characters. They are returned unchanged."`
}

// AddressInput is a postal address.
type AddressInput struct {
	Line1      string `json:"line1,omitempty" maxLength:"250" example:"120 Harbor Street" doc:"Street and number."`
	Line2      string `json:"line2,omitempty" maxLength:"250" doc:"Suite, floor or similar."`
	City       string `json:"city,omitempty" maxLength:"100" example:"Denver" doc:"City."`
	State      string `json:"state,omitempty" maxLength:"50" doc:"State; two letters in the United States." example:"CO"`
	PostalCode string `json:"postalCode,omitempty" maxLength:"20" example:"80202" doc:"ZIP or other postal code."`
	Country    string `json:"country,omitempty" pattern:"^([A-Za-z]{2})?$" doc:"Two-letter country code (ISO 3166-1). The default is US." example:"US"`
}

// PrincipalInput is a person who owns or runs the business.
type PrincipalInput struct {
	FirstName           string   `json:"firstName,omitempty" maxLength:"100" example:"Mira" doc:"First name."`
	LastName            string   `json:"lastName,omitempty" maxLength:"100" example:"Kylder" doc:"Last name."`
	DateOfBirth         string   `json:"dateOfBirth,omitempty" pattern:"^(\\d{4}-\\d{2}-\\d{2})?$" doc:"Date of birth as YYYY-MM-DD." example:"1980-02-29"`
	Title               string   `json:"title,omitempty" maxLength:"100" example:"Managing member" doc:"Position in the business."`
	OwnershipPercentage *float64 `json:"ownershipPercentage,omitempty" minimum:"0" maximum:"100" doc:"Share of the business in percent." example:"60"`
}

// hints describe a field's format for people, where its pattern would not help them.
var hints = map[string]string{
	"ein":         "must be nine digits, with or without a hyphen after the second",
	"phone":       "must contain only digits, spaces, x and + ( ) . -",
	"email":       "must be one address, such as name@example.com",
	"website":     "must be " + inquiry.WebsiteForm,
	"country":     "must be a two-letter code (ISO 3166-1), such as US",
	"dateOfBirth": "must be a date as YYYY-MM-DD",
}

func (in InquiryInput) inquiry() inquiry.Inquiry {
	out := inquiry.Inquiry{
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
		address := inquiry.Address(*in.Address)
		out.Address = &address
	}
	for _, p := range in.Principals {
		out.Principals = append(out.Principals, inquiry.Principal(p))
	}
	return out
}

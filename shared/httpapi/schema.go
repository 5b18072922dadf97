package httpapi

import "github.com/batch-inquiries/batch-inquiries/shared/inquiry"

// SubmitBody is the request body of a submission. Its tags are the contract:
// the API's document and the check of every request are both made from them.
type SubmitBody struct {
	Name         string            `json:"name" minLength:"1" maxLength:"250" doc:"Name of the batch, for people." example:"November renewals"`
	Inquiries    []InquiryInput    `json:"inquiries" minItems:"1" maxItems:"65535" doc:"The businesses to look up: 250 at most, unless the lender's limit is another."`
	Metadata     map[string]string `json:"metadata,omitempty" maxProperties:"16" doc:"Up to 16 strings of at most 250 characters, with keys of at most 40, returned as given."`
	OnInvalid    string            `json:"onInvalid,omitempty" enum:"reject,skip" default:"reject" doc:"What becomes of the batch when some inquiries break the rules. reject: nothing is stored. skip: they are kept as FAILED inquiries with the reasons and the others are looked up; a batch without one valid inquiry, or with a fault outside its inquiries, is still refused."`
	ValidateOnly bool              `json:"validateOnly,omitempty" doc:"Check the batch and store nothing. The answer lists every fault, businesses that come twice, and the inquiries as they would be stored."`
}

// InquiryInput is one business to look up.
type InquiryInput struct {
	BusinessName string            `json:"businessName" minLength:"1" maxLength:"250" doc:"Legal name of the business." example:"Kylderon Mist Valley LLC"`
	DBA          string            `json:"dba,omitempty" maxLength:"250" doc:"Name it trades under, if another."`
	EIN          string            `json:"ein,omitempty" pattern:"^(\\d{2}-?\\d{7})?$" doc:"Employer identification number: nine digits, hyphen allowed." example:"12-3456789"`
	Address      *AddressInput     `json:"address,omitempty" doc:"Where the business says it is."`
	Phone        string            `json:"phone,omitempty" maxLength:"40" pattern:"^[0-9+() .x-]*$" doc:"Phone number: digits, spaces and + ( ) . - x." example:"+1 555 0100"`
	Email        string            `json:"email,omitempty" maxLength:"254" pattern:"^([^@\\s]+@[^@\\s]+)?$" doc:"E-mail address." example:"office@kylderon.example"`
	Website      string            `json:"website,omitempty" maxLength:"2048" pattern:"^\\S*$" doc:"Web address, with or without https://." example:"kylderon.example"`
	Principals   []PrincipalInput  `json:"principals,omitempty" maxItems:"20" doc:"People who own or run the business."`
	ExternalID   string            `json:"externalId,omitempty" maxLength:"128" doc:"Your own id of this inquiry, unique in the batch; every answer about the inquiry repeats it." example:"LOAN-1001"`
	Metadata     map[string]string `json:"metadata,omitempty" maxProperties:"16" doc:"Up to 16 strings of at most 250 characters, with keys of at most 40, returned as given."`
}

// AddressInput is a postal address.
type AddressInput struct {
	Line1      string `json:"line1,omitempty" maxLength:"250" example:"120 Harbor Street" doc:"Street and number."`
	Line2      string `json:"line2,omitempty" maxLength:"250" doc:"Suite, floor or the like."`
	City       string `json:"city,omitempty" maxLength:"100" example:"Denver" doc:"City."`
	State      string `json:"state,omitempty" maxLength:"50" doc:"Two letters for the United States." example:"CO"`
	PostalCode string `json:"postalCode,omitempty" maxLength:"20" example:"80202" doc:"ZIP or other postal code."`
	Country    string `json:"country,omitempty" pattern:"^([A-Za-z]{2})?$" doc:"Two letters (ISO 3166-1); US if absent." example:"US"`
}

// PrincipalInput is a person who owns or runs the business.
type PrincipalInput struct {
	FirstName           string   `json:"firstName,omitempty" maxLength:"100" example:"Mira" doc:"Given name."`
	LastName            string   `json:"lastName,omitempty" maxLength:"100" example:"Kylder" doc:"Family name."`
	DateOfBirth         string   `json:"dateOfBirth,omitempty" pattern:"^(\\d{4}-\\d{2}-\\d{2})?$" doc:"YYYY-MM-DD." example:"1980-02-29"`
	Title               string   `json:"title,omitempty" maxLength:"100" example:"Managing member" doc:"Position in the business."`
	OwnershipPercentage *float64 `json:"ownershipPercentage,omitempty" minimum:"0" maximum:"100" doc:"Share of the business in percent." example:"60"`
}

// hints say how a field's value has to look, where its pattern would not tell a
// person.
var hints = map[string]string{
	"ein":         "nine digits, with or without the hyphen after the second",
	"phone":       "digits, spaces and + ( ) . - x only",
	"email":       "one address such as name@example.com",
	"website":     "an address without blanks, such as example.com",
	"country":     "two letters (ISO 3166-1), such as US",
	"dateOfBirth": "a date as YYYY-MM-DD",
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

func inputOf(in inquiry.Inquiry) InquiryInput {
	out := InquiryInput{
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
		address := AddressInput(*in.Address)
		out.Address = &address
	}
	for _, p := range in.Principals {
		out.Principals = append(out.Principals, PrincipalInput(p))
	}
	return out
}

package httpapi

import "github.com/batch-inquiries/batch-inquiries/shared/inquiry"

// maxPreview limits how many inquiries a dry run shows.
const maxPreview = 500

// ValidatedBody answers a dry run. Nothing was stored.
type ValidatedBody struct {
	ValidateOnly bool               `json:"validateOnly" enum:"true" doc:"Always true: nothing was stored."`
	Valid        bool               `json:"valid" doc:"Whether the same request without validateOnly would be accepted, provided that openLeft leaves room for it."`
	Total        int                `json:"total" doc:"Number of inquiries in the request."`
	Accepted     int                `json:"accepted" doc:"Number of inquiries that would be looked up; 0 if the request would be rejected."`
	Rejected     int                `json:"rejected" doc:"Number of invalid inquiries."`
	Errors       []Fault            `json:"errors" doc:"Everything that is wrong: at most 5000 errors and 1 MB."`
	Duplicates   []DuplicateInquiry `json:"duplicates" doc:"Inquiries that appear to be about the same business as an earlier one. They are not errors. At most 400 kB."`
	Inquiries    []AskedInquiry     `json:"inquiries" doc:"The first inquiries as they would be stored: at most 500 and 1 MB."`
	Truncated    bool               `json:"truncated" doc:"Whether there are more errors or duplicates than are listed. The counts include all of them. In a batch with more than batchMax inquiries, only the first batchMax are checked."`
	Limits       SubmitLimits       `json:"limits" doc:"The size limits of a batch, and the room that is left now."`
}

// DuplicateInquiry points from an inquiry to the first one about the same business.
type DuplicateInquiry struct {
	Index       int    `json:"index" doc:"Position of the inquiry, starting at 0."`
	DuplicateOf int    `json:"duplicateOf" doc:"Position of the first inquiry about the same business."`
	By          string `json:"by" enum:"ein,name-and-address" doc:"What the two inquiries have in common."`
}

// SubmitLimits are the limits on a batch.
type SubmitLimits struct {
	BatchMax  int `json:"batchMax" doc:"Maximum number of inquiries in one batch."`
	BatchLeft int `json:"batchLeft" doc:"How many more inquiries this batch could have; negative if it has too many."`
	OpenMax   int `json:"openMax" doc:"Maximum number of inquiries in all your lender's unfinished batches together."`
	OpenLeft  int `json:"openLeft" doc:"Number of inquiries that there is room for now. A larger batch gets a 429 until other batches finish."`
}

func validatedBody(sub submission, lender inquiry.Lender) *ValidatedBody {
	body := &ValidatedBody{
		ValidateOnly: true,
		Total:        sub.total,
		Rejected:     sub.rejected(),
		Errors:       append([]Fault{}, listed(sub.faults)...),
		Duplicates:   []DuplicateInquiry{},
		Inquiries:    []AskedInquiry{},
		Limits: SubmitLimits{
			BatchMax: lender.BatchMax, BatchLeft: lender.BatchMax - sub.total,
			OpenMax: lender.OpenMax, OpenLeft: lender.Room(),
		},
	}
	for _, d := range inquiry.Duplicates(sub.inquiries) {
		body.Duplicates = append(body.Duplicates, DuplicateInquiry{d.Index, d.Of, d.By})
	}
	duplicates := fitting(body.Duplicates, duplicatesRoom)
	body.Truncated = len(sub.inquiries) < sub.total || len(body.Errors) < len(sub.faults) || duplicates < len(body.Duplicates)
	body.Duplicates = body.Duplicates[:duplicates]
	for _, in := range sub.inquiries[:min(len(sub.inquiries), maxPreview)] {
		body.Inquiries = append(body.Inquiries, askedInquiry(in))
	}
	body.Inquiries = body.Inquiries[:fitting(body.Inquiries, previewRoom)]
	if body.Valid = len(sub.faults) == 0 || sub.reject(); body.Valid {
		body.Accepted = body.Total - body.Rejected
	}
	return body
}

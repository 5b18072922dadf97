package httpapi

import (
	"fmt"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// maxPreview bounds how many inquiries a dry run shows.
const maxPreview = 500

// ValidatedBody answers a dry run. Nothing was stored.
type ValidatedBody struct {
	ValidateOnly bool               `json:"validateOnly" enum:"true" doc:"Always true: nothing was stored."`
	Valid        bool               `json:"valid" doc:"The same request without validateOnly would be accepted, when openLeft is enough for it."`
	Total        int                `json:"total" doc:"Inquiries in the request."`
	Accepted     int                `json:"accepted" doc:"Inquiries that would be looked up; 0 when the request would be refused."`
	Rejected     int                `json:"rejected" doc:"Inquiries that break the rules."`
	Errors       []Fault            `json:"errors" doc:"Everything that is wrong: 5000 faults at the most, and 1 MB."`
	Duplicates   []DuplicateInquiry `json:"duplicates" doc:"Inquiries that seem to ask about the same business as an earlier one. They break no rule. 400 kB at the most."`
	Inquiries    []InquiryInput     `json:"inquiries" doc:"The first inquiries as they would be stored: 500 at the most, and 1 MB."`
	Truncated    bool               `json:"truncated" doc:"There are more errors or duplicates than are listed here. The counts are of all."`
	Limits       SubmitLimits       `json:"limits" doc:"How large the batch may be, and for how many inquiries there is room now."`
}

// DuplicateInquiry points from an inquiry to the first one about its business.
type DuplicateInquiry struct {
	Index       int    `json:"index" doc:"Position of the inquiry, from 0."`
	DuplicateOf int    `json:"duplicateOf" doc:"Position of the first inquiry about the business."`
	By          string `json:"by" enum:"ein,name-and-address" doc:"What the two have in common."`
}

// SubmitLimits say how large a batch may be.
type SubmitLimits struct {
	BatchMax  int `json:"batchMax" doc:"Inquiries that one batch may have."`
	BatchLeft int `json:"batchLeft" doc:"Inquiries that could be added to this one; negative when it has too many."`
	OpenMax   int `json:"openMax" doc:"Inquiries that your lender's unfinished batches may have, all together."`
	OpenLeft  int `json:"openLeft" doc:"Inquiries that there is room for now. A batch with more is refused with 429 until others have finished."`
}

func validatedBody(sub submission, lender inquiry.Lender) *ValidatedBody {
	body := &ValidatedBody{
		ValidateOnly: true,
		Total:        len(sub.inquiries),
		Rejected:     sub.rejected(),
		Errors:       append([]Fault{}, listed(sub.faults)...),
		Duplicates:   []DuplicateInquiry{},
		Inquiries:    []InquiryInput{},
		Limits: SubmitLimits{
			BatchMax: lender.BatchMax, BatchLeft: lender.BatchMax - len(sub.inquiries),
			OpenMax: lender.OpenMax, OpenLeft: lender.Room(),
		},
	}
	for _, d := range inquiry.Duplicates(sub.inquiries) {
		body.Duplicates = append(body.Duplicates, DuplicateInquiry{d.Index, d.Of, d.By})
	}
	duplicates := fitting(body.Duplicates, duplicatesRoom)
	body.Truncated = len(body.Errors) < len(sub.faults) || duplicates < len(body.Duplicates)
	body.Duplicates = body.Duplicates[:duplicates]
	for _, in := range sub.inquiries[:min(len(sub.inquiries), maxPreview)] {
		body.Inquiries = append(body.Inquiries, inputOf(in))
	}
	body.Inquiries = body.Inquiries[:fitting(body.Inquiries, previewRoom)]
	if body.Valid = len(sub.faults) == 0 || sub.reject(); body.Valid {
		body.Accepted = body.Total - body.Rejected
	}
	return body
}

func submittedBody(id inquiry.BatchID, sub submission) *SubmittedBody {
	rejected := sub.rejected()
	body := &SubmittedBody{
		BatchID: id, BatchName: sub.name,
		Total: len(sub.inquiries), Accepted: len(sub.inquiries) - rejected, Rejected: rejected,
		Message: fmt.Sprintf("Accepted %d inquiries. Follow the batch at its Location.", len(sub.inquiries)-rejected),
		Errors:  listed(sub.faults),
	}
	if rejected > 0 {
		body.Message = fmt.Sprintf("Accepted %d inquiries and rejected %d, which errors is about. Follow the batch at its Location.", body.Accepted, rejected)
	}
	return body
}

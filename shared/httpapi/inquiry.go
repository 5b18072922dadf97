package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

type inquiryInput struct {
	InquiryID string `path:"inquiry_id" doc:"The inquiry's id, a UUID." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0001"`
}

type inquiryOutput struct{ Body InquiryBody }

// InquiryBody is one inquiry with its business report.
type InquiryBody struct {
	InquirySummary
	BatchID inquiry.BatchID `json:"batchId" format:"uuid" doc:"The batch that contains the inquiry."`
	Inquiry AskedInquiry    `json:"inquiry" doc:"The inquiry as submitted."`
	Report  *report.Report  `json:"report" doc:"The business report; null until the inquiry is final."`
}

func (a *API) inquiryRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "get-inquiry", Method: http.MethodGet, Path: "/v1/inquiries/{inquiry_id}", Tags: []string{tagInquiries},
		Summary:     "Get an inquiry with its business report",
		Description: "Returns the inquiry as submitted, its progress and, once its status is final, its report. The report contains facts with the source records that state them, how well each candidate matches, scores, and what could not be looked up.",
	}, reference{
		answers:  map[string]string{"200": "The inquiry, with its report once its status is final."},
		problems: []problem.Name{problem.Deleted},
		examples: func(s *samples) ([]example, error) {
			return []example{
				{"200", "completed", "With its report", s.inquiries[0]},
				{"200", "failed", "Without a useful report", s.inquiries[1]},
			}, nil
		},
	}, a.inquiry)
}

func (a *API) inquiry(ctx context.Context, in *inquiryInput) (*inquiryOutput, error) {
	id, err := inquiry.ParseID(in.InquiryID)
	if err != nil {
		return nil, err
	}
	entry, err := a.Batches.Entry(ctx, requestOf(ctx).Caller.LenderID, id)
	if err != nil {
		return nil, err
	}
	body, err := inquiryBody(entry)
	if err != nil {
		return nil, err
	}
	return &inquiryOutput{body}, nil
}

func inquiryBody(e inquiry.Entry) (InquiryBody, error) {
	body := InquiryBody{InquirySummary: summary(e), BatchID: e.ID.Batch(), Inquiry: askedInquiry(e.Inquiry)}
	if e.Record.Report != nil {
		rep, err := report.Decode(e.Record.Report)
		if err != nil {
			return InquiryBody{}, fmt.Errorf("inquiry %s: %w", e.ID, err)
		}
		body.Report = &rep
	}
	return body, nil
}

package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

type inquiriesInput struct {
	BatchPath
	Paging
	Status     InquiryStatus `query:"status" doc:"Only inquiries with this status." example:"FAILED"`
	ExternalID string        `query:"externalId" maxLength:"128" doc:"Only inquiries with exactly this externalId." example:"LOAN-1001"`
}

type inquiriesOutput struct{ Body InquiryListBody }

// InquiryListBody is one page of a batch's inquiries, in the order of submission.
type InquiryListBody struct {
	BatchID   inquiry.BatchID  `json:"batchId" format:"uuid" doc:"The batch in the request."`
	Inquiries []InquirySummary `json:"inquiries" doc:"The inquiries on this page, in the order of submission."`
	Total     int              `json:"total" doc:"Number of inquiries that match the filters."`
	Limit     int              `json:"limit" doc:"The limit in the request."`
	Offset    int              `json:"offset" doc:"The offset in the request."`

	NextCursor *string `json:"nextCursor" doc:"Send this as cursor to get the next page. Null on the last page. Other pages may also have fewer inquiries than limit: each is limited in size, and a page filtered by status omits inquiries whose status has just changed."`
}

// InquirySummary is the progress of one inquiry.
type InquirySummary struct {
	InquiryID          inquiry.ID        `json:"inquiryId" format:"uuid" doc:"Id of the inquiry. Use it to get the report."`
	Index              int               `json:"index" doc:"Position in the batch, starting at 0."`
	ExternalID         string            `json:"externalId,omitempty" doc:"Your own id for the inquiry, if you gave one."`
	BusinessName       string            `json:"businessName" doc:"Name of the business, as submitted."`
	Status             InquiryStatus     `json:"status" doc:"PLANNING while the inquiry waits for a worker, RUNNING while sources are queried. The final statuses never change: COMPLETED (every applicable source answered), PARTIAL_SUCCESS (an optional source did not answer), FAILED (there is no useful report) or CANCELLED."`
	ProgressPercentage float64           `json:"progressPercentage" doc:"Progress in percent: 0 in PLANNING, 50 in RUNNING, 100 in a final status."`
	SourceRecordCount  int               `json:"sourceRecordCount" doc:"Number of source records in the report."`
	Attempts           int               `json:"attempts" doc:"How many times a worker has started the inquiry."`
	StartedAt          *time.Time        `json:"startedAt" doc:"When a worker first started the inquiry; null before that."`
	FinishedAt         *time.Time        `json:"finishedAt" doc:"When the inquiry reached its final status; null before that."`
	Sources            map[string]string `json:"sources,omitempty" doc:"Outcome of each source, by source name, once the inquiry is final."`
	Failure            *InquiryFailure   `json:"failure,omitempty" doc:"Why there is no useful report."`
	Errors             []Fault           `json:"errors,omitempty" doc:"Why the inquiry was rejected. Pointers are relative to the inquiry."`
	RerunOf            *inquiry.ID       `json:"rerunOf,omitempty" format:"uuid" doc:"The inquiry of the parent batch that this inquiry reruns." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0002"`
	Metadata           map[string]string `json:"metadata,omitempty" doc:"The inquiry's metadata, as submitted."`
}

// InquiryFailure is why an inquiry failed.
type InquiryFailure struct {
	Code      string `json:"code" doc:"Stable code for programs."`
	Retryable bool   `json:"retryable" doc:"Whether submitting the inquiry again may help."`
}

func (a *API) inquiriesRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "list-inquiries", Method: http.MethodGet, Path: "/v1/batch-inquiries/{batch_id}/inquiries", Tags: []string{tagBatches},
		Summary:     "List a batch's inquiries",
		Description: "Returns the status of each inquiry in the order of submission. Large offsets are as fast as small ones. To get a report, use its `inquiryId`. " + shortPages + pageCost + " With `externalId`, the whole batch is searched. " + batchCost,
	}, reference{
		answers:  map[string]string{"200": "One page of inquiries."},
		problems: []problem.Name{problem.Deleted},
		examples: func(s *samples) ([]example, error) {
			return onlyExample("200", InquiryListBody{
				BatchID: sampleID(sampleBatchID), Inquiries: []InquirySummary{s.inquiries[0].InquirySummary}, Total: 2, Limit: 1, NextCursor: cursorTo(1),
			}), nil
		},
	}, a.listInquiries)
}

func (a *API) listInquiries(ctx context.Context, in *inquiriesInput) (*inquiriesOutput, error) {
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return nil, err
	}
	from, err := in.from(inquiry.MaxInquiries)
	if err != nil {
		return nil, err
	}
	if in.ExternalID != "" { // the whole batch is searched
		err = a.takeBatchTokens(ctx, id)
	} else {
		err = a.takeRowTokens(ctx, in.Limit)
	}
	if err != nil {
		return nil, err
	}
	page, err := a.Batches.ListEntries(ctx, requestOf(ctx).Caller.LenderID, id, inquiry.EntryQuery{
		Limit: in.Limit, Offset: in.Offset, From: from, Status: inquiry.Status(in.Status), ExternalID: in.ExternalID,
	})
	if err != nil {
		return nil, err
	}
	body := InquiryListBody{
		BatchID: id, Inquiries: []InquirySummary{}, Total: page.Total, Limit: in.Limit, Offset: in.Offset, NextCursor: cursorTo(page.Next),
	}
	for _, e := range page.Entries {
		body.Inquiries = append(body.Inquiries, summary(e))
	}
	if n := fitting(body.Inquiries, pageRoom); n < len(page.Entries) {
		body.Inquiries, body.NextCursor = body.Inquiries[:n], cursorTo(page.Entries[n].ID.Index())
	}
	return &inquiriesOutput{body}, nil
}

func summary(e inquiry.Entry) InquirySummary {
	figures := e.Record.Figures
	row := InquirySummary{
		InquiryID:    e.ID,
		Index:        e.ID.Index(),
		ExternalID:   e.Inquiry.ExternalID,
		BusinessName: e.Inquiry.BusinessName,
		Status:       InquiryStatus(e.Record.Status),
		Attempts:     figures.Attempts,
		StartedAt:    timeOrNull(figures.StartedAt),
		FinishedAt:   timeOrNull(figures.FinishedAt),
		RerunOf:      e.Inquiry.RerunOf,
		Metadata:     e.Inquiry.Metadata,
	}
	switch {
	case e.Record.Status.Final():
		row.ProgressPercentage = 100
	case e.Record.Status == inquiry.StatusRunning:
		row.ProgressPercentage = 50
	}
	for name, src := range figures.Sources {
		if row.Sources == nil {
			row.Sources = map[string]string{}
		}
		row.Sources[name] = string(src.Outcome)
		row.SourceRecordCount += src.Records
	}
	for _, r := range e.Inquiry.Rejected {
		row.Errors = append(row.Errors, Fault{Pointer: r.Pointer, Code: r.Code, Message: r.Message})
	}
	if e.Record.Failure != "" {
		row.Failure = &InquiryFailure{Code: e.Record.Failure, Retryable: e.Record.Retryable}
	}
	return row
}

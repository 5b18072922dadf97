package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

type entriesInput struct {
	BatchPath
	Page
	Status     string `query:"status" enum:"PLANNING,RUNNING,COMPLETED,PARTIAL_SUCCESS,FAILED,CANCELLED" doc:"Only inquiries with this status." example:"FAILED"`
	ExternalID string `query:"externalId" maxLength:"128" doc:"Only inquiries with exactly this externalId." example:"LOAN-1001"`
}

func (in *entriesInput) query() (inquiry.EntryQuery, error) {
	from, err := in.from(inquiry.MaxInquiries)
	return inquiry.EntryQuery{
		Limit: in.Limit, Offset: in.Offset, From: from, Status: inquiry.Status(in.Status), ExternalID: in.ExternalID,
	}, err
}

type entriesOutput struct{ Body InquiryListBody }

// InquiryListBody is one page of a batch's inquiries, in the order in which
// they were submitted.
type InquiryListBody struct {
	BatchID   inquiry.BatchID  `json:"batchId" format:"uuid" doc:"The batch that was asked for."`
	Inquiries []InquirySummary `json:"inquiries" doc:"The inquiries on this page, in the order of submission."`
	Total     int              `json:"total" doc:"Inquiries that match the filters."`
	Limit     int              `json:"limit" doc:"The limit of the request."`
	Offset    int              `json:"offset" doc:"The offset of the request."`

	NextCursor *string `json:"nextCursor" doc:"Send it as cursor for the next page; null when this is the last one. A page may have fewer inquiries than limit and not be the last: it ends at 2.5 MB, and one filtered by status leaves out what has moved on meanwhile."`
}

// InquirySummary is how far one inquiry has come.
type InquirySummary struct {
	InquiryID          inquiry.ID        `json:"inquiryId" format:"uuid" doc:"The inquiry: ask for its report with this id."`
	Index              int               `json:"index" doc:"Position in the batch, from 0."`
	ExternalID         string            `json:"externalId,omitempty" doc:"Your own id of the inquiry, if you gave one."`
	BusinessName       string            `json:"businessName" doc:"Name of the business, as you gave it."`
	Status             string            `json:"status" enum:"PLANNING,RUNNING,COMPLETED,PARTIAL_SUCCESS,FAILED,CANCELLED" doc:"PLANNING while it waits for a worker, RUNNING while sources are asked. Then COMPLETED (every applicable source answered), PARTIAL_SUCCESS (one that is not required did not), FAILED (no useful report) or CANCELLED, which never change."`
	ProgressPercentage float64           `json:"progressPercentage" doc:"In percent: 0 while planning, 50 while running, 100 when final."`
	SourceRecordCount  int               `json:"sourceRecordCount" doc:"Source records in the report."`
	Attempts           int               `json:"attempts" doc:"How often a worker has started on it."`
	StartedAt          *time.Time        `json:"startedAt" doc:"When a worker first took it up; null before."`
	FinishedAt         *time.Time        `json:"finishedAt" doc:"When its status became final; null before."`
	Sources            map[string]string `json:"sources,omitempty" doc:"How each source answered, by its name, once the inquiry is final."`
	Failure            *InquiryFailure   `json:"failure,omitempty" doc:"Why there is no useful report."`
	Errors             []Fault           `json:"errors,omitempty" doc:"The rules that a rejected inquiry breaks; pointers are into the inquiry."`
	RerunOf            *inquiry.ID       `json:"rerunOf,omitempty" format:"uuid" doc:"The inquiry of the parent batch that this one repeats." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0002"`
	Metadata           map[string]string `json:"metadata,omitempty" doc:"The metadata that you gave it."`
}

// InquiryFailure is why an inquiry failed.
type InquiryFailure struct {
	Code      string `json:"code" doc:"Stable word for programs."`
	Retryable bool   `json:"retryable" doc:"Submitting the inquiry again may help."`
}

type entryInput struct {
	InquiryID string `path:"inquiry_id" doc:"The inquiry's id, a UUID." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0001"`
}

type entryOutput struct{ Body InquiryBody }

// InquiryBody is one inquiry with its business report.
type InquiryBody struct {
	InquirySummary
	BatchID inquiry.BatchID `json:"batchId" format:"uuid" doc:"The batch that the inquiry is part of."`
	Inquiry InquiryInput    `json:"inquiry" doc:"What was asked."`
	Report  *report.Report  `json:"report" doc:"Null until the inquiry is final."`
}

func (a *API) registerInquiries(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-inquiries", Errors: []int{http.StatusGone}, Method: http.MethodGet, Path: "/v1/batch-inquiries/{batch_id}/inquiries",
		Summary:     "List a batch's inquiries",
		Description: "Each inquiry's status, in the order of submission. A list at any offset costs the same. The reports are fetched one by one, by `inquiryId`. " + shortPages,
	}, func(ctx context.Context, in *entriesInput) (*entriesOutput, error) {
		id, err := inquiry.ParseBatchID(in.BatchID)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		query, err := in.query()
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		page, err := a.Batches.ListEntries(ctx, requestOf(ctx).Caller.LenderID, id, query)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &entriesOutput{InquiryListBody{
			BatchID: id, Inquiries: []InquirySummary{}, Total: page.Total, Limit: in.Limit, Offset: in.Offset, NextCursor: cursorTo(page.Next),
		}}
		for _, e := range page.Entries {
			out.Body.Inquiries = append(out.Body.Inquiries, summary(e))
		}
		if n := fitting(out.Body.Inquiries, pageRoom); n < len(page.Entries) {
			out.Body.Inquiries, out.Body.NextCursor = out.Body.Inquiries[:n], cursorTo(page.Entries[n].ID.Index())
		}
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-inquiry", Errors: []int{http.StatusGone}, Method: http.MethodGet, Path: "/v1/inquiries/{inquiry_id}",
		Summary:     "Get an inquiry with its business report",
		Description: "What was asked, how far it has come, and the report once the status is final: facts with the source records that state them, how well each candidate fits, scores, and what could not be looked up.",
	}, func(ctx context.Context, in *entryInput) (*entryOutput, error) {
		body, err := a.entry(ctx, in.InquiryID)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &entryOutput{body}, nil
	})
}

func (a *API) entry(ctx context.Context, text string) (InquiryBody, error) {
	id, err := inquiry.ParseID(text)
	if err != nil {
		return InquiryBody{}, err
	}
	entry, err := a.Batches.Entry(ctx, requestOf(ctx).Caller.LenderID, id)
	if err != nil {
		return InquiryBody{}, err
	}
	return inquiryBody(entry)
}

func summary(e inquiry.Entry) InquirySummary {
	figures := e.Record.Figures
	row := InquirySummary{
		InquiryID:    e.ID,
		Index:        e.ID.Index(),
		ExternalID:   e.Inquiry.ExternalID,
		BusinessName: e.Inquiry.BusinessName,
		Status:       string(e.Record.Status),
		Attempts:     figures.Attempts,
		StartedAt:    moment(figures.StartedAt),
		FinishedAt:   moment(figures.FinishedAt),
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

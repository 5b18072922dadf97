package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// batchesInput selects one page of a lender's batches.
type batchesInput struct {
	Paging
	Status        BatchStatus `query:"status" doc:"Only batches with this status." example:"COMPLETED"`
	OperationType string      `query:"operationType" enum:"SUBMIT,RERUN" doc:"Only batches created by this operation." example:"SUBMIT"`
	CreatedFrom   time.Time   `query:"createdFrom" doc:"Only batches submitted at or after this time (RFC 3339)." example:"2026-11-01T00:00:00Z"`
	CreatedTo     time.Time   `query:"createdTo" doc:"Only batches submitted before this time (RFC 3339)." example:"2026-12-01T00:00:00Z"`
	NamePrefix    string      `query:"namePrefix" maxLength:"250" doc:"Only batches whose name starts with this text. Case is ignored." example:"November"`
}

type batchesOutput struct{ Body BatchListBody }

// BatchListBody is one page of a lender's batches, newest first.
type BatchListBody struct {
	Batches []BatchBody `json:"batches" doc:"The batches on this page, newest first."`
	Total   int         `json:"total" doc:"Number of batches your lender has ever submitted, regardless of filters. The list contains only those that have not expired."`
	Limit   int         `json:"limit" doc:"The limit in the request."`
	Offset  int         `json:"offset" doc:"The offset in the request."`

	NextCursor *string `json:"nextCursor" doc:"Send this as cursor to get the next page. Null on the last page. Other pages may also have fewer batches than limit: each is limited in size, and a filtered page looks at no more than 500 batches, so it may even be empty."`
}

func (a *API) listRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "list-batches", Method: http.MethodGet, Path: "/v1/batch-inquiries", Tags: []string{tagBatches},
		Summary:     "List batches, newest first",
		Description: "Returns your lender's batches of the last 30 days with their status, including those submitted by other users. " + shortPages + pageCost + " A page with a filter always counts as 10.",
	}, reference{
		answers: map[string]string{"200": "One page of batches."},
		examples: func(*samples) ([]example, error) {
			return onlyExample("200", BatchListBody{Batches: []BatchBody{batchBody(sampleFinished())}, Total: 214, Limit: 1, NextCursor: cursorTo(213)}), nil
		},
	}, a.list)
}

// shortPages is part of the description of every list.
var shortPages = fmt.Sprintf("Read on until `nextCursor` is null: a page ends early if it would be larger than %s.", maxAnswerText)

// pageCost is part of the description of every list.
const pageCost = " A page counts as one request for every 50 items of `limit`."

func (a *API) list(ctx context.Context, in *batchesInput) (*batchesOutput, error) {
	query, err := in.query()
	if err != nil {
		return nil, err
	}
	rows := query.Limit
	if !query.Filter.IsZero() {
		rows = maxPage // as many as a filtered page looks at
	}
	if err := a.takeRowTokens(ctx, rows); err != nil {
		return nil, err
	}
	page, err := a.Batches.ListBatches(ctx, requestOf(ctx).Caller.LenderID, query)
	if err != nil {
		return nil, err
	}
	body := BatchListBody{Batches: []BatchBody{}, Total: page.Total, Limit: in.Limit, Offset: in.Offset, NextCursor: cursorTo(page.Next)}
	for _, b := range page.Batches {
		body.Batches = append(body.Batches, batchBody(b))
	}
	if n := fitting(body.Batches, pageRoom); n < len(page.Batches) {
		body.Batches, body.NextCursor = body.Batches[:n], cursorTo(page.Batches[n].Ordinal)
	}
	return &batchesOutput{body}, nil
}

// maxOrdinal is the highest position in a lender's list of batches.
const maxOrdinal = 9_999_999_999

func (in *batchesInput) query() (inquiry.BatchQuery, error) {
	from, err := in.from(maxOrdinal)
	if err != nil {
		return inquiry.BatchQuery{}, err
	}
	q := inquiry.BatchQuery{Limit: in.Limit, Offset: in.Offset, From: from, Filter: inquiry.BatchFilter{
		Status: inquiry.BatchStatus(in.Status), Operation: inquiry.Operation(in.OperationType),
		CreatedFrom: in.CreatedFrom, CreatedTo: in.CreatedTo, NamePrefix: in.NamePrefix,
	}}
	if q.Offset > 0 && !q.Filter.IsZero() {
		return q, invalidParameter("offset", "a filtered list does not support offset; use cursor")
	}
	return q, nil
}

package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// batchesInput asks for one page of a lender's batches.
type batchesInput struct {
	Page
	Status        string    `query:"status" enum:"PENDING,RUNNING,COMPLETED,PARTIAL_SUCCESS,FAILED,CANCELLED" doc:"Only batches with this status." example:"COMPLETED"`
	OperationType string    `query:"operationType" enum:"SUBMIT,RERUN" doc:"Only batches of this kind." example:"SUBMIT"`
	CreatedFrom   time.Time `query:"createdFrom" doc:"Only batches submitted at this moment or later (RFC 3339)." example:"2026-11-01T00:00:00Z"`
	CreatedTo     time.Time `query:"createdTo" doc:"Only batches submitted before this moment (RFC 3339)." example:"2026-12-01T00:00:00Z"`
	NamePrefix    string    `query:"namePrefix" maxLength:"250" doc:"Only batches whose name begins so, in upper or lower case." example:"November"`
}

// maxOrdinal is the highest place that a lender's list has room for.
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
		return q, parameterProblem("offset", "a filtered list is paged with cursor")
	}
	return q, nil
}

// A cursor is a number that clients have no business with: the place in a list
// from which the next page goes on. What it stands for is looked up below the
// caller's own lender, so that an invented one shows nothing of others.
const cursorMark = "c"

// cursorTo is the cursor of a page that begins at next; nil when there is none.
func cursorTo(next int) *string {
	if next == 0 {
		return nil
	}
	cursor := cursorMark + strconv.FormatInt(int64(next), 36)
	return &cursor
}

// from is what the page's cursor stands for; 0 when there is no cursor.
func (p Page) from(highest int64) (int, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	digits, marked := strings.CutPrefix(p.Cursor, cursorMark)
	n, err := strconv.ParseInt(digits, 36, 64)
	if !marked || err != nil || n < 1 || n > highest {
		return 0, parameterProblem("cursor", "send the nextCursor of an earlier page as it was")
	}
	if p.Offset > 0 {
		return 0, parameterProblem("offset", "send either cursor or offset")
	}
	return int(n), nil
}

// refuseUnclear answers a request with a query parameter that it has twice, or
// that must have a form and has no value. huma takes the first, and none for one
// that was not sent: the client would get a list without a filter that it meant to
// set.
func refuseUnclear(ctx huma.Context, next func(huma.Context)) {
	url := ctx.URL()
	sent := url.Query()
	for _, p := range ctx.Operation().Parameters {
		if p.In == "query" && len(sent[p.Name]) > 1 {
			r, w := humago.Unwrap(ctx)
			writeProblem(w, r, parameterProblem(p.Name, "the parameter is there more than once; give it one value"))
			return
		}
		if p.In != "query" || !sent.Has(p.Name) || sent.Get(p.Name) != "" {
			continue
		}
		if text := p.Schema.Type == huma.TypeString && p.Schema.Format == "" && p.Schema.Enum == nil; !text {
			r, w := humago.Unwrap(ctx)
			writeProblem(w, r, parameterProblem(p.Name, "the value is empty; leave the parameter out or give it one"))
			return
		}
	}
	next(ctx)
}

// parameterProblem is the problem of one query parameter.
func parameterProblem(name, message string) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, "validation", "Correct what errors lists and send the request again.")
	p.Errors = []Fault{{Parameter: name, Code: "invalid", Message: message}}
	return p
}

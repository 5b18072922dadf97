package httpapi

import (
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// BatchPath is the batch in a request's path.
type BatchPath struct {
	BatchID string `path:"batch_id" doc:"The batch's id, a UUID." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"`
}

// Idempotency is for requests that can be repeated but are carried out only once.
// The document describes the key in one place for all of them.
type Idempotency struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[\\x20-\\x7e]+$" patternDescription:"printable ASCII characters only"`
}

// Paging selects the page of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Maximum number of items to return." example:"50"`
	Offset int    `query:"offset" minimum:"0" maximum:"1000000000" default:"0" doc:"Number of items to skip. For the next page, add the number of items on this page to this page's offset." example:"0"`
	Cursor string `query:"cursor" maxLength:"12" doc:"The nextCursor of the previous page. Use it instead of offset, with the same filters. It neither skips nor repeats items, even while the list grows." example:"c1e"`
}

// maxPage is the largest limit of a list. It repeats the maximum in Paging's tag,
// which must be a literal; a test compares them.
const maxPage = 500

// A cursor is the position in a list where the next page begins, encoded so that
// clients do not compute with it. Positions are looked up within the caller's own
// lender, so a made-up cursor reveals nothing about others.
const cursorMark = "c"

// cursorTo returns the cursor of the page that begins at next, or nil if next is 0.
func cursorTo(next int) *string {
	if next == 0 {
		return nil
	}
	cursor := cursorMark + strconv.FormatInt(int64(next), 36)
	return &cursor
}

// from returns the position in the page's cursor, or 0 if there is no cursor.
func (p Paging) from(highest int64) (int, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	digits, marked := strings.CutPrefix(p.Cursor, cursorMark)
	n, err := strconv.ParseInt(digits, 36, 64)
	if !marked || err != nil || n < 1 || n > highest {
		return 0, invalidParameter("cursor", "send the nextCursor of an earlier page unchanged")
	}
	if p.Offset > 0 {
		return 0, invalidParameter("offset", "send either cursor or offset, not both")
	}
	return int(n), nil
}

// rejectAmbiguous rejects a query parameter that is repeated, or that is empty
// although its type has no empty value. huma would silently use the first value,
// or none, and the client would get a list without a filter that it meant to set.
func rejectAmbiguous(ctx huma.Context, next func(huma.Context)) {
	url := ctx.URL()
	sent := url.Query()
	for _, p := range ctx.Operation().Parameters {
		if p.In != "query" || !sent.Has(p.Name) {
			continue
		}
		message := ""
		switch mayBeEmpty := p.Schema.Type == huma.TypeString && p.Schema.Format == "" && p.Schema.Enum == nil; {
		case len(sent[p.Name]) > 1:
			message = "the parameter appears more than once; give it one value"
		case sent.Get(p.Name) == "" && !mayBeEmpty:
			message = "the value is empty; give one or omit the parameter"
		}
		if message != "" {
			r, w := humago.Unwrap(ctx)
			writeProblem(w, r, invalidParameter(p.Name, message))
			return
		}
	}
	next(ctx)
}

// invalidParameter is the problem of one query parameter or header.
func invalidParameter(name, message string) *Problem {
	p := newProblem(problem.Validation, fixErrors)
	p.Errors = []Fault{{Parameter: name, Code: codeInvalid, Message: message}}
	return p
}

// isJSON reports whether a Content-Type header means JSON in UTF-8. An absent
// header does.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || media != mediaJSON {
		return false
	}
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

// timeOrNull returns t for JSON: null if it is zero.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

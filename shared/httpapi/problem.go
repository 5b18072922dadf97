package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// Problem is an error answer as defined by RFC 9457. It repeats only member names,
// parameter names and externalIds from the request, which are the client's own. It never
// repeats other values, because they are personal data.
type Problem struct {
	Type      string  `json:"type" doc:"Kind of problem: a link to its paragraph on the reference page, relative to the address of the request. The part after #problem- is the stable name of the kind; compare that." format:"uri-reference" example:"/prod/v1/docs#problem-validation"`
	Title     string  `json:"title" doc:"Short description of the kind of problem."`
	Status    int     `json:"status" doc:"HTTP status code."`
	Detail    string  `json:"detail" doc:"What went wrong with this request, and what to do about it."`
	RequestID string  `json:"requestId,omitempty" doc:"Id of this request. Give it to support."`
	Errors    []Fault `json:"errors,omitempty" doc:"Everything that is wrong with the request."`

	kind problem.Name // completes Type
	wait int          // seconds for Retry-After; 0 means no header
}

// Fault is one error in a request.
type Fault struct {
	Pointer    string `json:"pointer,omitempty" doc:"JSON pointer (RFC 6901) to the place in the request body. Empty for the whole body." example:"/inquiries/3/ein"`
	Parameter  string `json:"parameter,omitempty" doc:"Name of the query parameter, path parameter or header, if the error is not in the body." example:"limit"`
	Index      *int   `json:"index,omitempty" doc:"Position of the inquiry in the batch, starting at 0."`
	ExternalID string `json:"externalId,omitempty" doc:"The inquiry's externalId, if it has one."`
	Code       string `json:"code" doc:"Stable code for programs." example:"duplicate"`
	Message    string `json:"message" doc:"What to change."`
}

// MarshalJSON always writes the pointer of a fault in the body, even an empty one, which
// means the whole body.
func (f Fault) MarshalJSON() ([]byte, error) {
	type fields Fault // without this method
	if f.Parameter != "" {
		return json.Marshal(fields(f))
	}
	return json.Marshal(struct {
		Pointer string `json:"pointer"`
		fields
	}{f.Pointer, fields(f)})
}

// newProblem returns a problem with the status and title of its kind.
func newProblem(name problem.Name, detail string) *Problem {
	kind := name.Kind()
	p := &Problem{kind: name, Title: kind.Title, Status: kind.Status, Detail: detail}
	switch {
	case kind.Status == http.StatusServiceUnavailable:
		p.wait = 2
	case name == problem.IdempotencyInFlight:
		p.wait = 1
	}
	return p
}

// of adds what only the request knows: its id, and the address of the reference page.
func (p *Problem) of(r Request) *Problem {
	p.RequestID, p.Type = r.ID, problem.Type(r.Prefix, p.kind)
	return p
}

func internalProblem() *Problem {
	return newProblem(problem.Internal, "The error is on our side and has been logged. Try again. If the error persists, give the requestId to support.")
}

func suspended() *Problem {
	return newProblem(problem.Suspended, "Your account or your lender is suspended. Contact support.")
}

func methodNotAllowed() *Problem {
	return newProblem(problem.MethodNotAllowed, "The Allow header lists the methods that you can use.")
}

func (p *Problem) Error() string { return p.Title }

// GetStatus makes a Problem an error that huma can answer with.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that huma sends with the problem.
func (p *Problem) GetHeaders() http.Header {
	headers := http.Header{}
	if p.wait > 0 {
		headers.Set(headerRetryAfter, strconv.Itoa(p.wait))
	}
	if p.Status == http.StatusUnauthorized {
		// API Gateway renames this header to X-Amzn-Remapped-Www-Authenticate in answers
		// of a function, but not in its own.
		headers.Set(headerAuthenticate, problem.Challenge(p.Detail))
	}
	return headers
}

// ContentType makes huma send a Problem with its own media type.
func (p *Problem) ContentType(string) string { return mediaProblem }

// problem turns an error into an answer. An unknown error becomes a 500 with fixed text,
// and its cause is logged.
func (a *API) problem(ctx context.Context, err error) error {
	p := known(err)
	if p == nil {
		p = internalProblem()
		if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, inquiry.ErrUnavailable) {
			p = unavailable()
		}
		a.Log.ErrorContext(ctx, "request failed", "requestId", requestOf(ctx).ID, "err", err)
	}
	p.of(requestOf(ctx))
	return p
}

func unavailable() *Problem {
	return newProblem(problem.Unavailable,
		"A service that we depend on did not answer in time. The request may have been carried out: send it again in a moment, with the same Idempotency-Key.")
}

// known returns the problem for an error, or nil if the error is unexpected. It is the
// only switch from errors to problems.
func known(err error) *Problem {
	if invalid, ok := errors.AsType[*inquiry.ValidationError](err); ok {
		return validationProblem(invalid.Faults)
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, inquiry.ErrDeleted):
		return newProblem(problem.Deleted, "The batch's data was deleted at your lender's request. Its status and counts remain.")
	case errors.Is(err, inquiry.ErrUnfinished):
		return newProblem(problem.NotFinished, "The batch is still running. Wait until it has finished, or cancel it first.")
	case errors.Is(err, inquiry.ErrFinished):
		return newProblem(problem.NotCancellable, "The batch has finished, so there is nothing left to cancel.")
	case errors.Is(err, inquiry.ErrNotFound):
		return newProblem(problem.NotFound, "It does not exist, or it belongs to another lender.")
	case errors.Is(err, inquiry.ErrIdempotencyMismatch):
		return newProblem(problem.IdempotencyMismatch,
			"This Idempotency-Key was used for a different request within the last 24 hours. Use a new key for a new request.")
	case errors.Is(err, inquiry.ErrSuspended):
		return suspended()
	case errors.Is(err, auth.ErrEndedKey):
		return newProblem(problem.KeyRevoked, problem.KeyEnded)
	case errors.Is(err, auth.ErrNeedsToken):
		return newProblem(problem.TokenRequired, "An API key cannot replace itself. Sign in and send this request with your token.")
	case errors.Is(err, inquiry.ErrTooLarge):
		return newProblem(problem.TooLarge, "The batch is too large to store. Split it into smaller batches.")
	case errors.Is(err, inquiry.ErrConflict):
		return newProblem(problem.Conflict, "Other requests kept changing the same data at the same time. Send the request again in a moment.")
	}
	return nil
}

// maxFaults limits how many faults an answer lists. More would help nobody.
const maxFaults = 5000

func validationProblem(faults []inquiry.Fault) *Problem {
	p := newProblem(problem.Validation, "Nothing was stored. "+fixErrors)
	if p.Errors = listed(faults); len(p.Errors) < len(faults) {
		p.Detail = "Nothing was stored. There are more errors than are listed here. Fix these and send the request again."
	}
	return p
}

// fixErrors is the detail of every problem that lists errors.
const fixErrors = "Fix the listed errors and send the request again."

// listed returns a body's faults as an answer lists them, as many as fit.
func listed(faults []inquiry.Fault) []Fault {
	var list []Fault
	for _, f := range faults[:min(len(faults), maxFaults)] {
		one := Fault{Pointer: inquiry.ClipPointer(f.Pointer), ExternalID: f.ExternalID, Code: f.Code, Message: f.Message}
		if f.Index >= 0 {
			one.Index = &f.Index
		}
		list = append(list, one)
	}
	return list[:fitting(list, faultsRoom)]
}

// writeProblem writes an answer outside of huma.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.of(requestOf(r.Context()))
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		slog.ErrorContext(r.Context(), "writing problem", "err", err)
	}
}

// init replaces huma's errors, which quote the rejected values, and its texts, which are
// written for programmers. All of these are global variables, so they must be set before
// anything runs.
func init() {
	huma.DefaultArrayNullable = false // our lists may be empty but are never null
	validation.MsgExpectedOneOf = "give one of %s"
	validation.MsgExpectedMinimumNumber = "give a number of %.0f or more" // all our limits are integers
	validation.MsgExpectedMaximumNumber = "give a number of %.0f or less"
	validation.MsgExpectedMinLength = "give at least %d characters"
	validation.MsgExpectedMaxLength = "give at most %d characters"
	validation.MsgExpectedBePattern = "give %s"
	huma.NewErrorWithContext = func(ctx huma.Context, status int, text string, errs ...error) huma.StatusError {
		p := ofStatus(status)
		if status == http.StatusBadRequest && text == "request body is required" { // huma's text
			p.Detail = "The body is empty. Send a JSON body."
		}
		for _, err := range errs {
			detail, ok := err.(huma.ErrorDetailer)
			if !ok {
				continue
			}
			_, name, _ := strings.Cut(detail.ErrorDetail().Location, ".")
			p.Errors = append(p.Errors, Fault{
				Parameter: cmp.Or(name, detail.ErrorDetail().Location),
				Code:      codeInvalid,
				Message:   parameterText(detail.ErrorDetail().Message),
			})
		}
		if ctx == nil { // there is no request: huma only needs the type
			return p
		}
		return p.of(requestOf(ctx.Context()))
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return huma.NewErrorWithContext(nil, status, msg, errs...)
	}
}

// parameterText returns our text for huma's message about a parameter: either init has
// set it already, or it is replaced because it mentions Go.
func parameterText(message string) string {
	for _, text := range parameterTexts {
		if strings.HasPrefix(message, text.huma) {
			return text.ours
		}
	}
	return message
}

var parameterTexts = []struct{ huma, ours string }{
	{"invalid date/time", "give a date and time with a time zone (RFC 3339), such as 2026-11-23T00:00:00Z; in a URL, write a plus sign as %2B"},
	{"invalid integer", "give an integer, digits only"},
	{"unknown query parameter", "this parameter does not exist; remove it or correct its name"},
}

// ofStatus returns the problem for an error that huma found.
func ofStatus(status int) *Problem {
	switch status {
	case http.StatusBadRequest:
		return newProblem(problem.Malformed, "The request cannot be read.")
	case http.StatusUnprocessableEntity:
		return newProblem(problem.Validation, fixErrors)
	case http.StatusRequestEntityTooLarge:
		return newProblem(problem.TooLarge, "A request body can have at most "+maxBodyText+". Split the batch into smaller ones.")
	case http.StatusUnsupportedMediaType:
		return newProblem(problem.UnsupportedType, "Send the body as application/json in UTF-8.")
	case http.StatusNotAcceptable:
		return newProblem(problem.NotAcceptable, "The response is available only as application/json.")
	}
	return internalProblem()
}

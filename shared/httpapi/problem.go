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

// Problem is an error answer as RFC 9457 defines it. Of what the client sent it
// repeats names of members and parameters, and externalIds, which are the client's
// own; never another value, because values are personal data.
type Problem struct {
	Type      string  `json:"type" doc:"The kind of problem: the address of its paragraph on the reference page, relative to the request's. What follows #problem- is the kind's stable name; compare that." format:"uri-reference" example:"/prod/v1/docs#problem-validation"`
	Title     string  `json:"title" doc:"The kind of problem in words."`
	Status    int     `json:"status" doc:"The HTTP status code."`
	Detail    string  `json:"detail" doc:"What went wrong this time, and what to do about it."`
	RequestID string  `json:"requestId,omitempty" doc:"Names this request; give it to support."`
	Errors    []Fault `json:"errors,omitempty" doc:"Everything that is wrong with the request."`

	kind string // of package problem; completes Type
	wait int    // seconds for Retry-After; 0 is none
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Pointer    string `json:"pointer,omitempty" doc:"JSON pointer (RFC 6901) to the place in the request body; empty when it is the whole of it." example:"/inquiries/3/ein"`
	Parameter  string `json:"parameter,omitempty" doc:"Name of the query parameter, path parameter or header, if the fault is not in the body." example:"limit"`
	Index      *int   `json:"index,omitempty" doc:"Position of the inquiry in the batch, from 0."`
	ExternalID string `json:"externalId,omitempty" doc:"The inquiry's externalId, if it has one."`
	Code       string `json:"code" doc:"Stable word for programs." example:"duplicate"`
	Message    string `json:"message" doc:"What to change."`
}

// MarshalJSON shows the pointer to the whole body, which is an empty text, unless
// the fault is in a parameter.
func (f Fault) MarshalJSON() ([]byte, error) {
	type plain Fault
	if f.Parameter != "" {
		return json.Marshal(plain(f))
	}
	return json.Marshal(struct {
		Pointer string `json:"pointer"`
		plain
	}{f.Pointer, plain(f)})
}

// newProblem takes the title from the list of all kinds, in package problem.
func newProblem(status int, kind, detail string) *Problem {
	known, ok := problem.Of(kind)
	if !ok {
		panic("httpapi: package problem has no kind " + kind) // our own constant
	}
	p := &Problem{kind: kind, Title: known.Title, Status: status, Detail: detail}
	switch {
	case status == http.StatusServiceUnavailable:
		p.wait = 2
	case kind == "idempotency-in-flight":
		p.wait = 1
	}
	return p
}

// of completes the problem with what only the request knows: its id, and the
// address under which the client finds the reference page.
func (p *Problem) of(r Request) *Problem {
	p.RequestID, p.Type = r.ID, problem.Type(r.Prefix, p.kind)
	return p
}

func internalProblem() *Problem {
	return newProblem(http.StatusInternalServerError, "internal", "The error is ours and has been logged. Try again; if it stays, give support the requestId.")
}

func (p *Problem) Error() string { return p.Title }

// GetStatus makes a Problem an error that huma answers with.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders makes huma send what a problem says in headers.
func (p *Problem) GetHeaders() http.Header {
	headers := http.Header{}
	if p.wait > 0 {
		headers.Set("Retry-After", strconv.Itoa(p.wait))
	}
	if p.Status == http.StatusUnauthorized {
		// API Gateway renames it to X-Amzn-Remapped-Www-Authenticate on its way out
		// of a function, and keeps the name for its own answers.
		headers.Set("WWW-Authenticate", problem.Challenge(p.Detail))
	}
	return headers
}

// ContentType makes huma send a Problem under its own media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// problem is the one place where an error becomes an answer. What it does not
// know is a 500 with fixed text, and its cause goes to the log.
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
	return newProblem(http.StatusServiceUnavailable, "unavailable",
		"Something that we depend on did not answer in time. The request may have been carried out: send it again in a moment, with the same Idempotency-Key.")
}

func known(err error) *Problem {
	if invalid, ok := errors.AsType[*inquiry.ValidationError](err); ok {
		return validationProblem(invalid.Faults)
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, inquiry.ErrDeleted):
		return newProblem(http.StatusGone, "deleted", "The batch's data was deleted at your request. Its status and counts remain.")
	case errors.Is(err, inquiry.ErrUnfinished):
		return newProblem(http.StatusConflict, "not-finished", "The batch is still running. Wait until it has finished, or cancel it first.")
	case errors.Is(err, inquiry.ErrNotFound):
		return newProblem(http.StatusNotFound, "not-found", "There is no such thing, or it is not yours.")
	case errors.Is(err, inquiry.ErrIdempotencyMismatch):
		return newProblem(http.StatusUnprocessableEntity, "idempotency-mismatch",
			"This Idempotency-Key was used within 24 hours for another request. Use a new key for a new request.")
	case errors.Is(err, inquiry.ErrSuspended):
		return newProblem(http.StatusForbidden, problem.Suspended, suspendedDetail)
	case errors.Is(err, auth.ErrEndedKey):
		return newProblem(http.StatusUnauthorized, problem.KeyRevoked, problem.KeyEnded)
	case errors.Is(err, inquiry.ErrTooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, "too-large", "The batch is too large to store. Split it into smaller ones.")
	case errors.Is(err, inquiry.ErrConflict):
		return newProblem(http.StatusServiceUnavailable, "conflict", "Others changed the same thing at the same moment, several times in a row. Send the request again in a moment.")
	}
	return nil
}

const suspendedDetail = "You or your lender may not use the service at the moment. Ask your contact with us."

// maxFaults bounds how many faults an answer lists: more are no help to anyone.
const maxFaults = 5000

func validationProblem(faults []inquiry.Fault) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, "validation", "Nothing was stored. Correct what errors lists and send the request again.")
	if p.Errors = listed(faults); len(p.Errors) < len(faults) {
		p.Detail = "Nothing was stored. There are more errors than are listed here; correct these and send the request again."
	}
	return p
}

// listed are faults of a body as an answer lists them, as many as it has room
// for.
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

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.of(requestOf(r.Context()))
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		slog.ErrorContext(r.Context(), "writing problem", "err", err)
	}
}

// init replaces huma's own errors, which quote the values they complain about,
// and its words, which are a programmer's. All of these are global variables, so
// they are set before anything runs.
func init() {
	huma.DefaultArrayNullable = false // our lists are empty when there is nothing, never null
	validation.MsgExpectedOneOf = "give one of %s"
	validation.MsgExpectedMinimumNumber = "give a number of %.0f or more" // our limits are whole numbers
	validation.MsgExpectedMaximumNumber = "give a number of %.0f or less"
	validation.MsgExpectedMinLength = "give at least %d characters"
	validation.MsgExpectedMaxLength = "give at most %d characters"
	validation.MsgExpectedBePattern = "give %s"
	huma.NewErrorWithContext = func(ctx huma.Context, status int, text string, errs ...error) huma.StatusError {
		p := ofStatus(status)
		if status == http.StatusBadRequest && text == "request body is required" { // huma's words
			p.Detail = "The body is empty. Send JSON."
		}
		for _, err := range errs {
			detail, ok := err.(huma.ErrorDetailer)
			if !ok {
				continue
			}
			_, name, _ := strings.Cut(detail.ErrorDetail().Location, ".")
			p.Errors = append(p.Errors, Fault{
				Parameter: cmp.Or(name, detail.ErrorDetail().Location),
				Code:      "invalid",
				Message:   parameterText(detail.ErrorDetail().Message),
			})
		}
		if ctx == nil { // nobody's request: huma asks for the type alone
			return p
		}
		return p.of(requestOf(ctx.Context()))
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return huma.NewErrorWithContext(nil, status, msg, errs...)
	}
}

// parameterText says in our words what huma found wrong with a parameter: the
// words that init has set, or one of its own that speak of Go.
func parameterText(message string) string {
	for _, said := range parameterTexts {
		if strings.HasPrefix(message, said.huma) {
			return said.ours
		}
	}
	return message
}

var parameterTexts = []struct{ huma, ours string }{
	{"invalid date/time", "give a date and a time with its zone (RFC 3339), such as 2026-11-23T00:00:00Z; in an address, a plus sign is written %2B"},
	{"invalid integer", "give a whole number in digits"},
	{"unknown query parameter", "there is no such parameter; remove it or correct its name"},
}

// ofStatus is the problem for an error that huma found itself.
func ofStatus(status int) *Problem {
	switch status {
	case http.StatusBadRequest:
		return newProblem(status, "malformed", "The request cannot be read.")
	case http.StatusUnprocessableEntity:
		return newProblem(status, "validation", "Correct what errors lists and send the request again.")
	case http.StatusRequestEntityTooLarge:
		return newProblem(status, "too-large", "A request body has at most 5 MiB. Split the batch into smaller ones.")
	case http.StatusUnsupportedMediaType:
		return newProblem(status, "unsupported-media", "Send application/json, in UTF-8.")
	case http.StatusNotAcceptable:
		return newProblem(status, "not-acceptable", "The answer is application/json.")
	}
	return internalProblem()
}

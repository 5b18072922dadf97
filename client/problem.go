package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is the API saying no (RFC 9457). It never holds a value that was sent,
// so it may be logged.
type Problem struct {
	Type      string  `json:"type"`      // the kind's address; compare [Problem.Kind] instead
	Title     string  `json:"title"`     // the kind in words
	Status    int     `json:"status"`    // HTTP's
	Detail    string  `json:"detail"`    // what went wrong this time, and what to do about it
	RequestID string  `json:"requestId"` // for support
	Errors    []Fault `json:"errors"`    // everything that is wrong with the request

	// RetryAfter is how long the API asked to wait; 0 if it did not say.
	RetryAfter time.Duration `json:"-"`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Pointer    string `json:"pointer"`    // JSON pointer (RFC 6901) into the body, such as /inquiries/3/ein
	Parameter  string `json:"parameter"`  // the query parameter, path parameter or header, if it is not the body
	Index      *int   `json:"index"`      // position of the inquiry, from 0; nil if it is none's
	ExternalID string `json:"externalId"` // the inquiry's, if it has one
	Code       string `json:"code"`       // for programs
	Message    string `json:"message"`    // what to change
}

// Kinds of problem that programs tell apart. The API's reference lists them all.
const (
	KindValidation          = "validation"
	KindIdempotencyMismatch = "idempotency-mismatch"
	KindNotFound            = "not-found"
	KindNotCancellable      = "not-cancellable"
	KindNotFinished         = "not-finished"
	KindNothingToRerun      = "nothing-to-rerun"
	KindRateLimited         = "rate-limited"
	KindTooManyOpen         = "too-many-open"
)

// IsKind reports whether an error is a [*Problem] of a kind.
func IsKind(err error, kind string) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Kind() == kind
}

// Kind is the stable name of the kind of problem, such as "validation"; empty
// when what answered was not the API.
func (p *Problem) Kind() string {
	if _, kind, ok := strings.Cut(p.Type, "#problem-"); ok {
		return kind
	}
	return p.Type[strings.LastIndex(p.Type, ":")+1:]
}

// Temporary reports whether the same request may succeed later.
func (p *Problem) Temporary() bool {
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		return true
	case http.StatusConflict: // with a time, the same request is being worked on
		return p.RetryAfter > 0
	case http.StatusNotImplemented:
		return false
	}
	return p.Status >= http.StatusInternalServerError
}

// mostFaults keeps an error's text readable; Errors has them all.
const mostFaults = 10

func (p *Problem) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %s", p.Status, p.Title)
	if p.Detail != "" {
		fmt.Fprintf(&s, ": %s", p.Detail)
	}
	if p.RequestID != "" {
		fmt.Fprintf(&s, " (request %s)", p.RequestID)
	}
	for i, f := range p.Errors {
		if i == mostFaults {
			fmt.Fprintf(&s, "\n  and %d more", len(p.Errors)-mostFaults)
			break
		}
		fmt.Fprintf(&s, "\n  %s", f)
	}
	return s.String()
}

func (f Fault) String() string {
	place := f.Pointer
	if f.Parameter != "" {
		place = f.Parameter
	}
	if f.ExternalID != "" {
		place += " (" + f.ExternalID + ")"
	}
	return place + ": " + f.Message
}

// problemOf reads an error answer. One that is no problem document comes from
// something between us and the API: a gateway's message is kept, a page is not.
func problemOf(resp *http.Response, body []byte) *Problem {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Type == "" {
		var gateway struct{ Message string }
		_ = json.Unmarshal(body, &gateway) // it says something, or it does not
		p = Problem{Detail: cmp.Or(gateway.Message, "the answer is not the API's own")}
	}
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(resp.StatusCode)
	}
	p.RetryAfter = retryAfter(resp.Header)
	return &p
}

// retryAfter is how long an answer asks to wait, in seconds or until a date.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

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

// Problem is an error response from the API (RFC 9457). It never contains a value
// from the request, so it is safe to log.
type Problem struct {
	Type      string  `json:"type"`      // the kind's address; compare [Problem.Kind] instead
	Title     string  `json:"title"`     // the kind in words
	Status    int     `json:"status"`    // the HTTP status code
	Detail    string  `json:"detail"`    // what went wrong this time, and what to do about it
	RequestID string  `json:"requestId"` // for support
	Errors    []Fault `json:"errors"`    // everything that is wrong with the request

	// RetryAfter is the time that the API asked the client to wait; 0 if it did not.
	RetryAfter time.Duration `json:"-"`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Pointer    string `json:"pointer"`    // JSON pointer (RFC 6901) into the body, such as /inquiries/3/ein
	Parameter  string `json:"parameter"`  // name of the query parameter, path parameter or header, if the fault is not in the body
	Index      *int   `json:"index"`      // position of the inquiry, from 0; nil if the fault is not in an inquiry
	ExternalID string `json:"externalId"` // of the inquiry, if it has one
	Code       string `json:"code"`       // for programs
	Message    string `json:"message"`    // what to change
}

// The kinds of problem that programs distinguish. The API reference lists them all.
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

// IsKind reports whether err is a [*Problem] of this kind.
func IsKind(err error, kind string) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Kind() == kind
}

// Kind returns the stable name of the kind of problem, such as "validation". It is
// empty when the response did not come from the API.
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
	case http.StatusConflict: // with a Retry-After, the same request is still being processed
		return p.RetryAfter > 0
	case http.StatusNotImplemented:
		return false
	}
	return p.Status >= http.StatusInternalServerError
}

// maxPrintedFaults keeps an error's text readable; Errors has them all.
const maxPrintedFaults = 10

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
		if i == maxPrintedFaults {
			fmt.Fprintf(&s, "\n  and %d more", len(p.Errors)-maxPrintedFaults)
			break
		}
		fmt.Fprintf(&s, "\n  %s", f)
	}
	return s.String()
}

func (f Fault) String() string {
	place := cmp.Or(f.Parameter, f.Pointer)
	if f.ExternalID != "" {
		place += " (" + f.ExternalID + ")"
	}
	return place + ": " + f.Message
}

// problemOf reads an error response. If it is not a problem document, it comes from
// something between the client and the API. problemOf then keeps a gateway's JSON
// message, but not an HTML page.
func problemOf(resp *http.Response, body []byte) *Problem {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Type == "" {
		var gateway struct{ Message string }
		_ = json.Unmarshal(body, &gateway) // without a message, the default below is used
		p = Problem{Detail: cmp.Or(gateway.Message, "the response did not come from the API")}
	}
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(resp.StatusCode)
	}
	p.RetryAfter = retryAfter(resp.Header)
	return &p
}

// retryAfter returns the time until the moment in Retry-After, which is a number of
// seconds or a date; 0 if there is none.
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

// Package httpapi is the HTTP interface of the service: routes, request and response
// bodies, problem documents (RFC 9457) and the API reference. Batches and keys are
// stored elsewhere, behind the interfaces of this package.
//
// Each route has a file of its own with everything that concerns it: the handler and
// what the reference says about it. To add a route, add such a file and a line to
// routes.
package httpapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// Batches stores lenders' batches. Every method is limited to the lender given: data
// of other lenders is inquiry.ErrNotFound.
type Batches interface {
	Lender(context.Context, inquiry.LenderID) (inquiry.Lender, error)
	Submit(context.Context, inquiry.Lender, inquiry.Submission) (id inquiry.BatchID, replayed bool, err error)

	// Recall returns the batch that was submitted with an idempotency key, or
	// inquiry.ErrNotFound if the key is new.
	Recall(ctx context.Context, lender inquiry.LenderID, idempotencyKey string, fingerprint [sha256.Size]byte) (inquiry.BatchID, error)

	Batch(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, error)
	RequestCancel(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, error)

	// RequestCancelOnce is RequestCancel with an idempotency key.
	RequestCancelOnce(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, idempotencyKey string) (b inquiry.Batch, replayed bool, err error)

	Delete(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, error)
	Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error)
	ListBatches(context.Context, inquiry.LenderID, inquiry.BatchQuery) (inquiry.BatchPage, error)
	ListEntries(context.Context, inquiry.LenderID, inquiry.BatchID, inquiry.EntryQuery) (inquiry.EntryPage, error)
	Entry(context.Context, inquiry.LenderID, inquiry.ID) (inquiry.Entry, error)

	// BeginWait takes one of the lender's places for requests that wait, until end is
	// called, or until the lease is over if the function dies. left is the number of
	// places that remain. If there is none, the error is inquiry.ErrTooManyWaits.
	BeginWait(ctx context.Context, lender inquiry.LenderID, places int, lease time.Duration) (end func(context.Context) error, left int, err error)
}

// APIKeys stores one API key per user. If the caller's own API key has ended, every
// method returns auth.ErrEndedKey.
type APIKeys interface {
	// Show returns the key, creating it on the first call. A revoked key is
	// inquiry.ErrNotFound.
	Show(ctx context.Context, caller auth.Caller) (key string, err error)

	// Rotate ends the key, if there is one, and returns a new one. Repeating the
	// request within 24 hours returns the same key, or inquiry.ErrNotFound if it has
	// been revoked since.
	Rotate(ctx context.Context, caller auth.Caller, idempotencyKey string) (key string, replayed bool, err error)

	// Revoke ends the key. It is not an error if there is none.
	Revoke(ctx context.Context, caller auth.Caller) error
}

// Access reads again who may use the service.
type Access interface {
	// RoleNow returns the caller's current role. Since the gateway last checked, the
	// caller may have lost the role, the key or all access: then RoleNow returns
	// inquiry.ErrSuspended or auth.ErrEndedKey.
	RoleNow(ctx context.Context, caller auth.Caller) (auth.Role, error)
}

// API answers requests of callers that the authorizer has verified.
type API struct {
	Batches Batches
	Access  Access
	Keys    APIKeys
	Exports Exports
	Now     func() time.Time
	Metrics *metrics.Writer
	Log     *slog.Logger

	// PortalOrigin is the origin whose scripts may read answers; "" means none.
	PortalOrigin string

	// Pause waits between two reads of a long poll; nil means in real time.
	Pause func(context.Context, time.Duration) error

	requests    *fairuse.Buckets // one per lender
	polls       *fairuse.Buckets // one per batch
	submissions *bodyReader      // for the routes that submit
}

// Request is what API Gateway knows about a request in addition to the HTTP request
// itself.
type Request struct {
	ID     string // API Gateway's id; the caller's own X-Request-Id replaces it
	Caller auth.Caller

	// Suspended means that the credential is valid but its user or lender is
	// suspended. There is no Caller then.
	Suspended bool

	Prefix string // the part of the client's address before /v1, such as "/dev"

	limits *limits // for the answer's headers; the routes add to it
}

type requestKey struct{}

// WithRequest returns a context that carries r to the routes.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// requestOf returns the Request in the context, or an empty one, whose lender owns
// nothing.
func requestOf(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// routes lists the routes of the API, each in its own file. The routes of the
// reference itself are in renderings.
var routes = slices.Concat([]func(*API, huma.API){
	(*API).submitRoute,
	(*API).listRoute,
	(*API).pollRoute,
	(*API).cancelRoute,
	(*API).deleteRoute,
	(*API).rerunRoute,
	(*API).inquiriesRoute,
	(*API).resultsRoute,
	(*API).singleRoute,
	(*API).inquiryRoute,
}, keyRoutes, []func(*API, huma.API){
	(*API).meRoute,
})

// keyRoutes are the routes of API keys, which a function of their own serves.
var keyRoutes = []func(*API, huma.API){
	(*API).showKeyRoutes,
	(*API).rotateKeyRoute,
	(*API).revokeKeyRoute,
}

// Handler returns the API as an http.Handler. Every request must have a [Request] in
// its context. If there are no Keys, the routes of API keys only appear in the
// reference.
func (a *API) Handler() http.Handler {
	if a.Keys == nil {
		a.Keys = keysElsewhere{}
	}
	mux := http.NewServeMux()
	a.serveReference(mux, a.register(mux, routes))
	return a.serve(mux)
}

// KeyHandler is Handler with only the routes of API keys. It needs no Batches.
func (a *API) KeyHandler() http.Handler {
	mux := http.NewServeMux()
	a.register(mux, keyRoutes)
	return a.serve(mux)
}

// serve returns the routes in the mux with what all of them share.
func (a *API) serve(mux *http.ServeMux) http.Handler {
	a.requests, a.polls = fairuse.NewBuckets(fairuse.Requests), fairuse.NewBuckets(fairuse.Polls)
	mux.HandleFunc("/", unrouted(mux))
	return a.outer(mux)
}

// register adds routes to the mux and returns their document, without examples.
func (a *API) register(mux *http.ServeMux, routes []func(*API, huma.API)) *huma.OpenAPI {
	api := humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "Batch Inquiries", Version: "1.0.0"},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName)},
		},
		Formats:                      map[string]huma.Format{mediaJSON: huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                mediaJSON,
		RejectUnknownQueryParameters: true,
	})
	api.UseMiddleware(rejectAmbiguous)
	a.submissions = newBodyReader[SubmitBody](api.OpenAPI(), "inquiries", a.Now)
	for _, add := range routes {
		add(a, api)
	}
	describe(api.OpenAPI())
	return api.OpenAPI()
}

// schemaName returns the name of a type's schema. Types of a report get a prefix, as
// they have the same names as the types of sources that they are made from.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == reflect.TypeFor[report.Report]().PkgPath() && name != "Report" {
		return "Report" + name
	}
	return name
}

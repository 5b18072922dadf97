// Package httpapi is the HTTP face of the service: routes, request and response
// bodies, and problem documents (RFC 9457). It knows the API reference; what a
// batch is and how it is kept is not its business.
package httpapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// Batches keeps lenders' batches. All of it is scoped to the lender given, and
// what is not that lender's is inquiry.ErrNotFound.
type Batches interface {
	Lender(context.Context, inquiry.LenderID) (inquiry.Lender, error)
	Submit(context.Context, inquiry.Lender, inquiry.Submission) (id inquiry.BatchID, replayed bool, err error)

	// Recall returns the batch that an idempotency key stands for; a new key is
	// inquiry.ErrNotFound.
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
}

// APIKeys keeps one API key for each user. To a caller who came with a key that
// has ended, all of it is auth.ErrEndedKey.
type APIKeys interface {
	// Show returns the key, which the first call creates; after Revoke it is
	// inquiry.ErrNotFound.
	Show(ctx context.Context, caller auth.Caller) (key string, err error)

	// Rotate ends the key, if there is one, and returns another: the same one when
	// the request is repeated within 24 hours, and inquiry.ErrNotFound when that
	// was revoked since.
	Rotate(ctx context.Context, caller auth.Caller, idempotencyKey string) (key string, replayed bool, err error)

	// Revoke ends the key; that there is none is no error.
	Revoke(ctx context.Context, caller auth.Caller) error

	// RoleNow is the caller's role at this moment, as they may have lost it, their
	// key or all access since the gateway last asked.
	RoleNow(ctx context.Context, caller auth.Caller) (auth.Role, error)
}

// API answers the requests of callers that the authorizer has verified.
type API struct {
	Batches Batches
	Keys    APIKeys
	Exports Exports
	Now     func() time.Time
	Log     *slog.Logger

	// PortalOrigin is the origin whose scripts may read our answers; "" is none.
	PortalOrigin string

	// Pause waits while a caller waits for a change; nil means in real time.
	Pause func(context.Context, time.Duration) error

	requests *fairuse.Buckets // one for each lender
	polls    *fairuse.Buckets // one for each batch
}

// Request is what API Gateway says of a request beside the HTTP request itself.
type Request struct {
	ID     string // API Gateway's; a caller's own X-Request-Id takes its place
	Caller auth.Caller

	// Suspended: the credential is genuine and may not be used; there is no Caller.
	Suspended bool

	Prefix string // what stands before /v1 in the address the client used, such as "/dev"

	limits *limits // of the answer; the routes add to it
}

type requestKey struct{}

// WithRequest returns a context that carries r to the routes.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// requestOf returns what WithRequest put in, or an empty Request, whose lender
// owns nothing.
func requestOf(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// Handler returns the API as an http.Handler. Every request must come with a
// [Request] in its context.
func (a *API) Handler() http.Handler {
	a.requests, a.polls = fairuse.NewBuckets(fairuse.Requests), fairuse.NewBuckets(fairuse.Polls)
	mux := http.NewServeMux()
	api := humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "Batch Inquiries", Version: "1.0.0"},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName)},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	})
	api.UseMiddleware(refuseUnclear)
	submissions := a.registerBatches(api)
	a.registerPolling(api)
	a.registerCancel(api)
	a.registerDelete(api)
	a.registerRerun(api)
	a.registerResults(api)
	a.registerSingle(api, submissions)
	a.registerInquiries(api)
	a.registerKeys(api)
	a.registerMe(api)
	describe(api.OpenAPI())
	a.serveReference(mux, api.OpenAPI())
	mux.HandleFunc("/", unrouted(mux))
	return a.outer(mux)
}

// schemaName names a type in the API's document. A report's parts have the names
// of the sources' parts that they are made of, so they say whose they are.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == reflect.TypeFor[report.Report]().PkgPath() && name != "Report" {
		return "Report" + name
	}
	return name
}

// Package gateway adapts requests that API Gateway lets through to package httpapi,
// which has the routes. Every function behind the API uses it.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Handler answers requests from API Gateway.
type Handler struct {
	adapter *httpadapter.HandlerAdapter
	log     *slog.Logger
}

// New returns a Handler that answers with the routes of package httpapi.
func New(api http.Handler, log *slog.Logger) *Handler {
	return &Handler{adapter: httpadapter.New(api), log: log}
}

// Handle answers one request. Only the API reference and OPTIONS requests are
// public: they do not pass the authorizer and have no caller. Any other request
// without a caller means that the deployment is wrong. Handle returns an error for
// it before a route sees it.
func (h *Handler) Handle(ctx context.Context, ev events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	caller, err := auth.CallerFromContext(ev.RequestContext.Authorizer)
	suspended := errors.Is(err, inquiry.ErrSuspended)
	if err != nil && !suspended && !public(ev) {
		h.log.ErrorContext(ctx, "request without a caller", "requestId", ev.RequestContext.RequestID, "err", err)
		return events.APIGatewayProxyResponse{}, fmt.Errorf("request %s: %w", ev.RequestContext.RequestID, err)
	}
	ctx = httpapi.WithRequest(ctx, httpapi.Request{
		ID:        ev.RequestContext.RequestID,
		Caller:    caller,
		Suspended: suspended,
		Prefix:    prefix(ev),
	})
	ctx, cancel := withAnswerTime(ctx)
	defer cancel()
	// The adapter parses the path as a URL. Without escaping, a client's "%" or "?" in
	// an id would end in a 500 instead of a 404.
	ev.Path = (&url.URL{Path: ev.Path}).EscapedPath()
	return h.adapter.ProxyWithContext(ctx, ev)
}

// answerTime is the part of the function's timeout that is reserved for answering, so
// that the client gets an answer from the API and not the gateway's. The longest
// long poll has ended by then.
const answerTime = time.Second

// withAnswerTime returns ctx with a deadline that leaves answerTime.
func withAnswerTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {} // not on Lambda
	}
	return context.WithDeadline(ctx, deadline.Add(-answerTime))
}

// public reports whether a request is answered without a caller.
func public(ev events.APIGatewayProxyRequest) bool {
	return ev.HTTPMethod == http.MethodOptions || httpapi.IsPublic(ev.Path)
}

// prefix returns the part of the client's path that comes before the route: the
// stage on the API's own address, or the base path on a custom domain.
func prefix(ev events.APIGatewayProxyRequest) string {
	before, ok := strings.CutSuffix(ev.RequestContext.Path, ev.Path)
	if !ok {
		return ""
	}
	return before
}

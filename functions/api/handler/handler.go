// Package handler is what api does with a request that API Gateway has let through.
package handler

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

type Handler struct {
	adapter *httpadapter.HandlerAdapter
	log     *slog.Logger
}

// New returns a Handler that answers with api.
func New(api http.Handler, log *slog.Logger) *Handler {
	return &Handler{adapter: httpadapter.New(api), log: log}
}

// Handle answers one request that API Gateway has let through. A request
// without a caller did not pass our authorizer. Those are for what is public: the
// reference, and the question which methods there are. For anything else it is a
// fault of the deployment, and refused before any route sees it.
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
	ctx, done := answerInTime(ctx)
	defer done()
	// The adapter makes a URL of the path, in which a "%" or a "?" that somebody
	// sent as part of an id would be a fault of ours. No id of ours has either.
	ev.Path = (&url.URL{Path: ev.Path}).EscapedPath()
	return h.adapter.ProxyWithContext(ctx, ev)
}

// forAnswer is how long before Lambda ends the function a request is given up, so
// that it still has an answer of ours. The longest wait for a change is over by then.
const forAnswer = time.Second

// answerInTime returns ctx with a deadline that leaves time for an answer.
func answerInTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {} // not on Lambda
	}
	return context.WithDeadline(ctx, deadline.Add(-forAnswer))
}

// public reports whether a request needs no caller.
func public(ev events.APIGatewayProxyRequest) bool {
	return ev.HTTPMethod == http.MethodOptions || httpapi.IsPublic(ev.Path)
}

// prefix is what the client's path has before ours: the stage on the API's own
// address, the base path on a custom domain.
func prefix(ev events.APIGatewayProxyRequest) string {
	before, ok := strings.CutSuffix(ev.RequestContext.Path, ev.Path)
	if !ok {
		return ""
	}
	return before
}

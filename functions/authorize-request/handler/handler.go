// Package handler is what authorize-request answers API Gateway.
package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// errNoMember: the token is genuine, and belongs to nobody we know.
var errNoMember = errors.New("the caller is not a user of this service")

// errNoCredential: what came is neither a key nor a token.
var errNoCredential = errors.New("the credential is neither a key nor a token")

// Handler decides who a caller is. What it answers is cached by API Gateway
// under the Authorization header, so nothing else of a request may matter.
type Handler struct {
	Access Access
	Tokens Tokens
	Keys   auth.Keys
	Log    *slog.Logger
}

// Access is what the table knows of callers. Absent is inquiry.ErrNotFound.
type Access interface {
	User(ctx context.Context, id string) (store.User, error)
	Lender(ctx context.Context, id inquiry.LenderID) (inquiry.Lender, error)
	APIKey(ctx context.Context, id string) (store.APIKey, error)
	Membership(ctx context.Context, userID string, lender inquiry.LenderID) (store.User, inquiry.Lender, error)
}

// Tokens checks a Cognito token and returns its sub.
type Tokens interface {
	Verify(ctx context.Context, token string) (sub string, err error)
}

// request is what API Gateway asks: a REQUEST authorizer sends the headers, a
// TOKEN authorizer only the one header's value.
type request struct {
	MethodArn          string              `json:"methodArn"`
	Headers            map[string]string   `json:"headers"`
	MultiValueHeaders  map[string][]string `json:"multiValueHeaders"`
	AuthorizationToken string              `json:"authorizationToken"`
}

// String hides the credentials in the headers.
func (r request) String() string { return "request to " + r.MethodArn }

// LogValue hides the credentials in the headers.
func (r request) LogValue() slog.Value { return slog.StringValue(r.String()) }

type response = events.APIGatewayCustomAuthorizerResponse

// Handle answers with a policy that allows or denies the whole stage. When we
// cannot find out, it is an error: a Deny would be cached, and outlive the outage.
func (h *Handler) Handle(ctx context.Context, req request) (response, error) {
	stageName, stage, err := stageOf(req.MethodArn)
	if err != nil {
		return response{}, err
	}
	caller, err := h.identify(ctx, req.credential())
	about := []any{"lenderId", caller.LenderID, "userId", caller.UserID, "credential", caller.Credential, "keyId", caller.KeyID}
	switch {
	case err == nil:
		h.Log.InfoContext(ctx, "allowed", about...)
		return countedFor(stageName, caller, allow(stage, caller)), nil
	case errors.Is(err, inquiry.ErrSuspended):
		h.Log.InfoContext(ctx, "denied", append(about, "err", err)...)
		return countedFor(stageName, caller, suspended(stage, caller)), nil
	case refusalOf(err) != "":
		h.Log.InfoContext(ctx, "unauthorized", append(about, "err", err)...)
		return refuse(stage, refusalOf(err)), nil
	default:
		h.Log.ErrorContext(ctx, "cannot tell who is calling", append(about, "err", err)...)
		return response{}, fmt.Errorf("authorizing: %w", err)
	}
}

// identify returns the caller whom the credential proves, as far as they became
// known when there is an error.
func (h *Handler) identify(ctx context.Context, credential string) (auth.Caller, error) {
	switch {
	case auth.IsKey(credential):
		return h.byKey(ctx, credential)
	case auth.IsToken(credential):
		return h.byToken(ctx, credential)
	}
	return auth.Caller{}, errNoCredential
}

func (h *Handler) byToken(ctx context.Context, token string) (auth.Caller, error) {
	caller := auth.Caller{Credential: auth.CredentialUser}
	sub, err := h.Tokens.Verify(ctx, token)
	if err != nil {
		return caller, err
	}
	caller.UserID = sub
	user, err := h.Access.User(ctx, sub)
	if errors.Is(err, inquiry.ErrNotFound) {
		return caller, errNoMember
	}
	if err != nil {
		return caller, err
	}
	lender, err := h.Access.Lender(ctx, user.LenderID)
	if err != nil {
		return caller, err // also when absent: a user without a lender is our fault
	}
	caller.LenderID = lender.ID
	caller.Role, err = access.Admit(user, lender)
	return caller, err
}

func (h *Handler) byKey(ctx context.Context, credential string) (auth.Caller, error) {
	caller := auth.Caller{Credential: auth.CredentialAPIKey}
	parsed, err := h.Keys.Parse(credential)
	if err != nil {
		return caller, err
	}
	key, err := h.Access.APIKey(ctx, parsed.ID)
	if errors.Is(err, inquiry.ErrNotFound) {
		return caller, auth.ErrUnknownKey
	}
	if err != nil {
		return caller, err
	}
	if h.Keys.Ended(parsed, key.Version) {
		return caller, fmt.Errorf("%w: it was rotated", auth.ErrEndedKey)
	}
	if !h.Keys.Verify(parsed, key.Version) {
		return caller, fmt.Errorf("%w: it has another secret than version %d", auth.ErrUnknownKey, key.Version)
	}
	caller.KeyID, caller.KeyVersion = key.ID, key.Version
	if !key.RevokedAt.IsZero() {
		return caller, fmt.Errorf("%w: it was revoked", auth.ErrEndedKey)
	}
	caller.UserID = key.UserID
	user, lender, err := h.Access.Membership(ctx, key.UserID, key.LenderID)
	if err != nil {
		return caller, err // also when one is absent: a key without its owner is our fault
	}
	caller.LenderID = lender.ID
	caller.Role, err = access.Admit(user, lender)
	return caller, err
}

// credential returns what the Authorization header holds; "" when there is
// none, or more than one and so no telling which was meant.
func (r request) credential() string {
	if r.AuthorizationToken != "" {
		return auth.FromHeader(r.AuthorizationToken)
	}
	var found []string
	for name, values := range r.MultiValueHeaders {
		if strings.EqualFold(name, "Authorization") {
			found = append(found, values...)
		}
	}
	if len(found) == 0 {
		for name, value := range r.Headers {
			if strings.EqualFold(name, "Authorization") {
				found = append(found, value)
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return auth.FromHeader(found[0])
}

// stageOf returns the stage's name and the pattern of its every method, out of the
// ARN of one: arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>.
// A policy for one method alone would be cached and deny all the others.
func stageOf(methodARN string) (name, methods string, err error) {
	parts := strings.SplitN(methodARN, "/", 3)
	if len(parts) < 3 || !strings.HasPrefix(methodARN, "arn:") || parts[1] == "" {
		return "", "", fmt.Errorf("method ARN %q is not one of an API", methodARN)
	}
	return parts[1], parts[0] + "/" + parts[1] + "/*", nil
}

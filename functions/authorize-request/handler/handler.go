// Package handler authorizes requests for API Gateway: it identifies the caller by
// the credential and answers with a policy.
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

// errNotAMember: the token is genuine, but its user is not in the table.
var errNotAMember = errors.New("the caller is not a user of this service")

// errNoCredential: there is no credential, or it is not a key or a token.
var errNoCredential = errors.New("the credential is neither a key nor a token")

// Handler identifies callers. API Gateway caches the answer by the Authorization
// header, so the answer must not depend on anything else in the request.
type Handler struct {
	Access Access
	Tokens Tokens
	Master *auth.MasterKeys
	Log    *slog.Logger
}

// Access reads users, lenders and API keys. Its methods return inquiry.ErrNotFound
// for what does not exist.
type Access interface {
	// User returns the user with this sub. If there is none, a token's user is rejected
	// as not a member.
	User(ctx context.Context, sub string) (store.User, error)

	// LenderProfile returns a user's lender. If there is none, the table is wrong.
	LenderProfile(ctx context.Context, id inquiry.LenderID) (inquiry.Lender, error)

	// APIKey returns a key, revoked or not. If there is none, the key is rejected as
	// unknown.
	APIKey(ctx context.Context, id string) (store.APIKey, error)

	// Membership returns a key's user and lender in one read. If either does not exist,
	// the table is wrong.
	Membership(ctx context.Context, userID string, lender inquiry.LenderID) (store.User, inquiry.Lender, error)
}

// Tokens verifies Cognito tokens.
type Tokens interface {
	// Verify returns the sub of a valid token. It returns auth.ErrExpiredToken,
	// auth.ErrForeignToken or auth.ErrInvalidToken for a token that is not valid. After
	// any other error the token may be valid.
	Verify(ctx context.Context, token string) (sub string, err error)
}

// request is what API Gateway sends: a REQUEST authorizer gets all headers, a TOKEN
// authorizer only the value of the Authorization header.
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

// Handle answers with a policy that allows or denies the whole stage. If it cannot
// find out who is calling, for example because the table is down, it returns an
// error: a Deny would be cached and outlive the outage.
func (h *Handler) Handle(ctx context.Context, req request) (response, error) {
	stage, err := parseStage(req.MethodArn)
	if err != nil {
		return response{}, err
	}
	caller, err := h.identify(ctx, req.credential())
	about := []any{"lenderId", caller.LenderID, "userId", caller.UserID, "credential", caller.Credential, "keyId", caller.KeyID}
	denial, denied := denialOf(err)
	switch {
	case err == nil:
		h.Log.InfoContext(ctx, "allowed", about...)
		return allow(stage, caller), nil
	case errors.Is(err, inquiry.ErrSuspended):
		h.Log.InfoContext(ctx, "suspended", append(about, "err", err)...)
		return allowSuspended(stage, caller), nil
	case denied:
		h.Log.InfoContext(ctx, "unauthorized", append(about, "err", err)...)
		return deny(stage, denial), nil
	default:
		h.Log.ErrorContext(ctx, "cannot identify the caller", append(about, "err", err)...)
		return response{}, fmt.Errorf("authorizing: %w", err)
	}
}

// identify returns the caller that the credential belongs to. With an error it
// returns what is known about the caller so far.
func (h *Handler) identify(ctx context.Context, credential string) (auth.Caller, error) {
	switch {
	case auth.IsKey(credential):
		return h.byKey(ctx, credential)
	case auth.IsToken(credential):
		return h.byToken(ctx, credential)
	}
	return auth.Caller{}, errNoCredential
}

// byToken identifies the caller by a Cognito token.
func (h *Handler) byToken(ctx context.Context, token string) (auth.Caller, error) {
	caller := auth.Caller{Credential: auth.CredentialUser}
	sub, err := h.Tokens.Verify(ctx, token)
	if err != nil {
		return caller, err
	}
	caller.UserID = sub
	user, err := h.Access.User(ctx, sub)
	if errors.Is(err, inquiry.ErrNotFound) {
		return caller, errNotAMember
	}
	if err != nil {
		return caller, err
	}
	lender, err := h.Access.LenderProfile(ctx, user.LenderID)
	if err != nil {
		return caller, err // also if there is none: a user without a lender is not the caller's fault
	}
	return admit(caller, user, lender)
}

// byKey identifies the caller by an API key.
func (h *Handler) byKey(ctx context.Context, credential string) (auth.Caller, error) {
	caller := auth.Caller{Credential: auth.CredentialAPIKey}
	parsed, err := auth.ParseKey(credential)
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
	if err := h.verify(ctx, parsed, key); err != nil {
		return caller, err
	}
	caller.KeyID, caller.KeyVersion = key.ID, key.Version
	if !key.RevokedAt.IsZero() {
		return caller, fmt.Errorf("%w: it was revoked", auth.ErrEndedKey)
	}
	caller.UserID = key.UserID
	user, lender, err := h.Access.Membership(ctx, key.UserID, key.LenderID)
	if err != nil {
		return caller, err // also if one is missing: a key without an owner is not the caller's fault
	}
	return admit(caller, user, lender)
}

// verify checks that the key that was sent is the stored one. It returns an error that
// is not the caller's fault if the key's generation of the master key cannot be read.
func (h *Handler) verify(ctx context.Context, sent auth.ParsedKey, stored store.APIKey) error {
	keys, err := h.Master.Keys(ctx, stored.Generation)
	if err != nil {
		return err
	}
	if keys.Verify(sent, stored.Version) {
		return nil
	}
	ended, err := h.Master.Ended(ctx, sent, stored.Version, stored.Generation)
	switch {
	case err != nil:
		return err
	case ended:
		return fmt.Errorf("%w: it was rotated", auth.ErrEndedKey)
	}
	return fmt.Errorf("%w: its secret is not that of version %d", auth.ErrUnknownKey, stored.Version)
}

// admit completes the caller with their lender and, if they may use the service,
// their role.
func admit(caller auth.Caller, user store.User, lender inquiry.Lender) (auth.Caller, error) {
	role, err := access.Admit(user, lender)
	caller.LenderID, caller.Role = lender.ID, role
	return caller, err
}

// credential returns the credential in the Authorization header. It returns "" if
// there is no such header, or more than one, because it cannot know which one is
// meant.
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

// stage is the stage of the API that a request was sent to.
type stage struct {
	name string
	arn  string // a pattern that matches every method and path of the stage
}

// parseStage returns the stage of a method's ARN, which has the form
// arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>. Policies are
// for the whole stage, because a cached policy for one method would deny all others.
func parseStage(methodARN string) (stage, error) {
	parts := strings.SplitN(methodARN, "/", 3)
	if len(parts) < 3 || !strings.HasPrefix(methodARN, "arn:") || parts[1] == "" {
		return stage{}, fmt.Errorf("%q is not the ARN of an API method", methodARN)
	}
	return stage{name: parts[1], arn: parts[0] + "/" + parts[1] + "/*"}, nil
}

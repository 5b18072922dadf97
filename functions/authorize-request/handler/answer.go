package handler

import (
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// refusals say which problem a caller's fault is, the particular before the
// general.
var refusals = []struct {
	fault   error
	problem problem.Name
	// detail goes into a template as it stands, so it has no quotes.
	detail string
}{
	{errNoCredential, problem.Unauthenticated, "The Authorization header holds neither a token nor an API key."},
	{errNoMember, problem.NotAMember, problem.Refusals[problem.NotAMember]},
	{auth.ErrMalformedKey, problem.KeyMalformed, problem.Refusals[problem.KeyMalformed]},
	{auth.ErrEndedKey, problem.KeyRevoked, problem.Refusals[problem.KeyRevoked]},
	{auth.ErrUnknownKey, problem.KeyUnknown, problem.Refusals[problem.KeyUnknown]},
	{auth.ErrExpiredToken, problem.TokenExpired, problem.Refusals[problem.TokenExpired]},
	{auth.ErrForeignToken, problem.TokenForeign, problem.Refusals[problem.TokenForeign]},
	{auth.ErrInvalidToken, problem.TokenInvalid, problem.Refusals[problem.TokenInvalid]},
}

// refusalOf returns the problem that a caller's fault is; "" when err is ours.
func refusalOf(err error) problem.Name {
	for _, r := range refusals {
		if errors.Is(err, r.fault) {
			return r.problem
		}
	}
	return ""
}

// refuse denies the whole stage and tells the gateway's answer which problem it
// is. The gateway keeps a denial, so a wrong credential that is sent again and
// again costs nothing; a corrected one is another, and is looked at anew. So is the
// token of whoever was invited meanwhile and has signed in again.
func refuse(stage string, name problem.Name) response {
	for _, r := range refusals {
		if r.problem != name {
			continue
		}
		kind, _ := problem.Of(name)
		return policy("Deny", stage, "nobody", map[string]any{
			"problem":   name,
			"title":     kind.Title,
			"detail":    r.detail,
			"challenge": problem.Challenge(r.detail),
		})
	}
	return policy("Deny", stage, "nobody", nil)
}

// suspended lets a request through to the API, which answers it with 403: the
// gateway has one status for all denials, and it is 401. What names the caller
// is left out, so an API that does not know of this refuses the request.
func suspended(stage string, caller auth.Caller) response {
	return policy("Allow", stage, caller.UserID, map[string]any{auth.ContextSuspended: "true"})
}

// allow lets the caller through to the API, with who they are.
func allow(stage string, caller auth.Caller) response {
	return policy("Allow", stage, caller.UserID, caller.Context())
}

// countedFor has the gateway count the request for the caller's lender. Without
// this a request that is allowed gets no further than the gateway.
func countedFor(stageName string, caller auth.Caller, r response) response {
	r.UsageIdentifierKey = auth.UsageKey(stageName, caller.LenderID)
	return r
}

func policy(effect, stage, principal string, context map[string]any) response {
	return response{
		PrincipalID: principal,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action:   []string{"execute-api:Invoke"},
				Effect:   effect,
				Resource: []string{stage},
			}},
		},
		Context: context,
	}
}

package handler

import (
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// denial is the answer to a credential that is not accepted.
type denial struct {
	fault   error
	problem problem.Name
	detail  string // without quotes, because it goes into a template as it is
}

// denials list the faults of credentials. The more specific come before the more
// general.
var denials = []denial{
	{errNoCredential, problem.Unauthenticated, "The Authorization header contains neither a token nor an API key."},
	{errNotAMember, problem.NotAMember, problem.Refusals[problem.NotAMember]},
	{auth.ErrMalformedKey, problem.KeyMalformed, problem.Refusals[problem.KeyMalformed]},
	{auth.ErrEndedKey, problem.KeyRevoked, problem.Refusals[problem.KeyRevoked]},
	{auth.ErrUnknownKey, problem.KeyUnknown, problem.Refusals[problem.KeyUnknown]},
	{auth.ErrExpiredToken, problem.TokenExpired, problem.Refusals[problem.TokenExpired]},
	{auth.ErrForeignToken, problem.TokenForeign, problem.Refusals[problem.TokenForeign]},
	{auth.ErrInvalidToken, problem.TokenInvalid, problem.Refusals[problem.TokenInvalid]},
}

// denialOf returns the denial for err. ok is false if err is not the fault of the
// credential.
func denialOf(err error) (d denial, ok bool) {
	for _, d := range denials {
		if errors.Is(err, d.fault) {
			return d, true
		}
	}
	return denial{}, false
}

// deny denies the whole stage and passes the problem to the gateway's answer. The
// gateway caches the denial by the credential, so sending a wrong one repeatedly
// costs nothing. A corrected credential or a new token is checked at once.
func deny(s stage, d denial) response {
	kind, _ := problem.Of(d.problem)
	return policy("Deny", s, "nobody", map[string]any{
		"problem":   d.problem,
		"title":     kind.Title,
		"detail":    d.detail,
		"challenge": problem.Challenge(d.detail),
	})
}

// allow lets the caller through to the API, with who they are.
func allow(s stage, caller auth.Caller) response {
	return counted(s, caller, policy("Allow", s, caller.UserID, caller.Context()))
}

// allowSuspended lets a suspended caller through to the API, which answers 403. The
// gateway itself could only answer 401. The context does not name the caller, so
// an API version that does not know of suspensions rejects the request.
func allowSuspended(s stage, caller auth.Caller) response {
	return counted(s, caller, policy("Allow", s, caller.UserID, map[string]any{auth.ContextSuspended: "true"}))
}

// counted makes the gateway count the request for the caller's lender. Without it,
// the gateway rejects even an allowed request.
func counted(s stage, caller auth.Caller, r response) response {
	r.UsageIdentifierKey = auth.UsageKey(s.name, caller.LenderID)
	return r
}

func policy(effect string, s stage, principal string, context map[string]any) response {
	return response{
		PrincipalID: principal,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action:   []string{"execute-api:Invoke"},
				Effect:   effect,
				Resource: []string{s.arn},
			}},
		},
		Context: context,
	}
}

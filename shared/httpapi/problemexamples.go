package httpapi

import (
	"net/http"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// exampleProblems has one problem of each kind, as a client meets it. What this
// package answers is made by the code that answers it, what the authorizer answers
// is in its words, and what the gateway answers is written down here again.
func exampleProblems() map[string]*Problem {
	index := 1
	invalid := validationProblem(nil)
	invalid.Errors = []Fault{
		{Pointer: "/inquiries/1/ein", Index: &index, ExternalID: "LOAN-1002", Code: "form", Message: hints["ein"]},
		{Parameter: "limit", Code: "invalid", Message: "expected number <= 500"},
	}
	requests := fairuse.Requests
	examples := map[string]*Problem{}
	for _, p := range []*Problem{
		newProblem(http.StatusBadRequest, problem.Malformed, "The body is not valid JSON: it breaks off at byte 118."),

		refusedCredential(problem.Unauthenticated, "Send a Cognito token or a lender API key in the Authorization header."),
		refusedCredential(problem.KeyMalformed, problem.Refusals[problem.KeyMalformed]),
		refusedCredential(problem.KeyUnknown, problem.Refusals[problem.KeyUnknown]),
		refusedCredential(problem.KeyRevoked, problem.Refusals[problem.KeyRevoked]),
		refusedCredential(problem.TokenInvalid, problem.Refusals[problem.TokenInvalid]),
		refusedCredential(problem.TokenExpired, problem.Refusals[problem.TokenExpired]),
		refusedCredential(problem.TokenForeign, problem.Refusals[problem.TokenForeign]),
		refusedCredential(problem.NotAMember, problem.Refusals[problem.NotAMember]),

		mayOnlyRead(),
		newProblem(http.StatusForbidden, problem.Suspended, suspendedDetail),
		known(inquiry.ErrNotFound),
		newProblem(http.StatusMethodNotAllowed, "method-not-allowed", "The Allow header lists the methods that there are."),
		notAsResults(),
		notCancellable(),
		known(inquiry.ErrUnfinished),
		keyInFlight(),
		known(inquiry.ErrConflict),
		known(inquiry.ErrDeleted),
		ofStatus(http.StatusRequestEntityTooLarge),
		ofStatus(http.StatusUnsupportedMediaType),

		invalid,
		known(inquiry.ErrIdempotencyMismatch),
		nothingToRerun(),

		tooFast(fairuse.State{Limit: requests, Full: requests.Window(), Wait: 1}),
		tooManyOpen(inquiry.Lender{Open: 9_900, OpenMax: inquiry.DefaultOpenMax}, inquiry.DefaultBatchMax, 45),

		internalProblem(),
		unavailable(),
		newProblem(http.StatusGatewayTimeout, problem.Timeout, "The request may have been carried out. Send it again with the same Idempotency-Key."),
	} {
		examples[p.kind] = p.of(Request{ID: exampleRequestID, Prefix: "/prod"})
	}
	return examples
}

func refusedCredential(kind, detail string) *Problem {
	return newProblem(http.StatusUnauthorized, kind, detail)
}

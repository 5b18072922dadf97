package httpapi

import (
	"net/http"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// exampleProblems has one problem of each kind, as a client meets it. What this
// package answers is made by the code that answers it; what the authorizer and
// the gateway answer stands here in their words.
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
		refusedCredential(problem.KeyMalformed, "The API key was cut short or mistyped: its checksum does not fit. Copy it again."),
		refusedCredential(problem.KeyUnknown, "The API key has the right form and was not issued here. Check that key and address belong together."),
		refusedCredential(problem.KeyRevoked, problem.KeyEnded),
		refusedCredential(problem.TokenInvalid, "The token is not one that this service takes. Sign in again."),
		refusedCredential(problem.TokenExpired, "The token has expired. Sign in again."),
		refusedCredential(problem.TokenForeign, "The token is of another user pool. Check that token and address belong together."),
		refusedCredential(problem.NotAMember, "The token is genuine, and its user is no member here. Ask your administrator for an invitation, then sign in again."),

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

package httpapi

import (
	"net/http"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// exampleProblems returns one problem of each kind as a client sees it. Problems of this
// package are made by the code that makes real ones. Those of the authorizer use its
// texts. Those of the gateway are repeated here.
func exampleProblems() map[problem.Name]*Problem {
	index := 1
	invalid := validationProblem(nil)
	invalid.Errors = []Fault{
		{Pointer: "/inquiries/1/ein", Index: &index, ExternalID: "LOAN-1002", Code: "form", Message: hints["ein"]},
		{Parameter: "limit", Code: "invalid", Message: "give a number of 500 or less"},
	}
	requests := fairuse.Requests
	examples := map[problem.Name]*Problem{}
	for _, p := range []*Problem{
		newProblem(problem.Malformed, "The body is not valid JSON: there is an error at byte 118."),

		newProblem(problem.Unauthenticated, "Send a Cognito token or a lender API key in the Authorization header."),
		rejectedCredential(problem.KeyMalformed),
		rejectedCredential(problem.KeyUnknown),
		rejectedCredential(problem.KeyRevoked),
		rejectedCredential(problem.TokenInvalid),
		rejectedCredential(problem.TokenExpired),
		rejectedCredential(problem.TokenForeign),
		rejectedCredential(problem.NotAMember),

		readOnly(),
		known(auth.ErrNeedsToken),
		suspended(),
		known(inquiry.ErrNotFound),
		methodNotAllowed(),
		noSuchFormat(),
		known(inquiry.ErrFinished),
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
		newProblem(problem.Timeout, "The request may have been carried out. Send it again with the same Idempotency-Key."),
	} {
		examples[p.kind] = p.of(Request{ID: sampleRequestID, Prefix: "/prod"})
	}
	return examples
}

func rejectedCredential(kind problem.Name) *Problem { return newProblem(kind, problem.Refusals[kind]) }

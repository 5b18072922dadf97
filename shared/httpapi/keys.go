package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

type apiKeyOutput struct{ Body APIKeyBody }

// APIKeyBody is the caller's API key.
type APIKeyBody struct {
	APIKey string `json:"apiKey" doc:"Send it as Authorization: Bearer <apiKey>."`
}

type rotateInput struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[\\x20-\\x7e]+$" doc:"Your own key for this rotation, as for a submission. With an API key it needs 20 characters, and nobody may guess it: take a UUID."`
}

type rotateOutput struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when the key had been rotated before with the same idempotency key."`
	Body     APIKeyBody
}

// minRotationKey is how long an idempotency key has to be under which an API key
// is rotated with itself. Together with the old key it shows the new one, so it
// must be as hard to guess.
const minRotationKey = 20

// registerKeys adds the key's routes. To read the key there are two addresses,
// for the reference names the one without /v1.
func (a *API) registerKeys(api huma.API) {
	show := func(ctx context.Context, _ *struct{}) (*apiKeyOutput, error) {
		key, err := a.Keys.Show(ctx, requestOf(ctx).Caller)
		if errors.Is(err, inquiry.ErrNotFound) {
			err = newProblem(http.StatusNotFound, problem.NotFound, "Your API key is revoked. POST /v1/users/me/api-key/rotate makes another.")
		}
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &apiKeyOutput{APIKeyBody{APIKey: key}}, nil
	}
	const description = "Your key, which the first call creates. It is the same every time, until you rotate or revoke it. " +
		"It acts as you: with your role, for your lender. After a revocation this is 404 until you rotate. " +
		"A key that has ended shows none, even while it works elsewhere."
	huma.Register(api, huma.Operation{
		OperationID: "get-api-key", Method: http.MethodGet, Path: "/v1/users/me/api-key",
		Summary: "Show your API key", Description: description, Errors: []int{http.StatusNotFound},
	}, show)
	huma.Register(api, huma.Operation{
		OperationID: "get-api-key-short", Method: http.MethodGet, Path: "/users/me/api-key",
		Summary: "Show your API key, at its short address", Description: description, Errors: []int{http.StatusNotFound},
	}, show)
	huma.Register(api, huma.Operation{
		OperationID: "rotate-api-key", Method: http.MethodPost, Path: "/v1/users/me/api-key/rotate",
		Summary: "End your API key and make another", DefaultStatus: http.StatusOK, Errors: []int{http.StatusNotFound},
		Description: "The answer is the new key, which works at once. The old one, if there was one, ends: where it was used in the last five minutes it may work for as long again, but not to see, make or end a key. " +
			"Send an `Idempotency-Key`, and if the answer is lost, the same request again returns the same new key: within 24 hours, and until the key is rotated or revoked once more. " +
			"With the old key itself that works only while it is still let through, and without an `Idempotency-Key` not at all, or whoever stole it would be shown the new one: sign in then, and `GET` shows it to you.",
	}, func(ctx context.Context, in *rotateInput) (*rotateOutput, error) {
		out, err := a.rotate(ctx, in.IdempotencyKey)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "revoke-api-key", Method: http.MethodDelete, Path: "/v1/users/me/api-key",
		Summary: "Revoke your API key", DefaultStatus: http.StatusNoContent,
		Description: "The key ends: where it was used in the last five minutes it may work for as long again, but not to see, make or end a key. " +
			"There is no other until you sign in and rotate. Repeating the request is harmless.",
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		if err := a.Keys.Revoke(ctx, requestOf(ctx).Caller); err != nil {
			return nil, a.problem(ctx, err)
		}
		return nil, nil
	})
}

func (a *API) rotate(ctx context.Context, idempotencyKey string) (*rotateOutput, error) {
	caller := requestOf(ctx).Caller
	if n := len(idempotencyKey); n > 0 && n < minRotationKey && caller.Credential == auth.CredentialAPIKey {
		p := newProblem(http.StatusUnprocessableEntity, "validation", "Nothing was changed. Correct what errors lists and send the request again.")
		p.Errors = []Fault{{Parameter: "Idempotency-Key", Code: "invalid",
			Message: fmt.Sprintf("with an API key it needs at least %d characters that nobody can guess, such as a UUID: with it and the old API key anybody is shown the new one", minRotationKey)}}
		return nil, p
	}
	key, replayed, err := a.Keys.Rotate(ctx, caller, idempotencyKey)
	if errors.Is(err, inquiry.ErrNotFound) {
		err = newProblem(http.StatusNotFound, problem.NotFound, "The API key that this request made has ended since. To make another, use another Idempotency-Key.")
	}
	if err != nil {
		return nil, err
	}
	out := &rotateOutput{Body: APIKeyBody{APIKey: key}}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

type apiKeyOutput struct{ Body APIKeyBody }

// APIKeyBody is the caller's API key.
type APIKeyBody struct {
	APIKey string `json:"apiKey" doc:"Send it as Authorization: Bearer <apiKey>."`
}

// registerKeys adds the key's routes. To read the key there are two addresses,
// for the reference names the one without /v1.
func (a *API) registerKeys(api huma.API) {
	show := func(ctx context.Context, _ *struct{}) (*apiKeyOutput, error) {
		return a.key(ctx, a.Keys.Show)
	}
	const description = "Your key, which the first call creates. It is the same every time, until you rotate or revoke it. " +
		"It acts as you: with your role, for your lender. After a revocation this is 404 until you rotate."
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
		Summary: "End your API key and make another", DefaultStatus: http.StatusOK,
		Description: "The answer is the new key, which works at once. The old one, if there was one, ends: where it was used in the last five minutes it may work for as long again. " +
			"If the answer is lost, `GET` shows the new key; rotating once more does no harm.",
	}, func(ctx context.Context, _ *struct{}) (*apiKeyOutput, error) {
		return a.key(ctx, a.Keys.Rotate)
	})
	huma.Register(api, huma.Operation{
		OperationID: "revoke-api-key", Method: http.MethodDelete, Path: "/v1/users/me/api-key",
		Summary: "Revoke your API key", DefaultStatus: http.StatusNoContent,
		Description: "The key ends: where it was used in the last five minutes it may work for as long again. There is no other until you rotate. Repeating the request is harmless.",
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		if err := a.Keys.Revoke(ctx, requestOf(ctx).Caller.UserID); err != nil {
			return nil, a.problem(ctx, err)
		}
		return nil, nil
	})
}

func (a *API) key(ctx context.Context, get func(context.Context, string) (string, error)) (*apiKeyOutput, error) {
	key, err := get(ctx, requestOf(ctx).Caller.UserID)
	if errors.Is(err, inquiry.ErrNotFound) {
		err = newProblem(http.StatusNotFound, "not-found", "Your API key is revoked. POST /v1/users/me/api-key/rotate makes another.")
	}
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	return &apiKeyOutput{APIKeyBody{APIKey: key}}, nil
}

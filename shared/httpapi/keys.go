package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type apiKeyOutput struct{ Body APIKeyBody }

// APIKeyBody is the caller's API key.
type APIKeyBody struct {
	APIKey string `json:"apiKey" doc:"Send it as Authorization: Bearer <apiKey>."`
}

func (a *API) registerKeys(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-api-key", Method: http.MethodGet, Path: "/users/me/api-key",
		Summary:     "Show your API key",
		Description: "Your key, which the first call creates. It is the same every time, until you rotate or revoke it. It acts as you: with your role, for your lender.",
	}, func(ctx context.Context, _ *struct{}) (*apiKeyOutput, error) {
		key, err := a.Keys.Show(ctx, requestOf(ctx).Caller.UserID)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &apiKeyOutput{APIKeyBody{APIKey: key}}, nil
	})
}

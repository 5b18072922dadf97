package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

type apiKeyOutput struct{ Body APIKeyBody }

// APIKeyBody is the caller's API key.
type APIKeyBody struct {
	APIKey string `json:"apiKey" doc:"Your API key. Send it as Authorization: Bearer <apiKey>."`
}

// rotateInput has an idempotency key of its own, unlike Idempotency: it is stored with
// the API key.
type rotateInput struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[\\x20-\\x7e]+$" patternDescription:"printable ASCII characters only" doc:"A unique key that you choose for this rotation: 1 to 255 printable ASCII characters. It applies to rotations of your own API key only, for 24 hours. Repeating the rotation with it returns the same new key, with Idempotent-Replayed: true. A rotation that is rejected does not use up its key." example:"8f3f4f0e-6f0b-4a54-9a0c-2f1b7d5c9e11"`
}

type rotateOutput struct {
	Replayed string `header:"Idempotent-Replayed"`
	Body     APIKeyBody
}

// The key can be read at two addresses, because the original API's reference has
// the one without /v1.
func (a *API) showKeyRoutes(api huma.API) {
	show := huma.Operation{
		OperationID: "get-api-key", Method: http.MethodGet, Path: "/v1/users/me/api-key", Tags: []string{tagUsers},
		Summary: "Show your API key",
		Description: "Returns your key. The first call creates it, and it stays the same until you rotate or revoke it. " +
			"It acts as you: with your role, for your lender. After you revoke it, the response is a 404 until you rotate.",
	}
	short := show
	short.OperationID, short.Path, short.Summary = "get-api-key-short", "/users/me/api-key", "Show your API key, at its short address"
	ref := reference{
		answers:  map[string]string{"200": "Your key."},
		problems: []problem.Name{problem.NotFound},
		examples: keyExample,
	}
	route(a, api, show, ref, a.showKey)
	route(a, api, short, ref, a.showKey)
}

func (a *API) showKey(ctx context.Context, _ *struct{}) (*apiKeyOutput, error) {
	key, err := a.Keys.Show(ctx, requestOf(ctx).Caller)
	if errors.Is(err, inquiry.ErrNotFound) {
		return nil, newProblem(problem.NotFound, "Your API key is revoked. POST /v1/users/me/api-key/rotate creates a new one.")
	}
	if err != nil {
		return nil, err
	}
	return &apiKeyOutput{APIKeyBody{APIKey: key}}, nil
}

func (a *API) rotateKeyRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "rotate-api-key", Method: http.MethodPost, Path: "/v1/users/me/api-key/rotate", Tags: []string{tagUsers},
		Summary: "Replace your API key", DefaultStatus: http.StatusOK,
		Description: "Returns a new key, which works at once. The old key, if there is one, ends. If it was used in the last minute, it may still read for up to one more, but it cannot submit, change or export anything. " +
			"Send an `Idempotency-Key`: if the response is lost, repeating the same request returns the same new key, for 24 hours or until the key is rotated or revoked again.\n\n" +
			"This needs your token: with an API key, the response is a 403 `token-required`. Otherwise, whoever stole your key could replace it and lock you out.",
	}, reference{
		answers:  map[string]string{"200": "Your new key."},
		problems: []problem.Name{problem.NotFound, problem.TokenRequired},
		examples: keyExample,
	}, a.rotateKey)
}

func (a *API) rotateKey(ctx context.Context, in *rotateInput) (*rotateOutput, error) {
	key, replayed, err := a.Keys.Rotate(ctx, requestOf(ctx).Caller, in.IdempotencyKey)
	if errors.Is(err, inquiry.ErrNotFound) {
		return nil, newProblem(problem.NotFound, "The API key that this request created has ended since. To create another, use a different Idempotency-Key.")
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

func (a *API) revokeKeyRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "revoke-api-key", Method: http.MethodDelete, Path: "/v1/users/me/api-key", Tags: []string{tagUsers},
		Summary: "Revoke your API key", DefaultStatus: http.StatusNoContent,
		Description: "Ends your key. If it was used in the last minute, it may still read for up to one more, but it cannot submit, change or export anything. " +
			"You can do this with your token or with the key itself. You have no key until you sign in and rotate. Repeating the request is harmless.",
	}, reference{
		answers: map[string]string{"204": "You no longer have a key. There is no body."},
	}, a.revokeKey)
}

func (a *API) revokeKey(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, a.Keys.Revoke(ctx, requestOf(ctx).Caller)
}

// sampleKey has the format of a key but opens nothing.
const sampleKey = "vd__EXAMPLE7KEY2OPENS3NOTHING5_0000000000000000000000000000000000000000000000000"

func keyExample(*samples) ([]example, error) {
	return onlyExample("200", APIKeyBody{APIKey: sampleKey}), nil
}

// keysElsewhere is APIKeys in a function to which API Gateway sends no requests for API
// keys.
type keysElsewhere struct{}

var errKeysElsewhere = errors.New("another function serves the API keys")

func (keysElsewhere) Show(context.Context, auth.Caller) (string, error) { return "", errKeysElsewhere }

func (keysElsewhere) Rotate(context.Context, auth.Caller, string) (string, bool, error) {
	return "", false, errKeysElsewhere
}

func (keysElsewhere) Revoke(context.Context, auth.Caller) error { return errKeysElsewhere }

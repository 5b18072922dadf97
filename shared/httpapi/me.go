package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

type meOutput struct{ Body MeBody }

// MeBody describes the caller.
type MeBody struct {
	UserID     string   `json:"userId" doc:"The user's id in the user pool."`
	Role       string   `json:"role" enum:"member,viewer" doc:"A viewer can only read. A member can also submit, cancel, rerun and delete."`
	Credential string   `json:"credential" enum:"user,apiKey" doc:"How the request was authenticated: user by a token, apiKey by an API key."`
	KeyID      string   `json:"keyId,omitempty" doc:"Id of the API key in the request: the part between vd__ and the next underscore."`
	Lender     MeLender `json:"lender" doc:"The lender that you act for."`
	Limits     MeLimits `json:"limits" doc:"Your lender's limits."`
}

// MeLender is the caller's lender.
type MeLender struct {
	LenderID inquiry.LenderID `json:"lenderId" doc:"Id of the lender."`
	Name     string           `json:"name" doc:"Name of the lender."`
}

// MeLimits are a lender's limits, for one request and in total.
type MeLimits struct {
	BatchMax     int `json:"batchMax" doc:"Maximum number of inquiries in one batch."`
	BodyBytesMax int `json:"bodyBytesMax" doc:"Maximum size of a request body in bytes."`
	PageMax      int `json:"pageMax" doc:"Largest limit that a list accepts."`

	OpenMax           int `json:"openMax" doc:"Maximum number of inquiries in all your unfinished batches together. A batch that would exceed it is rejected with a 429."`
	Open              int `json:"open" doc:"Current number of inquiries in your unfinished batches. All inquiries of a batch count until the batch finishes."`
	RequestsPerSecond int `json:"requestsPerSecond" doc:"Sustained requests per second, for all users and keys of your lender together."`
	RequestsAtOnce    int `json:"requestsAtOnce" doc:"Maximum number of requests in a burst after a pause."`
	PollsPerSecond    int `json:"pollsPerSecond" doc:"Sustained polls per second of one batch's status."`
}

func (a *API) meRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/v1/users/me", Tags: []string{tagUsers}, Summary: "Show who you are",
		Description: "Returns the user and lender that your credential belongs to, and your limits. Use it to test a credential.",
	}, reference{
		answers: map[string]string{"200": "Who you are, and your limits."},
		examples: func(*samples) ([]example, error) {
			return onlyExample("200", meBody(auth.Caller{
				UserID: "5f1c9c2e-30a1-70d8-4f6b-9a3f5f0c7d11", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "EXAMPLE7KEY2OPENS3NOTHING5",
			}, sampleLender)), nil
		},
	}, a.me)
}

func (a *API) me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	caller := requestOf(ctx).Caller
	lender, err := a.Batches.Lender(ctx, caller.LenderID)
	if err != nil {
		return nil, err
	}
	return &meOutput{meBody(caller, lender)}, nil
}

func meBody(caller auth.Caller, lender inquiry.Lender) MeBody {
	return MeBody{
		UserID: caller.UserID, Role: string(caller.Role), Credential: string(caller.Credential), KeyID: caller.KeyID,
		Lender: MeLender{LenderID: lender.ID, Name: lender.Name},
		Limits: MeLimits{
			BatchMax: lender.BatchMax, BodyBytesMax: maxBody, PageMax: maxPage, OpenMax: lender.OpenMax, Open: lender.Open,
			RequestsPerSecond: fairuse.Requests.PerSecond, RequestsAtOnce: fairuse.Requests.Burst, PollsPerSecond: fairuse.Polls.PerSecond,
		},
	}
}

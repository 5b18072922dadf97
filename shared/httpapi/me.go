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

// MeBody is who the caller is here.
type MeBody struct {
	UserID     string   `json:"userId" doc:"The user, as the user pool names them."`
	Role       string   `json:"role" enum:"member,viewer" doc:"A viewer reads; a member also submits, cancels and reruns."`
	Credential string   `json:"credential" enum:"user,apiKey" doc:"How you proved it: user with a token, apiKey with a key."`
	KeyID      string   `json:"keyId,omitempty" doc:"The id in the key that was sent: what comes between vd__ and the next underscore."`
	Lender     MeLender `json:"lender" doc:"Whom you act for."`
	Limits     MeLimits `json:"limits" doc:"What your lender may ask for."`
}

// MeLender is the caller's lender.
type MeLender struct {
	LenderID inquiry.LenderID `json:"lenderId" doc:"The lender."`
	Name     string           `json:"name" doc:"Its name."`
}

// MeLimits are what a lender may ask for, in one request and in all.
type MeLimits struct {
	BatchMax     int `json:"batchMax" doc:"Inquiries in one batch, at the most."`
	BodyBytesMax int `json:"bodyBytesMax" doc:"Bytes of a request body, at the most."`
	PageMax      int `json:"pageMax" doc:"The largest limit of a list."`

	OpenMax           int `json:"openMax" doc:"Inquiries that your unfinished batches may have, all together. A batch beyond that is refused with 429."`
	Open              int `json:"open" doc:"Inquiries that they have now. A batch counts with all its inquiries until it is finished."`
	RequestsPerSecond int `json:"requestsPerSecond" doc:"Requests a second, of all your lender's users and keys together."`
	RequestsAtOnce    int `json:"requestsAtOnce" doc:"Requests that may come at once after a pause."`
	PollsPerSecond    int `json:"pollsPerSecond" doc:"Polls of one batch's status a second."`
}

// maxPage is the largest limit of a list.
const maxPage = 500

func (a *API) registerMe(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/v1/users/me", Summary: "Show who you are here",
		Description: "The user and the lender that your credential stands for, and your limits. Use it to test a credential.",
	}, func(ctx context.Context, _ *struct{}) (*meOutput, error) {
		caller := requestOf(ctx).Caller
		lender, err := a.Batches.Lender(ctx, caller.LenderID)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &meOutput{meBody(caller, lender)}, nil
	})
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

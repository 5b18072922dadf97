package httpapi

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

type cancelInput struct {
	BatchPath
	Repeatable
}

type cancelOutput struct {
	Status   int    // 202 while the batch drains, 200 when it has
	Replayed string `header:"Idempotent-Replayed"`
	Body     BatchBody
}

// registerCancel adds the route that stops a batch. It does no harm without an
// idempotency key: asking again answers how far the first cancel has come.
func (a *API) registerCancel(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "cancel-batch", Method: http.MethodPost, Path: "/v1/batch-inquiries/{batch_id}/cancel",
		Summary: "Cancel a batch", DefaultStatus: http.StatusAccepted,
		Description: "Inquiries that no worker has claimed are cancelled; those that are running finish. " +
			"The answer is the batch's status: 202 while it drains, 200 when a cancelled batch has finished. Repeating the request is harmless. " +
			"A batch that finished without a cancel is a 409 `not-cancellable`.",
		Errors: []int{http.StatusConflict},
		Responses: map[string]*huma.Response{"200": {
			Description: "The batch had been cancelled and has finished.",
			Content: map[string]*huma.MediaType{"application/json": {
				Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[BatchBody](), true, ""),
			}},
		}},
	}, func(ctx context.Context, in *cancelInput) (*cancelOutput, error) {
		batch, replayed, err := a.cancel(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &cancelOutput{Status: http.StatusAccepted, Body: batchBody(batch)}
		if replayed {
			out.Replayed = "true"
		}
		if out.Body.IsTerminal {
			out.Status = http.StatusOK
		}
		return out, nil
	})
}

func (a *API) cancel(ctx context.Context, in *cancelInput) (batch inquiry.Batch, replayed bool, err error) {
	caller := requestOf(ctx).Caller
	if !caller.Role.MayChange() {
		return inquiry.Batch{}, false, mayOnlyRead()
	}
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return inquiry.Batch{}, false, err
	}
	if err := a.confirm(ctx, caller); err != nil {
		return inquiry.Batch{}, false, err
	}
	if in.IdempotencyKey == "" {
		batch, err = a.Batches.RequestCancel(ctx, caller.LenderID, id)
	} else {
		batch, replayed, err = a.Batches.RequestCancelOnce(ctx, caller.LenderID, id, in.IdempotencyKey)
	}
	if errors.Is(err, inquiry.ErrFinished) {
		return inquiry.Batch{}, false, notCancellable()
	}
	return batch, replayed, inFlight(err, in.IdempotencyKey)
}

func notCancellable() *Problem {
	return newProblem(http.StatusConflict, "not-cancellable", "The batch has finished; there is nothing left to cancel.")
}

package httpapi

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

type cancelInput struct {
	BatchPath
	Idempotency
}

type cancelOutput struct {
	Status   int    // 202 while inquiries are still running, 200 when all are final
	Replayed string `header:"Idempotent-Replayed"`
	Body     BatchBody
}

// cancelRoute adds the route that stops a batch. Repeating a cancel without an
// idempotency key is harmless: it returns the progress of the first one.
func (a *API) cancelRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "cancel-batch", Method: http.MethodPost, Path: "/v1/batch-inquiries/{batch_id}/cancel", Tags: []string{tagBatches},
		Summary: "Cancel a batch", DefaultStatus: http.StatusAccepted,
		Description: "Cancels the inquiries that no worker has claimed; running inquiries finish. " +
			"Returns the batch's status: 202 while inquiries are still running, 200 once the canceled batch has finished. Repeating the request is harmless. " +
			"For a batch that finished without a cancel, the response is a 409 `not-cancellable`.",
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{
			mediaJSON: {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[BatchBody](), true, "")},
		}}},
	}, reference{
		answers: map[string]string{
			"200": "The batch was canceled earlier and has finished.",
			"202": "The cancel was accepted. Running inquiries finish first.",
		},
		problems: []problem.Name{problem.NotCancellable},
		examples: func(*samples) ([]example, error) {
			finished := sampleCancelled(inquiry.StatusCompleted)
			finished.FinishedAt = finished.Sums.LastFinishedAt
			return []example{
				{place: "202", value: batchBody(sampleCancelled(inquiry.StatusRunning))},
				{place: "200", value: batchBody(finished)},
			}, nil
		},
	}, a.cancel)
}

func (a *API) cancel(ctx context.Context, in *cancelInput) (*cancelOutput, error) {
	caller := requestOf(ctx).Caller
	if !caller.Role.MayChange() {
		return nil, readOnly()
	}
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return nil, err
	}
	if err := a.confirmRole(ctx, caller); err != nil {
		return nil, err
	}
	var batch inquiry.Batch
	out := &cancelOutput{Status: http.StatusAccepted}
	if in.IdempotencyKey == "" {
		batch, err = a.Batches.RequestCancel(ctx, caller.LenderID, id)
	} else {
		var replayed bool
		if batch, replayed, err = a.Batches.RequestCancelOnce(ctx, caller.LenderID, id, in.IdempotencyKey); replayed {
			out.Replayed = "true"
		}
	}
	if err != nil {
		return nil, inFlight(err, in.IdempotencyKey)
	}
	if out.Body = batchBody(batch); out.Body.IsTerminal {
		out.Status = http.StatusOK
	}
	return out, nil
}

// inFlight returns err, unless other requests got in the way of a request with an
// idempotency key: one of them may be the same request.
func inFlight(err error, key string) error {
	if key == "" || !errors.Is(err, inquiry.ErrConflict) {
		return err
	}
	return keyInFlight()
}

func keyInFlight() *Problem {
	return newProblem(problem.IdempotencyInFlight,
		"A request with this Idempotency-Key may still be in progress. Send this request again in a second, with the same key.")
}

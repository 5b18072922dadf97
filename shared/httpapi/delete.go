package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

func (a *API) deleteRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "delete-batch", Method: http.MethodDelete, Path: "/v1/batch-inquiries/{batch_id}", Tags: []string{tagBatches},
		Summary: "Delete a batch's data", DefaultStatus: http.StatusOK,
		Description: "Deletes all personal data of a finished batch: its name and metadata, the inquiries as submitted, and the reports. " +
			"The batch itself stays in the list, with its counts and `deletedAt`; requests for its inquiries get a 410. Repeating the request is harmless and completes a deletion that was interrupted. " +
			"For a batch that is still running, the response is a 409 `not-finished`: cancel it first. Links to large result files expire within five minutes, and the files are deleted within two days. Backups of the table keep deleted data for up to 35 days. " +
			"If the service failed to process a record of the batch several times, a copy of that record, which can contain the name and the report, is kept for up to 30 days to investigate the failure.",
	}, reference{
		answers:  map[string]string{"200": "The data was deleted. Returns what remains of the batch's status."},
		problems: []problem.Name{problem.NotFinished},
		examples: func(*samples) ([]example, error) { return onlyExample("200", batchBody(sampleDeleted())), nil },
	}, a.delete)
}

func (a *API) delete(ctx context.Context, in *BatchPath) (*batchOutput, error) {
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
	batch, err := a.Batches.Delete(ctx, caller.LenderID, id)
	if err != nil {
		return nil, err
	}
	return &batchOutput{batchBody(batch)}, nil
}

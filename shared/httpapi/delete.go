package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func (a *API) registerDelete(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "delete-batch", Method: http.MethodDelete, Path: "/v1/batch-inquiries/{batch_id}",
		Summary: "Delete a batch's data", DefaultStatus: http.StatusOK, Errors: []int{http.StatusConflict},
		Description: "Removes all personal data of a finished batch: its name and metadata, what was asked, and the reports. " +
			"The batch stays in the list and in its status with its counts and `deletedAt`; its inquiries answer 410. Repeating the request is harmless, and finishes what a lost one began. " +
			"A batch that is still running is a 409 `not-finished`: cancel it first. Links to files of large results end within five minutes, the files themselves within two days; backups of the table keep what was deleted for 35 days at the most.",
	}, func(ctx context.Context, in *BatchPath) (*batchOutput, error) {
		batch, err := a.delete(ctx, in.BatchID)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &batchOutput{Body: batchBody(batch)}, nil
	})
}

func (a *API) delete(ctx context.Context, text string) (inquiry.Batch, error) {
	caller := requestOf(ctx).Caller
	if !caller.Role.MayChange() {
		return inquiry.Batch{}, mayOnlyRead()
	}
	id, err := inquiry.ParseBatchID(text)
	if err != nil {
		return inquiry.Batch{}, err
	}
	if err := a.confirm(ctx, caller); err != nil {
		return inquiry.Batch{}, err
	}
	return a.Batches.Delete(ctx, caller.LenderID, id)
}

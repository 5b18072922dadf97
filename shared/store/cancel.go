package store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// RequestCancel asks for the batch to be cancelled; the stream hands the request
// to dispatch-batch, and the next sweep sees whether that was done. Asking again
// changes nothing. The batch is returned as it is then. One that is finished is
// inquiry.ErrFinished.
func (s *Store) RequestCancel(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &s.table,
		Key:                 key(batchKey(lender, id), headerKey),
		UpdateExpression:    aws.String("SET cancelRequestedAt = :now, nextCheckAt = :due, event = :event, version = version + :one"),
		ConditionExpression: aws.String("attribute_exists(openShard) AND attribute_not_exists(cancelRequestedAt)"),
		ExpressionAttributeValues: item{
			":now": number(s.now().UnixMilli()), ":due": number(s.now().Unix()), ":event": text(string(eventCancel)), ":one": number(1),
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var current item
	old, refused := refused(err)
	switch {
	case refused && old == nil:
		err = inquiry.ErrNotFound
	case refused:
		current, err = old, nil
	case err == nil:
		current = out.Attributes
	}
	if err != nil {
		return inquiry.Batch{}, fmt.Errorf("cancelling batch %s: %w", id, err)
	}
	_, batch, err := parseHeader(current)
	if err != nil {
		return inquiry.Batch{}, fmt.Errorf("cancelling batch %s: %w", id, err)
	}
	if batch.CancelRequestedAt.IsZero() {
		return batch, fmt.Errorf("cancelling batch %s: %w", id, inquiry.ErrFinished)
	}
	return batch, nil
}

package store

import (
	"context"
	"crypto/sha256"
	"errors"
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
	write := alone(s.cancel(lender, id))
	write.ReturnValues = types.ReturnValueAllNew
	out, err := s.db.UpdateItem(ctx, write)
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

// cancel is the write that asks for a batch to be cancelled: an open one, once.
func (s *Store) cancel(lender inquiry.LenderID, id inquiry.BatchID) types.Update {
	return types.Update{
		TableName:           &s.table,
		Key:                 key(batchKey(lender, id), headerKey),
		UpdateExpression:    aws.String("SET cancelRequestedAt = :now, nextCheckAt = :due, event = :event ADD version :one"),
		ConditionExpression: aws.String("attribute_exists(openShard) AND attribute_not_exists(cancelRequestedAt)"),
		ExpressionAttributeValues: item{
			":now": number(s.now().UnixMilli()), ":due": number(s.now().Unix()), ":event": text(string(EventCancelRequested)), ":one": number(1),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// cancelAttempts bounds how often a cancel that met other transactions is tried
// again.
const cancelAttempts = 10

// RequestCancelOnce is RequestCancel with an idempotency key, which is remembered
// with it in one transaction, if the batch can be cancelled. replayed tells that
// the key was used before for this very request; the batch is as it is now even
// then. A key that was used for another one is inquiry.ErrIdempotencyMismatch, and
// nothing is cancelled.
func (s *Store) RequestCancelOnce(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, idempotency string) (b inquiry.Batch, replayed bool, err error) {
	for attempt := range cancelAttempts {
		if replayed, err = s.tryCancel(ctx, lender, id, idempotency); !errors.Is(err, inquiry.ErrConflict) {
			break
		}
		if paused := pause(ctx, attempt); paused != nil {
			err = paused
			break
		}
	}
	var current item
	if err == nil {
		current, err = s.get(ctx, key(batchKey(lender, id), headerKey), true)
	}
	if err == nil {
		_, b, err = parseHeader(current)
	}
	if err != nil {
		return inquiry.Batch{}, false, fmt.Errorf("cancelling batch %s: %w", id, err)
	}
	return b, replayed, nil
}

// tryCancel asks for the cancel, unless the key or the batch stands against it.
// It is inquiry.ErrConflict when another transaction was in the way.
func (s *Store) tryCancel(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, idempotency string) (replayed bool, err error) {
	request := sha256.Sum256([]byte("cancel " + id.String()))
	cancel, remember := s.cancel(lender, id), s.remember(lender, idempotency, request, id)
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &cancel}, remember}})
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(canceled.CancellationReasons) != 2 {
		return false, err
	}
	header, record := canceled.CancellationReasons[0], canceled.CancellationReasons[1]
	switch {
	case record.Item != nil:
		_, err := remembered(record.Item, request)
		return true, err
	case header.Item != nil && header.Item["cancelRequestedAt"] == nil:
		return false, inquiry.ErrFinished
	case header.Item != nil: // cancelled already; what is left is to remember the key
		return s.rememberAlone(ctx, remember.Put, request)
	case aws.ToString(header.Code) == "ConditionalCheckFailed":
		return false, inquiry.ErrNotFound
	case throttled(header) || throttled(record):
		return false, err
	case contended(header) || contended(record):
		return false, inquiry.ErrConflict
	}
	return false, err
}

// rememberAlone makes the key stand for the request, or finds that it does.
func (s *Store) rememberAlone(ctx context.Context, record *types.Put, request fingerprint) (replayed bool, err error) {
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: record.TableName, Item: record.Item, ConditionExpression: record.ConditionExpression,
		ExpressionAttributeValues:           record.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: record.ReturnValuesOnConditionCheckFailure,
	})
	if old, refused := refused(err); refused {
		_, err := remembered(old, request)
		return true, err
	}
	return false, err
}

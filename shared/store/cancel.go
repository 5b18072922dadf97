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
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

// cancelAttempts limits the tries of a cancel while other transactions are in the way.
const cancelAttempts = 10

// RequestCancel records that the batch is to be canceled, and returns the batch as
// it is then. The stream delivers the request to dispatch-batch; the next sweep
// checks that it was carried out. Requesting it again changes nothing. RequestCancel
// returns inquiry.ErrFinished for a finished batch.
func (s *Store) RequestCancel(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	write := updateInput(s.cancelUpdate(lender, id))
	write.ReturnValues = types.ReturnValueAllNew
	out, err := s.db.UpdateItem(ctx, write)
	var current item
	old, refused := refusal(err)
	switch {
	case refused && old == nil:
		err = inquiry.ErrNotFound
	case refused:
		current, err = old, nil
	case err == nil:
		current = out.Attributes
	}
	if err != nil {
		return inquiry.Batch{}, fmt.Errorf("canceling batch %s: %w", id, err)
	}
	_, batch, err := parseHeader(current)
	if err != nil {
		return inquiry.Batch{}, fmt.Errorf("canceling batch %s: %w", id, err)
	}
	if batch.CancelRequestedAt.IsZero() {
		return batch, fmt.Errorf("canceling batch %s: %w", id, inquiry.ErrFinished)
	}
	return batch, nil
}

// RequestCancelOnce is RequestCancel with an idempotency key. If the batch can be
// canceled, one transaction records both the request and the key.
//
// replayed reports that the key was used before for this very request; the batch is
// returned as it is now even then. If the key was used for another request,
// RequestCancelOnce returns inquiry.ErrIdempotencyMismatch and cancels nothing.
func (s *Store) RequestCancelOnce(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, idempotency string) (b inquiry.Batch, replayed bool, err error) {
	if replayed, err = s.cancelOnce(ctx, lender, id, idempotency); err != nil {
		return inquiry.Batch{}, false, fmt.Errorf("canceling batch %s: %w", id, err)
	}
	current, err := s.get(ctx, key(batchKey(lender, id), headerKey), consistent)
	if err != nil {
		return inquiry.Batch{}, false, fmt.Errorf("canceling batch %s: %w", id, err)
	}
	if _, b, err = parseHeader(current); err != nil {
		return inquiry.Batch{}, false, fmt.Errorf("canceling batch %s: %w", id, err)
	}
	return b, replayed, nil
}

// cancelOnce calls tryCancel until no other transaction is in the way.
func (s *Store) cancelOnce(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, idempotency string) (replayed bool, err error) {
	for attempt := range cancelAttempts {
		replayed, err = s.tryCancel(ctx, lender, id, idempotency)
		if !errors.Is(err, inquiry.ErrConflict) {
			return replayed, err
		}
		if err := retry.Pause(ctx, attempt); err != nil {
			return false, err
		}
	}
	return false, inquiry.ErrConflict
}

// tryCancel records the cancel and the key, unless the state of either forbids it.
// It returns inquiry.ErrConflict when another transaction was in the way.
func (s *Store) tryCancel(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, idempotency string) (replayed bool, err error) {
	request := sha256.Sum256([]byte("cancel " + id.String()))
	cancel, remember := s.cancelUpdate(lender, id), s.remember(lender, idempotency, request, id)
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
	case header.Item != nil: // already canceled: only the key is left to record
		return s.rememberOnly(ctx, remember.Put, request)
	case failedCondition(header):
		return false, inquiry.ErrNotFound
	case throttled(header) || throttled(record):
		return false, err
	case contended(header) || contended(record):
		return false, inquiry.ErrConflict
	}
	return false, err
}

// cancelUpdate returns the update that requests the cancel of an open batch. Its
// condition fails for any other batch, and for one that is already being canceled.
func (s *Store) cancelUpdate(lender inquiry.LenderID, id inquiry.BatchID) types.Update {
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

// rememberOnly writes the key's record in a request of its own. If the key has been
// recorded by now, it compares that record with the request.
func (s *Store) rememberOnly(ctx context.Context, record *types.Put, request fingerprint) (replayed bool, err error) {
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: record.TableName, Item: record.Item, ConditionExpression: record.ConditionExpression,
		ExpressionAttributeValues:           record.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: record.ReturnValuesOnConditionCheckFailure,
	})
	if old, refused := refusal(err); refused {
		_, err := remembered(old, request)
		return true, err
	}
	return false, err
}

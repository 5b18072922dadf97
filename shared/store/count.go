package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// mergeAttempts bounds how often a merge that another writer overtook is tried
// again. Each round one writer gets through.
const mergeAttempts = 20

// Merge brings the batch's ledger, counters, sums and status up to what the
// changes say, in one write of the header, and returns the batch as it is then.
// When the changes say nothing new, nothing is written. With the last inquiry the
// lender gets its room for the batch back, in the same transaction.
//
// It is inquiry.ErrNotFound when the batch has been deleted, and
// inquiry.ErrConflict when other writers were faster every time.
func (s *Store) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	batch, err := s.merge(ctx, lender, id, changes)
	if err != nil {
		return inquiry.Batch{}, fmt.Errorf("counting in batch %s: %w", id, err)
	}
	return batch, nil
}

func (s *Store) merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	current, err := s.getFresh(ctx, key(batchKey(lender, id), headerKey))
	if err != nil {
		return inquiry.Batch{}, err
	}
	for attempt := range mergeAttempts {
		_, batch, err := parseHeader(current)
		if err != nil {
			return inquiry.Batch{}, err
		}
		for _, c := range changes {
			if c.Index < 0 || c.Index >= batch.Total {
				return inquiry.Batch{}, fmt.Errorf("index %d is outside its %d inquiries", c.Index, batch.Total)
			}
		}
		tally, changed := batch.Tally.Merge(changes...)
		if !changed {
			return batch, nil
		}
		batch.Tally = tally
		overtaken, err := s.writeTally(ctx, &batch)
		if errors.Is(err, inquiry.ErrConflict) {
			if err = pause(ctx, attempt); err == nil {
				overtaken, err = s.getFresh(ctx, key(batchKey(lender, id), headerKey))
			}
		}
		if err != nil {
			return inquiry.Batch{}, err
		}
		if overtaken == nil {
			return batch, nil
		}
		current = overtaken
	}
	return inquiry.Batch{}, inquiry.ErrConflict
}

// writeTally writes the batch's tally over version b.Version of its header and
// raises b.Version. When the header has moved on, it returns the header as it
// is instead. It is inquiry.ErrConflict when another transaction was in the way.
func (s *Store) writeTally(ctx context.Context, b *inquiry.Batch) (overtaken item, err error) {
	h := header{Event: EventCounted}
	h.setTally(b.Tally)
	update := "SET ledger = :ledger, sums = :sums, #status = :status, event = :event, version = :next, " +
		"planning = :planning, running = :running, completed = :completed, " +
		"partialSuccess = :partialSuccess, failed = :failed, cancelled = :cancelled"
	if h.Status.Final() {
		h.Event = EventFinished
		b.FinishedAt = b.Sums.LastFinishedAt
		update += ", finishedAt = :finished REMOVE openShard, nextCheckAt"
	}
	sums, err := attributevalue.Marshal(h.Sums)
	if err != nil {
		return nil, fmt.Errorf("building header: %w", err)
	}
	values := item{
		":ledger": binary(h.Ledger), ":sums": sums, ":status": text(string(h.Status)), ":event": text(string(h.Event)),
		":version": number(b.Version), ":next": number(b.Version + 1),
		":planning": number(h.Planning), ":running": number(h.Running), ":completed": number(h.Completed),
		":partialSuccess": number(h.PartialSuccess), ":failed": number(h.Failed), ":cancelled": number(h.Cancelled),
	}
	if h.Status.Final() {
		values[":finished"] = number(int64(toMillis(b.FinishedAt)))
	}
	write := types.Update{
		TableName:                           &s.table,
		Key:                                 key(batchKey(b.LenderID, b.ID), headerKey),
		UpdateExpression:                    aws.String(update),
		ConditionExpression:                 aws.String("attribute_exists(PK) AND version = :version"),
		ExpressionAttributeNames:            map[string]string{"#status": "status"},
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	var old item
	var held bool
	if h.Status.Final() {
		old, held, err = s.updateLast(ctx, write, *b)
	} else {
		old, held, err = s.update(ctx, write)
	}
	switch {
	case err != nil:
		return nil, err
	case !held && old == nil:
		return nil, inquiry.ErrNotFound
	case !held:
		return old, nil
	}
	b.Version++
	return nil, nil
}

// update makes a conditional write. held tells whether its condition held; old
// is the item for which it did not.
func (s *Store) update(ctx context.Context, u types.Update) (old item, held bool, err error) {
	_, err = s.db.UpdateItem(ctx, alone(u))
	if old, refused := refused(err); refused {
		return old, false, nil
	}
	return nil, true, err
}

// updateLast is update for the write that makes a batch final. The lender gets
// its room back in the same transaction, and so once, whoever writes and however
// often it is tried.
func (s *Store) updateLast(ctx context.Context, u types.Update, b inquiry.Batch) (old item, held bool, err error) {
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &u},
		{Update: &types.Update{
			TableName:                 &s.table,
			Key:                       key(lenderKey(b.LenderID), profileKey),
			UpdateExpression:          aws.String("ADD #open :less"),
			ExpressionAttributeNames:  map[string]string{"#open": "open"},
			ExpressionAttributeValues: item{":less": number(-b.Total)},
		}},
	}})
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(canceled.CancellationReasons) == 0 {
		return nil, true, err
	}
	if reason := canceled.CancellationReasons[0]; aws.ToString(reason.Code) == "ConditionalCheckFailed" {
		return reason.Item, false, nil
	}
	if slices.ContainsFunc(canceled.CancellationReasons, contended) {
		return nil, false, inquiry.ErrConflict
	}
	return nil, false, err
}

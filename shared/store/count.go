package store

import (
	"context"
	"fmt"

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
// When the changes say nothing new, nothing is written.
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
	for range mergeAttempts {
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
// is instead.
func (s *Store) writeTally(ctx context.Context, b *inquiry.Batch) (overtaken item, err error) {
	h := header{Event: eventCounted}
	h.setTally(b.Tally)
	update := "SET ledger = :ledger, sums = :sums, #status = :status, event = :event, version = :next, " +
		"planning = :planning, running = :running, completed = :completed, " +
		"partialSuccess = :partialSuccess, failed = :failed, cancelled = :cancelled"
	if h.Status.Final() {
		h.Event = eventFinished
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
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 key(batchKey(b.LenderID, b.ID), headerKey),
		UpdateExpression:                    aws.String(update),
		ConditionExpression:                 aws.String("attribute_exists(PK) AND version = :version"),
		ExpressionAttributeNames:            map[string]string{"#status": "status"},
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, refused := refused(err)
	if refused && old == nil {
		return nil, inquiry.ErrNotFound
	}
	if refused {
		return old, nil
	}
	b.Version++
	return nil, err
}

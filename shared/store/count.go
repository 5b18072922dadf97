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
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

// mergeAttempts limits the tries of a merge that other writers keep overtaking. In
// each round, one writer succeeds.
const mergeAttempts = 20

// Merge adds the changes to the batch's ledger, counters, sums and status, in one
// write of the header, and returns the batch as it is then. It writes nothing when
// the changes contain nothing new. The write for the batch's last inquiry also gives
// the lender its room for the batch back, in the same transaction.
//
// Merge returns inquiry.ErrNotFound when the batch has been deleted,
// inquiry.ErrUnreadable when its header is damaged or a change belongs to none of its
// inquiries, and inquiry.ErrConflict when other writers were faster every time.
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
				return inquiry.Batch{}, fmt.Errorf("%w: index %d is outside its %d inquiries", inquiry.ErrUnreadable, c.Index, batch.Total)
			}
		}
		tally, changed := batch.Tally.Merge(changes...)
		if !changed {
			return batch, nil
		}
		batch.Tally = tally
		overtaken, err := s.writeTally(ctx, &batch)
		if errors.Is(err, inquiry.ErrConflict) {
			if err = retry.Pause(ctx, attempt); err == nil {
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

// writeTally writes the batch's tally over version b.Version of its header and raises
// b.Version. If another writer has changed the header, writeTally writes nothing and
// returns the header as it is now. It returns inquiry.ErrConflict when another
// transaction was in the way.
func (s *Store) writeTally(ctx context.Context, b *inquiry.Batch) (overtaken item, err error) {
	final := b.Status().Final()
	if final {
		b.FinishedAt = b.Sums.LastFinishedAt
	}
	write, err := s.tallyUpdate(*b)
	if err != nil {
		return nil, err
	}
	var old item
	var written bool
	if final {
		old, written, err = s.updateLast(ctx, write, *b)
	} else {
		old, written, err = s.update(ctx, write)
	}
	switch {
	case err != nil:
		return nil, err
	case !written && old == nil:
		return nil, inquiry.ErrNotFound
	case !written:
		return old, nil
	}
	b.Version++
	return nil, nil
}

// tallyUpdate returns the update that writes the batch's tally. Its condition fails
// unless the header still has version b.Version. A finished batch leaves the index of
// open batches.
func (s *Store) tallyUpdate(b inquiry.Batch) (types.Update, error) {
	stored, err := attributevalue.Marshal(toSums(b.Sums))
	if err != nil {
		return types.Update{}, fmt.Errorf("building header: %w", err)
	}
	event, status, counts := EventCounted, b.Status(), b.Counts()
	update := "SET ledger = :ledger, sums = :sums, #status = :status, event = :event, version = :next"
	names := map[string]string{"#status": StatusAttribute}
	values := item{
		":ledger": binary(b.Ledger), ":sums": stored, ":status": text(string(status)),
		":version": number(b.Version), ":next": number(b.Version + 1),
	}
	for _, s := range inquiry.Statuses() {
		counter := s.Counter()
		update += ", #" + counter + " = :" + counter
		names["#"+counter], values[":"+counter] = counter, number(counts.Of(s))
	}
	if status.Final() {
		event = EventFinished
		update += ", finishedAt = :finished REMOVE openShard, nextCheckAt"
		values[":finished"] = number(int64(toMillis(b.FinishedAt)))
	}
	values[":event"] = text(string(event))
	return types.Update{
		TableName:                           &s.table,
		Key:                                 key(batchKey(b.LenderID, b.ID), headerKey),
		UpdateExpression:                    aws.String(update),
		ConditionExpression:                 aws.String("attribute_exists(PK) AND version = :version"),
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, nil
}

// update makes a conditional write and reports whether its condition was met. If it
// was not, old is the item, or nil when there is none.
func (s *Store) update(ctx context.Context, u types.Update) (old item, written bool, err error) {
	_, err = s.db.UpdateItem(ctx, updateInput(u))
	if old, refused := refusal(err); refused {
		return old, false, nil
	}
	return nil, true, err
}

// updateLast is update for the write that makes a batch final. The same transaction
// gives the lender its room back, and therefore only once, whoever writes and however
// often the write is tried.
func (s *Store) updateLast(ctx context.Context, u types.Update, b inquiry.Batch) (old item, written bool, err error) {
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &u},
		{Update: &types.Update{
			TableName:                 &s.table,
			Key:                       key(lenderKey(b.LenderID), countsKey),
			UpdateExpression:          aws.String("ADD #open :less"),
			ExpressionAttributeNames:  map[string]string{"#open": OpenInquiriesAttribute},
			ExpressionAttributeValues: item{":less": number(-b.Total)},
		}},
	}})
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(canceled.CancellationReasons) == 0 {
		return nil, true, err
	}
	if reason := canceled.CancellationReasons[0]; failedCondition(reason) {
		return reason.Item, false, nil
	}
	if slices.ContainsFunc(canceled.CancellationReasons, contended) {
		return nil, false, inquiry.ErrConflict
	}
	return nil, false, err
}

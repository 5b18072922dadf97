package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// duePage is how many batches of one partition Due reads at once.
const duePage = 500

// BatchRef identifies one batch of one lender.
type BatchRef struct {
	Lender inquiry.LenderID
	ID     inquiry.BatchID
}

// DueBatch is an unfinished batch that is due for a sweep.
type DueBatch struct {
	BatchRef
	At time.Time // when it is due, to the second

	// Begun says that an earlier sweep began with the batch and did not end. It may
	// have died because of the batch.
	Begun bool
}

// openShard returns the partition of the index in which the batch waits for a sweep. It
// follows from the last random byte of the id.
func openShard(id inquiry.BatchID) string { return OpenShards[int(id[13])%len(OpenShards)] }

// Due returns the unfinished batches that are due for a sweep now, the most overdue
// first. It reads the index while the caller iterates. The index is a moment behind the
// table. If a partition of the index cannot be read, Due returns the error and continues
// with the other partitions.
func (s *Store) Due(ctx context.Context) iter.Seq2[DueBatch, error] {
	return func(yield func(DueBatch, error) bool) {
		lines := s.dueLines()
		for {
			var first *dueLine
			for _, l := range lines {
				if err := l.fill(ctx); err != nil && !yield(DueBatch{}, err) {
					return
				}
				if len(l.batches) > 0 && (first == nil || l.batches[0].At.Before(first.batches[0].At)) {
					first = l
				}
			}
			if first == nil {
				return
			}
			next := first.batches[0]
			first.batches = first.batches[1:]
			if !yield(next, nil) {
				return
			}
		}
	}
}

// dueLine is the due batches of one partition of the index, the most overdue first.
type dueLine struct {
	batches []DueBatch               // that have been read and not returned yet
	pages   *dynamodb.QueryPaginator // reads the others
}

// dueLines returns a line for each partition of the index. Nothing is read yet.
func (s *Store) dueLines() []*dueLine {
	now := s.now()
	var lines []*dueLine
	for _, shard := range append(OpenShards[:], OpenBegun) {
		lines = append(lines, &dueLine{pages: dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{
			TableName:                 &s.table,
			IndexName:                 aws.String(OpenIndex),
			KeyConditionExpression:    aws.String("openShard = :shard AND nextCheckAt <= :now"),
			ExpressionAttributeValues: item{":shard": text(shard), ":now": number(now.Unix())},
			Limit:                     aws.Int32(duePage),
		})})
	}
	return lines
}

// fill reads pages of the line until there is a batch to return. It returns an error about
// what it cannot read. A page that cannot be read ends the line.
func (l *dueLine) fill(ctx context.Context) (failed error) {
	for len(l.batches) == 0 && l.pages != nil && l.pages.HasMorePages() {
		out, err := l.pages.NextPage(ctx)
		if err != nil {
			l.pages = nil
		} else {
			l.batches, err = parseDue(out.Items)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("looking for unfinished batches: %w", err))
		}
	}
	return failed
}

// parseDue parses entries of the index. It returns those that it can parse, and an
// error about the others.
func parseDue(entries []item) (batches []DueBatch, failed error) {
	for _, it := range entries {
		lender, id, ok := strings.Cut(strings.TrimPrefix(textOf(it, PKAttribute), LenderPrefix), BatchInfix)
		batch, err := inquiry.ParseBatchID(id)
		at, notNumber := numberOf(it, NextCheckAtAttribute)
		if !ok || err != nil || notNumber != nil {
			failed = errors.Join(failed, fmt.Errorf("key %q does not belong to a batch", textOf(it, PKAttribute)))
			continue
		}
		batches = append(batches, DueBatch{
			BatchRef: BatchRef{inquiry.LenderID(lender), batch}, At: time.Unix(at, 0).UTC(),
			Begun: textOf(it, OpenShardAttribute) == OpenBegun,
		})
	}
	return batches, failed
}

// BeginSweep records that a sweep begins with the batch. If the sweep does not end, the
// batch is due again at the given time. BeginSweep returns the batch with that time, for
// EndSweep.
//
// BeginSweep returns inquiry.ErrConflict when the batch is not due any more at the time
// that Due read: another sweep began with it, its lender canceled it, or it is finished.
func (s *Store) BeginSweep(ctx context.Context, due DueBatch, again time.Time) (DueBatch, error) {
	// When the SDK sends the update again after a lost reply, the batch is already due at
	// :again.
	taken, err := s.moveDue(ctx, due.BatchRef, OpenBegun, again, "nextCheckAt = :at OR nextCheckAt = :again", due.At)
	if err == nil && !taken {
		err = inquiry.ErrConflict
	}
	if err != nil {
		return DueBatch{}, fmt.Errorf("beginning the sweep of batch %s: %w", due.ID, err)
	}
	return DueBatch{BatchRef: due.BatchRef, At: again, Begun: true}, nil
}

// EndSweep records that the sweep that began with the batch has ended, and sets when the
// batch is due again, to the second. It does nothing and returns nil when the batch is
// finished, or when somebody else has set in the meantime when it is due.
func (s *Store) EndSweep(ctx context.Context, begun DueBatch, again time.Time) error {
	_, err := s.moveDue(ctx, begun.BatchRef, openShard(begun.ID), again, "nextCheckAt = :at", begun.At)
	return annotate(err, "ending the sweep of batch %s", begun.ID)
}

// moveDue moves the batch to another place in the index, if it meets the condition, and
// reports whether it did.
func (s *Store) moveDue(ctx context.Context, ref BatchRef, shard string, again time.Time, condition string, at time.Time) (moved bool, err error) {
	_, moved, err = s.update(ctx, types.Update{
		TableName:           &s.table,
		Key:                 key(batchKey(ref.Lender, ref.ID), headerKey),
		UpdateExpression:    aws.String("SET openShard = :shard, nextCheckAt = :again, event = :event"),
		ConditionExpression: &condition,
		ExpressionAttributeValues: item{
			":shard": text(shard), ":at": number(at.Unix()), ":again": number(again.Unix()), ":event": text(string(EventChecked)),
		},
	})
	return moved, err
}

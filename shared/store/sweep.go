package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// BatchRef identifies one batch of one lender.
type BatchRef struct {
	Lender inquiry.LenderID
	ID     inquiry.BatchID
}

// Due returns up to limit unfinished batches that are due for a sweep, the most overdue
// first. It reads an index that is a moment behind the table.
func (s *Store) Due(ctx context.Context, limit int) ([]BatchRef, error) {
	out, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.table,
		IndexName:                 aws.String(OpenIndex),
		KeyConditionExpression:    aws.String("openShard = :shard AND nextCheckAt <= :now"),
		ExpressionAttributeValues: item{":shard": text(OpenShard), ":now": number(s.now().Unix())},
		Limit:                     aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, fmt.Errorf("looking for unfinished batches: %w", err)
	}
	refs := make([]BatchRef, len(out.Items))
	for i, it := range out.Items {
		lender, id, ok := strings.Cut(strings.TrimPrefix(textOf(it, PKAttribute), LenderPrefix), BatchInfix)
		batch, err := inquiry.ParseBatchID(id)
		if !ok || err != nil {
			return nil, fmt.Errorf("looking for unfinished batches: key %q does not belong to a batch", textOf(it, PKAttribute))
		}
		refs[i] = BatchRef{inquiry.LenderID(lender), batch}
	}
	return refs, nil
}

// Records returns one record, without its report, for each of the batch's inquiries that
// is beyond PLANNING. The read is consistent.
func (s *Store) Records(ctx context.Context, b inquiry.Batch) ([]inquiry.Record, error) {
	var records []inquiry.Record
	for bucket := range (b.Total + bucketSize - 1) / bucketSize {
		part, err := s.recordsOf(ctx, bucketKey(b.LenderID, b.ID, bucket))
		if err != nil {
			return nil, fmt.Errorf("reading inquiries of batch %s: %w", b.ID, err)
		}
		records = append(records, part...)
	}
	return records, nil
}

// recordsOf returns the records of one bucket. It does not read the reports, because
// all reports of a batch may not fit into a function's memory.
func (s *Store) recordsOf(ctx context.Context, bucket partitionKey) ([]inquiry.Record, error) {
	paginator := dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{
		TableName:                 &s.table,
		KeyConditionExpression:    aws.String("PK = :pk AND begins_with(SK, :prefix)"),
		ProjectionExpression:      aws.String("PK, SK, #status, leaseUntil, attempt, startedAt, finishedAt, #sources, failure, retryable"),
		ExpressionAttributeNames:  map[string]string{"#status": StatusAttribute, "#sources": "sources"},
		ExpressionAttributeValues: item{":pk": text(string(bucket)), ":prefix": text(InquiryPrefix)},
		ConsistentRead:            aws.Bool(true),
	})
	var records []inquiry.Record
	for paginator.HasMorePages() {
		out, err := paginator.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			_, record, err := parseRecord(it)
			if err != nil {
				return nil, err
			}
			records = append(records, record)
		}
	}
	return records, nil
}

// Postpone sets when an unfinished batch is due again, to the second. It ignores a batch
// that has been finished or deleted in the meantime.
func (s *Store) Postpone(ctx context.Context, ref BatchRef, next time.Time) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &s.table,
		Key:                 key(batchKey(ref.Lender, ref.ID), headerKey),
		UpdateExpression:    aws.String("SET nextCheckAt = :next, event = :event"),
		ConditionExpression: aws.String("attribute_exists(openShard)"),
		ExpressionAttributeValues: item{
			":next": number(next.Unix()), ":event": text(string(EventChecked)),
		},
	})
	if _, refused := refusal(err); err != nil && !refused {
		return fmt.Errorf("postponing batch %s: %w", ref.ID, err)
	}
	return nil
}

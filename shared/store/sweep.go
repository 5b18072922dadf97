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

// BatchRef names one batch of one lender.
type BatchRef struct {
	Lender inquiry.LenderID
	ID     inquiry.BatchID
}

// Due returns up to limit unfinished batches whose time to be looked at has
// come, the longest overdue first. The index that it reads trails the table by
// a moment.
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
			return nil, fmt.Errorf("looking for unfinished batches: key %q is not a batch's", textOf(it, "PK"))
		}
		refs[i] = BatchRef{inquiry.LenderID(lender), batch}
	}
	return refs, nil
}

// Records returns what is known of the batch's inquiries, read consistently: one
// record, without its report, for each that is beyond PLANNING.
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

// recordsOf leaves the reports in the table: a batch's may be more than a
// function's memory.
func (s *Store) recordsOf(ctx context.Context, bucket partitionKey) ([]inquiry.Record, error) {
	pages := dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{
		TableName:                 &s.table,
		KeyConditionExpression:    aws.String("PK = :pk AND begins_with(SK, :prefix)"),
		ProjectionExpression:      aws.String("PK, SK, #status, leaseUntil, attempt, startedAt, finishedAt, #sources, failure, retryable"),
		ExpressionAttributeNames:  map[string]string{"#status": "status", "#sources": "sources"},
		ExpressionAttributeValues: item{":pk": text(string(bucket)), ":prefix": text(InquiryPrefix)},
		ConsistentRead:            aws.Bool(true),
	})
	var records []inquiry.Record
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			_, record, err := parseRecord(it)
			if err != nil {
				return nil, err
			}
			records = append(records, record)
		}
	}
	return records, nil
}

// Postpone sets when an unfinished batch is due again, to the second. A batch
// that is finished or deleted by now is left as it is.
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
	if _, refused := refused(err); err != nil && !refused {
		return fmt.Errorf("postponing batch %s: %w", ref.ID, err)
	}
	return nil
}

package store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Records returns one record, without its report, for each of the batch's inquiries that
// is beyond PLANNING. A record's status may be one that this version does not know. The
// read is consistent.
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

package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// reading is what one request of the API consumed, and how much it answered.
type reading struct {
	usage
	bytes int
	items int // of a list
}

// read makes one GET request.
func (s *service) read(ctx context.Context, path string, query map[string]string) (reading, error) {
	s.bill()
	var body struct{ Batches, Inquiries []struct{} }
	size, err := s.call(ctx, http.MethodGet, path, query, "", &body)
	return reading{s.bill()["api"].table.total(), size, len(body.Batches) + len(body.Inquiries)}, err
}

func (s *service) readStatus(ctx context.Context, id inquiry.BatchID) (reading, error) {
	return s.read(ctx, "/v1/batch-inquiries/"+id.String(), nil)
}

func (s *service) readInquiries(ctx context.Context, id inquiry.BatchID, offset, limit int) (reading, error) {
	return s.read(ctx, "/v1/batch-inquiries/"+id.String()+"/inquiries", page(offset, limit))
}

func (s *service) readBatches(ctx context.Context, offset, limit int) (reading, error) {
	return s.read(ctx, "/v1/batch-inquiries", page(offset, limit))
}

func (s *service) readReport(ctx context.Context, id inquiry.ID) (reading, error) {
	return s.read(ctx, "/v1/inquiries/"+id.String(), nil)
}

func page(offset, limit int) map[string]string {
	return map[string]string{"offset": strconv.Itoa(offset), "limit": strconv.Itoa(limit)}
}

// age has the lender look back on as many batches as that: the next one takes
// the ordinal after it. Those between exist in the count alone.
func (s *service) age(ctx context.Context, batches int) error {
	_, err := s.table.client(nil).UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table.name,
		Key: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: "LENDER#" + string(s.caller.LenderID)},
			"SK": &types.AttributeValueMemberS{Value: "PROFILE"},
		},
		UpdateExpression:          aws.String("SET batchCount = :n"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: strconv.Itoa(batches)}},
	})
	return err
}

// oldBatches is how far back the far end of a lender's list lies.
const oldBatches = 100_000

// readBatchList returns what ten batches cost at the near end of a lender's list
// and at its far end, 100,000 batches back.
func (s *service) readBatchList(ctx context.Context) (near, far reading, err error) {
	const limit = 10
	ten := func() error {
		for range limit {
			if _, err := s.submit(ctx, invent(2)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.age(ctx, 0); err != nil {
		return near, far, err
	}
	if err := ten(); err != nil {
		return near, far, err
	}
	if err := s.age(ctx, oldBatches); err != nil {
		return near, far, err
	}
	if err := ten(); err != nil {
		return near, far, err
	}
	if near, err = s.readBatches(ctx, 0, limit); err != nil {
		return near, far, err
	}
	if far, err = s.readBatches(ctx, oldBatches, limit); err != nil {
		return near, far, err
	}
	if near.items != limit || far.items != limit {
		err = fmt.Errorf("lists of %d and %d batches, not of %d", near.items, far.items, limit)
	}
	return near, far, err
}

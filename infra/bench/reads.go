package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// reading is what one read request used, and the size of its response.
type reading struct {
	usage
	bytes int
	items int // in the list, if the response is one
}

// read makes one GET request.
func (s *service) read(ctx context.Context, path string, query map[string]string) (reading, error) {
	s.takeUse()
	var body struct{ Batches, Inquiries []struct{} }
	size, err := s.call(ctx, http.MethodGet, path, query, "", &body)
	return reading{s.takeUse()[deployment.API].table.total(), size, len(body.Batches) + len(body.Inquiries)}, err
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

// setBatchCount makes the next batch take the ordinal after this number. The
// batches before it exist only in the count.
func (s *service) setBatchCount(ctx context.Context, batches int) error {
	_, err := s.table.client(nil).UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table.name,
		Key: map[string]types.AttributeValue{
			store.PKAttribute: &types.AttributeValueMemberS{Value: store.LenderPrefix + string(s.caller.LenderID)},
			store.SKAttribute: &types.AttributeValueMemberS{Value: store.CountsSK},
		},
		UpdateExpression:          aws.String("SET batchCount = :n"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: strconv.Itoa(batches)}},
	})
	return err
}

const (
	batchListLimit = 10
	oldBatches     = 100_000 // the offset of the oldest batches in readBatchList
)

// readBatchList returns what a page costs at the beginning of a lender's list, and
// what it costs 100,000 batches further down.
func (s *service) readBatchList(ctx context.Context) (near, far reading, err error) {
	for _, count := range []int{0, oldBatches} {
		if err := s.setBatchCount(ctx, count); err != nil {
			return near, far, err
		}
		for range batchListLimit {
			if _, err := s.submit(ctx, invent(2)); err != nil {
				return near, far, err
			}
		}
	}
	if near, err = s.readBatches(ctx, 0, batchListLimit); err != nil {
		return near, far, err
	}
	if far, err = s.readBatches(ctx, oldBatches, batchListLimit); err != nil {
		return near, far, err
	}
	if near.items != batchListLimit || far.items != batchListLimit {
		return near, far, fmt.Errorf("the lists have %d and %d batches, want %d each", near.items, far.items, batchListLimit)
	}
	return near, far, nil
}

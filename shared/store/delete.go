package store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// purgesAtOnce bounds how many inquiries are purged at the same time.
const purgesAtOnce = 32

// Delete removes all personal data of a finished batch: its name, its metadata, the
// submitted inquiries and the reports. It keeps the header with its counts and, for
// each inquiry, the status: a late message must not make a worker look the business up
// again.
//
// After the first write the batch reads as deleted, so a deletion that fails halfway
// hides the rest too. Calling Delete again continues from there.
// Delete returns inquiry.ErrUnfinished for a batch that is not finished.
func (s *Store) Delete(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	h, batch, err := s.markDeleted(ctx, lender, id)
	if err != nil {
		return inquiry.Batch{}, fmt.Errorf("deleting batch %s: %w", id, err)
	}
	for page := range h.PageStarts {
		if err := s.purgePage(ctx, batch, h.PageStarts, page); err != nil {
			return inquiry.Batch{}, fmt.Errorf("deleting batch %s: %w", id, err)
		}
	}
	return batch, nil
}

// markDeleted marks the header as deleted, unless it already is, and returns it.
func (s *Store) markDeleted(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (header, inquiry.Batch, error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table,
		Key:       key(batchKey(lender, id), headerKey),
		UpdateExpression: aws.String("SET deletedAt = :now, #name = :none, event = :event, version = version + :one " +
			"REMOVE metadata"),
		ConditionExpression:      aws.String("attribute_exists(PK) AND attribute_not_exists(openShard) AND attribute_not_exists(deletedAt)"),
		ExpressionAttributeNames: map[string]string{"#name": "name"},
		ExpressionAttributeValues: item{
			":now": number(s.now().UnixMilli()), ":none": text(""), ":event": text(string(EventDeleted)), ":one": number(1),
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var current item
	old, refused := refusal(err)
	switch {
	case refused && (old == nil || s.expired(old)):
		return header{}, inquiry.Batch{}, inquiry.ErrNotFound
	case refused && textOf(old, OpenShardAttribute) != "":
		return header{}, inquiry.Batch{}, inquiry.ErrUnfinished
	case refused:
		current = old
	case err != nil:
		return header{}, inquiry.Batch{}, err
	default:
		current = out.Attributes
	}
	return parseHeader(current)
}

// purgePage removes the reports of a page's inquiries and then the page's content, so
// that a page without content is known to be completely purged.
func (s *Store) purgePage(ctx context.Context, b inquiry.Batch, pageStarts []int, page int) error {
	where := key(batchKey(b.LenderID, b.ID), pageKey(page))
	it, err := s.get(ctx, where, consistent)
	if err != nil {
		return fmt.Errorf("page %d: %w", page, err)
	}
	if _, hasContent := it["data"]; !hasContent {
		return nil
	}
	end := b.Total
	if page+1 < len(pageStarts) {
		end = pageStarts[page+1]
	}
	g, purging := errgroup.WithContext(ctx)
	g.SetLimit(purgesAtOnce)
	for index := pageStarts[page]; index < end; index++ {
		g.Go(func() error {
			return s.removeAttribute(purging, recordKey(b.LenderID, b.ID.Inquiry(index)), ReportAttribute)
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("reports of page %d: %w", page, err)
	}
	return s.removeAttribute(ctx, where, "data")
}

// removeAttribute removes one attribute of an item. It ignores an absent item: a
// rejected inquiry has none.
func (s *Store) removeAttribute(ctx context.Context, k item, attribute string) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &s.table,
		Key:                      k,
		UpdateExpression:         aws.String("REMOVE #attribute"),
		ConditionExpression:      aws.String("attribute_exists(PK)"),
		ExpressionAttributeNames: map[string]string{"#attribute": attribute},
	})
	if _, refused := refusal(err); refused {
		return nil
	}
	return err
}

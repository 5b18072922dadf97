package main

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/source/ofac"
)

// naive does the same work in the way that comes to mind first: an item for each
// inquiry from the start, a message sent alone and delivered alone, and counters
// in the batch's item that move in one transaction with the inquiry's status.
//
// It is really done, one inquiry after the other. With many workers its
// transactions would meet at the batch's item, and be tried again: those are not
// in its figures.
type naive struct {
	db      *dynamodb.Client
	meter   *meter
	table   *benchTable
	sources *source.Runner
}

func newNaive(ctx context.Context, endpoint string, list fs.FS) (*naive, error) {
	t, err := newTable(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	names, err := ofac.Load(list)
	if err != nil {
		return nil, err
	}
	m := &meter{}
	return &naive{db: t.client(m), meter: m, table: t, sources: source.NewRunner(ofac.New(names))}, nil
}

// screen takes one batch from its submission to its end.
func (n *naive) screen(ctx context.Context, inquiries []inquiry.Inquiry) (bill, inquiry.BatchID, error) {
	n.meter.take()
	b := bill{inquiries: len(inquiries), functions: map[string]functionUse{}}
	before := n.table.journal.stored()
	id := inquiry.NewBatchID(time.Now())
	if err := n.submit(ctx, id, inquiries); err != nil {
		return b, id, err
	}
	b.functions["api"] = functionUse{1, n.meter.take()}
	for i, in := range inquiries {
		size, err := n.process(ctx, id.Inquiry(i), in)
		if err != nil {
			return b, id, err
		}
		b.reportBytes += size
	}
	count := len(inquiries) // of messages: each is sent, received and deleted
	b.functions["process-inquiry"] = functionUse{count, n.meter.take()}
	b.queue = queueUse{sends: count, receives: count, deletes: count, chunks: count}
	// What the transactions add to the items is not in the journal.
	b.stored = n.table.journal.stored() - before + b.reportBytes
	return b, id, nil
}

func (n *naive) submit(ctx context.Context, id inquiry.BatchID, inquiries []inquiry.Inquiry) error {
	header := naiveKey(id, "HEADER")
	for name, count := range map[string]int{"total": len(inquiries), "planning": len(inquiries), "running": 0, "completed": 0, "failed": 0} {
		header[name] = &types.AttributeValueMemberN{Value: strconv.Itoa(count)}
	}
	header["name"] = &types.AttributeValueMemberS{Value: "Weekly renewals"}
	if _, err := n.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &n.table.name, Item: header}); err != nil {
		return fmt.Errorf("naive: submitting: %w", err)
	}
	for i, in := range inquiries {
		it, err := attributevalue.MarshalMapWithOptions(in, func(o *attributevalue.EncoderOptions) { o.TagKey = "json" })
		if err != nil {
			return err
		}
		for name, value := range naiveKey(id, naiveInquiry(i)) {
			it[name] = value
		}
		it["status"] = &types.AttributeValueMemberS{Value: "PLANNING"}
		if _, err := n.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &n.table.name, Item: it}); err != nil {
			return fmt.Errorf("naive: submitting: %w", err)
		}
	}
	return nil
}

func (n *naive) process(ctx context.Context, id inquiry.ID, in inquiry.Inquiry) (reportBytes int, err error) {
	if err := n.move(ctx, id, "PLANNING", "RUNNING", nil); err != nil {
		return 0, err
	}
	rep := report.Compose(id, n.sources.Run(ctx, id, in), time.Now())
	packed, err := report.Encode(rep)
	if err != nil {
		return 0, err
	}
	return len(packed), n.move(ctx, id, "RUNNING", "COMPLETED", packed)
}

// move sets an inquiry's status and both counters, in one transaction.
func (n *naive) move(ctx context.Context, id inquiry.ID, from, to string, packed []byte) error {
	set, values := "SET #status = :to, movedAt = :now", map[string]types.AttributeValue{
		":from": &types.AttributeValueMemberS{Value: from}, ":to": &types.AttributeValueMemberS{Value: to},
		":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().UnixMilli(), 10)},
	}
	if packed != nil {
		set, values[":report"] = set+", report = :report", &types.AttributeValueMemberB{Value: packed}
	}
	counter := map[string]string{"PLANNING": "planning", "RUNNING": "running", "COMPLETED": "completed"}
	_, err := n.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: &n.table.name, Key: naiveKey(id.Batch(), naiveInquiry(id.Index())),
			UpdateExpression: &set, ConditionExpression: aws.String("#status = :from"),
			ExpressionAttributeNames: map[string]string{"#status": "status"}, ExpressionAttributeValues: values,
		}},
		{Update: &types.Update{
			TableName: &n.table.name, Key: naiveKey(id.Batch(), "HEADER"),
			UpdateExpression:         aws.String("ADD #from :less, #to :more"),
			ExpressionAttributeNames: map[string]string{"#from": counter[from], "#to": counter[to]},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":less": &types.AttributeValueMemberN{Value: "-1"}, ":more": &types.AttributeValueMemberN{Value: "1"},
			},
		}},
	}})
	if err != nil {
		return fmt.Errorf("naive: %s to %s: %w", from, to, err)
	}
	return nil
}

// list reads from the first inquiry on and forgets what lies before offset, as
// one does who has no way to begin in the middle.
func (n *naive) list(ctx context.Context, id inquiry.BatchID, offset, limit int) (usage, error) {
	n.meter.take()
	left := offset + limit
	in := &dynamodb.QueryInput{
		TableName: &n.table.name, KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :prefix)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": naiveKey(id, "")["PK"], ":prefix": &types.AttributeValueMemberS{Value: "INQUIRY#"},
		},
	}
	for left > 0 {
		in.Limit = aws.Int32(int32(left))
		out, err := n.db.Query(ctx, in)
		if err != nil {
			return usage{}, fmt.Errorf("naive: listing: %w", err)
		}
		left -= len(out.Items)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	return n.meter.take().total(), nil
}

func naiveInquiry(index int) string { return fmt.Sprintf("INQUIRY#%05d", index) }

func naiveKey(id inquiry.BatchID, sort string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: "LENDER#demo-lender#BATCH#" + id.String()},
		"SK": &types.AttributeValueMemberS{Value: sort},
	}
}

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

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// naive does the same work in the design that comes to mind first: one item per
// inquiry from the start, messages sent and delivered one by one, and counters in
// the batch's item that change in one transaction with the inquiry's status.
//
// It processes one inquiry after another. With many workers its transactions
// would conflict on the batch's item and be retried. Those retries are not in its
// figures.
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
	sources, err := newSources(list)
	if err != nil {
		return nil, err
	}
	m := &meter{}
	return &naive{db: t.client(m), meter: m, table: t, sources: sources}, nil
}

// screen takes one batch from its submission until it is final.
func (n *naive) screen(ctx context.Context, inquiries []inquiry.Inquiry) (bill, inquiry.BatchID, error) {
	n.meter.take()
	b := bill{inquiries: len(inquiries), functions: map[string]functionUse{}}
	before := n.table.journal.stored()
	id := inquiry.NewBatchID(time.Now())
	if err := n.submit(ctx, id, inquiries); err != nil {
		return b, id, err
	}
	b.functions[deployment.API] = functionUse{1, n.meter.take()}
	for i, in := range inquiries {
		size, err := n.process(ctx, id.Inquiry(i), in)
		if err != nil {
			return b, id, err
		}
		b.reportBytes += size
	}
	messages := len(inquiries) // each is sent, received and deleted
	b.functions[deployment.ProcessInquiry] = functionUse{messages, n.meter.take()}
	b.queue = queueUse{sends: messages, receives: messages, deletes: messages, chunks: messages}
	// The journal does not see the reports, which transactions add to the items.
	b.stored = n.table.journal.stored() - before + b.reportBytes
	return b, id, nil
}

func (n *naive) submit(ctx context.Context, id inquiry.BatchID, inquiries []inquiry.Inquiry) error {
	header := naiveKey(id, store.HeaderSK)
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

// move changes an inquiry's status and both counters in one transaction.
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
			TableName: &n.table.name, Key: naiveKey(id.Batch(), store.HeaderSK),
			UpdateExpression:         aws.String("ADD #from :less, #to :more"),
			ExpressionAttributeNames: map[string]string{"#from": counter[from], "#to": counter[to]},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":less": &types.AttributeValueMemberN{Value: "-1"}, ":more": &types.AttributeValueMemberN{Value: "1"},
			},
		}},
	}})
	if err != nil {
		return fmt.Errorf("naive: moving an inquiry from %s to %s: %w", from, to, err)
	}
	return nil
}

// list reads from the first inquiry and discards those before offset, because the
// naive design cannot start in the middle.
func (n *naive) list(ctx context.Context, id inquiry.BatchID, offset, limit int) (usage, error) {
	n.meter.take()
	left := offset + limit
	in := &dynamodb.QueryInput{
		TableName: &n.table.name, KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :prefix)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": naiveKey(id, "")[store.PKAttribute], ":prefix": &types.AttributeValueMemberS{Value: store.InquiryPrefix},
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

func naiveInquiry(index int) string { return fmt.Sprintf("%s%05d", store.InquiryPrefix, index) }

func naiveKey(id inquiry.BatchID, sort string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		store.PKAttribute: &types.AttributeValueMemberS{Value: store.LenderPrefix + "demo-lender" + store.BatchInfix + id.String()},
		store.SKAttribute: &types.AttributeValueMemberS{Value: sort},
	}
}

package table_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

type item = map[string]types.AttributeValue

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// engines are compared with the simulated table. DynamoDB Local comes from AWS, so it
// is right where the two differ. They differ only in rare expressions, which are
// therefore compared with DynamoDB Local only.
var engines = map[string]func(testing.TB) string{
	usual:            enginetest.Table,
	"DynamoDB Local": enginetest.DynamoDBLocal,
}

const usual = "the usual engine"

// mirror does every call on a real table and on the simulated one and reports
// different replies. Callers get the real reply.
type mirror struct {
	tb        testing.TB
	name      string
	real      *dynamodb.Client
	streams   *dynamodbstreams.Client
	simulated *table.Table

	// units is true if the real table returns correct capacity units.
	units bool

	mu    sync.Mutex // keeps the order of calls the same in both
	calls int
}

var tables atomic.Int32

// newMirror returns a mirror of two empty tables.
func newMirror(tb testing.TB, endpoint string) *mirror {
	tb.Helper()
	name := fmt.Sprintf("conformance-%d", tables.Add(1))
	login := credentials.NewStaticCredentialsProvider("test", "test", "")
	m := &mirror{
		tb: tb, name: name,
		real: dynamodb.New(dynamodb.Options{
			BaseEndpoint: &endpoint, Region: "us-east-1", Credentials: login, HTTPClient: boot.HTTPClient(awshttp.NewBuildableClient()), RetryMaxAttempts: 1,
		}),
		streams:   dynamodbstreams.New(dynamodbstreams.Options{BaseEndpoint: &endpoint, Region: "us-east-1", Credentials: login}),
		simulated: table.New(name, func() time.Time { return noon }),
	}
	schema := enginetest.TableSchema(name)
	schema.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage}
	_, err := m.real.CreateTable(tb.Context(), schema)
	if err != nil {
		tb.Fatalf("creating table: %v", err)
	}
	return m
}

// answer holds what must be the same in both replies or errors.
type answer struct {
	Code    string   // of an error
	Reasons []string // of a canceled transaction
	Old     string   // the item that an error contains

	Items         []string
	Count         int
	Scanned       int
	LastKey, Left string
	Units         float64
}

func both[I, O any](m *mirror, ctx context.Context, in I, describe func(O, *answer),
	real, simulated func(context.Context, I, ...func(*dynamodb.Options)) (O, error)) (O, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	out, err := real(ctx, in)
	simulatedOut, simulatedErr := simulated(ctx, in)
	want, got := answerOf(out, err, describe), answerOf(simulatedOut, simulatedErr, describe)
	if !m.units {
		want.Units, got.Units = 0, 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.tb.Errorf("call %d, %s (-real +simulated):\n%s\nreal error: %v\nsimulated error: %v", m.calls, spellInput(in), diff, err, simulatedErr)
	}
	return out, err
}

func answerOf[O any](out O, err error, describe func(O, *answer)) answer {
	var a answer
	if err == nil {
		describe(out, &a)
		return a
	}
	a.Code = err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		a.Code = api.ErrorCode()
	}
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		a.Old = spell(failed.Item)
	}
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, r := range canceled.CancellationReasons {
			a.Reasons = append(a.Reasons, aws.ToString(r.Code)+" "+spell(r.Item))
			if aws.ToString(r.Code) == "ValidationError" {
				// This is the documented reason, but engines return different ones.
				return answer{Code: "ValidationException"}
			}
		}
	}
	return a
}

func unitsOf(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

func (m *mirror) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	return both(m, ctx, in, func(out *dynamodb.GetItemOutput, a *answer) {
		a.Items, a.Units = []string{spell(out.Item)}, unitsOf(out.ConsumedCapacity)
	}, m.real.GetItem, m.simulated.GetItem)
}

func (m *mirror) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	return both(m, ctx, in, func(out *dynamodb.BatchGetItemOutput, a *answer) {
		a.Items = spellAll(out.Responses[m.name])
		slices.Sort(a.Items) // the order is not guaranteed
		for _, left := range out.UnprocessedKeys {
			a.Left = strings.Join(spellAll(left.Keys), " ")
		}
		for _, c := range out.ConsumedCapacity {
			a.Units += unitsOf(&c)
		}
	}, m.real.BatchGetItem, m.simulated.BatchGetItem)
}

func (m *mirror) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	return both(m, ctx, in, func(out *dynamodb.QueryOutput, a *answer) {
		a.Items, a.Count, a.Scanned, a.LastKey = spellAll(out.Items), int(out.Count), int(out.ScannedCount), spell(out.LastEvaluatedKey)
		a.Units = unitsOf(out.ConsumedCapacity)
	}, m.real.Query, m.simulated.Query)
}

func (m *mirror) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	return both(m, ctx, in, func(out *dynamodb.PutItemOutput, a *answer) {
		a.Items, a.Units = []string{spell(out.Attributes)}, unitsOf(out.ConsumedCapacity)
	}, m.real.PutItem, m.simulated.PutItem)
}

func (m *mirror) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	return both(m, ctx, in, func(out *dynamodb.UpdateItemOutput, a *answer) {
		a.Items, a.Units = []string{spell(out.Attributes)}, unitsOf(out.ConsumedCapacity)
	}, m.real.UpdateItem, m.simulated.UpdateItem)
}

// remove removes an item from both tables, as a TTL does.
func (m *mirror) remove(k table.Key) {
	m.tb.Helper()
	m.simulated.Remove(k)
	if _, err := m.real.DeleteItem(m.tb.Context(), &dynamodb.DeleteItemInput{TableName: &m.name, Key: item{"PK": str(k.PK), "SK": str(k.SK)}}); err != nil {
		m.tb.Fatal(err)
	}
}

func (m *mirror) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	return both(m, ctx, in, func(out *dynamodb.TransactWriteItemsOutput, a *answer) {
		for _, c := range out.ConsumedCapacity {
			a.Units += unitsOf(&c)
		}
	}, m.real.TransactWriteItems, m.simulated.TransactWriteItems)
}

// compareContents compares the items of both tables, and the stream records of
// every item.
func (m *mirror) compareContents() {
	m.tb.Helper()
	var want []string
	pages := dynamodb.NewScanPaginator(m.real, &dynamodb.ScanInput{TableName: &m.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(m.tb.Context())
		if err != nil {
			m.tb.Fatal(err)
		}
		want = append(want, spellAll(page.Items)...)
	}
	got := spellAll(m.simulated.Items())
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		m.tb.Errorf("contents (-real +simulated):\n%s", diff)
	}
	simulated := map[string][]string{}
	last := ""
	for _, r := range m.simulated.Records(0) {
		if r.Change.SequenceNumber <= last {
			m.tb.Errorf("sequence number %s follows %s", r.Change.SequenceNumber, last)
		}
		last = r.Change.SequenceNumber
		key := spell(fromEvent(r.Change.Keys))
		simulated[key] = append(simulated[key], r.EventName+" "+spell(fromEvent(r.Change.NewImage)))
	}
	if diff := cmp.Diff(m.realRecords(), simulated); diff != "" {
		m.tb.Errorf("stream records by item (-real +simulated):\n%s", diff)
	}
}

// realRecords returns the records of the real table's stream, by item.
func (m *mirror) realRecords() map[string][]string {
	m.tb.Helper()
	ctx := m.tb.Context()
	described, err := m.real.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &m.name})
	if err != nil {
		m.tb.Fatal(err)
	}
	stream, err := m.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: described.Table.LatestStreamArn})
	if err != nil {
		m.tb.Fatal(err)
	}
	found := map[string][]string{}
	for _, shard := range stream.StreamDescription.Shards {
		from, err := m.streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
			StreamArn: described.Table.LatestStreamArn, ShardId: shard.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			m.tb.Fatal(err)
		}
		for at := from.ShardIterator; at != nil; {
			page, err := m.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: at})
			if err != nil {
				m.tb.Fatal(err)
			}
			for _, r := range page.Records {
				key := spell(fromStream(m.tb, r.Dynamodb.Keys))
				found[key] = append(found[key], string(r.EventName)+" "+spell(fromStream(m.tb, r.Dynamodb.NewImage)))
			}
			if at = page.NextShardIterator; len(page.Records) == 0 {
				break
			}
		}
	}
	return found
}

func fromStream(tb testing.TB, image map[string]streamtypes.AttributeValue) item {
	it, err := attributevalue.FromDynamoDBStreamsMap(image)
	if err != nil {
		tb.Fatal(err)
	}
	return it
}

func fromEvent(image map[string]events.DynamoDBAttributeValue) item {
	it := item{}
	for name, v := range image {
		it[name] = fromEventValue(v)
	}
	return it
}

func fromEventValue(v events.DynamoDBAttributeValue) types.AttributeValue {
	switch v.DataType() {
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}
	case events.DataTypeMap:
		return &types.AttributeValueMemberM{Value: fromEvent(v.Map())}
	case events.DataTypeList:
		list := &types.AttributeValueMemberL{}
		for _, member := range v.List() {
			list.Value = append(list.Value, fromEventValue(member))
		}
		return list
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

// spell returns a text that is the same for equal items.
func spell(it item) string {
	if len(it) == 0 {
		return "{}"
	}
	return spellValue(&types.AttributeValueMemberM{Value: it})
}

func spellAll(items []item) []string {
	all := make([]string, len(items))
	for i, it := range items {
		all[i] = spell(it)
	}
	return all
}

func spellValue(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("0x%x", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberM:
		var members []string
		for name, member := range v.Value {
			members = append(members, name+": "+spellValue(member))
		}
		slices.Sort(members)
		return "{" + strings.Join(members, ", ") + "}"
	case *types.AttributeValueMemberL:
		var members []string
		for _, member := range v.Value {
			members = append(members, spellValue(member))
		}
		return "[" + strings.Join(members, ", ") + "]"
	}
	return fmt.Sprintf("%T", v)
}

// spellInput returns the parts of a request that help to understand a failure.
func spellInput(in any) string {
	var parts []string
	add := func(name string, text *string) {
		if text != nil {
			parts = append(parts, name+" "+*text)
		}
	}
	switch in := in.(type) {
	case *dynamodb.UpdateItemInput:
		add("update", in.UpdateExpression)
		add("if", in.ConditionExpression)
		parts = append(parts, fmt.Sprint(in.ExpressionAttributeNames), spell(in.Key), "with", spell(in.ExpressionAttributeValues))
	case *dynamodb.PutItemInput:
		add("if", in.ConditionExpression)
		parts = append(parts, spell(in.Item), "with", spell(in.ExpressionAttributeValues))
	case *dynamodb.QueryInput:
		add("where", in.KeyConditionExpression)
		add("index", in.IndexName)
		parts = append(parts, "with", spell(in.ExpressionAttributeValues), "after", spell(in.ExclusiveStartKey))
	}
	return strings.Join(append([]string{fmt.Sprintf("%T", in)}, parts...), " ")
}

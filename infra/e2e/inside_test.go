package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// inside is the stack as its operator sees it: the table, the queues and the
// functions themselves.
type inside struct {
	table     *dynamodb.Client
	functions *lambda.Client
	queues    *sqs.Client
	store     *store.Store
}

func lookInside() inside {
	endpoint, secret := aws.String(local.Endpoint()), credentials.NewStaticCredentialsProvider("test", "test", "")
	table := dynamodb.New(dynamodb.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret, HTTPClient: boot.HTTPClient(awshttp.NewBuildableClient())})
	return inside{
		table:     table,
		functions: lambda.New(lambda.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret}),
		queues:    sqs.New(sqs.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret}),
		store:     store.New(table, stack.TableName, time.Now),
	}
}

// invoke calls a function and returns what it answered, or its error.
func (in inside) invoke(t testing.TB, function string, event any) (answer []byte, failed error) {
	t.Helper()
	payload, ok := event.([]byte)
	if !ok {
		var err error
		if payload, err = json.Marshal(event); err != nil {
			t.Fatal(err)
		}
	}
	out, err := in.functions.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &function, Payload: payload})
	if err != nil {
		t.Fatalf("invoking %s: %v", function, err)
	}
	if out.FunctionError != nil {
		return nil, fmt.Errorf("%s: %s", function, out.Payload)
	}
	return out.Payload, nil
}

// mustInvoke is for events in which nothing may fail.
func (in inside) mustInvoke(t testing.TB, function string, event any) {
	t.Helper()
	answer, err := in.invoke(t, function, event)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(answer, &said); err != nil || said.BatchItemFailures == nil || len(said.BatchItemFailures) > 0 {
		t.Fatalf("%s answers %s, %v", function, answer, err)
	}
}

// sweep runs a sweep as the schedule does, but now.
func (in inside) sweep(t testing.TB) error {
	t.Helper()
	_, err := in.invoke(t, stack.Functions[deployment.SweepOpenBatches], sample(t, "sweep-open-batches.json"))
	return err
}

// mapping returns what has the function invoked.
func (in inside) mapping(t testing.TB, function string) lambdatypes.EventSourceMappingConfiguration {
	t.Helper()
	out, err := in.functions.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: &function})
	if err != nil || len(out.EventSourceMappings) != 1 {
		t.Fatalf("%d mappings of %s, %v", len(out.EventSourceMappings), function, err)
	}
	return out.EventSourceMappings[0]
}

// hold keeps functions from being invoked by their queue or stream, until the
// returned function is called or the test ends.
func (in inside) hold(t testing.TB, functions ...string) (release func()) {
	t.Helper()
	enable := func(ctx context.Context, yes bool) {
		for _, function := range functions {
			m := in.mapping(t, function)
			if _, err := in.functions.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, Enabled: &yes}); err != nil {
				t.Errorf("mapping of %s: %v", function, err)
			}
		}
	}
	enable(t.Context(), false)
	return func() { enable(context.WithoutCancel(t.Context()), true) }
}

// reread replaces a function's stream mapping by one that begins at position: at
// LATEST it has missed what was written meanwhile, at TRIM_HORIZON it tells
// everything once more.
func (in inside) reread(t testing.TB, function string, position lambdatypes.EventSourcePosition, meanwhile func()) {
	t.Helper()
	m := in.mapping(t, function)
	if _, err := in.functions.DeleteEventSourceMapping(t.Context(), &lambda.DeleteEventSourceMappingInput{UUID: m.UUID}); err != nil {
		t.Fatal(err)
	}
	meanwhile()
	_, err := in.functions.CreateEventSourceMapping(context.WithoutCancel(t.Context()), &lambda.CreateEventSourceMappingInput{
		FunctionName: &function, EventSourceArn: m.EventSourceArn, StartingPosition: position,
		FilterCriteria: m.FilterCriteria, BatchSize: m.BatchSize, FunctionResponseTypes: m.FunctionResponseTypes,
		MaximumBatchingWindowInSeconds: m.MaximumBatchingWindowInSeconds, MaximumRetryAttempts: m.MaximumRetryAttempts,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// setDeadline gives sweeps another deadline until the test ends.
func (in inside) setDeadline(t testing.TB, deadline string) {
	t.Helper()
	before, err := in.functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(stack.Functions[deployment.SweepOpenBatches])})
	if err != nil {
		t.Fatal(err)
	}
	set := func(ctx context.Context, deadline string) {
		variables := before.Environment.Variables
		variables["BATCH_DEADLINE"] = deadline
		_, err := in.functions.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String(stack.Functions[deployment.SweepOpenBatches]), Environment: &lambdatypes.Environment{Variables: variables},
		})
		if err != nil {
			t.Errorf("setting the deadline: %v", err)
		}
	}
	original := before.Environment.Variables["BATCH_DEADLINE"]
	set(t.Context(), deadline)
	t.Cleanup(func() { set(context.Background(), original) })
}

type item = map[string]types.AttributeValue

// placed is a batch and whose it is.
type placed struct {
	lender inquiry.LenderID
	id     inquiry.BatchID
}

func place(t testing.TB, u user, accepted submitted) placed {
	t.Helper()
	id, err := inquiry.ParseBatchID(accepted.BatchID)
	if err != nil {
		t.Fatal(err)
	}
	return placed{inquiry.LenderID(u.lender), id}
}

func (in inside) batch(t testing.TB, p placed) inquiry.Batch {
	t.Helper()
	b, err := in.store.Batch(t.Context(), p.lender, p.id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// items scans everything of a batch out of the table: its header, its pages and
// its inquiries, by their sort keys.
func (in inside) items(t testing.TB, p placed) map[string]item {
	t.Helper()
	found := map[string]item{}
	pages := dynamodb.NewScanPaginator(in.table, &dynamodb.ScanInput{
		TableName: &stack.TableName, ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("begins_with(PK, :batch)"),
		ExpressionAttributeValues: item{
			":batch": &types.AttributeValueMemberS{Value: fmt.Sprintf("LENDER#%s#BATCH#%s", p.lender, p.id)},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			found[it["SK"].(*types.AttributeValueMemberS).Value] = it
		}
	}
	return found
}

// text is the same, to compare.
func (in inside) text(t testing.TB, p placed) map[string]any {
	t.Helper()
	text := map[string]any{}
	for sort, it := range in.items(t, p) {
		image, err := attributevalue.MarshalMapJSON(it)
		if err != nil {
			t.Fatal(err)
		}
		var members any
		if err := json.Unmarshal(image, &members); err != nil {
			t.Fatal(err)
		}
		text[sort] = members
	}
	return text
}

func statusOf(it item) string {
	status, ok := it["status"].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return status.Value
}

// change is what the stream says of an item as it is now.
func change(t testing.TB, it item, sequence int) events.DynamoDBEventRecord {
	t.Helper()
	image, err := attributevalue.MarshalMapJSON(it)
	if err != nil {
		t.Fatal(err)
	}
	r := events.DynamoDBEventRecord{EventName: "MODIFY", EventSource: "aws:dynamodb"}
	r.Change.SequenceNumber, r.Change.StreamViewType = fmt.Sprintf("%021d", sequence), "NEW_IMAGE"
	if err := json.Unmarshal(image, &r.Change.NewImage); err != nil {
		t.Fatal(err)
	}
	r.Change.Keys = map[string]events.DynamoDBAttributeValue{"PK": r.Change.NewImage["PK"], "SK": r.Change.NewImage["SK"]}
	return r
}

// letTimePass ends the leases of those inquiries that a worker has, or had, and
// makes the batch due to be swept.
func (in inside) letTimePass(t testing.TB, p placed) {
	t.Helper()
	for sort, it := range in.items(t, p) {
		if !strings.HasPrefix(sort, "INQUIRY#") || statusOf(it) != "RUNNING" {
			continue
		}
		_, err := in.table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &stack.TableName, Key: item{"PK": it["PK"], "SK": it["SK"]},
			UpdateExpression:          aws.String("SET leaseUntil = :past"),
			ConditionExpression:       aws.String("claimId = :seen AND #status = :running"),
			ExpressionAttributeNames:  map[string]string{"#status": "status"},
			ExpressionAttributeValues: item{":past": &types.AttributeValueMemberN{Value: "1"}, ":seen": it["claimId"], ":running": it["status"]},
		})
		if _, raced := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !raced {
			t.Fatal(err)
		}
	}
	if err := in.store.Postpone(t.Context(), store.BatchRef{Lender: p.lender, ID: p.id}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
}

// message is the message of one inquiry of a batch that businesses made.
func message(t testing.TB, p placed, index int) string {
	t.Helper()
	body, err := json.Marshal(queue.Message{LenderID: p.lender, ID: p.id.Inquiry(index), Inquiry: inquiry.Inquiry{
		BusinessName: fmt.Sprintf("Quiet Meadow %d LLC", index), ExternalID: fmt.Sprintf("LOAN-%d", index),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// delivery is an SQS event of such messages.
func delivery(t testing.TB, p placed, indexes ...int) events.SQSEvent {
	t.Helper()
	var ev events.SQSEvent
	for i, index := range indexes {
		ev.Records = append(ev.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("%d-%d", i, index), Body: message(t, p, index),
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	return ev
}

// sample reads a file of the folder events.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	root, err := engine.Root()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "events", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// await waits until the condition holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("after a minute still not: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checkBooks recounts a batch that is over from its items: every inquiry has one
// final status, and the header says what they say.
func (in inside) checkBooks(t testing.TB, p placed, want inquiry.Counts) {
	t.Helper()
	b := in.batch(t, p)
	var recount inquiry.Counts
	counter := map[string]*int{
		"COMPLETED": &recount.Completed, "PARTIAL_SUCCESS": &recount.PartialSuccess, "FAILED": &recount.Failed, "CANCELLED": &recount.Cancelled,
	}
	inquiries := 0
	items := in.items(t, p)
	for sort, it := range items {
		if !strings.HasPrefix(sort, "INQUIRY#") {
			continue
		}
		inquiries++
		status := statusOf(it)
		if counter[status] == nil {
			t.Errorf("%s is %s", sort, status)
			continue
		}
		*counter[status]++
	}
	if diff := cmp.Diff(recount, b.Counts()); diff != "" || inquiries != b.Total {
		t.Errorf("%d of %d inquiries; counters (-recount +ledger):\n%s", inquiries, b.Total, diff)
	}
	if diff := cmp.Diff(want, recount); diff != "" {
		t.Errorf("inquiries (-want +got):\n%s", diff)
	}
	for name, n := range map[string]int{"planning": 0, "running": 0, "completed": recount.Completed, "failed": recount.Failed} {
		if stored, _ := items["HEADER"][name].(*types.AttributeValueMemberN); stored == nil || stored.Value != fmt.Sprint(n) {
			t.Errorf("the header's %s is %+v, want %d", name, stored, n)
		}
	}
	if _, open := items["HEADER"]["openShard"]; open || !b.Status().Final() {
		t.Errorf("the batch is %s, open %t", b.Status(), open)
	}
}

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// internals gives access to the parts of the stack behind the API: the table, the
// queues and the functions.
type internals struct {
	table     *dynamodb.Client
	functions *lambda.Client
	queues    *sqs.Client
	store     *store.Store
}

func newInternals() internals {
	endpoint, secret := aws.String(local.Endpoint()), credentials.NewStaticCredentialsProvider("test", "test", "")
	table := dynamodb.New(dynamodb.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret, HTTPClient: boot.HTTPClient(awshttp.NewBuildableClient())})
	return internals{
		table:     table,
		functions: lambda.New(lambda.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret}),
		queues:    sqs.New(sqs.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret}),
		store:     store.New(table, stack.TableName, time.Now),
	}
}

// invoke invokes a function and returns its response or its error.
func (in internals) invoke(t testing.TB, function string, event any) (response []byte, failed error) {
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
		return nil, fmt.Errorf("%s failed: %s", function, out.Payload)
	}
	return out.Payload, nil
}

// mustInvoke is like invoke, for events of which no item may fail.
func (in internals) mustInvoke(t testing.TB, function string, event any) {
	t.Helper()
	response, err := in.invoke(t, function, event)
	if err != nil {
		t.Fatal(err)
	}
	var items struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(response, &items); err != nil {
		t.Fatalf("%s returned %s: %v", function, response, err)
	}
	if items.BatchItemFailures == nil {
		t.Fatalf("%s returned %s, without batchItemFailures", function, response)
	}
	if len(items.BatchItemFailures) > 0 {
		t.Fatalf("%s returned %s, want no failed items", function, response)
	}
}

// sweep runs a sweep, without waiting for the schedule.
func (in internals) sweep(t testing.TB) error {
	t.Helper()
	_, err := in.invoke(t, stack.Functions[deployment.SweepOpenBatches], sample(t, "sweep-open-batches.json"))
	return err
}

// mapping returns the function's event source mapping.
func (in internals) mapping(t testing.TB, function string) lambdatypes.EventSourceMappingConfiguration {
	t.Helper()
	out, err := in.functions.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: &function})
	if err != nil || len(out.EventSourceMappings) != 1 {
		t.Fatalf("listing the mappings of %s: %+v, %v", function, out, err)
	}
	return out.EventSourceMappings[0]
}

// pause stops the functions' queues and streams from invoking them, until resume is
// called. A mapping changes its state some time after it was told to.
func (in internals) pause(t testing.TB, functions ...string) (resume func()) {
	t.Helper()
	enable := func(ctx context.Context, yes bool) {
		for _, function := range functions {
			m := in.mapping(t, function)
			if _, err := in.functions.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, Enabled: &yes}); err != nil {
				t.Errorf("updating the mapping of %s: %v", function, err)
			}
		}
	}
	enable(t.Context(), false)
	for _, function := range functions {
		await(t, "the mapping of "+function+" is disabled", func() bool { return aws.ToString(in.mapping(t, function).State) == "Disabled" })
	}
	// Once only: an engine may start a stream again when a mapping is enabled that already is.
	var once sync.Once
	return func() { once.Do(func() { enable(context.WithoutCancel(t.Context()), true) }) }
}

// replaceMapping replaces a function's stream mapping with one that starts at
// position. At LATEST it misses what was written in the meantime. At TRIM_HORIZON
// it delivers everything again.
func (in internals) replaceMapping(t testing.TB, function string, position lambdatypes.EventSourcePosition, meanwhile func()) {
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

// setDeadline changes the deadline that sweeps apply, until the test ends.
func (in internals) setDeadline(t testing.TB, deadline string) {
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
			t.Errorf("setting the deadline of sweeps to %s: %v", deadline, err)
		}
	}
	original := before.Environment.Variables["BATCH_DEADLINE"]
	set(t.Context(), deadline)
	t.Cleanup(func() { set(context.Background(), original) })
}

type item = map[string]types.AttributeValue

// batchRef is a batch's ID and its lender.
type batchRef struct {
	lender inquiry.LenderID
	id     inquiry.BatchID
}

func refOf(t testing.TB, u user, accepted submitted) batchRef {
	t.Helper()
	id, err := inquiry.ParseBatchID(accepted.BatchID)
	if err != nil {
		t.Fatal(err)
	}
	return batchRef{inquiry.LenderID(u.lender), id}
}

func (in internals) batch(t testing.TB, ref batchRef) inquiry.Batch {
	t.Helper()
	b, err := in.store.Batch(t.Context(), ref.lender, ref.id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// items reads all items of a batch from the table, its header, pages and inquiries,
// by their sort keys.
func (in internals) items(t testing.TB, ref batchRef) map[string]item {
	t.Helper()
	found := map[string]item{}
	pages := dynamodb.NewScanPaginator(in.table, &dynamodb.ScanInput{
		TableName: &stack.TableName, ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("begins_with(PK, :batch)"),
		ExpressionAttributeValues: item{
			":batch": &types.AttributeValueMemberS{Value: store.LenderPrefix + string(ref.lender) + store.BatchInfix + ref.id.String()},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			found[it[store.SKAttribute].(*types.AttributeValueMemberS).Value] = it
		}
	}
	return found
}

// snapshot returns the same items in a form that can be compared.
func (in internals) snapshot(t testing.TB, ref batchRef) map[string]any {
	t.Helper()
	text := map[string]any{}
	for sort, it := range in.items(t, ref) {
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
	status, ok := it[store.StatusAttribute].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return status.Value
}

// streamRecord returns a stream record with the current image of an item.
func streamRecord(t testing.TB, it item, sequence int) events.DynamoDBEventRecord {
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
	r.Change.Keys = map[string]events.DynamoDBAttributeValue{
		store.PKAttribute: r.Change.NewImage[store.PKAttribute], store.SKAttribute: r.Change.NewImage[store.SKAttribute],
	}
	return r
}

// expireLeases ends the leases of all running inquiries and makes the batch due for
// a sweep.
func (in internals) expireLeases(t testing.TB, ref batchRef) {
	t.Helper()
	for sort, it := range in.items(t, ref) {
		if !strings.HasPrefix(sort, store.InquiryPrefix) || statusOf(it) != "RUNNING" {
			continue
		}
		_, err := in.table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &stack.TableName, Key: item{store.PKAttribute: it[store.PKAttribute], store.SKAttribute: it[store.SKAttribute]},
			UpdateExpression:          aws.String("SET leaseUntil = :past"),
			ConditionExpression:       aws.String("claimId = :seen AND #status = :running"),
			ExpressionAttributeNames:  map[string]string{"#status": store.StatusAttribute},
			ExpressionAttributeValues: item{":past": &types.AttributeValueMemberN{Value: "1"}, ":seen": it["claimId"], ":running": it[store.StatusAttribute]},
		})
		if _, raced := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !raced {
			t.Fatal(err)
		}
	}
	in.makeDue(t, ref)
}

// makeDue makes an unfinished batch due for a sweep. It ignores a finished batch.
func (in internals) makeDue(t testing.TB, ref batchRef) {
	t.Helper()
	it, open := in.items(t, ref)[store.HeaderSK]
	if !open {
		t.Fatalf("batch %s has no header", ref.id)
	}
	_, err := in.table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &stack.TableName, Key: item{store.PKAttribute: it[store.PKAttribute], store.SKAttribute: it[store.SKAttribute]},
		UpdateExpression:          aws.String("SET nextCheckAt = :past, event = :event"),
		ConditionExpression:       aws.String("attribute_exists(openShard)"),
		ExpressionAttributeValues: item{":past": &types.AttributeValueMemberN{Value: "1"}, ":event": &types.AttributeValueMemberS{Value: string(store.EventChecked)}},
	})
	if _, finished := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !finished {
		t.Fatal(err)
	}
}

// message returns the queue message of an inquiry from businesses.
func message(t testing.TB, ref batchRef, index int) string {
	t.Helper()
	body, err := json.Marshal(queue.Message{LenderID: ref.lender, ID: ref.id.Inquiry(index), Inquiry: inquiry.Inquiry{
		BusinessName: fmt.Sprintf("Quiet Meadow %d LLC", index), ExternalID: fmt.Sprintf("LOAN-%d", index),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// queueEvent returns an SQS event with such messages.
func queueEvent(t testing.TB, ref batchRef, indexes ...int) events.SQSEvent {
	t.Helper()
	var ev events.SQSEvent
	for i, index := range indexes {
		ev.Records = append(ev.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("%d-%d", i, index), Body: message(t, ref, index),
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	return ev
}

// sample reads a file in the folder events.
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

// await waits until the condition is true.
func await(t testing.TB, condition string, isTrue func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !isTrue() {
		select {
		case <-deadline:
			t.Fatalf("not true after a minute: %s", condition)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checkCounters recounts a final batch from its items. Every inquiry must have one
// final status, and the header must agree. The names of statuses and counters are
// spelled out here on purpose, as a check on the store's own.
func (in internals) checkCounters(t testing.TB, ref batchRef, want inquiry.Counts) {
	t.Helper()
	b := in.batch(t, ref)
	var recount inquiry.Counts
	counter := map[string]*int{
		"COMPLETED": &recount.Completed, "PARTIAL_SUCCESS": &recount.PartialSuccess, "FAILED": &recount.Failed, "CANCELLED": &recount.Cancelled,
	}
	inquiries := 0
	items := in.items(t, ref)
	for sort, it := range items {
		if !strings.HasPrefix(sort, store.InquiryPrefix) {
			continue
		}
		inquiries++
		status := statusOf(it)
		if counter[status] == nil {
			t.Errorf("item %s has the status %q, which is not final", sort, status)
			continue
		}
		*counter[status]++
	}
	if inquiries != b.Total {
		t.Errorf("the table has %d inquiries, want the total %d", inquiries, b.Total)
	}
	if diff := cmp.Diff(recount, b.Counts()); diff != "" {
		t.Errorf("the counters differ from a recount of the inquiries (-recount +ledger):\n%s", diff)
	}
	if diff := cmp.Diff(want, recount); diff != "" {
		t.Errorf("inquiries by status (-want +got):\n%s", diff)
	}
	for name, n := range map[string]int{"planning": 0, "running": 0, "completed": recount.Completed, "failed": recount.Failed} {
		if stored, _ := items[store.HeaderSK][name].(*types.AttributeValueMemberN); stored == nil || stored.Value != fmt.Sprint(n) {
			t.Errorf("the header's counter %s is %+v, want %d", name, stored, n)
		}
	}
	if !b.Status().Final() {
		t.Errorf("the batch is %s, want a final status", b.Status())
	}
	if _, open := items[store.HeaderSK][store.OpenShardAttribute]; open {
		t.Error("the batch is still in the index of unfinished batches")
	}
}

package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Verdict is what happens to one call that a function makes.
type Verdict int

const (
	Proceed     Verdict = iota // the work is done and the reply arrives
	Refuse                     // the work is not done and the caller gets an error
	Resend                     // the reply is lost and the SDK sends the request again
	Lose                       // the work is done and the caller gets an error
	CrashBefore                // the invocation ends here, without the work
	CrashAfter                 // the work is done, and then the invocation ends
	Freeze                     // the invocation stops here until long after its deadline
	Conflict                   // a write conflicts with a transaction
)

func (v Verdict) String() string {
	return [...]string{"", "refused", "reply lost, sent again", "reply lost", "dies before", "dies after", "freezes", "conflict"}[v]
}

// Call is a call that waits for the scheduler.
type Call struct {
	In        *Invocation
	Operation string
	PK, SK    string // of the item, or anything else that identifies the call

	notBefore time.Time
	verdict   chan Verdict
}

func (c *Call) String() string {
	if id, err := inquiry.ParseID(c.PK); err == nil {
		return fmt.Sprintf("%s#%d %s %s", c.In.Function, c.In.ID, c.Operation, c.In.w.shortID(id))
	}
	return fmt.Sprintf("%s#%d %s %s %s", c.In.Function, c.In.ID, c.Operation, c.In.w.short(c.PK), c.SK)
}

// compareCalls orders calls independently of which goroutine came first. Two waiting
// calls of one invocation have the same key and operation only if they are alike, see
// ambiguous.
func compareCalls(a, b *Call) int {
	return cmp.Or(cmp.Compare(a.In.ID, b.In.ID), strings.Compare(a.SK, b.SK), strings.Compare(a.PK, b.PK), strings.Compare(a.Operation, b.Operation))
}

// park waits until the scheduler decides about a call.
func (i *Invocation) park(operation, pk, sk string, delay time.Duration) Verdict {
	w := i.w
	w.mu.Lock()
	if i.dead {
		w.mu.Unlock()
		return CrashBefore
	}
	c := &Call{In: i, Operation: operation, PK: pk, SK: sk, verdict: make(chan Verdict)}
	if delay > 0 {
		c.notBefore = w.now.Add(delay)
	}
	w.parked = append(w.parked, c)
	i.parked++
	w.mu.Unlock()
	return <-c.verdict
}

// call makes one call to the table or the queue. work does it and keeps the reply.
func (i *Invocation) call(operation, pk, sk string, work func() error) error {
	for {
		switch i.park(operation, pk, sk, 0) {
		case Refuse:
			return errRefused
		case Resend:
			_ = work()
		case Lose:
			_ = work()
			return errLost
		case CrashBefore:
			return errKilled
		case CrashAfter:
			_ = work()
			return errKilled
		case Conflict:
			return errConflict
		default:
			return work()
		}
	}
}

// tableClient is the table as one invocation sees it.
type tableClient struct{ in *Invocation }

var _ store.DB = tableClient{}

// keyOf returns the two parts of an item's key.
func keyOf(it map[string]types.AttributeValue) (pk, sk string) {
	p, _ := it[store.PKAttribute].(*types.AttributeValueMemberS)
	s, _ := it[store.SKAttribute].(*types.AttributeValueMemberS)
	if p == nil || s == nil {
		return "", ""
	}
	return p.Value, s.Value
}

// call makes one call to the table. A call that is refused fails with one of the
// errors that DynamoDB has for it, after the SDK has tried in vain.
func (c tableClient) call(operation, pk, sk string, work func() error) error {
	err := c.in.call(operation, pk, sk, work)
	switch {
	case errors.Is(err, errConflict) && operation != "TransactWriteItems":
		return &types.TransactionConflictException{}
	case errors.Is(err, errRefused):
		c.in.w.mu.Lock()
		defer c.in.w.mu.Unlock()
		return refusals[c.in.w.rng.IntN(len(refusals))]
	}
	return err
}

// refusals are the errors with which DynamoDB refuses any request for a while.
var refusals = []error{
	&types.ProvisionedThroughputExceededException{},
	&types.RequestLimitExceeded{},
	&types.ThrottlingException{},
	&awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusInternalServerError}}, Err: &types.InternalServerError{},
	}},
}

func isThrottling(err error) bool { return slices.Contains(refusals[:3], err) }

func (c tableClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.GetItemOutput, err error) {
	pk, sk := keyOf(in.Key)
	err = c.call("GetItem", pk, sk, func() (err error) { out, err = c.in.w.table.GetItem(ctx, in); return err })
	return out, err
}

func (c tableClient) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.BatchGetItemOutput, err error) {
	err = c.call("BatchGetItem", "", "", func() (err error) { out, err = c.in.w.table.BatchGetItem(ctx, in); return err })
	return out, err
}

func (c tableClient) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (out *dynamodb.QueryOutput, err error) {
	pk, from := "", ""
	if v, ok := in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS); ok {
		pk = v.Value
	}
	if v, ok := in.ExpressionAttributeValues[":from"].(*types.AttributeValueMemberS); ok {
		from = v.Value
	}
	err = c.call("Query", pk, from, func() (err error) { out, err = c.in.w.table.Query(ctx, in); return err })
	return out, err
}

func (c tableClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	pk, sk := keyOf(in.Item)
	err = c.call("PutItem", pk, sk, func() (err error) { out, err = c.in.w.table.PutItem(ctx, in); return err })
	return out, err
}

func (c tableClient) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	pk, sk := keyOf(in.Key)
	err = c.call("UpdateItem", pk, sk, func() (err error) { out, err = c.in.w.table.UpdateItem(ctx, in); return err })
	return out, err
}

// firstKey returns the key of a transaction's first item.
func firstKey(list []types.TransactWriteItem) (pk, sk string) {
	switch first := list[0]; {
	case first.Update != nil:
		return keyOf(first.Update.Key)
	case first.Put != nil:
		return keyOf(first.Put.Item)
	default:
		return "", ""
	}
}

func (c tableClient) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (out *dynamodb.TransactWriteItemsOutput, err error) {
	pk, sk := firstKey(in.TransactItems)
	err = c.call("TransactWriteItems", pk, sk, func() (err error) { out, err = c.in.w.table.TransactWriteItems(ctx, in); return err })
	switch {
	case errors.Is(err, errConflict):
		err = c.canceled("TransactionConflict", len(in.TransactItems))
	case isThrottling(err) && c.in.w.rng.IntN(2) == 0:
		err = c.canceled([]string{"ThrottlingError", "ProvisionedThroughputExceeded"}[c.in.w.rng.IntN(2)], len(in.TransactItems))
	}
	return out, err
}

// canceled returns the error of a transaction that one of its actions cancels, for
// the reason given.
func (c tableClient) canceled(reason string, actions int) error {
	canceled := &types.TransactionCanceledException{CancellationReasons: make([]types.CancellationReason, actions)}
	for n := range canceled.CancellationReasons {
		canceled.CancellationReasons[n].Code = aws.String("None")
	}
	canceled.CancellationReasons[c.in.w.rng.IntN(actions)].Code = &reason
	return canceled
}

// queueClient is the queue as one invocation sees it.
type queueClient struct{ in *Invocation }

func (c queueClient) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (out *sqs.SendMessageBatchOutput, err error) {
	var batch string // of the first message: a sweep sends the messages of several batches at the same time
	if m, err := queue.Parse(*in.Entries[0].MessageBody); err == nil {
		batch = m.ID.Batch().String()
	}
	err = c.in.call("SendMessageBatch", batch, *in.Entries[0].Id, func() (err error) {
		if err := ctx.Err(); err != nil {
			return err
		}
		out = c.in.w.send(in)
		return nil
	})
	return out, err
}

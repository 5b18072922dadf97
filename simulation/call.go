package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

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
	Conflict                   // a transaction conflicts with another one
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

// compareCalls orders calls independently of which goroutine came first. No two
// waiting calls of one invocation have the same key and operation.
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
			return &types.TransactionCanceledException{}
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

func (c tableClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.GetItemOutput, err error) {
	pk, sk := keyOf(in.Key)
	err = c.in.call("GetItem", pk, sk, func() (err error) { out, err = c.in.w.table.GetItem(ctx, in); return err })
	return out, err
}

func (c tableClient) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.BatchGetItemOutput, err error) {
	err = c.in.call("BatchGetItem", "", "", func() (err error) { out, err = c.in.w.table.BatchGetItem(ctx, in); return err })
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
	err = c.in.call("Query", pk, from, func() (err error) { out, err = c.in.w.table.Query(ctx, in); return err })
	return out, err
}

func (c tableClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	pk, sk := keyOf(in.Item)
	err = c.in.call("PutItem", pk, sk, func() (err error) { out, err = c.in.w.table.PutItem(ctx, in); return err })
	return out, err
}

func (c tableClient) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	pk, sk := keyOf(in.Key)
	err = c.in.call("UpdateItem", pk, sk, func() (err error) { out, err = c.in.w.table.UpdateItem(ctx, in); return err })
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
	err = c.in.call("TransactWriteItems", pk, sk, func() (err error) { out, err = c.in.w.table.TransactWriteItems(ctx, in); return err })
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok && canceled.CancellationReasons == nil {
		canceled.CancellationReasons = make([]types.CancellationReason, len(in.TransactItems))
		for n := range canceled.CancellationReasons {
			canceled.CancellationReasons[n].Code = aws.String("None")
		}
		canceled.CancellationReasons[0].Code = aws.String("TransactionConflict")
	}
	return out, err
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

package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Verdict is what becomes of one call that a function makes.
type Verdict int

const (
	Proceed     Verdict = iota // the work is done and the reply arrives
	Refuse                     // no work is done; the caller gets an error
	Resend                     // the reply is lost and the SDK sends the request again
	Lose                       // the work is done; the caller gets an error
	CrashBefore                // the invocation ends here, without the work
	CrashAfter                 // the work is done, and then the invocation ends
	Freeze                     // the invocation stops here until long after its time is over
	Conflict                   // a transaction meets another one
)

func (v Verdict) String() string {
	return [...]string{"", "refused", "reply lost, sent again", "reply lost", "dies before", "dies after", "freezes", "conflict"}[v]
}

// What a call fails with. The words are nobody's business but the trace's.
var (
	errRefused  = errors.New("simulated: no answer")
	errLost     = errors.New("simulated: connection reset by peer")
	errKilled   = errors.New("simulated: the invocation is over")
	errTimedOut = errors.New("simulated: the invocation took too long")
	errPanic    = errors.New("simulated: the function panicked")
)

// Invocation is one run of one function. Its fields belong to the scheduler; the
// goroutines of the function touch them under the world's lock alone.
type Invocation struct {
	w        *World
	ID       int
	Function string
	Nth      int // of this function, from 1

	skew        time.Duration
	ctx         context.Context
	cancel      context.CancelFunc
	deadline    time.Time // when the platform stops waiting
	frozenUntil time.Time

	calls    int // made so far
	parked   int
	dead     bool // nothing that it does has an effect any more
	finished bool
	settled  bool // the platform has acted on its outcome
	err      error
	settle   func(error)
}

// now is the time as the invocation's machine has it.
func (i *Invocation) now() time.Time { return i.w.now.Add(i.skew) }

// lambdaContext says when the invocation ends and never ends by itself: a frozen
// machine does not notice, and it is the scheduler who ends the others.
type lambdaContext struct {
	context.Context
	deadline time.Time
}

func (c lambdaContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Call is a call that waits for the scheduler.
type Call struct {
	In        *Invocation
	Operation string
	PK, SK    string // of the item, or what else says which call it is
	Nth       int    // of its invocation, from 1

	write     bool
	notBefore time.Time
	verdict   chan Verdict
}

func (c *Call) String() string {
	if id, err := inquiry.ParseID(c.PK); err == nil {
		return fmt.Sprintf("%s#%d %s %s", c.In.Function, c.In.ID, c.Operation, c.In.w.shortID(id))
	}
	return fmt.Sprintf("%s#%d %s %s %s", c.In.Function, c.In.ID, c.Operation, c.In.w.short(c.PK), c.SK)
}

// compareCalls is an order that does not depend on which goroutine came first:
// within an invocation no two calls that wait have the same key and operation.
func compareCalls(a, b *Call) int {
	return cmp.Or(cmp.Compare(a.In.ID, b.In.ID), strings.Compare(a.SK, b.SK), strings.Compare(a.PK, b.PK), strings.Compare(a.Operation, b.Operation))
}

// park waits until the scheduler decides.
func (i *Invocation) park(operation, pk, sk string, write bool, delay time.Duration) Verdict {
	w := i.w
	w.mu.Lock()
	if i.dead {
		w.mu.Unlock()
		return CrashBefore
	}
	c := &Call{In: i, Operation: operation, PK: pk, SK: sk, write: write, verdict: make(chan Verdict)}
	if delay > 0 {
		c.notBefore = w.now.Add(delay)
	}
	w.parked = append(w.parked, c)
	i.parked++
	w.mu.Unlock()
	return <-c.verdict
}

// call makes one call of the table or the queue: work does it and keeps the
// reply for itself.
func (i *Invocation) call(operation, pk, sk string, write bool, work func() error) error {
	for {
		switch i.park(operation, pk, sk, write, 0) {
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

// tableClient is the table as one invocation has it.
type tableClient struct{ in *Invocation }

var _ store.DB = tableClient{}

func keyOf(it map[string]types.AttributeValue) (pk, sk string) {
	p, _ := it["PK"].(*types.AttributeValueMemberS)
	s, _ := it["SK"].(*types.AttributeValueMemberS)
	if p == nil || s == nil {
		return "", ""
	}
	return p.Value, s.Value
}

func (c tableClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.GetItemOutput, err error) {
	pk, sk := keyOf(in.Key)
	err = c.in.call("GetItem", pk, sk, false, func() (err error) { out, err = c.in.w.table.GetItem(ctx, in); return err })
	return out, err
}

func (c tableClient) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.BatchGetItemOutput, err error) {
	err = c.in.call("BatchGetItem", "", "", false, func() (err error) { out, err = c.in.w.table.BatchGetItem(ctx, in); return err })
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
	err = c.in.call("Query", pk, from, false, func() (err error) { out, err = c.in.w.table.Query(ctx, in); return err })
	return out, err
}

func (c tableClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	pk, sk := keyOf(in.Item)
	err = c.in.call("PutItem", pk, sk, true, func() (err error) { out, err = c.in.w.table.PutItem(ctx, in); return err })
	return out, err
}

func (c tableClient) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	pk, sk := keyOf(in.Key)
	err = c.in.call("UpdateItem", pk, sk, true, func() (err error) { out, err = c.in.w.table.UpdateItem(ctx, in); return err })
	return out, err
}

func (c tableClient) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (out *dynamodb.TransactWriteItemsOutput, err error) {
	err = c.in.call("TransactWriteItems", "", "", true, func() (err error) { out, err = c.in.w.table.TransactWriteItems(ctx, in); return err })
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok && canceled.CancellationReasons == nil {
		canceled.CancellationReasons = make([]types.CancellationReason, len(in.TransactItems))
		for n := range canceled.CancellationReasons {
			canceled.CancellationReasons[n].Code = new(string)
			*canceled.CancellationReasons[n].Code = "None"
		}
		*canceled.CancellationReasons[0].Code = "TransactionConflict"
	}
	return out, err
}

// queueClient is the queue as one invocation has it.
type queueClient struct{ in *Invocation }

func (c queueClient) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (out *sqs.SendMessageBatchOutput, err error) {
	first := *in.Entries[0].Id
	err = c.in.call("SendMessageBatch", "", first, true, func() (err error) {
		if err := ctx.Err(); err != nil {
			return err
		}
		out = c.in.w.send(in)
		return nil
	})
	return out, err
}

// pauses reports whether the invocation neither waits for the scheduler nor is
// over.
func (i *Invocation) pauses() bool {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return !i.finished && i.parked == 0
}

// start begins an invocation. Settle is told its outcome, once.
func (w *World) start(function string, limit time.Duration, run func(context.Context, *Invocation) error, settle func(error)) *Invocation {
	w.started++
	w.byFunction[function]++
	i := &Invocation{
		w: w, ID: w.started, Function: function, Nth: w.byFunction[function],
		skew: w.chooseSkew(), deadline: w.now.Add(limit), settle: settle,
	}
	base, cancel := context.WithCancel(context.Background())
	i.cancel = cancel
	i.ctx = lambdaContext{base, i.deadline.Add(i.skew)}
	w.running = append(w.running, i)
	go func() {
		err := errPanic
		defer func() {
			_ = recover()
			w.mu.Lock()
			i.err, i.finished = err, true
			w.mu.Unlock()
		}()
		err = run(i.ctx, i)
	}()
	w.acted = i
	return i
}

// grant lets a call go on.
func (w *World) grant(c *Call, v Verdict) {
	w.parked = slices.DeleteFunc(w.parked, func(p *Call) bool { return p == c })
	c.In.parked--
	c.In.calls++
	w.acted = c.In
	switch v {
	case CrashBefore, CrashAfter:
		w.mu.Lock()
		c.In.dead = true
		w.mu.Unlock()
		c.verdict <- v
		w.wait()
		w.kill(c.In, errKilled)
	default:
		c.verdict <- v
	}
}

// kill ends an invocation: what it does from now on has no effect.
func (w *World) kill(i *Invocation, why error) {
	w.mu.Lock()
	i.dead = true
	w.mu.Unlock()
	i.cancel()
	for n := 0; n < len(w.parked); {
		c := w.parked[n]
		if c.In != i {
			n++
			continue
		}
		w.parked = slices.Delete(w.parked, n, n+1)
		i.parked--
		c.verdict <- CrashBefore
	}
	w.wait()
	if !i.settled {
		i.settled = true
		i.settle(why)
	}
}

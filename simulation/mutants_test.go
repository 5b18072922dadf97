package simulation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	process "github.com/batch-inquiries/batch-inquiries/functions/process-inquiry/handler"
	sweep "github.com/batch-inquiries/batch-inquiries/functions/sweep-open-batches/handler"
	tally "github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// mutantSeeds is the number of histories in which a mistake must show.
const mutantSeeds = 300

// mutants are the service with one mistake each, by what is broken.
var mutants = map[string]Hooks{
	"a worker deletes a message whose inquiry another worker has claimed": {
		Inquiries: func(inner process.Inquiries) process.Inquiries { return leasedAsFinished{inner} },
	},
	"process-inquiry does not report its failed messages": {
		MessagesReply: func(_ events.SQSEvent, _ events.SQSEventResponse, err error) (events.SQSEventResponse, error) {
			return events.SQSEventResponse{}, err
		},
	},
	"process-inquiry succeeds when all of its messages met an outage": {
		MessagesReply: func(_ events.SQSEvent, resp events.SQSEventResponse, _ error) (events.SQSEventResponse, error) {
			return resp, nil
		},
	},
	"process-inquiry fails when a source is too slow for all of its inquiries": {
		MessagesReply: func(ev events.SQSEvent, resp events.SQSEventResponse, err error) (events.SQSEventResponse, error) {
			if len(resp.BatchItemFailures) == len(ev.Records) {
				err = errors.New("none of them could be processed")
			}
			return resp, err
		},
	},
	"an inquiry that a source is too slow for is tried again and again": {
		Inquiries: func(inner process.Inquiries) process.Inquiries { return alwaysFirst{inner} },
	},
	"counters are incremented record by record": {
		Counters: func(i *Invocation, _ tally.Counters) tally.Counters { return increments{i} },
	},
	"a claim ignores the lease of another worker": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
		replace(in.ConditionExpression, " AND leaseUntil <= :now", "")
	})},
	"a result is written without comparing the claim": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
		if replace(in.ConditionExpression, " AND claimId = :mine", "") {
			delete(in.ExpressionAttributeValues, ":mine")
		}
	})},
	"a repeated claim does not recognize itself": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureNone
	})},
	"failing an inquiry ignores its status": {Table: updates("", func(in *dynamodb.UpdateItemInput) {
		if strings.Contains(*in.UpdateExpression, "failure = :code") {
			in.ConditionExpression = nil
			delete(in.ExpressionAttributeValues, ":running")
		}
	})},
	"counting ignores the version of the header": {Table: updates("", func(in *dynamodb.UpdateItemInput) {
		if replace(in.ConditionExpression, " AND version = :version", "") {
			delete(in.ExpressionAttributeValues, ":version")
		}
	})},
	"counting leaves the event of the header unchanged": {Table: updates("tally-statuses", func(in *dynamodb.UpdateItemInput) {
		if replace(in.UpdateExpression, "event = :event, ", "") {
			delete(in.ExpressionAttributeValues, ":event")
		}
	})},
	"the final write of a header ignores its version": {Table: transactions(func(in *dynamodb.TransactWriteItemsInput) {
		if u := in.TransactItems[0].Update; u != nil && replace(u.ConditionExpression, " AND version = :version", "") {
			delete(u.ExpressionAttributeValues, ":version")
		}
	})},
	"the number of open inquiries is decreased by a separate write": {Table: func(_ string, db store.DB) store.DB { return twoWrites{db} }},
	"a submission ignores the limit on open inquiries": {Table: transactions(func(in *dynamodb.TransactWriteItemsInput) {
		if u := in.TransactItems[0].Update; replace(u.ConditionExpression, "#open <= :room", "attribute_exists(PK)") {
			delete(u.ExpressionAttributeValues, ":room")
		}
	})},
	"a submission does not check the lender again":  {Table: unchecked("LENDERPROFILE#")},
	"a submission does not check the user again":    {Table: unchecked("USER#")},
	"a submission does not check the API key again": {Table: unchecked("APIKEY#")},
	"a cancel overwrites inquiries that were claimed": {Table: func(_ string, db store.DB) store.DB {
		return mutantTable{DB: db, put: func(in *dynamodb.PutItemInput) { in.ConditionExpression = nil }}
	}},
	"dispatch-batch reads with eventual consistency": {Table: func(function string, db store.DB) store.DB {
		if function != "dispatch-batch" {
			return db
		}
		return mutantTable{DB: db, query: func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(false) }}
	}},
	"tally-statuses never reads the header consistently": {Table: func(function string, db store.DB) store.DB {
		if function != "tally-statuses" {
			return db
		}
		return mutantTable{DB: db, get: func(in *dynamodb.GetItemInput) { in.ConsistentRead = aws.Bool(false) }}
	}},
	"a reused idempotency key is accepted with another body": {Table: func(_ string, db store.DB) store.DB {
		return mutantTable{DB: db, refused: sameFingerprint}
	}},
	"a repeated submission does not recognize itself": {Table: func(_ string, db store.DB) store.DB {
		return mutantTable{DB: db, refused: func(_ *dynamodb.TransactWriteItemsInput, e *types.TransactionCanceledException) {
			for n := range e.CancellationReasons {
				e.CancellationReasons[n].Item = nil
			}
		}}
	}},
	"messages that the queue rejected are not sent again": {Queue: func(_ string, q queue.Client) queue.Client { return allAccepted{q} }},
	"a sweep sends no messages": {Queue: func(function string, q queue.Client) queue.Client {
		if function == "sweep-open-batches" {
			return discard{}
		}
		return q
	}},
	"a sweep fails inquiries in the header but not in their items": {
		Batches: func(inner sweep.Batches) sweep.Batches { return &headerOnly{Batches: inner} },
	},
	"dispatch-batch does not report its failed records": {RecordsReply: func(function string, _ events.DynamoDBEvent, resp events.DynamoDBEventResponse) events.DynamoDBEventResponse {
		if function == "dispatch-batch" {
			resp.BatchItemFailures = nil
		}
		return resp
	}},
	"tally-statuses reports the last failed record instead of the first": {RecordsReply: func(function string, ev events.DynamoDBEvent, resp events.DynamoDBEventResponse) events.DynamoDBEventResponse {
		if function == "tally-statuses" && len(resp.BatchItemFailures) > 0 {
			resp.BatchItemFailures[0].ItemIdentifier = ev.Records[len(ev.Records)-1].Change.SequenceNumber
		}
		return resp
	}},
}

// TestMutants checks that the simulator notices every mutant.
func TestMutants(t *testing.T) {
	all := maps.Clone(mutants)
	maps.Copy(all, storeMutants)
	if len(all) < len(mutants)+len(storeMutants) {
		t.Fatal("two mutants have the same name")
	}
	for name, mutant := range all {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= mutantSeeds; seed++ {
				if r := Run(t, seed, &mutant, nil); r.Broken != "" {
					t.Logf("seed %d, step %d: %s", seed, r.Steps, r.Broken)
					return
				}
			}
			t.Errorf("no law was broken in %d histories", mutantSeeds)
		})
	}
}

// mutantTable changes copies of the requests before they are sent.
type mutantTable struct {
	store.DB
	update  func(*dynamodb.UpdateItemInput)
	put     func(*dynamodb.PutItemInput)
	query   func(*dynamodb.QueryInput)
	get     func(*dynamodb.GetItemInput)
	refused func(*dynamodb.TransactWriteItemsInput, *types.TransactionCanceledException)

	transact func(*dynamodb.TransactWriteItemsInput) // called when the first action is an update
}

// updates returns a hook that changes the updates of one function, or of all for "".
func updates(of string, change func(*dynamodb.UpdateItemInput)) func(string, store.DB) store.DB {
	return func(function string, db store.DB) store.DB {
		if of != "" && function != of {
			return db
		}
		return mutantTable{DB: db, update: change}
	}
}

func transactions(change func(*dynamodb.TransactWriteItemsInput)) func(string, store.DB) store.DB {
	return func(_ string, db store.DB) store.DB { return mutantTable{DB: db, transact: change} }
}

// unchecked makes the checks of items with this prefix always pass.
func unchecked(prefix string) func(string, store.DB) store.DB {
	return transactions(func(in *dynamodb.TransactWriteItemsInput) {
		for n, action := range in.TransactItems {
			c := action.ConditionCheck
			if c == nil || !strings.HasPrefix(c.Key["PK"].(*types.AttributeValueMemberS).Value, prefix) {
				continue
			}
			passed := *c
			passed.ConditionExpression = aws.String("attribute_exists(PK)")
			passed.ExpressionAttributeNames, passed.ExpressionAttributeValues = nil, nil
			in.TransactItems[n].ConditionCheck = &passed
		}
	})
}

// replace replaces old in the text and reports whether it was there.
func replace(text *string, old, with string) bool {
	if text == nil || !strings.Contains(*text, old) {
		return false
	}
	*text = strings.Replace(*text, old, with, 1)
	return true
}

func clone(s *string) *string {
	if s == nil {
		return nil
	}
	return aws.String(*s)
}

func (m mutantTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if m.update != nil {
		changed := *in
		changed.UpdateExpression, changed.ConditionExpression = clone(in.UpdateExpression), clone(in.ConditionExpression)
		m.update(&changed)
		in = &changed
	}
	return m.DB.UpdateItem(ctx, in, o...)
}

func (m mutantTable) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if m.put != nil {
		changed := *in
		m.put(&changed)
		in = &changed
	}
	return m.DB.PutItem(ctx, in, o...)
}

func (m mutantTable) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if m.query != nil {
		changed := *in
		m.query(&changed)
		in = &changed
	}
	return m.DB.Query(ctx, in, o...)
}

func (m mutantTable) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if m.get != nil {
		changed := *in
		m.get(&changed)
		in = &changed
	}
	return m.DB.GetItem(ctx, in, o...)
}

func (m mutantTable) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if first := in.TransactItems[0].Update; m.transact != nil && first != nil {
		update := *first
		update.UpdateExpression, update.ConditionExpression = clone(first.UpdateExpression), clone(first.ConditionExpression)
		update.ExpressionAttributeValues = maps.Clone(first.ExpressionAttributeValues)
		in = &dynamodb.TransactWriteItemsInput{TransactItems: slices.Clone(in.TransactItems)}
		in.TransactItems[0].Update = &update
		m.transact(in)
	}
	out, err := m.DB.TransactWriteItems(ctx, in, o...)
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok && m.refused != nil {
		m.refused(in, e)
	}
	return out, err
}

// twoWrites splits the transaction that ends a batch: first the header, then the
// lender's number of open inquiries.
type twoWrites struct{ store.DB }

func (m twoWrites) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if len(in.TransactItems) != 2 || in.TransactItems[0].Update == nil || in.TransactItems[1].Update == nil {
		return m.DB.TransactWriteItems(ctx, in, o...)
	}
	for _, one := range in.TransactItems {
		if _, err := m.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{one}}, o...); err != nil {
			return nil, err
		}
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// sameFingerprint makes the stored body look like the submitted one.
func sameFingerprint(in *dynamodb.TransactWriteItemsInput, e *types.TransactionCanceledException) {
	last := len(in.TransactItems) - 1
	if old := e.CancellationReasons[last].Item; old != nil && old["fingerprint"] != nil {
		old["fingerprint"] = in.TransactItems[last].Put.Item["fingerprint"]
	}
}

// alwaysFirst makes every attempt look like the first.
type alwaysFirst struct{ process.Inquiries }

func (m alwaysFirst) Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error) {
	claim, err := m.Inquiries.Claim(ctx, lender, id, token, lease)
	claim.Attempt = 1
	return claim, err
}

type leasedAsFinished struct{ process.Inquiries }

func (m leasedAsFinished) Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error) {
	claim, err := m.Inquiries.Claim(ctx, lender, id, token, lease)
	if errors.Is(err, inquiry.ErrLeased) {
		err = inquiry.ErrFinished
	}
	return claim, err
}

// increments counts in the common way: one up and one down for every record. It writes
// everything else correctly.
type increments struct{ i *Invocation }

func (c increments) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	added := map[inquiry.Status]int{}
	for _, c := range changes {
		added[c.Status]++
		if c.Status == inquiry.StatusRunning || c.Figures.Attempts == 0 {
			added[inquiry.StatusPlanning]--
		} else {
			added[inquiry.StatusRunning]--
		}
	}
	db := mutantTable{DB: tableClient{c.i}, update: func(in *dynamodb.UpdateItemInput) {
		for code, attribute := range []string{"planning", "running", "completed", "partialSuccess", "failed", "cancelled"} {
			if replace(in.UpdateExpression, attribute+" = :"+attribute, attribute+" = "+attribute+" + :"+attribute) {
				in.ExpressionAttributeValues[":"+attribute] = &types.AttributeValueMemberN{Value: strconv.Itoa(added[codes[code]])}
			}
		}
	}}
	return store.New(db, tableName, c.i.now).Merge(ctx, lender, id, changes)
}

// allAccepted hides which messages the queue rejected.
type allAccepted struct{ queue.Client }

func (q allAccepted) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, o ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out, err := q.Client.SendMessageBatch(ctx, in, o...)
	if out != nil {
		out.Failed = nil
	}
	return out, err
}

type discard struct{}

func (discard) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, sqstypes.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

// headerOnly fails inquiries in the counters but does not write their items.
type headerOnly struct {
	sweep.Batches
	failed []inquiry.ID
}

func (h *headerOnly) Fail(_ context.Context, _ inquiry.LenderID, id inquiry.ID, _ string) error {
	h.failed = append(h.failed, id)
	return nil
}

func (h *headerOnly) Records(ctx context.Context, b inquiry.Batch) ([]inquiry.Record, error) {
	records, err := h.Batches.Records(ctx, b)
	for _, id := range h.failed {
		records = slices.DeleteFunc(records, func(r inquiry.Record) bool { return r.ID == id })
		records = append(records, inquiry.Record{ID: id, Status: inquiry.StatusFailed})
	}
	return records, err
}

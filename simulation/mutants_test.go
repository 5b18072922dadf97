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

// mutantSeeds bounds how many histories a mistake may take to come to light.
const mutantSeeds = 300

// Each mistake was thought of once and is made again here. A simulator that does
// not notice one of them checks nothing.
func TestSimulatorNoticesMistakes(t *testing.T) {
	for name, alter := range map[string]Alteration{
		"a leased duplicate is acknowledged": {
			Claims: func(inner process.Inquiries) process.Inquiries { return leasedIsFinished{inner} },
		},
		"failed messages are not named": {
			Messages: func(_ events.SQSEvent, _ events.SQSEventResponse, err error) (events.SQSEventResponse, error) {
				return events.SQSEventResponse{}, err
			},
		},
		"an outage of all messages is no error": {
			Messages: func(_ events.SQSEvent, resp events.SQSEventResponse, _ error) (events.SQSEventResponse, error) {
				return resp, nil
			},
		},
		"counters are added to, record by record": {
			Counters: func(i *Invocation, _ tally.Counters) tally.Counters { return adding{i} },
		},
		"a claim does not look at the lease": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
			replace(in.ConditionExpression, " AND leaseUntil <= :now", "")
		})},
		"a result does not name its claim": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
			if replace(in.ConditionExpression, " AND claimId = :mine", "") {
				delete(in.ExpressionAttributeValues, ":mine")
			}
		})},
		"a claim does not know itself again": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
			in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureNone
		})},
		"giving up does not look at the status": {Table: updates("", func(in *dynamodb.UpdateItemInput) {
			if strings.Contains(*in.UpdateExpression, "failure = :code") {
				in.ConditionExpression = nil
				delete(in.ExpressionAttributeValues, ":running")
			}
		})},
		"counting does not look at the version": {Table: updates("", func(in *dynamodb.UpdateItemInput) {
			if replace(in.ConditionExpression, " AND version = :version", "") {
				delete(in.ExpressionAttributeValues, ":version")
			}
		})},
		"counting leaves the event as it was": {Table: updates("tally-statuses", func(in *dynamodb.UpdateItemInput) {
			if replace(in.UpdateExpression, "event = :event, ", "") {
				delete(in.ExpressionAttributeValues, ":event")
			}
		})},
		"the last write of a header does not look at the version": {Table: transactions(func(in *dynamodb.TransactWriteItemsInput) {
			if u := in.TransactItems[0].Update; u != nil && replace(u.ConditionExpression, " AND version = :version", "") {
				delete(u.ExpressionAttributeValues, ":version")
			}
		})},
		"a lender's room is given back by a write of its own": {Table: func(_ string, db store.DB) store.DB { return twoWrites{db} }},
		"a submission does not look at the lender's room": {Table: transactions(func(in *dynamodb.TransactWriteItemsInput) {
			if u := in.TransactItems[0].Update; replace(u.ConditionExpression, " AND #open <= :room", "") {
				delete(u.ExpressionAttributeValues, ":room")
			}
		})},
		"a cancel overwrites": {Table: func(_ string, db store.DB) store.DB {
			return mutantTable{DB: db, put: func(in *dynamodb.PutItemInput) { in.ConditionExpression = nil }}
		}},
		"dispatch-batch reads from replicas": {Table: func(function string, db store.DB) store.DB {
			if function != "dispatch-batch" {
				return db
			}
			return mutantTable{DB: db, query: func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(false) }}
		}},
		"tally-statuses looks for the header in replicas alone": {Table: func(function string, db store.DB) store.DB {
			if function != "tally-statuses" {
				return db
			}
			return mutantTable{DB: db, get: func(in *dynamodb.GetItemInput) { in.ConsistentRead = aws.Bool(false) }}
		}},
		"an idempotency key is not compared with its body": {Table: func(_ string, db store.DB) store.DB {
			return mutantTable{DB: db, refused: sameFingerprint}
		}},
		"a submission does not know itself again": {Table: func(_ string, db store.DB) store.DB {
			return mutantTable{DB: db, refused: func(_ *dynamodb.TransactWriteItemsInput, e *types.TransactionCanceledException) {
				for n := range e.CancellationReasons {
					e.CancellationReasons[n].Item = nil
				}
			}}
		}},
		"messages that were not taken are forgotten": {Queue: func(_ string, q queue.Client) queue.Client { return allTaken{q} }},
		"a sweep sends nothing": {Queue: func(function string, q queue.Client) queue.Client {
			if function == "sweep-open-batches" {
				return sendsNothing{}
			}
			return q
		}},
		"a sweep fails the header alone": {
			Repairs: func(inner sweep.Batches) sweep.Batches { return &headerAlone{Batches: inner} },
		},
		"dispatch-batch names no failed record": {Records: func(function string, _ events.DynamoDBEvent, resp events.DynamoDBEventResponse) events.DynamoDBEventResponse {
			if function == "dispatch-batch" {
				resp.BatchItemFailures = nil
			}
			return resp
		}},
		"tally-statuses names the last failed record, not the first": {Records: func(function string, ev events.DynamoDBEvent, resp events.DynamoDBEventResponse) events.DynamoDBEventResponse {
			if function == "tally-statuses" && len(resp.BatchItemFailures) > 0 {
				resp.BatchItemFailures[0].ItemIdentifier = ev.Records[len(ev.Records)-1].Change.SequenceNumber
			}
			return resp
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= mutantSeeds; seed++ {
				if r := Run(t, seed, &alter, nil, nil); r.Broken != "" {
					t.Logf("seed %d, step %d: %s", seed, r.Steps, r.Broken)
					return
				}
			}
			t.Errorf("%d histories went by as if nothing were wrong", mutantSeeds)
		})
	}
}

// mutantTable changes requests before they are sent, in copies.
type mutantTable struct {
	store.DB
	update  func(*dynamodb.UpdateItemInput)
	put     func(*dynamodb.PutItemInput)
	query   func(*dynamodb.QueryInput)
	get     func(*dynamodb.GetItemInput)
	refused func(*dynamodb.TransactWriteItemsInput, *types.TransactionCanceledException)

	transact func(*dynamodb.TransactWriteItemsInput) // its first action is an update
}

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

// replace changes a text and reports whether it did.
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

// twoWrites writes a batch's end and then its lender's room.
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

// sameFingerprint makes the stored body look like the one that is submitted.
func sameFingerprint(in *dynamodb.TransactWriteItemsInput, e *types.TransactionCanceledException) {
	last := len(in.TransactItems) - 1
	if old := e.CancellationReasons[last].Item; old != nil && old["fingerprint"] != nil {
		old["fingerprint"] = in.TransactItems[last].Put.Item["fingerprint"]
	}
}

type leasedIsFinished struct{ process.Inquiries }

func (m leasedIsFinished) Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error) {
	claim, err := m.Inquiries.Claim(ctx, lender, id, token, lease)
	if errors.Is(err, inquiry.ErrLeased) {
		err = inquiry.ErrFinished
	}
	return claim, err
}

// adding counts as is often done: one up, one down for every record. All else
// that it writes is right.
type adding struct{ i *Invocation }

func (a adding) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	added := map[inquiry.Status]int{}
	for _, c := range changes {
		added[c.Status]++
		if c.Status == inquiry.StatusRunning || c.Figures.Attempts == 0 {
			added[inquiry.StatusPlanning]--
		} else {
			added[inquiry.StatusRunning]--
		}
	}
	db := mutantTable{DB: tableClient{a.i}, update: func(in *dynamodb.UpdateItemInput) {
		for code, attribute := range []string{"planning", "running", "completed", "partialSuccess", "failed", "cancelled"} {
			if replace(in.UpdateExpression, attribute+" = :"+attribute, attribute+" = "+attribute+" + :"+attribute) {
				in.ExpressionAttributeValues[":"+attribute] = &types.AttributeValueMemberN{Value: strconv.Itoa(added[codes[code]])}
			}
		}
	}}
	return store.New(db, tableName, a.i.now).Merge(ctx, lender, id, changes)
}

type allTaken struct{ queue.Client }

func (q allTaken) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, o ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out, err := q.Client.SendMessageBatch(ctx, in, o...)
	if out != nil {
		out.Failed = nil
	}
	return out, err
}

type sendsNothing struct{}

func (sendsNothing) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, sqstypes.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

// headerAlone gives inquiries up in the counters and leaves their items as they
// are.
type headerAlone struct {
	sweep.Batches
	failed []inquiry.ID
}

func (h *headerAlone) Fail(_ context.Context, _ inquiry.LenderID, id inquiry.ID, _ string) error {
	h.failed = append(h.failed, id)
	return nil
}

func (h *headerAlone) Records(ctx context.Context, b inquiry.Batch) ([]inquiry.Record, error) {
	records, err := h.Batches.Records(ctx, b)
	for _, id := range h.failed {
		records = slices.DeleteFunc(records, func(r inquiry.Record) bool { return r.ID == id })
		records = append(records, inquiry.Record{ID: id, Status: inquiry.StatusFailed})
	}
	return records, err
}

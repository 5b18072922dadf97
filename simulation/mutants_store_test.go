package simulation

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	tally "github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// storeMutants are mistakes in how package store reads, and in what it writes apart
// from statuses.
var storeMutants = map[string]Hooks{
	// Reads.
	"the status of a batch is read with eventual consistency": {Table: gets("api", func(in *dynamodb.GetItemInput) {
		if sortKeyOf(in.Key) == "HEADER" {
			in.ConsistentRead = aws.Bool(false)
		}
	})},
	"a list reads headers with eventual consistency": {Table: batchGets(func(in *dynamodb.BatchGetItemInput) {
		in.RequestItems = withConsistency(in.RequestItems, false)
	}, nil)},
	"inquiries of an unfinished batch are read with eventual consistency": {Table: func(function string, db store.DB) store.DB {
		if function != "api" {
			return db
		}
		return &secondLook{DB: db, looked: map[string]bool{}}
	}},
	"inquiries of a final batch that a replica does not have yet are not read again": {Table: func(function string, db store.DB) store.DB {
		if function != "api" {
			return db
		}
		return &secondLook{DB: db, skipped: true, looked: map[string]bool{}}
	}},
	"a query stops after its first page": {Table: queries(nil, func(in *dynamodb.QueryInput, out *dynamodb.QueryOutput) {
		if in.ExpressionAttributeValues[":from"] != nil {
			out.LastEvaluatedKey = nil
		}
	})},
	"a recount stops after the first page of a bucket": {Table: queries(nil, func(in *dynamodb.QueryInput, out *dynamodb.QueryOutput) {
		if in.ExpressionAttributeValues[":prefix"] != nil {
			out.LastEvaluatedKey = nil
		}
	})},
	"keys that a read left unprocessed are dropped": {Table: batchGets(nil, func(out *dynamodb.BatchGetItemOutput) { out.UnprocessedKeys = nil })},

	// Deletions.
	"a deletion purges only the first page": {Table: skips(func(in *dynamodb.UpdateItemInput) bool {
		sk := sortKeyOf(in.Key)
		return strings.HasPrefix(sk, "PAGE#") && sk != "PAGE#000"
	})},
	"a deletion leaves the reports": {Table: skips(func(in *dynamodb.UpdateItemInput) bool {
		return strings.HasPrefix(sortKeyOf(in.Key), "INQUIRY#") && strings.HasPrefix(*in.UpdateExpression, "REMOVE")
	})},
	"a deletion removes another attribute than the reports": {Table: updates("api", func(in *dynamodb.UpdateItemInput) {
		if strings.HasPrefix(sortKeyOf(in.Key), "INQUIRY#") && strings.HasPrefix(*in.UpdateExpression, "REMOVE") {
			in.ExpressionAttributeNames = map[string]string{"#attribute": "reports"}
		}
	})},
	"an unfinished batch can be deleted": {Table: updates("api", func(in *dynamodb.UpdateItemInput) {
		replace(in.ConditionExpression, "attribute_not_exists(openShard) AND ", "")
	})},
	"a deletion keeps the batch's name": {Table: updates("api", func(in *dynamodb.UpdateItemInput) {
		if replace(in.UpdateExpression, ", #name = :none", "") {
			in.ExpressionAttributeNames = nil
			delete(in.ExpressionAttributeValues, ":none")
		}
	})},

	// Expiry.
	"a claimed inquiry never expires": {Table: updates("process-inquiry", withoutExpiry)},
	"an inquiry that is given up never expires": {Table: updates("", func(in *dynamodb.UpdateItemInput) {
		if strings.Contains(*in.UpdateExpression, "failure = :code") {
			withoutExpiry(in)
		}
	})},
	"a canceled inquiry never expires": {Table: func(_ string, db store.DB) store.DB {
		return mutantTable{DB: db, put: func(in *dynamodb.PutItemInput) {
			if strings.HasPrefix(sortKeyOf(in.Item), "INQUIRY#") {
				delete(in.Item, "expiresAt")
			}
		}}
	}},

	// Reruns and cancels.
	"a rerun marks its parent as submitted": {Table: rerunsParent(func(u *types.Update) {
		u.ExpressionAttributeValues[":event"] = &types.AttributeValueMemberS{Value: "SUBMITTED"}
	})},
	"a rerun is not recorded in its parent": {Table: rerunsParent(func(u *types.Update) {
		u.ExpressionAttributeValues[":children"] = &types.AttributeValueMemberL{}
	})},
	"a cancel does not raise the version of the header": {Table: func(_ string, db store.DB) store.DB {
		drop := func(expression *string, values map[string]types.AttributeValue) {
			if strings.Contains(*expression, "cancelRequestedAt = :now") && replace(expression, " ADD version :one", "") {
				delete(values, ":one")
			}
		}
		return mutantTable{
			DB:     db,
			update: func(in *dynamodb.UpdateItemInput) { drop(in.UpdateExpression, in.ExpressionAttributeValues) },
			transact: func(in *dynamodb.TransactWriteItemsInput) {
				drop(in.TransactItems[0].Update.UpdateExpression, in.TransactItems[0].Update.ExpressionAttributeValues)
			},
		}
	}},
	"a sweep leaves a batch in a partition of the index that no sweep reads": {Table: updates("sweep-open-batches", func(in *dynamodb.UpdateItemInput) {
		if shard, ok := in.ExpressionAttributeValues[":shard"].(*types.AttributeValueMemberS); ok && shard.Value != store.OpenBegun {
			shard.Value = "8"
		}
	})},
	"a cancel does not make the batch due for a sweep": {Table: updates("api", func(in *dynamodb.UpdateItemInput) {
		if replace(in.UpdateExpression, "nextCheckAt = :due, ", "") {
			delete(in.ExpressionAttributeValues, ":due")
		}
	})},

	// Figures and sums.
	"a result is written without its sources' figures": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
		if in.ExpressionAttributeValues[":sources"] != nil {
			in.ExpressionAttributeValues[":sources"] = &types.AttributeValueMemberM{}
		}
	})},
	"a claim resets the time of the first one": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
		replace(in.UpdateExpression, "if_not_exists(startedAt, :now)", ":now")
	})},
	"a claim does not count the attempts": {Table: updates("process-inquiry", func(in *dynamodb.UpdateItemInput) {
		if replace(in.UpdateExpression, "if_not_exists(attempt, :none) + :one", ":one") {
			delete(in.ExpressionAttributeValues, ":none")
		}
	})},
	"the sums count one attempt for each inquiry": {Counters: func(_ *Invocation, inner tally.Counters) tally.Counters {
		return changed{inner, func(c *inquiry.Change) { c.Figures.Attempts = min(c.Figures.Attempts, 1) }}
	}},
	"the sums leave out the optional source": {Counters: func(_ *Invocation, inner tally.Counters) tally.Counters {
		return changed{inner, func(c *inquiry.Change) { delete(c.Figures.Sources, "registry") }}
	}},

	// The end of a batch.
	"a final write that meets a transaction counts as done": {Table: func(_ string, db store.DB) store.DB { return conflictIsSuccess{db} }},
	"a finished batch stays in the index of unfinished batches": {Table: transactions(func(in *dynamodb.TransactWriteItemsInput) {
		replace(in.TransactItems[0].Update.UpdateExpression, " REMOVE openShard, nextCheckAt", "")
	})},
}

func sortKeyOf(it map[string]types.AttributeValue) string { _, sk := keyOf(it); return sk }

// withoutExpiry removes the expiry from an update.
func withoutExpiry(in *dynamodb.UpdateItemInput) {
	if replace(in.UpdateExpression, ", expiresAt = :expires", "") {
		delete(in.ExpressionAttributeValues, ":expires")
	}
}

// gets returns a hook that changes the single reads of one function.
func gets(of string, change func(*dynamodb.GetItemInput)) func(string, store.DB) store.DB {
	return func(function string, db store.DB) store.DB {
		if function != of {
			return db
		}
		return mutantTable{DB: db, get: change}
	}
}

// queries returns a hook that changes queries and their replies.
func queries(change func(*dynamodb.QueryInput), reply func(*dynamodb.QueryInput, *dynamodb.QueryOutput)) func(string, store.DB) store.DB {
	return func(_ string, db store.DB) store.DB {
		return mutantReads{DB: mutantTable{DB: db, query: change}, query: reply}
	}
}

// batchGets returns a hook that changes reads of several items and their replies.
func batchGets(change func(*dynamodb.BatchGetItemInput), reply func(*dynamodb.BatchGetItemOutput)) func(string, store.DB) store.DB {
	return func(_ string, db store.DB) store.DB { return mutantReads{DB: db, keys: change, items: reply} }
}

// mutantReads changes copies of requests, and replies. Every field may be nil.
type mutantReads struct {
	store.DB
	keys  func(*dynamodb.BatchGetItemInput)
	items func(*dynamodb.BatchGetItemOutput)
	query func(*dynamodb.QueryInput, *dynamodb.QueryOutput)
}

func (m mutantReads) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if m.keys != nil {
		changed := *in
		m.keys(&changed)
		in = &changed
	}
	out, err := m.DB.BatchGetItem(ctx, in, o...)
	if err == nil && m.items != nil {
		m.items(out)
	}
	return out, err
}

func (m mutantReads) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := m.DB.Query(ctx, in, o...)
	if err == nil && m.query != nil {
		m.query(in, out)
	}
	return out, err
}

func withConsistency(items map[string]types.KeysAndAttributes, consistent bool) map[string]types.KeysAndAttributes {
	changed := map[string]types.KeysAndAttributes{}
	for name, keys := range items {
		keys.ConsistentRead = &consistent
		changed[name] = keys
	}
	return changed
}

// secondLook changes how inquiries are read: the first look at them is eventually
// consistent or, with skipped, the second one does not take place.
type secondLook struct {
	store.DB
	skipped bool
	looked  map[string]bool // partitions and keys
}

func (s *secondLook) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	partition, _ := in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS)
	from, ok := in.ExpressionAttributeValues[":from"].(*types.AttributeValueMemberS)
	if !ok || !strings.HasPrefix(from.Value, "INQUIRY#") || in.ExclusiveStartKey != nil {
		return s.DB.Query(ctx, in, o...)
	}
	again := s.looked[partition.Value+from.Value]
	s.looked[partition.Value+from.Value] = true
	if again && s.skipped {
		return &dynamodb.QueryOutput{}, nil
	}
	if !again && !s.skipped {
		changed := *in
		changed.ConsistentRead = aws.Bool(false)
		in = &changed
	}
	return s.DB.Query(ctx, in, o...)
}

// skips returns a hook that does not do some of the updates, and says that it did.
func skips(which func(*dynamodb.UpdateItemInput) bool) func(string, store.DB) store.DB {
	return func(_ string, db store.DB) store.DB { return skipping{db, which} }
}

type skipping struct {
	store.DB
	which func(*dynamodb.UpdateItemInput) bool
}

func (s skipping) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if s.which(in) {
		return &dynamodb.UpdateItemOutput{}, nil
	}
	return s.DB.UpdateItem(ctx, in, o...)
}

// rerunsParent returns a hook that changes what a rerun writes into its parent.
func rerunsParent(change func(*types.Update)) func(string, store.DB) store.DB {
	return transactions(func(in *dynamodb.TransactWriteItemsInput) {
		for n := range in.TransactItems {
			if u := in.TransactItems[n].Update; u != nil && u.ExpressionAttributeValues[":children"] != nil {
				changed := *u
				changed.ExpressionAttributeValues = map[string]types.AttributeValue{}
				for name, v := range u.ExpressionAttributeValues {
					changed.ExpressionAttributeValues[name] = v
				}
				change(&changed)
				in.TransactItems[n].Update = &changed
			}
		}
	})
}

// changed changes what tally-statuses counts.
type changed struct {
	tally.Counters
	change func(*inquiry.Change)
}

func (c changed) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	for i := range changes {
		c.change(&changes[i])
	}
	return c.Counters.Merge(ctx, lender, id, changes)
}

// conflictIsSuccess takes a transaction that another one stopped for done.
type conflictIsSuccess struct{ store.DB }

func (m conflictIsSuccess) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := m.DB.TransactWriteItems(ctx, in, o...)
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok && len(in.TransactItems) == 2 && in.TransactItems[1].Update != nil {
		for _, reason := range e.CancellationReasons {
			if aws.ToString(reason.Code) == "TransactionConflict" {
				return &dynamodb.TransactWriteItemsOutput{}, nil
			}
		}
	}
	return out, err
}

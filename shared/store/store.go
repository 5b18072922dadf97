package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// DB is the part of the DynamoDB client that a Store calls.
type DB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ DB = (*dynamodb.Client)(nil)

// Store reads and writes the service's table. It holds no state of its own and
// is safe for concurrent use.
type Store struct {
	db    DB
	table string
	now   func() time.Time
}

// New returns a Store on the named table.
func New(db DB, table string, now func() time.Time) *Store {
	return &Store{db: plainDB{db}, table: table, now: now}
}

// get reads one item; an absent or expired one is inquiry.ErrNotFound. An
// eventually consistent read costs half and may miss the last second.
func (s *Store) get(ctx context.Context, k item, consistent bool) (item, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            k,
		ConsistentRead: aws.Bool(consistent),
	})
	if err != nil {
		return nil, err
	}
	if out.Item == nil || s.expired(out.Item) {
		return nil, inquiry.ErrNotFound
	}
	return out.Item, nil
}

// alone is a transaction's update as a request of its own.
func alone(u types.Update) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: u.ReturnValuesOnConditionCheckFailure,
	}
}

// pause waits before the attempt after the given one, which counts from 0: at
// random up to 20 ms, 40 ms, 80 ms and so on to half a second. It ends early
// with ctx.
func pause(ctx context.Context, attempt int) error {
	longest := min(20*time.Millisecond<<min(attempt, 5), 500*time.Millisecond)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(longest)):
		return nil
	}
}

// expired reports whether the item is past its time. DynamoDB removes expired
// items hours or days late, and they stay readable until then.
func (s *Store) expired(it item) bool {
	var at int64
	if n, ok := it["expiresAt"].(*types.AttributeValueMemberN); ok {
		at, _ = strconv.ParseInt(n.Value, 10, 64)
	}
	return at != 0 && at <= s.now().Unix()
}

// refused returns the item that made a single conditional write fail; ok is
// false when err is anything else. The item is nil when there was none.
func refused(err error) (old item, ok bool) {
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return nil, false
	}
	return failed.Item, true
}

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func number[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

// textOf returns a string attribute, or "" when it is absent.
func textOf(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// numberOf returns a number attribute, or 0 when it is absent.
func numberOf(it item, name string) (int64, error) {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, nil
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("attribute %s: %w", name, err)
	}
	return value, nil
}

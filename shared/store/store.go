package store

import (
	"context"
	"errors"
	"fmt"
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

// Store reads and writes the service's table. It keeps no state in memory and is
// safe for concurrent use.
type Store struct {
	db    DB
	table string
	now   func() time.Time
}

// New returns a Store on the named table.
func New(db DB, table string, now func() time.Time) *Store {
	return &Store{db: unavailableDB{db}, table: table, now: now}
}

// get reads one item. It returns inquiry.ErrNotFound for an absent or expired one.
// An eventually consistent read costs half as much and may miss the last second.
func (s *Store) get(ctx context.Context, k item, c consistency) (item, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            k,
		ConsistentRead: aws.Bool(bool(c)),
	})
	if err != nil {
		return nil, err
	}
	if out.Item == nil || s.expired(out.Item) {
		return nil, inquiry.ErrNotFound
	}
	return out.Item, nil
}

// getBoth reads two items in one request, consistently. It returns
// inquiry.ErrNotFound when either is missing.
func (s *Store) getBoth(ctx context.Context, first, second item) (found [2]item, err error) {
	items, err := s.getMany(ctx, []item{first, second}, consistent)
	if err != nil {
		return found, err
	}
	found = [2]item{items[nameOf(first)], items[nameOf(second)]}
	if found[0] == nil || found[1] == nil {
		return found, inquiry.ErrNotFound
	}
	return found, nil
}

// putNew writes an item unless one with the same key exists, which it returns.
func (s *Store) putNew(ctx context.Context, it item) (old item, err error) {
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &s.table,
		Item:                                it,
		ConditionExpression:                 aws.String("attribute_not_exists(PK)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, refused := refusal(err); refused {
		return old, nil
	}
	return nil, err
}

// setProfile sets one attribute of an existing profile and reports whether that
// changed its value. It returns inquiry.ErrNotFound when there is no profile.
func (s *Store) setProfile(ctx context.Context, partition partitionKey, name string, value types.AttributeValue) (changed bool, err error) {
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 key(partition, profileKey),
		UpdateExpression:                    aws.String("SET #name = :value"),
		ConditionExpression:                 aws.String("attribute_exists(PK) AND (attribute_not_exists(#name) OR #name <> :value)"),
		ExpressionAttributeNames:            map[string]string{"#name": name},
		ExpressionAttributeValues:           item{":value": value},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, refused := refusal(err); refused {
		if old == nil {
			return false, inquiry.ErrNotFound
		}
		return false, nil
	}
	return err == nil, err
}

// expired reports whether the item's time to live has passed. DynamoDB removes
// expired items hours or days late, and they stay readable until then.
func (s *Store) expired(it item) bool {
	var at int64
	if n, ok := it[ExpiresAtAttribute].(*types.AttributeValueMemberN); ok {
		at, _ = strconv.ParseInt(n.Value, 10, 64)
	}
	return at != 0 && at <= s.now().Unix()
}

// refusal reports whether err says that the condition of a single write was not
// met, and returns the item that did not meet it: nil when there is no item.
func refusal(err error) (old item, refused bool) {
	failed, refused := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !refused {
		return nil, false
	}
	return failed.Item, true
}

// annotate adds to an error what was being done, and to which id. It returns nil
// for nil.
func annotate(err error, format string, id any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", id, err)
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

package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// plainDB is the DB of a Store, in whose errors inquiry.ErrUnavailable is where
// the table could not be reached, failed, or takes no more at the moment.
type plainDB struct{ DB }

func (p plainDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := p.DB.GetItem(ctx, in, o...)
	return out, plain(err)
}

func (p plainDB) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out, err := p.DB.BatchGetItem(ctx, in, o...)
	return out, plain(err)
}

func (p plainDB) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := p.DB.Query(ctx, in, o...)
	return out, plain(err)
}

func (p plainDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	out, err := p.DB.PutItem(ctx, in, o...)
	return out, plain(err)
}

func (p plainDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := p.DB.UpdateItem(ctx, in, o...)
	return out, plain(err)
}

func (p plainDB) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := p.DB.TransactWriteItems(ctx, in, o...)
	return out, plain(err)
}

// plain is err, and inquiry.ErrUnavailable too if it is what the SDK would try
// again, and did, or a transaction that was cancelled for throttling.
func plain(err error) error {
	if err == nil {
		return nil
	}
	unavailable := retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		unavailable = slices.ContainsFunc(canceled.CancellationReasons, throttled)
	}
	if !unavailable {
		return err
	}
	return fmt.Errorf("%w: %w", inquiry.ErrUnavailable, err)
}

// throttled reports whether a transaction's action met a table that takes no
// more at the moment.
func throttled(r types.CancellationReason) bool {
	switch aws.ToString(r.Code) {
	case "ThrottlingError", "ProvisionedThroughputExceeded":
		return true
	}
	return false
}

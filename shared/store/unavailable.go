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

// unavailableDB wraps a DB. It adds inquiry.ErrUnavailable to every error that means
// that the table could not be reached, failed, or throttled the request.
type unavailableDB struct{ DB }

func (u unavailableDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := u.DB.GetItem(ctx, in, o...)
	return out, markUnavailable(err)
}

func (u unavailableDB) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out, err := u.DB.BatchGetItem(ctx, in, o...)
	return out, markUnavailable(err)
}

func (u unavailableDB) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := u.DB.Query(ctx, in, o...)
	return out, markUnavailable(err)
}

func (u unavailableDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	out, err := u.DB.PutItem(ctx, in, o...)
	return out, markUnavailable(err)
}

func (u unavailableDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := u.DB.UpdateItem(ctx, in, o...)
	return out, markUnavailable(err)
}

func (u unavailableDB) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := u.DB.TransactWriteItems(ctx, in, o...)
	return out, markUnavailable(err)
}

// markUnavailable adds inquiry.ErrUnavailable to an error that the SDK retries (and
// has retried without success), to a write that transactions were in the way of, and to a
// transaction that was canceled because of throttling.
func markUnavailable(err error) error {
	if err == nil {
		return nil
	}
	unavailable := retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
	if _, busy := errors.AsType[*types.TransactionConflictException](err); busy {
		unavailable = true
	}
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		unavailable = slices.ContainsFunc(canceled.CancellationReasons, throttled)
	}
	if !unavailable {
		return err
	}
	return fmt.Errorf("%w: %w", inquiry.ErrUnavailable, err)
}

package table

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Client is the part of a table's client that package store calls.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// ShortReplies is a client of a table, simulated or real, whose replies are as short
// as those of large items and of a table that throttles: a Query returns pages of two
// items, and BatchGetItem leaves half of its keys unprocessed. It does not shorten a
// query that has a limit of its own.
type ShortReplies struct{ Client }

// Query reads at most two items.
func (s ShortReplies) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if in.Limit == nil {
		short := *in
		short.Limit = ptr[int32](2)
		in = &short
	}
	return s.Client.Query(ctx, in, o...)
}

// BatchGetItem reads the first half of the keys and returns the others as unprocessed.
func (s ShortReplies) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	short := *in
	short.RequestItems = map[string]types.KeysAndAttributes{}
	left := map[string]types.KeysAndAttributes{}
	for name, request := range in.RequestItems {
		half := (len(request.Keys) + 1) / 2
		first, rest := request, request
		first.Keys, rest.Keys = request.Keys[:half], request.Keys[half:]
		short.RequestItems[name] = first
		if len(rest.Keys) > 0 {
			left[name] = rest
		}
	}
	out, err := s.Client.BatchGetItem(ctx, &short, o...)
	if err != nil {
		return nil, err
	}
	for name, more := range out.UnprocessedKeys {
		request := left[name]
		more.Keys = append(more.Keys, request.Keys...)
		left[name] = more
	}
	out.UnprocessedKeys = left
	return out, nil
}

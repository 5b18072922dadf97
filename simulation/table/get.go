package table

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits of one BatchGetItem.
const (
	maxBatchKeys  = 100
	maxBatchBytes = 16 << 20
)

// GetItem reads one item.
func (t *Table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return call(ctx, t, "GetItem", in, func() (*dynamodb.GetItemOutput, error) {
		if err := checkModeled(in.AttributesToGet != nil); err != nil {
			return nil, err
		}
		if err := t.checkName(in.TableName); err != nil {
			return nil, err
		}
		view, err := newView(in.ProjectionExpression, in.ExpressionAttributeNames)
		if err != nil {
			return nil, err
		}
		pk, sk, err := readKey(in.Key)
		if err != nil {
			return nil, err
		}
		v := t.read(pk, sk, isTrue(in.ConsistentRead))
		units := Capacity{Read: readUnits(v.size, isTrue(in.ConsistentRead))}
		return &dynamodb.GetItemOutput{
			Item:             view.of(v.item),
			ConsumedCapacity: t.consume("GetItem", units, in.ReturnConsumedCapacity),
		}, nil
	})
}

func isTrue(b *bool) bool { return b != nil && *b }

func (t *Table) read(pk, sk string, consistent bool) version {
	if r := t.row(pk, sk); r != nil {
		return t.version(r, "", consistent)
	}
	return version{}
}

// view returns the attributes of items that a projection selects, or all of them
// without a projection.
type view struct {
	attributes []attribute
	scope      scope
}

func newView(projection *string, names map[string]string) (view, error) {
	which, err := text("ProjectionExpression", projection)
	if err != nil {
		return view{}, err
	}
	p, err := parse(texts{projection: which})
	if err != nil {
		return view{}, err
	}
	s, err := p.bind(names, nil)
	return view{p.projection, s}, err
}

// of returns a copy of the selected attributes of an item.
func (v view) of(it item) item {
	if it == nil || v.attributes == nil {
		return copyItem(it)
	}
	found := item{}
	for _, a := range v.attributes {
		name := v.scope.name(a)
		if value := it[name]; value != nil {
			found[name] = copyOf(value)
		}
	}
	return found
}

// BatchGetItem reads items by their keys, in the order of the keys.
func (t *Table) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return call(ctx, t, "BatchGetItem", in, func() (*dynamodb.BatchGetItemOutput, error) {
		if len(in.RequestItems) == 0 {
			return nil, invalid("1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
		}
		for name := range in.RequestItems {
			if err := t.checkName(&name); err != nil {
				return nil, err
			}
		}
		return t.batchGet(in.RequestItems[t.name], in.ReturnConsumedCapacity)
	})
}

// distinctKeys reads keys and rejects duplicates.
func distinctKeys(all []item) ([]Key, error) {
	keys := make([]Key, len(all))
	seen := make(map[Key]bool, len(keys))
	for i, k := range all {
		pk, sk, err := readKey(k)
		if err != nil {
			return nil, err
		}
		keys[i] = Key{pk, sk}
		if seen[keys[i]] {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		seen[keys[i]] = true
	}
	return keys, nil
}

func (t *Table) batchGet(in types.KeysAndAttributes, wanted types.ReturnConsumedCapacity) (*dynamodb.BatchGetItemOutput, error) {
	if err := checkModeled(in.AttributesToGet != nil); err != nil {
		return nil, err
	}
	if n := len(in.Keys); n < 1 || n > maxBatchKeys {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	view, err := newView(in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	keys, err := distinctKeys(in.Keys)
	if err != nil {
		return nil, err
	}
	process, consistent := len(keys), isTrue(in.ConsistentRead)
	found := []item{}
	size, units := 0, 0.0
	for i, k := range keys {
		v := t.read(k.PK, k.SK, consistent)
		if size+v.size > maxBatchBytes {
			process = i
			break
		}
		size += v.size
		units += readUnits(v.size, consistent)
		if v.item != nil {
			found = append(found, view.of(v.item))
		}
	}
	out := &dynamodb.BatchGetItemOutput{
		Responses:       map[string][]item{t.name: found},
		UnprocessedKeys: map[string]types.KeysAndAttributes{},
	}
	if process < len(keys) {
		left := in
		left.Keys = slices.Clone(in.Keys[process:])
		out.UnprocessedKeys[t.name] = left
	}
	if consumed := t.consume("BatchGetItem", Capacity{Read: units}, wanted); consumed != nil {
		out.ConsumedCapacity = []types.ConsumedCapacity{*consumed}
	}
	return out, nil
}

package table

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits of one transaction.
const (
	maxTransactionActions = 100
	maxTransactionBytes   = 4 << 20
	tokenLife             = 10 * time.Minute
)

// TransactWriteItems does all of its actions or none.
func (t *Table) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	in = t.withToken(in)
	return call(ctx, t, "TransactWriteItems", in, func() (*dynamodb.TransactWriteItemsOutput, error) {
		writes, err := t.planAll(in)
		if err != nil {
			return nil, err
		}
		if again, err := t.repeated(in); again || err != nil {
			return &dynamodb.TransactWriteItemsOutput{}, err // the cost of reading the items is not counted
		}
		outcomes, cost, err := t.evaluateAll(writes)
		consumed := t.consume("TransactWriteItems", cost, in.ReturnConsumedCapacity)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(outcomes, func(o outcome) bool { return o.changed }) {
			t.commits++
		}
		for i, w := range writes {
			if o := outcomes[i]; o.changed {
				t.write(t.makeRow(w.pk, w.sk), o.new, o.newSize, false)
			}
		}
		if in.ClientRequestToken != nil {
			t.tokens[*in.ClientRequestToken] = token{in.TransactItems, t.now()}
		}
		out := &dynamodb.TransactWriteItemsOutput{}
		if consumed != nil {
			out.ConsumedCapacity = []types.ConsumedCapacity{*consumed}
		}
		return out, nil
	})
}

// token is a transaction that was committed with a request token.
type token struct {
	actions []types.TransactWriteItem
	at      time.Time
}

// withToken adds a request token to a transaction that may be sent again.
func (t *Table) withToken(in *dynamodb.TransactWriteItemsInput) *dynamodb.TransactWriteItemsInput {
	if t.Retry == nil || in.ClientRequestToken != nil {
		return in
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokenCount++
	named := *in
	named.ClientRequestToken = ptr(fmt.Sprintf("client-token-%d", t.tokenCount))
	return &named
}

// repeated reports whether a transaction with this token has been done before.
func (t *Table) repeated(in *dynamodb.TransactWriteItemsInput) (bool, error) {
	if in.ClientRequestToken == nil {
		return false, nil
	}
	done, found := t.tokens[*in.ClientRequestToken]
	if !found || t.now().Sub(done.at) >= tokenLife {
		return false, nil
	}
	if !reflect.DeepEqual(done.actions, in.TransactItems) {
		return false, &types.IdempotentParameterMismatchException{}
	}
	return true, nil
}

func (t *Table) planAll(in *dynamodb.TransactWriteItemsInput) ([]*write, error) {
	if n := len(in.TransactItems); n < 1 || n > maxTransactionActions {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d, and greater than or equal to 1", maxTransactionActions)
	}
	writes := make([]*write, len(in.TransactItems))
	seen := make(map[Key]bool, len(writes))
	size := 0
	for i, ti := range in.TransactItems {
		a, err := actionOf(ti)
		if err != nil {
			return nil, err
		}
		if writes[i], err = t.plan(a); err != nil {
			return nil, err
		}
		k := Key{writes[i].pk, writes[i].sk}
		if seen[k] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[k] = true
		size += itemSize(a.put) + itemSize(a.key) + itemSize(a.values)
	}
	if size > maxTransactionBytes {
		return nil, invalid("Transaction request size cannot exceed %d bytes", maxTransactionBytes)
	}
	return writes, nil
}

// actionOf returns the one action of a member of a transaction.
func actionOf(ti types.TransactWriteItem) (action, error) {
	var a action
	count := 0
	if p := ti.Put; p != nil {
		count++
		a = action{table: p.TableName, put: p.Item, condition: p.ConditionExpression, names: p.ExpressionAttributeNames,
			values: p.ExpressionAttributeValues, onFailure: p.ReturnValuesOnConditionCheckFailure}
	}
	if u := ti.Update; u != nil {
		count++
		a = action{table: u.TableName, key: u.Key, update: u.UpdateExpression, condition: u.ConditionExpression,
			names: u.ExpressionAttributeNames, values: u.ExpressionAttributeValues, onFailure: u.ReturnValuesOnConditionCheckFailure}
		if u.UpdateExpression == nil {
			return a, invalid("The parameter 'UpdateExpression' is required but was not present in the request")
		}
	}
	if c := ti.ConditionCheck; c != nil {
		count++
		a = action{table: c.TableName, key: c.Key, check: true, condition: c.ConditionExpression,
			names: c.ExpressionAttributeNames, values: c.ExpressionAttributeValues, onFailure: c.ReturnValuesOnConditionCheckFailure}
		if c.ConditionExpression == nil {
			return a, invalid("The parameter 'ConditionExpression' is required but was not present in the request")
		}
	}
	if ti.Delete != nil {
		return a, notModeled("deletes in transactions")
	}
	if count != 1 {
		return a, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return a, nil
}

// evaluateAll returns what each write would do, or the error that cancels them
// all, and the cost: twice every item and once the entries of the index.
func (t *Table) evaluateAll(writes []*write) ([]outcome, Capacity, error) {
	outcomes := make([]outcome, len(writes))
	reasons := make([]types.CancellationReason, len(writes))
	var cost Capacity
	refused := false
	for i, w := range writes {
		o, err := t.evaluate(w)
		outcomes[i] = o
		switch {
		case errors.Is(err, errNotModeled):
			return nil, cost, err
		case err != nil:
			refused = true
			reasons[i] = types.CancellationReason{Code: ptr("ValidationError"), Message: ptr(messageOf(err))}
		case o.refused:
			refused = true
			reasons[i] = types.CancellationReason{Code: ptr("ConditionalCheckFailed"), Message: ptr("The conditional request failed")}
			if w.withOld {
				reasons[i].Item = copyItem(o.old)
			}
		default:
			reasons[i] = types.CancellationReason{Code: ptr("None")}
		}
		units := o.units()
		cost.Write += 2*(units.Write-units.Index) + units.Index
		cost.Index += units.Index
	}
	if refused {
		cost.Write, cost.Index = cost.Write-cost.Index, 0
		return nil, cost, canceled(reasons)
	}
	return outcomes, cost, nil
}

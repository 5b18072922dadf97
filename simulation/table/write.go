package table

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What the service bounds a write by.
const (
	maxItemBytes          = 400 << 10
	maxTransactionActions = 100
	maxTransactionBytes   = 4 << 20
	tokenLife             = 10 * time.Minute
)

// write is one action on one item, checked as far as it can be without looking
// at the item.
type write struct {
	pk, sk  string
	key     item // of an update
	put     item // the whole new item, for a put
	putSize int
	remove  bool
	check   bool // nothing is written
	parsed  *parsed
	scope   scope
	withOld bool // a refusal shows the item
}

// action is what the parameters of all kinds of writes have in common.
type action struct {
	table             *string
	key               item
	put               item
	remove, check     bool
	update, condition *string
	names             map[string]string
	values            item
	onFailure         types.ReturnValuesOnConditionCheckFailure
}

// plan checks a write as far as it can be without looking at the table.
func (t *Table) plan(a action) (*write, error) {
	if err := t.checkName(a.table); err != nil {
		return nil, err
	}
	updateText, err := text(updateExpression, a.update)
	if err != nil {
		return nil, err
	}
	conditionText, err := text("ConditionExpression", a.condition)
	if err != nil {
		return nil, err
	}
	w := &write{remove: a.remove, check: a.check, withOld: a.onFailure == types.ReturnValuesOnConditionCheckFailureAllOld}
	if w.parsed, err = parse(texts{update: updateText, condition: conditionText}); err != nil {
		return nil, err
	}
	if w.scope, err = w.parsed.bind(a.names, a.values); err != nil {
		return nil, err
	}
	if a.put == nil {
		w.key = a.key
		w.pk, w.sk, err = readKey(a.key)
		return w, err
	}
	if w.pk, w.sk, err = itemKey(a.put); err != nil {
		return nil, err
	}
	if err := checkValues(a.put); err != nil {
		return nil, err
	}
	if err := checkIndexKeys(a.put); err != nil {
		return nil, err
	}
	w.put = copyItem(a.put)
	if w.putSize = itemSize(w.put); w.putSize > maxItemBytes {
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	return w, nil
}

// outcome is what a write would make of its item.
type outcome struct {
	old, new         item
	oldSize, newSize int
	refused          bool // the condition does not hold
	changed          bool
}

// evaluate says what the write would do now.
func (t *Table) evaluate(w *write) (outcome, error) {
	before := t.row(w.pk, w.sk).current()
	o := outcome{old: before.item, oldSize: before.size}
	w.scope.item = o.old
	if w.parsed.condition != nil && !w.parsed.condition.holds(&w.scope) {
		o.refused = true
		return o, nil
	}
	switch {
	case w.check:
		o.new, o.newSize = o.old, o.oldSize
		return o, nil
	case w.put != nil:
		o.new, o.newSize = w.put, w.putSize
	case w.remove:
	default:
		next, err := w.update(o.old)
		if err != nil {
			return o, err
		}
		o.new, o.newSize = next, itemSize(next)
		if o.newSize > maxItemBytes {
			return o, invalid("Item size to update has exceeded the maximum allowed size")
		}
	}
	o.changed = !equalItems(o.old, o.new)
	return o, nil
}

// update returns the item after the update, which makes one if there is none.
func (w *write) update(old item) (item, error) {
	switch {
	case w.parsed.update != nil:
		next, err := w.parsed.update.apply(&w.scope, w.key)
		if err != nil {
			return nil, err
		}
		return next, checkIndexKeys(next)
	case old != nil:
		return old, nil
	}
	return copyItem(w.key), nil
}

// units is what the write costs: the larger of the item before and after, and
// the index's entries.
func (o outcome) units() Capacity {
	c := Capacity{Write: writeUnits(max(o.oldSize, o.newSize))}
	if !o.changed {
		return c
	}
	before, after := inIndex(o.old), inIndex(o.new)
	switch {
	case before && after && equal(o.old[indexPartitionAttribute], o.new[indexPartitionAttribute]) && equal(o.old[indexSortAttribute], o.new[indexSortAttribute]):
	case before && after:
		c.Index = 2 // an entry's key is all it has: one goes, one comes
	case before || after:
		c.Index = 1
	}
	c.Write += c.Index
	return c
}

// single does a write that stands alone.
func (t *Table) single(operation string, a action, wanted types.ReturnConsumedCapacity) (*write, outcome, *types.ConsumedCapacity, error) {
	w, err := t.plan(a)
	if err != nil {
		return nil, outcome{}, nil, err
	}
	o, err := t.evaluate(w)
	if err != nil {
		return nil, o, nil, err
	}
	consumed := t.consume(operation, o.units(), wanted)
	if o.refused {
		if !w.withOld {
			return nil, o, nil, conditionFailed(nil)
		}
		return nil, o, nil, conditionFailed(copyItem(o.old))
	}
	if o.changed {
		t.commits++
		t.write(t.makeRow(w.pk, w.sk), o.new, o.newSize, false)
	}
	return w, o, consumed, nil
}

// PutItem is the client's call of that name, as are the others below.
func (t *Table) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return call(ctx, t, "PutItem", in, func() (*dynamodb.PutItemOutput, error) {
		if in.Expected != nil || in.ConditionalOperator != "" {
			return nil, notModelled("parameters that expressions have replaced")
		}
		if in.Item == nil {
			return nil, invalid("The parameter 'Item' is required but was not present in the request")
		}
		if err := checkAllOrNothing(in.ReturnValues); err != nil {
			return nil, err
		}
		_, o, consumed, err := t.single("PutItem", action{
			table: in.TableName, put: in.Item, condition: in.ConditionExpression,
			names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
			onFailure: in.ReturnValuesOnConditionCheckFailure,
		}, in.ReturnConsumedCapacity)
		if err != nil {
			return nil, err
		}
		out := &dynamodb.PutItemOutput{ConsumedCapacity: consumed}
		if in.ReturnValues == types.ReturnValueAllOld {
			out.Attributes = copyItem(o.old)
		}
		return out, nil
	})
}

// DeleteItem removes an item.
func (t *Table) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return call(ctx, t, "DeleteItem", in, func() (*dynamodb.DeleteItemOutput, error) {
		if in.Expected != nil || in.ConditionalOperator != "" {
			return nil, notModelled("parameters that expressions have replaced")
		}
		if err := checkAllOrNothing(in.ReturnValues); err != nil {
			return nil, err
		}
		_, o, consumed, err := t.single("DeleteItem", action{
			table: in.TableName, key: in.Key, remove: true, condition: in.ConditionExpression,
			names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
			onFailure: in.ReturnValuesOnConditionCheckFailure,
		}, in.ReturnConsumedCapacity)
		if err != nil {
			return nil, err
		}
		out := &dynamodb.DeleteItemOutput{ConsumedCapacity: consumed}
		if in.ReturnValues == types.ReturnValueAllOld {
			out.Attributes = copyItem(o.old)
		}
		return out, nil
	})
}

// checkAllOrNothing refuses what only an update returns.
func checkAllOrNothing(r types.ReturnValue) error {
	switch r {
	case "", types.ReturnValueNone, types.ReturnValueAllOld:
		return nil
	}
	return invalid("ReturnValues can only be ALL_OLD or NONE")
}

// UpdateItem changes attributes of an item, or makes the item.
func (t *Table) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return call(ctx, t, "UpdateItem", in, func() (*dynamodb.UpdateItemOutput, error) {
		if in.Expected != nil || in.AttributeUpdates != nil || in.ConditionalOperator != "" {
			return nil, notModelled("parameters that expressions have replaced")
		}
		if err := checkReturned(in); err != nil {
			return nil, err
		}
		w, o, consumed, err := t.single("UpdateItem", action{
			table: in.TableName, key: in.Key, update: in.UpdateExpression, condition: in.ConditionExpression,
			names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
			onFailure: in.ReturnValuesOnConditionCheckFailure,
		}, in.ReturnConsumedCapacity)
		if err != nil {
			return nil, err
		}
		out := &dynamodb.UpdateItemOutput{ConsumedCapacity: consumed}
		switch in.ReturnValues {
		case "", types.ReturnValueNone:
		case types.ReturnValueAllOld:
			out.Attributes = copyItem(o.old)
		case types.ReturnValueAllNew:
			out.Attributes = copyItem(o.new)
		case types.ReturnValueUpdatedOld:
			out.Attributes = w.updated(o.old)
		case types.ReturnValueUpdatedNew:
			out.Attributes = w.updated(o.new)
		}
		return out, nil
	})
}

// checkReturned refuses parts of attributes, of which DynamoDB Local returns now
// the part and now the whole.
func checkReturned(in *dynamodb.UpdateItemInput) error {
	switch in.ReturnValues {
	case "", types.ReturnValueNone, types.ReturnValueAllOld, types.ReturnValueAllNew:
		return nil
	case types.ReturnValueUpdatedOld, types.ReturnValueUpdatedNew:
		if in.UpdateExpression != nil && strings.ContainsAny(*in.UpdateExpression, ".[") {
			return notModelled("updated values that are parts of attributes")
		}
		return nil
	}
	return invalid("1 validation error detected: Value '%s' at 'returnValues' failed to satisfy constraint", in.ReturnValues)
}

// updated are the attributes of an item that the update is about, nil if none.
func (w *write) updated(it item) item {
	if w.parsed.update == nil {
		return nil
	}
	found := item{}
	for p := range w.parsed.update.targets {
		name := w.scope.name(p[0])
		if v := it[name]; v != nil {
			found[name] = copyOf(v)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// TransactWriteItems does all of its actions, or none.
func (t *Table) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	in = t.withToken(in)
	return call(ctx, t, "TransactWriteItems", in, func() (*dynamodb.TransactWriteItemsOutput, error) {
		writes, err := t.planAll(in)
		if err != nil {
			return nil, err
		}
		if again, err := t.repeated(in); again || err != nil {
			return &dynamodb.TransactWriteItemsOutput{}, err // what it would cost to read them is not counted
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

// token is a transaction that has committed under a request token.
type token struct {
	actions []types.TransactWriteItem
	at      time.Time
}

// withToken gives a transaction that may be sent again a token of its own.
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

// repeated reports whether the transaction was done before under its token.
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

// actionOf returns the one action that a member of a transaction may have.
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
	if d := ti.Delete; d != nil {
		count++
		a = action{table: d.TableName, key: d.Key, remove: true, condition: d.ConditionExpression, names: d.ExpressionAttributeNames,
			values: d.ExpressionAttributeValues, onFailure: d.ReturnValuesOnConditionCheckFailure}
	}
	if c := ti.ConditionCheck; c != nil {
		count++
		a = action{table: c.TableName, key: c.Key, check: true, condition: c.ConditionExpression, names: c.ExpressionAttributeNames,
			values: c.ExpressionAttributeValues, onFailure: c.ReturnValuesOnConditionCheckFailure}
		if c.ConditionExpression == nil {
			return a, invalid("The parameter 'ConditionExpression' is required but was not present in the request")
		}
	}
	if count != 1 {
		return a, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return a, nil
}

// evaluateAll says what all of the writes would do, or why they are canceled, and
// what that costs: every item twice, the index's entries once.
func (t *Table) evaluateAll(writes []*write) ([]outcome, Capacity, error) {
	outcomes := make([]outcome, len(writes))
	reasons := make([]types.CancellationReason, len(writes))
	var cost Capacity
	refused := false
	for i, w := range writes {
		o, err := t.evaluate(w)
		outcomes[i] = o
		switch {
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

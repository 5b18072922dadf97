package table

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxItemBytes is DynamoDB's limit of an item's size.
const maxItemBytes = 400 << 10

// action holds the parameters that puts, updates and checks have in common.
type action struct {
	table             *string
	key               item // of an update or a check
	check             bool // writes nothing
	put               item
	update, condition *string
	names             map[string]string
	values            item
	onFailure         types.ReturnValuesOnConditionCheckFailure
}

// write is one action on one item, checked as far as that is possible without
// the item.
type write struct {
	pk, sk  string
	key     item // of an update or a check
	check   bool
	put     item // the whole new item, for a put
	putSize int
	parsed  *parsed
	scope   scope
	withOld bool // a failed condition returns the item
}

// plan checks an action as far as that is possible without the item.
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
	w := &write{check: a.check, withOld: a.onFailure == types.ReturnValuesOnConditionCheckFailureAllOld}
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

// outcome describes what a write does to its item.
type outcome struct {
	old, new         item
	oldSize, newSize int
	refused          bool // the condition is false
	changed          bool
}

// evaluate returns what the write would do now.
func (t *Table) evaluate(w *write) (outcome, error) {
	before := t.row(w.pk, w.sk).current()
	o := outcome{old: before.item, oldSize: before.size}
	w.scope.item = o.old
	if w.parsed.condition != nil && !w.parsed.condition.matches(&w.scope) {
		o.refused = true
		return o, nil
	}
	switch {
	case w.check:
		o.new, o.newSize = o.old, o.oldSize
	case w.put != nil:
		o.new, o.newSize = w.put, w.putSize
	default:
		next, err := w.parsed.update.apply(&w.scope, w.key)
		if err != nil {
			return o, err
		}
		if err := checkIndexKeys(next); err != nil {
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

// single does a write that stands alone and returns the item after it.
func (t *Table) single(operation string, a action, wanted types.ReturnConsumedCapacity) (item, *types.ConsumedCapacity, error) {
	w, err := t.plan(a)
	if err != nil {
		return nil, nil, err
	}
	o, err := t.evaluate(w)
	if err != nil {
		return nil, nil, err
	}
	consumed := t.consume(operation, o.units(), wanted)
	if o.refused {
		if !w.withOld {
			return nil, nil, conditionFailed(nil)
		}
		return nil, nil, conditionFailed(copyItem(o.old))
	}
	if o.changed {
		t.commits++
		t.write(t.makeRow(w.pk, w.sk), o.new, o.newSize, false)
	}
	return o.new, consumed, nil
}

// PutItem replaces or adds a whole item.
func (t *Table) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return call(ctx, t, "PutItem", in, func() (*dynamodb.PutItemOutput, error) {
		if err := checkModeled(in.Expected != nil || in.ConditionalOperator != ""); err != nil {
			return nil, err
		}
		if in.Item == nil {
			return nil, invalid("The parameter 'Item' is required but was not present in the request")
		}
		if in.ReturnValues != "" && in.ReturnValues != types.ReturnValueNone {
			return nil, notModeled("a PutItem that returns values")
		}
		_, consumed, err := t.single("PutItem", action{
			table: in.TableName, put: in.Item, condition: in.ConditionExpression,
			names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
			onFailure: in.ReturnValuesOnConditionCheckFailure,
		}, in.ReturnConsumedCapacity)
		if err != nil {
			return nil, err
		}
		return &dynamodb.PutItemOutput{ConsumedCapacity: consumed}, nil
	})
}

// UpdateItem changes attributes of an item, or makes the item.
func (t *Table) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return call(ctx, t, "UpdateItem", in, func() (*dynamodb.UpdateItemOutput, error) {
		if err := checkModeled(in.Expected != nil || in.AttributeUpdates != nil || in.ConditionalOperator != ""); err != nil {
			return nil, err
		}
		switch in.ReturnValues {
		case "", types.ReturnValueNone, types.ReturnValueAllNew:
		default:
			return nil, notModeled("an UpdateItem that returns " + string(in.ReturnValues))
		}
		if in.UpdateExpression == nil {
			return nil, notModeled("an UpdateItem without an expression")
		}
		written, consumed, err := t.single("UpdateItem", action{
			table: in.TableName, key: in.Key, update: in.UpdateExpression, condition: in.ConditionExpression,
			names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
			onFailure: in.ReturnValuesOnConditionCheckFailure,
		}, in.ReturnConsumedCapacity)
		if err != nil {
			return nil, err
		}
		out := &dynamodb.UpdateItemOutput{ConsumedCapacity: consumed}
		if in.ReturnValues == types.ReturnValueAllNew {
			out.Attributes = copyItem(written)
		}
		return out, nil
	})
}

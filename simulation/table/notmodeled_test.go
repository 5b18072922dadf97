package table_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// DynamoDB accepts nearly all of these requests. The simulated table must say that
// it cannot answer them, and must write nothing.
func TestNotModeled(t *testing.T) {
	t.Parallel()
	update := func(expression string) func(*table.Table) error {
		return func(sim *table.Table) error {
			_, err := sim.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: name, Key: keyOf("a"), UpdateExpression: &expression,
				ExpressionAttributeValues: used(values, expression),
			})
			return err
		}
	}
	condition := func(expression string) func(*table.Table) error {
		return func(sim *table.Table) error {
			_, err := sim.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: name, Item: keyOf("a"), ConditionExpression: &expression,
				ExpressionAttributeValues: used(values, expression),
			})
			return err
		}
	}
	putValue := func(v types.AttributeValue) func(*table.Table) error {
		return func(sim *table.Table) error {
			it := keyOf("a")
			it["value"] = v
			_, err := sim.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: name, Item: it})
			return err
		}
	}
	query := func(change func(*dynamodb.QueryInput)) func(*table.Table) error {
		return func(sim *table.Table) error {
			in := &dynamodb.QueryInput{
				TableName: name, KeyConditionExpression: aws.String("PK = :item"), ExpressionAttributeValues: item{":item": str("item")},
			}
			change(in)
			_, err := sim.Query(t.Context(), in)
			return err
		}
	}
	transaction := func(action types.TransactWriteItem) func(*table.Table) error {
		return func(sim *table.Table) error {
			_, err := sim.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{action}})
			return err
		}
	}
	for name, request := range map[string]func(*table.Table) error{
		"a path into a map":                     condition("tree.leaf = :one"),
		"a path into a list":                    condition("series[0] = :a"),
		"NOT":                                   condition("NOT word = :a"),
		"IN":                                    condition("word IN (:a, :word)"),
		"BETWEEN in a condition":                condition("n BETWEEN :one AND :ten"),
		"begins_with in a condition":            condition("begins_with(word, :prefix)"),
		"contains":                              condition("contains(word, :prefix)"),
		"attribute_type":                        condition("attribute_type(word, :a)"),
		"size":                                  condition("size(word) > :one"),
		"a comparison with an attribute":        condition("word = blank"),
		"a comparison that begins with a value": condition(":a = word"),
		"parentheses around parentheses":        condition("((word = :a) AND n = :n)"),
		"parentheses around an operand":         condition("(n) = :n"),
		"a very long condition":                 condition("n = :n" + strings.Repeat(" OR n = :n", 100)),

		"setting a path":                update("SET tree.leaf = :a"),
		"removing from a list":          update("REMOVE series[0]"),
		"list_append":                   update("SET series = list_append(series, :list)"),
		"subtraction":                   update("SET n = n - :one"),
		"DELETE":                        update("DELETE words :a"),
		"parentheses in an update":      update("SET n = (n + :one)"),
		"if_not_exists in itself":       update("SET n = if_not_exists(n, if_not_exists(m, :one))"),
		"a sum that is too large":       update("SET n = :large + :ten"),
		"an addition that is too large": update("ADD n :large SET m = :large + :ten"),

		"a set of strings":           putValue(&types.AttributeValueMemberSS{Value: []string{"a"}}),
		"a set of numbers":           putValue(&types.AttributeValueMemberNS{Value: []string{"1"}}),
		"a set of binaries":          putValue(&types.AttributeValueMemberBS{Value: [][]byte{{1}}}),
		"a set in a list":            putValue(list(&types.AttributeValueMemberSS{Value: []string{"a"}})),
		"a decimal number":           putValue(num("0.5")),
		"a number with an exponent":  putValue(num("1e3")),
		"a number with zeros before": putValue(num("007")),
		"a number of 19 digits":      putValue(num("1000000000000000000")),

		"a filter":            query(func(in *dynamodb.QueryInput) { in.FilterExpression = aws.String("n = :item") }),
		"a query that counts": query(func(in *dynamodb.QueryInput) { in.Select = types.SelectCount }),
		"parentheses in a key condition": query(func(in *dynamodb.QueryInput) {
			in.KeyConditionExpression = aws.String("(PK = :item)")
		}),
		"a projection of a path": query(func(in *dynamodb.QueryInput) { in.ProjectionExpression = aws.String("tree.leaf") }),

		"a delete in a transaction": transaction(types.TransactWriteItem{Delete: &types.Delete{TableName: name, Key: keyOf("a")}}),
		"a sum in a transaction that is too large": transaction(types.TransactWriteItem{Update: &types.Update{
			TableName: name, Key: keyOf("a"), UpdateExpression: aws.String("SET n = :large + :ten"), ExpressionAttributeValues: used(values, ":large :ten"),
		}}),

		"a parameter that expressions replaced": func(sim *table.Table) error {
			_, err := sim.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: name, Item: keyOf("a"), Expected: map[string]types.ExpectedAttributeValue{"PK": {}},
			})
			return err
		},
		"a put that returns the old item": func(sim *table.Table) error {
			_, err := sim.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: name, Item: keyOf("a"), ReturnValues: types.ReturnValueAllOld})
			return err
		},
		"an update that returns the old item": func(sim *table.Table) error {
			_, err := sim.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: name, Key: keyOf("a"), UpdateExpression: aws.String("REMOVE n"), ReturnValues: types.ReturnValueAllOld,
			})
			return err
		},
		"an update without an expression": func(sim *table.Table) error {
			_, err := sim.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: name, Key: keyOf("a")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			sim := newTable()
			if err := request(sim); err == nil || !strings.Contains(err.Error(), "the simulated table does not model") {
				t.Errorf("error %v, want one that says it is not modeled", err)
			}
			if n := len(sim.Items()); n != 0 {
				t.Errorf("the request left %d items", n)
			}
		})
	}
}

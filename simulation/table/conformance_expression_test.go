package table_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func bin(b string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(b)} }
func list(all ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: all}
}
func object(members item) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: members}
}

var (
	yes  types.AttributeValue = &types.AttributeValueMemberBOOL{Value: true}
	null types.AttributeValue = &types.AttributeValueMemberNULL{Value: true}
)

// keyOf returns the key of one of the tests' items.
func keyOf(name string) item { return item{"PK": str("item"), "SK": str(name)} }

// everyType returns an item with an attribute of every type.
func everyType(name string) item {
	it := keyOf(name)
	maps.Copy(it, item{
		"word": str("lender"), "blank": str(""), "n": num("7"), "payload": bin("abc"), "flag": yes, "nothing": null,
		"series": list(str("x"), num("1"), object(item{"deep": num("5")})),
		"tree":   object(item{"leaf": num("1"), "branch": object(item{"twig": str("two"), "stem": yes})}), "nothingIn": list(),
	})
	return it
}

// values are what the expressions below may use. A request gets those that it names.
var values = item{
	":word": str("lender"), ":prefix": str("len"), ":a": str("a"), ":z": str("zz"), ":empty": str(""), ":n": num("7"), ":one": num("1"),
	":zero": num("0"), ":ten": num("10"), ":neg": num("-3"), ":large": num("999999999999999998"),
	":blob": bin("abc"), ":ab": bin("ab"), ":flag": yes, ":null": null, ":list": list(str("x")),
	":tree":    object(item{"leaf": num("1"), "branch": object(item{"twig": str("two"), "stem": yes})}),
	":notnull": &types.AttributeValueMemberNULL{Value: false}, ":item": str("item"),
}

var names = map[string]string{"#status": "status", "#word": "word", "#n": "n", "#dotted": "a.b", "#absent": "absent", "#PK": "PK"}

// used returns the members of all that the texts name.
func used[V any](all map[string]V, texts ...string) map[string]V {
	var found map[string]V
	for _, text := range texts {
		for _, token := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ()[],.=<>+-", r) }) {
			if v, ok := all[token]; ok {
				if found == nil {
					found = map[string]V{}
				}
				found[token] = v
			}
		}
	}
	return found
}

// conditions are tried on an item of every type and on nothingIn.
var conditions = []string{
	"attribute_exists(word)", "attribute_not_exists(word)", "attribute_exists(absent)", "attribute_exists(PK)", "attribute_not_exists(PK)", "attribute_exists(#dotted)",
	"word = :word", "#word = :word", "word = :a", "absent = :a", "absent <> :a", "word <> :word", "word <> :n", "word = :n",
	"n > :one", "n >= :n", "n < :ten", "n <= :neg", "n < :large", "n > :neg", "word < :z", "word > :a", "word < :n", "absent < :n", "blank = :empty", "blank < :a",
	"payload = :blob", "payload > :ab", "flag = :flag", "flag <> :null", "nothing = :null", "tree = :tree", "series = :list", "series <> :list", "flag < :flag",
	"word = :word AND n = :n", "word = :a AND n = :n", "word = :a OR n = :n", "word = :word and n = :n AND payload = :blob AND flag = :flag",
	"word = :a OR word = :word AND n = :one", "(word = :a OR word = :word) AND n = :one", "word = :a or n = :one", "(word = :word)", "(attribute_exists(word))",
	"(word = :word) AND (n = :n)", "word = :word AND (n = :n OR n = :one)",
	"status = :word", "#status = :word", "name = :word", "word == :word", "word = ", "word", "= :word", "word = :word AND", "word = :word)", "(word = :word",
	"attribute_exists(word, n)", "attribute_exists()", "word = :undefined", "#undefined = :word", "word = :notnull", "word = :word # comment", "_word = :a", "2word = :a",
	"attribute_exists(size)", "size = :one", "attribute_exists(word) = :flag", "PK = :item AND attribute_exists(n)",
}

func TestConformanceConditions(t *testing.T) {
	t.Parallel()
	m := newMirror(t, enginetest.DynamoDBLocal(t))
	_, _ = m.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.name, Item: everyType("there")})
	for _, on := range []string{"there", "absent"} {
		for i, condition := range conditions {
			t.Run(condition+" "+on, func(t *testing.T) {
				m.tb = t
				it := everyType(on)
				it["written"] = num(strconv.Itoa(i))
				_, err := m.PutItem(t.Context(), &dynamodb.PutItemInput{
					TableName: &m.name, Item: it, ConditionExpression: &condition,
					ExpressionAttributeNames: used(names, condition), ExpressionAttributeValues: used(values, condition),
					ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				})
				if on == "absent" && err == nil {
					m.remove(table.Key{PK: "item", SK: on})
				}
			})
		}
	}
	m.tb = t
	m.compareContents()
}

// updates are tried on an item of every type and on nothingIn.
var updates = []string{
	"SET word = :a", "SET new = :a", "SET #status = :a", "SET word = :a, n = :one", "SET word = :word", "SET n = :one REMOVE word", "set word = :a remove n",
	"SET n = n + :one", "SET n = :one + :ten", "SET n = n + :neg", "SET n = absent + :one", "SET n = word + :one", "SET n = n + :a", "SET n = n + word", "SET n = n + n",
	"SET n = n + :one + :one", "SET n = :large", "SET n = :large + :one", "SET m = :one + n", "SET m=n+:one",
	"SET n = if_not_exists(n, :zero) + :one", "SET m = if_not_exists(m, :zero) + :one", "SET m = if_not_exists(n, :zero)", "SET m = if_not_exists(absent, word)", "SET m = if_not_exists(absent, absent2)",
	"SET m = :one + if_not_exists(m, :ten)", "SET m = if_not_exists(m)", "SET #dotted = :a", "SET m = tree", "SET tree = word", "SET word = n, n = word", "SET word = word",
	"SET word = :a, word = :z", "REMOVE word, word", "SET word = :a ADD word :one", "SET n = :one REMOVE n",
	"REMOVE word", "REMOVE absent", "REMOVE word, n, absent", "ADD n :one", "ADD new :one", "ADD n :neg", "ADD word :one", "ADD n :a", "ADD n :one, m :one", "ADD series :one",
	"SET PK = :a", "REMOVE SK", "SET #PK = :a", "ADD SK :one", "SET word = :a SET n = :one", "SET", "SET word", "SET word = ", "SET word = :a,", "REMOVE", "UPDATE word = :a", "SET :a = word", "word = :a", "SET status = :a", "SET name = :a",
	"SET word = :undefined", "SET #undefined = :a", "SET word = :notnull", "SET word = n * :one",
	"SET openShard = :a, nextCheckAt = :one", "SET openShard = :empty", "SET openShard = :a", "REMOVE openShard", "SET word = :empty", "SET flag = :null, nothing = :flag", "SET tree = :tree", "SET series = :list",
	"ADD n :one SET word = :a REMOVE payload", "SET m = n, k = m", "REMOVE n SET m = n", "ADD n :one ADD m :one",
}

func TestConformanceUpdates(t *testing.T) {
	t.Parallel()
	m := newMirror(t, enginetest.DynamoDBLocal(t))
	for i, update := range updates {
		for _, there := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s there %t", update, there), func(t *testing.T) {
				m.tb = t
				m.updateEachWay(update, fmt.Sprintf("%d-%t", i, there), there)
			})
		}
	}
	m.tb = t
	m.compareContents()
}

// updateEachWay does the update alone, once for each kind of reply, and in a
// transaction. Each has its own item.
func (m *mirror) updateEachWay(update, name string, there bool) {
	ctx := m.tb.Context()
	returns := []types.ReturnValue{types.ReturnValueAllNew, types.ReturnValueNone}
	begin := func(name string) {
		if there {
			_, _ = m.PutItem(ctx, &dynamodb.PutItemInput{TableName: &m.name, Item: everyType(name)})
		}
	}
	for _, r := range returns {
		own := name + "-" + string(r)
		begin(own)
		_, _ = m.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &m.name, Key: keyOf(own), UpdateExpression: &update, ReturnValues: r,
			ExpressionAttributeNames: used(names, update), ExpressionAttributeValues: used(values, update),
		})
	}
	begin(name)
	_, _ = m.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: &m.name, Item: keyOf(name + "-other")}},
		{Update: &types.Update{
			TableName: &m.name, Key: keyOf(name), UpdateExpression: &update,
			ExpressionAttributeNames: used(names, update), ExpressionAttributeValues: used(values, update),
		}},
	}})
}

var keyConditions = []string{
	"PK = :item", "PK = :z", "PK = :item AND SK = :a", "SK = :a AND PK = :item", "PK = :item AND SK < :n5", "PK = :item AND SK <= :n5", "PK = :item AND SK > :n5", "PK = :item AND SK >= :n5",
	"PK = :item AND SK BETWEEN :n3 AND :n6", "PK = :item AND SK BETWEEN :n6 AND :n3", "PK = :item AND begins_with(SK, :pre)", "PK = :item AND begins_with(SK, :empty)", "PK = :item AND SK <> :a", "PK > :item", "SK = :a", "PK = :item AND n = :one",
	"PK = :item OR SK = :a", "PK = :one", "PK = :item AND SK = :one", "PK = :item AND PK = :item", "PK = :item AND SK = :a AND SK = :a", "PK = :empty", "PK = :item AND SK > :empty", "PK = :item AND SK BETWEEN :n3 AND :one",
	"#PK = :item", "begins_with(PK, :item)",
}

func TestConformanceQueries(t *testing.T) {
	t.Parallel()
	values := maps.Clone(values)
	maps.Copy(values, item{":n3": str("name-3"), ":n5": str("name-5"), ":n6": str("name-6"), ":pre": str("name-1"), ":shard": str("0"), ":at": num("1005")})
	m := newMirror(t, enginetest.DynamoDBLocal(t))
	for i := range 15 {
		it := everyType(fmt.Sprintf("name-%d", i))
		it["n"] = num(fmt.Sprint(i % 4))
		if i%2 == 0 {
			it["openShard"], it["nextCheckAt"] = str("0"), num(fmt.Sprint(1000+i))
		}
		_, _ = m.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.name, Item: it})
	}
	for _, c := range keyConditions {
		for _, forward := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s forward %t", c, forward), func(t *testing.T) {
				m.tb = t
				m.queryAll(&dynamodb.QueryInput{
					TableName: &m.name, KeyConditionExpression: &c, ScanIndexForward: &forward,
					ExpressionAttributeNames: used(names, c), ExpressionAttributeValues: used(values, c),
				})
			})
		}
	}
	for _, limit := range []int32{1, 2, 5, 8, 15, 16} {
		for _, forward := range []bool{true, false} {
			t.Run(fmt.Sprintf("limit %d forward %t", limit, forward), func(t *testing.T) {
				m.tb = t
				m.queryAll(&dynamodb.QueryInput{
					TableName: &m.name, KeyConditionExpression: aws.String("PK = :item"), ScanIndexForward: &forward, Limit: &limit,
					ExpressionAttributeValues: used(values, ":item"), ProjectionExpression: aws.String("SK, tree, #word, absent"),
					ExpressionAttributeNames: used(names, "#word"),
				})
				c := "openShard = :shard AND nextCheckAt <= :at"
				m.queryAll(&dynamodb.QueryInput{
					TableName: &m.name, IndexName: aws.String("open"), KeyConditionExpression: &c, ScanIndexForward: &forward, Limit: &limit,
					ExpressionAttributeValues: used(values, c),
				})
			})
		}
	}
}

// queryAll reads all pages of a query.
func (m *mirror) queryAll(in *dynamodb.QueryInput) {
	for range 20 {
		out, err := m.Query(m.tb.Context(), in)
		if err != nil || out.LastEvaluatedKey == nil {
			return
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func TestConformanceLargeItems(t *testing.T) {
	t.Parallel()
	m := newMirror(t, enginetest.DynamoDBLocal(t))
	sized := func(name string, size int) item {
		it := keyOf(name)
		it["data"] = &types.AttributeValueMemberB{Value: make([]byte, size)}
		return it
	}
	overhead := len("PKitemSK-data") + 3 // and a sort key of four letters
	for _, size := range []int{0, 1023, 1024, 4095, 4096, 400<<10 - overhead, 400<<10 - overhead + 1, 400<<10 - overhead + 2} {
		_, _ = m.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.name, Item: sized("size", size)})
		_, _ = m.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &m.name, Key: keyOf("size")})
	}
	for _, size := range []int{100_000, 262_144 - overhead, 300_000} {
		for i := range 9 {
			_, _ = m.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.name, Item: sized(fmt.Sprintf("no-%d", i), size)})
		}
		for _, forward := range []bool{true, false} {
			m.queryAll(&dynamodb.QueryInput{
				TableName: &m.name, KeyConditionExpression: aws.String("PK = :item AND begins_with(SK, :no)"), ScanIndexForward: &forward,
				ExpressionAttributeValues: item{":item": str("item"), ":no": str("no-")},
			})
		}
	}
	update := &dynamodb.UpdateItemInput{
		TableName: &m.name, Key: keyOf("size"), UpdateExpression: aws.String("SET more = :more"),
		ExpressionAttributeValues: item{":more": &types.AttributeValueMemberB{Value: make([]byte, 200<<10)}},
	}
	for range 2 {
		_, _ = m.UpdateItem(t.Context(), update)
	}
}

func TestConformanceTransactions(t *testing.T) {
	t.Parallel()
	put := func(m *mirror, name, condition string) types.TransactWriteItem {
		p := &types.Put{TableName: &m.name, Item: everyType(name), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
		if condition != "" {
			p.ConditionExpression = &condition
			p.ExpressionAttributeValues = used(values, condition)
		}
		return types.TransactWriteItem{Put: p}
	}
	set := func(m *mirror, name, update string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &m.name, Key: keyOf(name), UpdateExpression: &update, ExpressionAttributeValues: used(values, update),
		}}
	}
	check := func(m *mirror, name, condition string) types.TransactWriteItem {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &m.name, Key: keyOf(name), ConditionExpression: &condition, ExpressionAttributeValues: used(values, condition),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	many := func(m *mirror, n int) []types.TransactWriteItem {
		var all []types.TransactWriteItem
		for i := range n {
			all = append(all, set(m, fmt.Sprint("many-", i), "SET n = :one"))
		}
		return all
	}
	cases := map[string]func(m *mirror) []types.TransactWriteItem{
		"two puts": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "a", ""), put(m, "b", "")}
		},
		"one item twice": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "a", ""), set(m, "a", "SET n = :one")}
		},
		"the first condition fails": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "old", "attribute_not_exists(PK)"), put(m, "b", "")}
		},
		"the last condition fails": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "b", ""), put(m, "old", "attribute_not_exists(PK)")}
		},
		"both conditions fail": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "old", "n = :one"), put(m, "absent", "n = :one")}
		},
		"an update of an absent item": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{set(m, "absent", "SET n = :one")}
		},
		"an update of an absent operand": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "b", ""), set(m, "absent", "SET n = n + :one")}
		},
		"an update of an absent operand and a failed condition": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "old", "n = :one"), set(m, "absent", "SET n = n + :one")}
		},
		"nothing changes": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "old", ""), set(m, "other", "SET n = :n")}
		},
		"a check that holds": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "old", "n = :n"), put(m, "b", "")}
		},
		"a check that fails": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "b", ""), check(m, "old", "n = :one")}
		},
		"a check of an absent item": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "absent", "attribute_not_exists(PK)"), put(m, "b", "")}
		},
		"a check of an absent item that fails": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "absent", "n = :n"), put(m, "b", "")}
		},
		"a check and an update of one item": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "old", "n = :n"), set(m, "old", "SET n = :one")}
		},
		"only a check": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "old", "n = :n")}
		},
		"no action":       func(m *mirror) []types.TransactWriteItem { return []types.TransactWriteItem{} },
		"an empty action": func(m *mirror) []types.TransactWriteItem { return []types.TransactWriteItem{{}} },
		"an action with two members": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{{Put: put(m, "a", "").Put, Update: set(m, "b", "SET n = :one").Update}}
		},
		"a hundred actions":             func(m *mirror) []types.TransactWriteItem { return many(m, 100) },
		"a hundred and one actions":     func(m *mirror) []types.TransactWriteItem { return many(m, 101) },
		"an update with a syntax error": func(m *mirror) []types.TransactWriteItem { return []types.TransactWriteItem{set(m, "a", "SET")} },
	}
	endpoint := enginetest.DynamoDBLocal(t)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			m := newMirror(t, endpoint)
			for _, there := range []string{"old", "other"} {
				_, _ = m.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.name, Item: everyType(there)})
			}
			in := &dynamodb.TransactWriteItemsInput{TransactItems: cases[name](m), ClientRequestToken: &m.name}
			for range 2 { // the second time with the same token
				_, _ = m.TransactWriteItems(t.Context(), in)
			}
			in.TransactItems = append(in.TransactItems, put(m, "another", ""))
			_, _ = m.TransactWriteItems(t.Context(), in)
			m.compareContents()
		})
	}
}

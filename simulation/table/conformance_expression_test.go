package table_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
)

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func bin(b string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(b)} }
func strs(all ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: all}
}
func nums(all ...string) types.AttributeValue {
	return &types.AttributeValueMemberNS{Value: all}
}
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

// keyOf is the key of one item of the tests.
func keyOf(name string) item { return item{"PK": str("item"), "SK": str(name)} }

// everyType is an item with an attribute of every type.
func everyType(name string) item {
	it := keyOf(name)
	maps.Copy(it, item{
		"word": str("lender"), "empty": str(""), "n": num("7"), "half": num("0.50"), "blob": bin("abc"), "flag": yes, "nothing": null,
		"words": strs("a", "b"), "primes": nums("2", "3"), "row": list(str("x"), num("1"), object(item{"deep": num("5")})),
		"tree": object(item{"leaf": num("1"), "branch": object(item{"twig": str("two"), "stem": yes})}), "none": list(),
	})
	return it
}

// values are what the expressions below may use. A case is given those it names.
var values = item{
	":word": str("lender"), ":prefix": str("len"), ":a": str("a"), ":z": str("zz"), ":empty": str(""), ":n": num("7"), ":n2": num("7.0"), ":one": num("1"),
	":zero": num("0"), ":ten": num("10"), ":neg": num("-3"), ":huge": num("9.9999999999999999999999999999999999999E+125"),
	":tiny": num("1E-130"), ":long": num("12345678901234567890123456789012345678"), ":toolong": num("123456789012345678901234567890123456789"),
	":third": num("0.33333333333333333333333333333333333333"),
	":blob":  bin("abc"), ":ab": bin("ab"), ":flag": yes, ":null": null, ":words": strs("b", "a"), ":more": strs("c"), ":primes": nums("3.0", "2"),
	":list": list(str("x")), ":tree": object(item{"leaf": num("1"), "branch": object(item{"twig": str("two"), "stem": yes})}),
	":type": str("S"), ":badtype": str("X"), ":badnumber": num("abc"), ":exp": num("1.5e3"), ":minuszero": num("-0"),
	":two": num("2"), ":x": str("x"), ":notnull": &types.AttributeValueMemberNULL{Value: false}, ":noset": &types.AttributeValueMemberSS{},
	":twice": strs("a", "a"), ":item": str("item"),
}

var names = map[string]string{
	"#status": "status", "#word": "word", "#n": "n", "#tree": "tree", "#leaf": "leaf", "#dotted": "a.b", "#absent": "absent", "#PK": "PK",
}

// used returns those of all that the texts name.
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

// conditions are on an item of every type, or on none.
var conditions = []string{
	"attribute_exists(word)", "attribute_not_exists(word)", "attribute_exists(absent)", "attribute_exists(tree.leaf)", "attribute_exists(tree.absent)",
	"attribute_exists(absent.leaf)", "attribute_exists(row[0])", "attribute_exists(row[9])", "attribute_exists(row.x)", "attribute_exists(#tree.#leaf)",
	"attribute_exists(tree[0])", "attribute_exists(row[2].deep)", "attribute_exists(PK)", "attribute_not_exists(PK)", "attribute_exists(#dotted)",
	"word = :word", "word = :a", "absent = :a", "absent <> :a", "word <> :word", "word <> :n", "word = :n", "n = :n2", "n <> :n2", "half = :one", "half < :one",
	"n > :one", "n >= :n", "n < :ten", "n <= :neg", "word < :z", "word > :a", "word < :n", "absent < :n", "empty = :empty", "empty < :a",
	"blob = :blob", "blob > :ab", "flag = :flag", "flag <> :null", "nothing = :null", "words = :words", "primes = :primes", "tree = :tree", "row = :list", "row <> :list",
	"flag < :flag", "words < :words", ":one < :ten", ":one = :one", "word = word", "word = tree.word", "n = tree.leaf", "n > tree.leaf",
	"n BETWEEN :one AND :ten", "n BETWEEN :ten AND :one", "word BETWEEN :a AND :z", "n BETWEEN :a AND :z", "n BETWEEN :one AND :z", "absent BETWEEN :one AND :ten",
	"n NOT BETWEEN :one AND :ten", ":n BETWEEN tree.leaf AND n", "flag BETWEEN :flag AND :flag",
	"word IN (:a, :word)", "word IN (:a)", "absent IN (:a)", "n IN (:n2)", "n IN (tree.leaf, n)", "word in (:word)", "word IN ()", "word IN (:a, :a)",
	"begins_with(word, :prefix)", "begins_with(word, :z)", "begins_with(blob, :ab)", "begins_with(n, :prefix)", "begins_with(word, :n)", "begins_with(absent, :a)", "begins_with(word, :empty)",
	"begins_with(word, empty)", "begins_with(:word, :prefix)",
	"contains(word, :prefix)", "contains(words, :a)", "contains(words, :z)", "contains(primes, :two)", "contains(row, :x)", "contains(row, :one)", "contains(n, :one)", "contains(words, :words)", "contains(tree, :x)",
	"attribute_type(word, :type)", "attribute_type(n, :type)", "attribute_type(word, :badtype)", "attribute_type(absent, :type)", "attribute_type(word, :n)",
	"size(word) = :one", "size(word) > :one", "size(words) = :two", "size(row) > :two", "size(tree) = :two", "size(n) > :zero", "size(absent) > :zero", "size(blob) < :ten", "size(flag) > :zero",
	"size(none) = :zero", "size(word) = size(blob)", "size(:word) > :one", "size(:n) > :one", "size(word) > :a", "size(empty) = :zero",
	"word = :word AND n = :n", "word = :a AND n = :n", "word = :a OR n = :n", "NOT word = :a", "NOT (word = :word)", "NOT word = :word AND n = :n", "NOT NOT word = :word",
	"word = :a OR word = :word AND n = :one", "(word = :a OR word = :word) AND n = :one", "word = :a or not n = :one", "(word = :word)", "((word = :word))",
	"((word = :word) AND (n = :n))", "(word = :word) AND (n = :n)", "((word = :word) OR n = :n) AND (n = :n)", "(((word = :word) AND n = :n))", "(attribute_exists(word))", "((attribute_exists(word)))",
	"NOT (attribute_exists(word) AND n = :n)", "(NOT (word = :word))", "size(word) BETWEEN :one AND :ten", "size(word) IN (:one, :two)",
	"status = :word", "#status = :word", "name = :word", "word == :word", "word = ", "word", "= :word", "word = :word AND", "word = :word)", "(word = :word",
	"unknown(word)", "attribute_exists(word, n)", "attribute_exists(:word)", "attribute_exists()", "begins_with(word)", "if_not_exists(word, :a) = :a", "Attribute_Exists(word)",
	"size(word)", "word = :undefined", "#undefined = :word", "word = :badnumber", "word = :toolong", "word = :notnull", "word = :noset", "word = :twice",
	"n = :long", "n < :huge", "half > :tiny", "n = :exp", "word = :word # comment", "word.n = :a", "tree.branch.twig = :a", "tree.branch.twig <> :a", "row[0] = :x", "row[1] = :one", "row[-1] = :x", "row[1.0] = :x", "row[2].deep > :one",
	"n + :one = :ten", "_word = :a", "2word = :a", "word = :word and n = :n AND blob = :blob AND flag = :flag", "contains(:word, word)", "attribute_exists(size)", "size = :one", "word IN :word",
	"attribute_exists(word) = :flag", "PK = :item AND attribute_exists(n)", "(n) = :n", "(n) BETWEEN :one AND :ten", "NOT (n = :n) = :flag",
	"word = :word AND ((n = :n OR n = :one))", "word = :word AND ((n = :n) OR (n = :one))", "words = words", "contains(word, word)", "begins_with(word, word)", "n BETWEEN n AND n", "n IN (n)", "size(word) = size(word)",
}

func TestConditionsAgree(t *testing.T) {
	t.Parallel()
	m := newMirror(t, enginetest.DynamoDBLocal(t))
	_, _ = m.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.name, Item: everyType("there")})
	for _, on := range []string{"there", "absent"} {
		for _, condition := range conditions {
			t.Run(condition+" "+on, func(t *testing.T) {
				m.tb = t
				_, _ = m.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
					TableName: &m.name, Key: keyOf(on), ConditionExpression: &condition,
					ExpressionAttributeNames: used(names, condition), ExpressionAttributeValues: used(values, condition),
					ReturnValues: types.ReturnValueAllOld, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				})
				_, _ = m.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.name, Item: everyType("there")})
			})
		}
	}
	m.tb = t
	m.compareContents()
}

// updates are of an item of every type, or of none.
var updates = []string{
	"SET word = :a", "SET new = :a", "SET #status = :a", "SET word = :a, n = :one", "SET word = :word", "SET n = :n2", "SET half = :one REMOVE word", "set word = :a remove n",
	"SET n = n + :one", "SET n = n - :ten", "SET n = :ten - n", "SET n = :one + :ten", "SET n = absent + :one", "SET n = word + :one", "SET n = n + :a", "SET n = n + word", "SET n = half + half",
	"SET n = n + :one + :one", "SET n = n + :huge", "SET n = n + :tiny", "SET n = n + :long", "SET n = n - :n", "SET n = n + :third", "SET n = :huge + :huge", "SET n = :tiny", "SET n = :exp", "SET n = :minuszero",
	"SET n = :long + :third", "SET n = :tiny - :huge", "SET n = :huge", "SET n = half - :tiny", "SET n = :third + :third",
	"SET n = if_not_exists(n, :zero) + :one", "SET m = if_not_exists(m, :zero) + :one", "SET m = if_not_exists(n, :zero)", "SET m = if_not_exists(absent, word)", "SET m = if_not_exists(absent, absent2)", "SET m = :one + if_not_exists(m, :ten)",
	"SET m = if_not_exists(tree.leaf, :a)", "SET m = if_not_exists(tree.absent, :a)", "SET m = if_not_exists(:a, :a)", "SET m = if_not_exists(m)", "SET m = if_not_exists(absent, if_not_exists(absent2, :a))",
	"SET row = list_append(row, :list)", "SET row = list_append(:list, row)", "SET row = list_append(row, row)", "SET word = list_append(word, :list)", "SET row = list_append(row, :a)", "SET row = list_append(if_not_exists(absent, :list), row)", "SET none = list_append(none, :list)",
	"SET row[0] = :a", "SET row[1] = :a, row[0] = :z", "SET row[9] = :a", "SET row[9] = :a, row[5] = :z", "SET row[2].deep = :a", "SET row[2].more = :a", "SET row[0].x = :a", "SET row[7].x = :a", "SET row.x = :a", "SET none[0] = :a",
	"SET tree.leaf = :a", "SET tree.new = :a", "SET tree.branch.twig = :a", "SET tree.branch.new = :a, tree.leaf = :one", "SET tree.absent.leaf = :a", "SET absent.leaf = :a", "SET word.leaf = :a", "SET tree[0] = :a", "SET #tree.#leaf = :a", "SET #dotted = :a",
	"SET tree.leaf = tree.leaf + :one", "SET m = tree.branch", "SET tree.branch = word", "SET m = row[2]", "SET m = row[8]", "SET n = tree.leaf, tree.leaf = n", "SET word = n, n = word",
	"SET tree = :a, tree.leaf = :a", "SET tree.leaf = :a, tree.leaf = :a", "SET word = :a, word = :z", "SET row[0] = :a, row[0] = :z", "SET tree.leaf = :a REMOVE tree", "SET tree.leaf = :a REMOVE tree.branch", "SET row[0] = :a REMOVE row[1]", "SET row.a = :a, row[0] = :a",
	"SET row[0] = :a REMOVE row[0]", "REMOVE word, word", "SET word = :a ADD word :one", "SET row[2].deep = :a, row[0] = :z", "SET row[0] = :z, row[2].deep = :a", "SET row[2].deep = :a REMOVE row[0]", "REMOVE row[0] SET row[2].deep = :a",
	"REMOVE word", "REMOVE absent", "REMOVE word, n, absent", "REMOVE tree.leaf", "REMOVE tree.absent", "REMOVE absent.leaf", "REMOVE word.leaf", "REMOVE row[0]", "REMOVE row[0], row[2]", "REMOVE row[9]", "REMOVE tree.branch.twig", "REMOVE tree.absent.leaf", "REMOVE none[0]", "REMOVE row[2].deep", "REMOVE absent[0]",
	"ADD n :one", "ADD new :one", "ADD n :neg", "ADD word :one", "ADD n :a", "ADD words :more", "ADD words :words", "ADD words :primes", "ADD primes :primes", "ADD new :more", "ADD n n", "ADD tree.leaf :one", "ADD tree.new :one", "ADD n :one, half :one", "ADD row :list", "ADD absent.x :one", "ADD n :huge", "ADD row[1] :one",
	"DELETE words :more", "DELETE words :words", "DELETE words :primes", "DELETE absent :more", "DELETE primes :primes", "DELETE n :one", "DELETE word :more", "DELETE absent.x :more",
	"SET PK = :a", "REMOVE SK", "SET #PK = :a", "ADD SK :one", "SET word = :a SET n = :one", "SET", "SET word", "SET word = ", "SET word = :a,", "REMOVE", "UPDATE word = :a", "SET :a = word", "word = :a", "SET status = :a", "SET name = :a",
	"SET word = :undefined", "SET #undefined = :a", "SET word = size(row)", "SET word = attribute_exists(n)", "SET word = :badnumber", "SET word = :toolong", "SET word = :noset", "SET word = :twice", "SET word = :notnull", "SET word = (n + :one)", "SET word = n * :one", "SET m = (:a)", "SET m = n-:one", "SET m=n+:one",
	"SET openShard = :a, nextCheckAt = :one", "SET openShard = :empty", "SET openShard = :a", "REMOVE openShard", "SET word = :empty", "SET flag = :null, nothing = :flag", "SET words = :words", "SET primes = :primes", "SET tree = :tree", "SET word = word",
	"ADD n :one SET word = :a REMOVE half DELETE words :more", "SET m = n, k = m", "REMOVE n SET m = n", "SET n = n + n", "ADD n :one ADD half :one",
}

func TestUpdatesAgree(t *testing.T) {
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
// transaction, on items of their own.
func (m *mirror) updateEachWay(update, name string, there bool) {
	ctx := m.tb.Context()
	returns := []types.ReturnValue{types.ReturnValueAllNew, types.ReturnValueAllOld, types.ReturnValueNone}
	if !strings.ContainsAny(update, ".[") {
		returns = append(returns, types.ReturnValueUpdatedNew, types.ReturnValueUpdatedOld)
	}
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
	"PK = :item OR SK = :a", "NOT PK = :item", "PK = :one", "PK = :item AND SK = :one", "PK = :item AND PK = :item", "PK = :item AND SK = :a AND SK = :a", "PK = :empty", "PK = :item AND SK > :empty", "PK = :item AND SK BETWEEN :n3 AND :one",
	"(PK = :item) AND (SK > :n5)", "(PK = :item AND SK > :n5)", "PK = :item AND contains(SK, :a)", "PK = :item AND attribute_exists(SK)", "#PK = :item", "PK IN (:item)", "begins_with(PK, :item)", ":item = PK", "PK = :item AND SK IN (:a)", "PK = :item AND size(SK) > :one", "PK.x = :item", "PK = SK",
}

func TestQueriesAgree(t *testing.T) {
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
		for _, filter := range []string{"", "n = :one"} {
			for _, forward := range []bool{true, false} {
				t.Run(fmt.Sprintf("limit %d filter %s forward %t", limit, filter, forward), func(t *testing.T) {
					m.tb = t
					in := &dynamodb.QueryInput{
						TableName: &m.name, KeyConditionExpression: aws.String("PK = :item"), ScanIndexForward: &forward, Limit: &limit,
						ExpressionAttributeValues: used(values, ":item", filter), ProjectionExpression: aws.String("SK, tree.leaf, tree.branch"),
					}
					if filter != "" {
						in.FilterExpression = &filter
					}
					m.queryAll(in)
					c := "openShard = :shard AND nextCheckAt <= :at"
					m.queryAll(&dynamodb.QueryInput{
						TableName: &m.name, IndexName: aws.String("open"), KeyConditionExpression: &c, ScanIndexForward: &forward, Limit: &limit,
						ExpressionAttributeValues: used(values, c),
					})
				})
			}
		}
	}
}

// queryAll reads page by page.
func (m *mirror) queryAll(in *dynamodb.QueryInput) {
	for range 20 {
		out, err := m.Query(m.tb.Context(), in)
		if err != nil || out.LastEvaluatedKey == nil {
			return
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func TestLargeItemsAgree(t *testing.T) {
	t.Parallel()
	m := newMirror(t, enginetest.DynamoDBLocal(t))
	sized := func(name string, size int) item {
		it := keyOf(name)
		it["data"] = &types.AttributeValueMemberB{Value: make([]byte, size)}
		return it
	}
	overhead := len("PKitemSK-data") + 3 // and a name of four letters
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

func TestTransactionsAgree(t *testing.T) {
	t.Parallel()
	put := func(m *mirror, name, condition string) types.TransactWriteItem {
		p := &types.Put{TableName: &m.name, Item: everyType(name), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
		if condition != "" {
			p.ConditionExpression = &condition
			p.ExpressionAttributeValues = used(values, condition)
		}
		return types.TransactWriteItem{Put: p}
	}
	check := func(m *mirror, name, condition string) types.TransactWriteItem {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &m.name, Key: keyOf(name), ConditionExpression: &condition, ExpressionAttributeValues: used(values, condition),
		}}
	}
	remove := func(m *mirror, name string) types.TransactWriteItem {
		return types.TransactWriteItem{Delete: &types.Delete{TableName: &m.name, Key: keyOf(name)}}
	}
	set := func(m *mirror, name, update string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &m.name, Key: keyOf(name), UpdateExpression: &update, ExpressionAttributeValues: used(values, update),
		}}
	}
	many := func(m *mirror, n int) []types.TransactWriteItem {
		var all []types.TransactWriteItem
		for i := range n {
			all = append(all, remove(m, fmt.Sprint("many-", i)))
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
		"a check that holds": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "old", "n = :n"), put(m, "b", "")}
		},
		"a check that fails": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "old", "n = :one"), put(m, "b", "")}
		},
		"a check of nothing": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{check(m, "absent", "attribute_not_exists(n)"), put(m, "b", "")}
		},
		"a check alone": func(m *mirror) []types.TransactWriteItem { return []types.TransactWriteItem{check(m, "old", "n = :n")} },
		"a delete": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{remove(m, "old"), remove(m, "absent")}
		},
		"an update of what is not": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{set(m, "absent", "SET n = :one")}
		},
		"an update that cannot be": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "b", ""), set(m, "absent", "SET n = n + :one")}
		},
		"a bad update and a condition": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "old", "n = :one"), set(m, "absent", "SET n = n + :one")}
		},
		"nothing changes": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{put(m, "old", ""), set(m, "other", "SET n = :n")}
		},
		"nothing to do":        func(m *mirror) []types.TransactWriteItem { return []types.TransactWriteItem{} },
		"an action of no kind": func(m *mirror) []types.TransactWriteItem { return []types.TransactWriteItem{{}} },
		"an action of two kinds": func(m *mirror) []types.TransactWriteItem {
			return []types.TransactWriteItem{{Put: put(m, "a", "").Put, Delete: remove(m, "b").Delete}}
		},
		"a hundred actions":             func(m *mirror) []types.TransactWriteItem { return many(m, 100) },
		"a hundred and one":             func(m *mirror) []types.TransactWriteItem { return many(m, 101) },
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
			for range 2 { // the second time under the same token
				_, _ = m.TransactWriteItems(t.Context(), in)
			}
			in.TransactItems = append(in.TransactItems, put(m, "another", ""))
			_, _ = m.TransactWriteItems(t.Context(), in)
			m.compareContents()
		})
	}
}

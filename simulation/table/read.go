package table

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What the service bounds a read by.
const (
	maxPageBytes  = 1 << 20
	maxBatchKeys  = 100
	maxBatchBytes = 16 << 20
)

// GetItem reads one item.
func (t *Table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return call(ctx, t, "GetItem", in, func() (*dynamodb.GetItemOutput, error) {
		if in.AttributesToGet != nil {
			return nil, notModelled("parameters that expressions have replaced")
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

// view is the part of items that a projection leaves, all without one.
type view struct {
	paths []path
	scope scope
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

// of returns what the view leaves of an item. It is the caller's.
func (v view) of(it item) item {
	if it == nil || v.paths == nil {
		return copyItem(it)
	}
	v.scope.item = it
	found := item{}
	for _, p := range v.paths {
		v.scope.project(p, found)
	}
	return found
}

// project copies what lies at the path into found, under the same path.
func (s *scope) project(p path, found item) {
	v := s.find(p)
	if v == nil {
		return
	}
	v = copyOf(v)
	name := s.name(p[0])
	if len(p) == 1 {
		found[name] = v
		return
	}
	found[name] = s.nest(found[name], p[1:], v)
}

// nest adds v at the path to a container, which may be nil. Members of a list
// move together.
func (s *scope) nest(container value, p path, v value) value {
	if len(p) == 0 {
		return v
	}
	if p[0].isIndex {
		list, _ := container.(*listValue)
		if list == nil {
			list = &listValue{}
		}
		list.Value = append(list.Value, s.nest(nil, p[1:], v))
		return list
	}
	m, _ := container.(*mapValue)
	if m == nil {
		m = &mapValue{Value: item{}}
	}
	name := s.name(p[0])
	m.Value[name] = s.nest(m.Value[name], p[1:], v)
	return m
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

func (t *Table) batchGet(in types.KeysAndAttributes, wanted types.ReturnConsumedCapacity) (*dynamodb.BatchGetItemOutput, error) {
	if in.AttributesToGet != nil {
		return nil, notModelled("parameters that expressions have replaced")
	}
	if n := len(in.Keys); n < 1 || n > maxBatchKeys {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	view, err := newView(in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(in.Keys))
	seen := make(map[Key]bool, len(keys))
	for i, k := range in.Keys {
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
	process := len(keys)
	if t.Unprocessed != nil {
		process -= t.Unprocessed(len(keys))
	}
	consistent := isTrue(in.ConsistentRead)
	found := []item{}
	size, units := 0, 0.0
	for i, k := range keys[:process] {
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

// entry is an item as a query or a scan comes by it.
type entry struct {
	row  *row
	item item
	size int
}

// Query reads the items of one partition, of the table or of the index.
func (t *Table) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return call(ctx, t, "Query", in, func() (*dynamodb.QueryOutput, error) {
		q, err := t.planQuery(in)
		if err != nil {
			return nil, err
		}
		entries, err := q.after(t.entries(q), in.ExclusiveStartKey)
		if err != nil {
			return nil, err
		}
		page := q.page(entries)
		out := &dynamodb.QueryOutput{
			Items: page.items, Count: int32(page.count), ScannedCount: int32(page.scanned), LastEvaluatedKey: page.last,
			ConsumedCapacity: t.consume("Query", Capacity{Read: readUnits(page.size, q.consistent)}, in.ReturnConsumedCapacity),
		}
		return out, nil
	})
}

// query is what a Query or a Scan asks for.
type query struct {
	index      string
	partition  string
	scan       bool
	sort       *rangeCondition
	backward   bool
	consistent bool
	limit      int // 0: none
	countOnly  bool
	filter     condition
	scope      scope
	view       view
}

func (t *Table) planQuery(in *dynamodb.QueryInput) (*query, error) {
	switch {
	case in.AttributesToGet != nil || in.KeyConditions != nil || in.QueryFilter != nil || in.ConditionalOperator != "":
		return nil, notModelled("parameters that expressions have replaced")
	case in.KeyConditionExpression == nil:
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	case in.Limit != nil && *in.Limit < 1:
		return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	if err := t.checkName(in.TableName); err != nil {
		return nil, err
	}
	q := &query{backward: in.ScanIndexForward != nil && !*in.ScanIndexForward, consistent: isTrue(in.ConsistentRead)}
	if in.Limit != nil {
		q.limit = int(*in.Limit)
	}
	if in.IndexName != nil {
		if *in.IndexName != indexName {
			return nil, invalid("The table does not have the specified index: %s", *in.IndexName)
		}
		if q.consistent {
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
		q.index = *in.IndexName
	}
	if err := q.choose(in.Select, in.ProjectionExpression != nil); err != nil {
		return nil, err
	}
	var all texts
	var err error
	if all.key, err = text("KeyConditionExpression", in.KeyConditionExpression); err != nil {
		return nil, err
	}
	if all.filter, err = text("FilterExpression", in.FilterExpression); err != nil {
		return nil, err
	}
	if all.projection, err = text("ProjectionExpression", in.ProjectionExpression); err != nil {
		return nil, err
	}
	p, err := parse(all)
	if err != nil {
		return nil, err
	}
	if q.scope, err = p.bind(in.ExpressionAttributeNames, in.ExpressionAttributeValues); err != nil {
		return nil, err
	}
	q.filter, q.view = p.filter, view{p.projection, q.scope}
	return q, q.readKey(p.key)
}

func (q *query) choose(s types.Select, projected bool) error {
	switch s {
	case "", types.SelectAllProjectedAttributes:
	case types.SelectCount:
		q.countOnly = true
	case types.SelectAllAttributes:
		if q.index != "" {
			return invalid("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", q.index)
		}
	case types.SelectSpecificAttributes:
		if !projected {
			return invalid("SPECIFIC_ATTRIBUTES requires AttributesToGet or ProjectionExpression")
		}
	}
	return nil
}

// rangeCondition is the part of a key condition that is about the sort key.
type rangeCondition struct {
	operator  string // one of a comparison's, "BETWEEN" or "begins_with"
	low, high value
}

func (c *rangeCondition) holds(v value) bool {
	switch {
	case c == nil:
		return true
	case c.operator == "begins_with":
		return beginsWith(v, c.low)
	}
	order, ok := compare(v, c.low)
	if c.operator == "BETWEEN" {
		above, also := compare(v, c.high)
		return ok && also && order >= 0 && above <= 0
	}
	return ok && ordered(c.operator, order)
}

// attributes are the names and types of the key that the query goes by.
func (q *query) attributes() (partition, sort, sortType string) {
	if q.index != "" {
		return indexPartitionAttribute, indexSortAttribute, "N"
	}
	return partitionAttribute, sortAttribute, "S"
}

// readKey takes a key condition apart: the partition is named, and the sort key
// may be bounded in one way.
func (q *query) readKey(c condition) error {
	const which = "KeyConditionExpression"
	partition, sort, sortType := q.attributes()
	tests := []condition{c}
	if two, ok := c.(both); ok {
		tests = []condition{two.left, two.right}
	}
	named := false
	for _, test := range tests {
		left, r, ok := keyTest(&q.scope, test)
		if !ok {
			return invalidExpression(which, "Invalid operator used in KeyConditionExpression")
		}
		switch {
		case left == partition && r.operator != "=":
			return invalid("Query key condition not supported")
		case left == partition && !named:
			s, ok := r.low.(*stringValue)
			if !ok {
				return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
			}
			if s.Value == "" {
				return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", partition)
			}
			q.partition, named = s.Value, true
		case left == sort && q.sort == nil && r.operator != "<>":
			if kind(r.low) != sortType || r.high != nil && kind(r.high) != sortType {
				return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
			}
			if s, ok := r.low.(*stringValue); ok && s.Value == "" {
				return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", sort)
			}
			q.sort = &r
		default:
			return invalid("Query key condition not supported")
		}
	}
	if !named {
		return invalid("Query condition missed key schema element: %s", partition)
	}
	return nil
}

// keyTest reads a test of one attribute against values of the request.
func keyTest(s *scope, c condition) (attribute string, r rangeCondition, ok bool) {
	var left operand
	switch c := c.(type) {
	case comparison:
		if c.left.path == nil { // as in ":pk = PK"
			flipped := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[c.operator]
			c = comparison{c.which, cmp.Or(flipped, c.operator), c.right, c.left}
		}
		left, r = c.left, rangeCondition{operator: c.operator, low: s.given(c.right)}
	case between:
		left, r = c.left, rangeCondition{operator: "BETWEEN", low: s.given(c.low), high: s.given(c.high)}
		if r.high == nil {
			return "", r, false
		}
	case function:
		if c.name != "begins_with" {
			return "", r, false
		}
		left, r = c.left, rangeCondition{operator: c.name, low: s.given(c.right)}
	}
	if left.path == nil || len(*left.path) != 1 || r.low == nil {
		return "", r, false
	}
	return s.name((*left.path)[0]), r, true
}

// entries are what the key condition admits, in the direction of the query.
func (t *Table) entries(q *query) []entry {
	var found []entry
	add := func(r *row) {
		v := t.version(r, q.index, q.consistent)
		it, size := v.item, v.size
		if q.index != "" {
			it = indexEntry(it)
			if it == nil || it[indexPartitionAttribute].(*stringValue).Value != q.partition || !q.sort.holds(it[indexSortAttribute]) {
				return
			}
			size = itemSize(it)
		}
		if it != nil {
			found = append(found, entry{r, it, size})
		}
	}
	switch {
	case q.scan:
		t.each(add)
	case q.index != "":
		for _, r := range t.indexed {
			add(r)
		}
		slices.SortFunc(found, compareEntries)
	case t.partitions[q.partition] != nil:
		for _, r := range t.partitions[q.partition].between(q.sort) {
			add(r)
		}
	}
	if q.backward {
		slices.Reverse(found)
	}
	return found
}

// between returns the rows that the condition admits.
func (p *partition) between(c *rangeCondition) []*row {
	first := 0
	if c != nil && c.operator != "<" && c.operator != "<=" {
		first = p.search(c.low.(*stringValue).Value)
		if c.operator == ">" && first < len(p.rows) && p.rows[first].sk == c.low.(*stringValue).Value {
			first++
		}
	}
	last := first
	for last < len(p.rows) && c.admits(p.rows[last].sk) {
		last++
	}
	return p.rows[first:last]
}

func (c *rangeCondition) admits(sk string) bool {
	return c == nil || c.holds(&stringValue{Value: sk})
}

// compareEntries is the order of the index.
func compareEntries(a, b entry) int {
	order, _ := compare(a.item[indexSortAttribute], b.item[indexSortAttribute])
	return cmp.Or(order, strings.Compare(a.row.pk, b.row.pk), strings.Compare(a.row.sk, b.row.sk))
}

// indexEntry is what the index holds of an item, nil if nothing.
func indexEntry(it item) item {
	if !inIndex(it) {
		return nil
	}
	return item{
		partitionAttribute: it[partitionAttribute], sortAttribute: it[sortAttribute],
		indexPartitionAttribute: it[indexPartitionAttribute], indexSortAttribute: it[indexSortAttribute],
	}
}

func inIndex(it item) bool {
	return it[indexPartitionAttribute] != nil && it[indexSortAttribute] != nil
}

// after drops what an earlier page has had.
func (q *query) after(entries []entry, start item) ([]entry, error) {
	if start == nil {
		return entries, nil
	}
	key := maps.Clone(start)
	delete(key, indexPartitionAttribute)
	delete(key, indexSortAttribute)
	pk, sk, err := readKey(key)
	if err != nil || q.index == "" && len(key) != len(start) || q.index != "" && indexEntry(start) == nil {
		return nil, invalid("The provided starting key is invalid")
	}
	if q.index == "" && !q.scan && (pk != q.partition || !q.sort.admits(sk)) {
		return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	last := entry{row: &row{pk: pk, sk: sk}, item: start}
	order := func(e entry) int {
		switch {
		case q.index != "":
			return compareEntries(e, last)
		default:
			return cmp.Or(strings.Compare(e.row.pk, pk), strings.Compare(e.row.sk, sk))
		}
	}
	return slices.DeleteFunc(entries, func(e entry) bool {
		if q.backward {
			return order(e) >= 0
		}
		return order(e) <= 0
	}), nil
}

// page is one reply's worth.
type page struct {
	items          []item
	count, scanned int
	size           int
	last           item // nil when there is no more
}

func (q *query) page(entries []entry) page {
	var p page
	if !q.countOnly {
		p.items = make([]item, 0, len(entries))
	}
	for _, e := range entries {
		p.scanned++
		p.size += e.size
		q.scope.item = e.item
		if q.filter == nil || q.filter.holds(&q.scope) {
			p.count++
			if !q.countOnly {
				p.items = append(p.items, q.view.of(e.item))
			}
		}
		if p.scanned == q.limit || p.size >= maxPageBytes {
			p.last = q.keyOf(e)
			break
		}
	}
	return p
}

func (q *query) keyOf(e entry) item {
	key := item{partitionAttribute: e.item[partitionAttribute], sortAttribute: e.item[sortAttribute]}
	if q.index != "" {
		key[indexPartitionAttribute], key[indexSortAttribute] = e.item[indexPartitionAttribute], e.item[indexSortAttribute]
	}
	return key
}

// Scan reads the whole table, by key.
func (t *Table) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return call(ctx, t, "Scan", in, func() (*dynamodb.ScanOutput, error) {
		if in.AttributesToGet != nil || in.ScanFilter != nil || in.ConditionalOperator != "" || in.FilterExpression != nil ||
			in.ProjectionExpression != nil || in.IndexName != nil || in.Segment != nil {
			return nil, notModelled("a scan of less than everything")
		}
		if err := t.checkName(in.TableName); err != nil {
			return nil, err
		}
		q := &query{scan: true, consistent: isTrue(in.ConsistentRead), countOnly: in.Select == types.SelectCount}
		if in.Limit != nil {
			q.limit = int(*in.Limit)
		}
		entries, err := q.after(t.entries(q), in.ExclusiveStartKey)
		if err != nil {
			return nil, err
		}
		page := q.page(entries)
		return &dynamodb.ScanOutput{
			Items: page.items, Count: int32(page.count), ScannedCount: int32(page.scanned), LastEvaluatedKey: page.last,
			ConsumedCapacity: t.consume("Scan", Capacity{Read: readUnits(page.size, q.consistent)}, in.ReturnConsumedCapacity),
		}, nil
	})
}

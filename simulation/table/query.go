package table

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// maxPageBytes limits what one Query reads.
const maxPageBytes = 1 << 20

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
		count := int32(len(page.items))
		return &dynamodb.QueryOutput{
			Items: page.items, Count: count, ScannedCount: count, LastEvaluatedKey: page.last,
			ConsumedCapacity: t.consume("Query", Capacity{Read: readUnits(page.size, q.consistent)}, in.ReturnConsumedCapacity),
		}, nil
	})
}

// query is a checked Query.
type query struct {
	onIndex    bool
	partition  string
	sort       *rangeCondition
	backward   bool
	consistent bool
	limit      int // 0 means none
	view       view
}

func (t *Table) planQuery(in *dynamodb.QueryInput) (*query, error) {
	if err := checkModeled(in.AttributesToGet != nil || in.KeyConditions != nil || in.QueryFilter != nil || in.ConditionalOperator != ""); err != nil {
		return nil, err
	}
	switch {
	case in.FilterExpression != nil || in.Select != "":
		return nil, notModeled("filters, and queries that count or select")
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
	by := keys{partitionAttribute, sortAttribute, "S"}
	if in.IndexName != nil {
		if *in.IndexName != indexName {
			return nil, invalid("The table does not have the specified index: %s", *in.IndexName)
		}
		if q.consistent {
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
		q.onIndex, by = true, keys{indexPartitionAttribute, indexSortAttribute, "N"}
	}
	return q, q.bind(in, by)
}

// bind reads the query's expressions.
func (q *query) bind(in *dynamodb.QueryInput, by keys) error {
	var all texts
	var err error
	if all.key, err = text("KeyConditionExpression", in.KeyConditionExpression); err != nil {
		return err
	}
	if all.projection, err = text("ProjectionExpression", in.ProjectionExpression); err != nil {
		return err
	}
	p, err := parse(all)
	if err != nil {
		return err
	}
	scope, err := p.bind(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return err
	}
	q.view = view{p.projection, scope}
	q.partition, q.sort, err = by.plan(p.key, &scope)
	return err
}

// entry is one item that a query reads.
type entry struct {
	row  *row
	item item
	size int
}

// entries returns what the key condition admits, in the direction of the query.
func (t *Table) entries(q *query) []entry {
	var found []entry
	if q.onIndex {
		for _, r := range t.indexed {
			it := t.version(r, indexName, false).item
			shard, ok := it[indexPartitionAttribute].(*stringValue)
			if ok && shard.Value == q.partition && inIndex(it) && q.sort.admits(it[indexSortAttribute]) {
				it = indexEntry(it)
				found = append(found, entry{r, it, itemSize(it)})
			}
		}
		slices.SortFunc(found, compareEntries)
	} else if p := t.partitions[q.partition]; p != nil {
		for _, r := range p.between(q.sort) {
			if v := t.version(r, "", q.consistent); v.item != nil {
				found = append(found, entry{r, v.item, v.size})
			}
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
	for last < len(p.rows) && c.admitsKey(p.rows[last].sk) {
		last++
	}
	return p.rows[first:last]
}

// compareEntries is the order of the index.
func compareEntries(a, b entry) int {
	order, _ := compare(a.item[indexSortAttribute], b.item[indexSortAttribute])
	return cmp.Or(order, strings.Compare(a.row.pk, b.row.pk), strings.Compare(a.row.sk, b.row.sk))
}

// after drops the entries up to and including the starting key.
func (q *query) after(entries []entry, start item) ([]entry, error) {
	if start == nil {
		return entries, nil
	}
	key := maps.Clone(start)
	delete(key, indexPartitionAttribute)
	delete(key, indexSortAttribute)
	pk, sk, err := readKey(key)
	if err != nil || !q.onIndex && len(key) != len(start) || q.onIndex && indexEntry(start) == nil {
		return nil, invalid("The provided starting key is invalid")
	}
	if !q.onIndex && (pk != q.partition || !q.sort.admitsKey(sk)) {
		return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	last := entry{row: &row{pk: pk, sk: sk}, item: start}
	return slices.DeleteFunc(entries, func(e entry) bool {
		order := strings.Compare(e.row.sk, sk)
		if q.onIndex {
			order = compareEntries(e, last)
		}
		if q.backward {
			return order >= 0
		}
		return order <= 0
	}), nil
}

// page is the content of one reply.
type page struct {
	items []item
	size  int
	last  item // nil when there is no more
}

func (q *query) page(entries []entry) page {
	p := page{items: make([]item, 0, len(entries))}
	for _, e := range entries {
		p.size += e.size
		p.items = append(p.items, q.view.of(e.item))
		if len(p.items) == q.limit || p.size >= maxPageBytes {
			p.last = q.keyOf(e)
			break
		}
	}
	return p
}

func (q *query) keyOf(e entry) item {
	if q.onIndex {
		return indexEntry(e.item)
	}
	return item{partitionAttribute: e.item[partitionAttribute], sortAttribute: e.item[sortAttribute]}
}

// Scan reads the whole table in the order of its keys, in one reply of any size.
// Only tests of package store call it.
func (t *Table) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return call(ctx, t, "Scan", in, func() (*dynamodb.ScanOutput, error) {
		if in.FilterExpression != nil || in.ProjectionExpression != nil || in.IndexName != nil || in.Segment != nil || in.Limit != nil || in.ExclusiveStartKey != nil {
			return nil, notModeled("a scan of less than the whole table")
		}
		if err := checkModeled(in.AttributesToGet != nil || in.ScanFilter != nil || in.ConditionalOperator != ""); err != nil {
			return nil, err
		}
		if err := t.checkName(in.TableName); err != nil {
			return nil, err
		}
		out := &dynamodb.ScanOutput{}
		t.each(func(r *row) {
			if it := r.current().item; it != nil {
				out.Items = append(out.Items, copyItem(it))
			}
		})
		out.Count, out.ScannedCount = int32(len(out.Items)), int32(len(out.Items))
		return out, nil
	})
}

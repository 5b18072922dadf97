package table

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is the table and its stream. It is safe for concurrent use, and every call
// has its effect at one moment. Set the fields before the first call.
type Table struct {
	// Before is called before every operation with its name, such as
	// "UpdateItem", and its input. If it returns an error, the operation is not
	// done and its caller gets the error.
	Before func(operation string, input any) error

	// After is called after every operation. If it returns an error, the caller
	// gets it instead of the reply.
	After func(operation string, input any) error

	// Retry returns whether the client sends the request again after an error of
	// Before or After, as the SDK does after throttling or a lost reply: three
	// times in all, and a transaction with the same token. nil means never.
	Retry func(error) bool

	// Lag chooses which version of an item an eventually consistent read returns:
	// 0 is the current one, n the one n writes ago. It is called if there are two
	// or more choices. Index is the index that is read, or "". Without Lag, all
	// reads return the current version.
	Lag func(index string, choices int) int

	name string
	now  func() time.Time

	mu         sync.Mutex
	partitions map[string]*partition
	indexed    []*row // all rows that were ever in the index
	commits    int    // number of calls that have written
	caughtUp   int    // the last commit that all replicas have seen
	changes    []change
	tokens     map[string]token
	tokenCount int // tokens made by withToken
	consumed   map[string]Capacity
}

// New returns an empty table. The clock gives stream records their times and
// expires request tokens.
func New(name string, now func() time.Time) *Table {
	return &Table{
		name:       name,
		now:        now,
		partitions: map[string]*partition{},
		tokens:     map[string]token{},
		consumed:   map[string]Capacity{},
	}
}

// partition is the rows of one partition key, in the order of their sort keys.
type partition struct {
	rows []*row
}

// row is one key with all versions of its item.
type row struct {
	pk, sk   string
	versions []version
	indexed  bool
}

// version is a row after one write. Its item is never changed.
type version struct {
	item   item // nil if the write removed it
	commit int
	size   int
}

// current returns the current version of a row, which may be nil.
func (r *row) current() version {
	if r == nil || len(r.versions) == 0 {
		return version{}
	}
	return r.versions[len(r.versions)-1]
}

func (t *Table) row(pk, sk string) *row {
	p := t.partitions[pk]
	if p == nil {
		return nil
	}
	if i := p.search(sk); i < len(p.rows) && p.rows[i].sk == sk {
		return p.rows[i]
	}
	return nil
}

// search returns the index of the first row whose sort key is not below sk.
func (p *partition) search(sk string) int {
	return sort.Search(len(p.rows), func(i int) bool { return p.rows[i].sk >= sk })
}

// makeRow returns the row of a key and adds it if necessary.
func (t *Table) makeRow(pk, sk string) *row {
	p := t.partitions[pk]
	if p == nil {
		p = &partition{}
		t.partitions[pk] = p
	}
	i := p.search(sk)
	if i == len(p.rows) || p.rows[i].sk != sk {
		p.rows = slices.Insert(p.rows, i, &row{pk: pk, sk: sk})
	}
	return p.rows[i]
}

// version returns the version of the row that a read returns.
func (t *Table) version(r *row, index string, consistent bool) version {
	n := len(r.versions)
	if n == 0 {
		return version{}
	}
	if consistent || t.Lag == nil {
		return r.versions[n-1]
	}
	first := n - 1
	for first >= 0 && r.versions[first].commit > t.caughtUp {
		first--
	}
	back := 0
	if choices := n - first; choices > 1 {
		back = t.Lag(index, choices)
	}
	if back >= n {
		return version{} // before the first write of the row
	}
	return r.versions[n-1-back]
}

// Commit returns the number of the last write, from 1. A transaction counts as one.
func (t *Table) Commit() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.commits
}

// CatchUp brings every replica and the index up to a commit. No later read returns
// an older version.
func (t *Table) CatchUp(commit int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.caughtUp = max(t.caughtUp, min(commit, t.commits))
}

// Remove removes an item as DynamoDB does when its TTL expires: at no cost, and
// with a stream record that names the service. It reports whether there was an item.
func (t *Table) Remove(k Key) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.row(k.PK, k.SK)
	if r.current().item == nil {
		return false
	}
	t.commits++
	t.write(r, nil, 0, true)
	return true
}

// Expired returns the keys of all items that have expired by then, in order.
func (t *Table) Expired(at time.Time) []Key {
	t.mu.Lock()
	defer t.mu.Unlock()
	limit := &numberValue{Value: formatUnix(at)}
	var keys []Key
	t.each(func(r *row) {
		if v := r.current().item[expiresAtAttribute]; v != nil {
			if order, ok := compare(v, limit); ok && order <= 0 {
				keys = append(keys, Key{r.pk, r.sk})
			}
		}
	})
	return keys
}

// Items returns copies of all items, by partition and sort key.
func (t *Table) Items() []map[string]types.AttributeValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	var items []item
	t.each(func(r *row) {
		if it := r.current().item; it != nil {
			items = append(items, copyItem(it))
		}
	})
	return items
}

// Item returns a copy of the current item, or nil. It does not count as a read.
func (t *Table) Item(k Key) map[string]types.AttributeValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	return copyItem(t.row(k.PK, k.SK).current().item)
}

// each calls f with every row, by partition and sort key.
func (t *Table) each(f func(*row)) {
	names := make([]string, 0, len(t.partitions))
	for name := range t.partitions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, r := range t.partitions[name].rows {
			f(r)
		}
	}
}

// write adds a version of the row under the current commit; a nil item removes it.
// It must differ from the version before, because DynamoDB writes no stream record
// if nothing changes.
func (t *Table) write(r *row, it item, size int, service bool) {
	old := r.current().item
	if !r.indexed && it != nil && it[indexPartitionAttribute] != nil {
		r.indexed = true
		t.indexed = append(t.indexed, r)
	}
	r.versions = append(r.versions, version{item: it, commit: t.commits, size: size})
	t.changes = append(t.changes, change{row: r, version: len(r.versions) - 1, inserted: old == nil, service: service, at: t.now()})
}

// clientAttempts is the most times that the SDK sends a request.
const clientAttempts = 3

// call does one call of the client, with its retries.
func call[I, O any](ctx context.Context, t *Table, operation string, in I, do func() (O, error)) (O, error) {
	var none O
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return none, failed(operation, err)
		}
		out, hooked, err := send(t, operation, in, do)
		switch {
		case err == nil:
			return out, nil
		case !hooked:
			return none, failed(operation, err)
		case attempt == clientAttempts || t.Retry == nil || !t.Retry(err):
			return none, err
		}
	}
}

// send does one request between its hooks. hooked reports whether the error comes
// from a hook.
func send[I, O any](t *Table, operation string, in I, do func() (O, error)) (out O, hooked bool, err error) {
	if t.Before != nil {
		if err := t.Before(operation, in); err != nil {
			return out, true, err
		}
	}
	t.mu.Lock()
	out, err = do()
	t.mu.Unlock()
	if t.After != nil {
		if err := t.After(operation, in); err != nil {
			return out, true, err
		}
	}
	return out, false, err
}

func (t *Table) checkName(name *string) error {
	if name == nil || *name == "" {
		return invalid("The parameter 'TableName' is required but was not present in the request")
	}
	if *name != t.name {
		return &types.ResourceNotFoundException{Message: ptr("Cannot do operations on a non-existent table")}
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

package table

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is the table and its stream. Calls may come from several goroutines;
// each happens at one moment. The fields are set before the first call.
type Table struct {
	// Before is called ahead of every operation, by its name, such as
	// "UpdateItem", and with its input. An error keeps the work from being done
	// and is what the caller gets.
	Before func(operation string, input any) error

	// After is called when the work has been done or refused. An error takes the
	// place of the reply.
	After func(operation string, input any) error

	// Retry tells which errors of Before and After the client answers by sending
	// the request again, three times in all and a transaction under one token, as
	// the SDK does with a throttled call or a lost reply. Without Retry, none.
	Retry func(error) bool

	// Lag chooses what an eventually consistent read gets to see of an item: 0 is
	// the item as it is, n the item as it was n writes before. It is asked when
	// there are two or more choices. Index is the name of the index that is read,
	// or "". Without Lag every read is up to date.
	Lag func(index string, choices int) int

	name string
	now  func() time.Time

	mu         sync.Mutex
	partitions map[string]*partition
	indexed    []*row // those that were ever in the index
	commits    int    // how many calls have written
	caughtUp   int    // the commit that every replica has seen
	changes    []change
	tokens     map[string]token
	tokenCount int // tokens that we made
	consumed   map[string]Capacity
}

// New returns an empty table. Its clock dates the stream's records and ends the
// life of request tokens.
func New(name string, now func() time.Time) *Table {
	return &Table{
		name:       name,
		now:        now,
		partitions: map[string]*partition{},
		tokens:     map[string]token{},
		consumed:   map[string]Capacity{},
	}
}

// partition is the items of one partition key, in the order of the sort key.
type partition struct {
	rows []*row
}

// row is one key with every item that ever was under it.
type row struct {
	pk, sk   string
	versions []version
	indexed  bool
}

// version is what one write made of a row. Items are never changed.
type version struct {
	item   item // nil when the write removed it
	commit int
	size   int
}

// current is the row as it is; there may be no row.
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

// search returns the place of the first row whose sort key is not below sk.
func (p *partition) search(sk string) int {
	return sort.Search(len(p.rows), func(i int) bool { return p.rows[i].sk >= sk })
}

// makeRow returns the row of a key, new if need be.
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

// version returns what a read sees of the row.
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
		return version{} // from before the row was first written
	}
	return r.versions[n-1-back]
}

// Commit returns the number of the last write, from 1. A transaction is one.
func (t *Table) Commit() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.commits
}

// CatchUp has every replica, and the index, see all writes up to a commit: no
// read from now on returns less.
func (t *Table) CatchUp(commit int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.caughtUp = max(t.caughtUp, min(commit, t.commits))
}

// Remove takes an item away as the table's own housekeeping does once its time is
// over: at no cost, and with a stream record that says so. It reports whether
// there was an item.
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

// Expired returns the keys of all items whose expiresAt has come, in order.
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

// Items returns every item, by partition and sort key. They are the caller's.
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

// Item returns one item as it is, or nil, without counting as a read. It is the
// caller's.
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

// write makes it the row's item, or takes the item away, under the current
// commit. It is another item than before: a write that changes nothing leaves
// no trace and does not come here.
func (t *Table) write(r *row, it item, size int, service bool) {
	old := r.current().item
	if !r.indexed && it != nil && it[indexPartitionAttribute] != nil {
		r.indexed = true
		t.indexed = append(t.indexed, r)
	}
	r.versions = append(r.versions, version{item: it, commit: t.commits, size: size})
	t.changes = append(t.changes, change{row: r, version: len(r.versions) - 1, inserted: old == nil, service: service, at: t.now()})
}

// clientAttempts is how often the SDK sends a request at most.
const clientAttempts = 3

// call is one call of the client.
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

// send does one request between its hooks; hooked tells that an error is theirs.
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

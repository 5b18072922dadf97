package simulation

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// What the deployment sets, in infra.
const streamAttempts = 10

// shard is a part of the stream. Its records have numbers that mean something
// only within it: a child's may begin below its parent's.
type shard struct {
	id       int
	low, top uint32 // the hashes of the keys whose records it takes, top included
	parent   *shard
	base     uint64
	records  []events.DynamoDBEventRecord
	closed   bool
}

// stream is the table's stream, in shards.
type stream struct {
	shards    []*shard
	read      int // records of the table that are in shards
	bySortKey bool
}

// keyHash is where a record belongs, by its partition key or, when the table has
// split an item collection, by its whole key.
func (s *stream) keyHash(pk, sk string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(pk))
	if s.bySortKey {
		_, _ = h.Write([]byte(sk))
	}
	sum := h.Sum32()
	sum ^= sum >> 16 // FNV's last bytes move the low bits alone
	sum *= 0x45d9f3b
	return sum ^ sum>>16
}

func (w *World) newShard(low, top uint32, parent *shard) *shard {
	s := &shard{id: len(w.stream.shards) + 1, low: low, top: top, parent: parent, base: uint64(w.rng.IntN(1_000_000))}
	w.stream.shards = append(w.stream.shards, s)
	return s
}

// open are the shards that still take records.
func (s *stream) open() []*shard {
	var open []*shard
	for _, one := range s.shards {
		if !one.closed {
			open = append(open, one)
		}
	}
	return open
}

// Split closes an open shard and gives it two children, or one where rollover is
// set. The children's numbers start anywhere, lower ones included.
func (w *World) split(s *shard, rollover bool) {
	s.closed = true
	if rollover || s.low == s.top {
		w.newShard(s.low, s.top, s)
		w.tracef("      shard %d rolls over", s.id)
		return
	}
	middle := s.low + (s.top-s.low)/2
	w.newShard(s.low, middle, s)
	w.newShard(middle+1, s.top, s)
	w.tracef("      shard %d splits", s.id)
}

// append puts what the table has written since into the shards.
func (w *World) append() {
	if w.table.Changes() == w.stream.read {
		return
	}
	for _, r := range w.table.Records(w.stream.read) {
		w.stream.read++
		pk, sk := r.Change.Keys["PK"].String(), r.Change.Keys["SK"].String()
		w.check.observe(pk, sk, r)
		if sk != "HEADER" && !strings.HasPrefix(sk, "INQUIRY#") {
			continue // no mapping lets these through
		}
		hash := w.stream.keyHash(pk, sk)
		for _, s := range w.stream.shards {
			if !s.closed && s.low <= hash && hash <= s.top {
				r.Change.SequenceNumber = fmt.Sprintf("%021d", s.base+uint64(len(s.records)))
				s.records = append(s.records, r)
				break
			}
		}
	}
	w.check.rooms()
}

// mapping is one reader of the stream: an event source mapping with its filter.
type mapping struct {
	name    string
	filter  func(events.DynamoDBEventRecord) bool
	most    int // records in one event
	lanes   int // of a shard that are read side by side
	readers []*reader
	start   func(*lane, []events.DynamoDBEventRecord) *Invocation
	dropped int // records that were given up
}

// reader is a mapping's place in one shard.
type reader struct {
	shard *shard
	read  int
	lanes []*lane
}

// lane is the part of a shard whose records are handled one after the other.
type lane struct {
	m        *mapping
	name     string
	pending  []events.DynamoDBEventRecord
	busy     *Invocation
	attempts int
	limit    int // records in the next event, after a bisect; 0 is no limit
	retryAt  time.Time
}

func (r *reader) drained() bool {
	if !r.shard.closed || r.read < len(r.shard.records) {
		return false
	}
	for _, l := range r.lanes {
		if len(l.pending) > 0 || l.busy != nil {
			return false
		}
	}
	return true
}

// advance moves records that the mapping may read by now into its lanes.
func (w *World) advance(m *mapping) {
	for n := len(m.readers); n < len(w.stream.shards); n++ {
		r := &reader{shard: w.stream.shards[n]}
		for l := range m.lanes {
			r.lanes = append(r.lanes, &lane{m: m, name: fmt.Sprintf("%s %d.%d", m.name, r.shard.id, l)})
		}
		m.readers = append(m.readers, r)
	}
	for _, r := range m.readers {
		if r.read == len(r.shard.records) {
			continue
		}
		if p := r.shard.parent; p != nil && !m.readers[p.id-1].drained() {
			continue // a parent is read before its children
		}
		for ; r.read < len(r.shard.records); r.read++ {
			rec := r.shard.records[r.read]
			if !m.filter(rec) {
				continue
			}
			l := 0
			if m.lanes > 1 {
				h := fnv.New32a()
				_, _ = h.Write([]byte(rec.Change.Keys["PK"].String() + rec.Change.Keys["SK"].String()))
				l = int(h.Sum32()>>8) % m.lanes
			}
			r.lanes[l].pending = append(r.lanes[l].pending, rec)
		}
	}
}

// recreate starts the mapping again at the oldest record. What it had under way
// goes on, and nobody waits for it.
func (w *World) recreate(m *mapping) {
	w.tracef("      mapping %s is made again, from the oldest record on", m.name)
	for _, r := range m.readers {
		for _, l := range r.lanes {
			l.pending, l.busy = nil, nil
		}
	}
	m.readers = nil
}

// redeliver has the mapping get everything once more that it ever got, or what of
// it is wanted.
func (w *World) redeliver(m *mapping, wanted func(record) bool) {
	for _, s := range w.stream.shards {
		again := slices.DeleteFunc(slices.Clone(s.records), func(r record) bool { return !wanted(r) })
		if len(again) > 0 {
			w.strays = append(w.strays, stray{m, again})
		}
	}
}

// finishRecords does with a lane's event what the mapping does with the
// function's answer.
func (w *World) finishRecords(l *lane, i *Invocation, batch []events.DynamoDBEventRecord, failures []events.DynamoDBBatchItemFailure, err error) {
	done := len(batch)
	switch {
	case err != nil:
		done = 0
	default:
		for _, f := range failures {
			at := slices.IndexFunc(batch, func(r events.DynamoDBEventRecord) bool { return r.Change.SequenceNumber == f.ItemIdentifier })
			done = min(done, max(at, 0)) // a number that nobody knows fails all
		}
	}
	for _, r := range batch[:done] {
		w.check.counted(l.m.name, r)
	}
	if l.busy != i {
		return // the mapping was made again since
	}
	l.busy = nil
	l.pending = l.pending[done:]
	switch {
	case done == len(batch):
		l.attempts, l.limit = 0, 0
		return
	case done > 0:
		l.attempts, l.limit = 0, 0
	case err != nil && len(batch) > 1:
		l.limit = (len(batch) + 1) / 2 // a bisect uses up no attempt
	default:
		l.attempts++
		if len(batch) > 1 {
			l.limit = (len(batch) + 1) / 2
		}
	}
	l.retryAt = w.now.Add(min(100*time.Millisecond<<min(l.attempts, 10), time.Minute))
	if l.attempts >= streamAttempts {
		gone := len(batch) - done
		w.tracef("      %s gives %d records up", l.name, gone)
		l.m.dropped += gone
		l.pending, l.attempts, l.limit = l.pending[gone:], 0, 0
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

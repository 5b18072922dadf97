package simulation

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// mapping is an event source mapping: one reader of the stream, with its filter.
type mapping struct {
	name       string
	filter     func(record) bool
	maxRecords int // in one event
	lanes      int // lanes of a shard, which are read in parallel
	readers    []*reader
	start      func(*lane, []record) *Invocation
	dropped    int // records that were given up
}

// reader is a mapping's position in one shard.
type reader struct {
	shard *shard
	read  int
	lanes []*lane
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

// lane is a part of a shard whose records are handled one after another.
type lane struct {
	m        *mapping
	name     string
	pending  []record
	busy     *Invocation
	attempts int
	limit    int // records in the next event after a bisect; 0 means no limit
	retryAt  time.Time
}

// advance moves the records that the mapping may read now into its lanes.
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
				_, _ = h.Write([]byte(partitionKey(rec) + sortKey(rec)))
				l = int(h.Sum32()>>8) % m.lanes
			}
			r.lanes[l].pending = append(r.lanes[l].pending, rec)
		}
	}
}

// recreate deletes the mapping and adds it again at the oldest record. Its running
// invocations go on, and nobody waits for them.
func (w *World) recreate(m *mapping) {
	w.tracef("      mapping %s is recreated at the oldest record", m.name)
	for _, r := range m.readers {
		for _, l := range r.lanes {
			l.pending, l.busy = nil, nil
		}
	}
	m.readers = nil
}

// finishRecords does what the mapping does after the function's reply.
func (w *World) finishRecords(l *lane, i *Invocation, batch []record, failures []events.DynamoDBBatchItemFailure, err error) {
	done := len(batch)
	switch {
	case err != nil:
		done = 0
	default:
		for _, f := range failures {
			at := slices.IndexFunc(batch, func(r record) bool { return r.Change.SequenceNumber == f.ItemIdentifier })
			done = min(done, max(at, 0)) // an unknown number fails all
		}
	}
	for _, r := range batch[:done] {
		w.check.recordDone(l.m.name, batch, r)
	}
	if l.busy != i {
		return // the mapping has been recreated since
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
		l.limit = (len(batch) + 1) / 2 // a bisect does not count as an attempt
	default:
		l.attempts++
		if len(batch) > 1 {
			l.limit = (len(batch) + 1) / 2
		}
	}
	l.retryAt = w.now.Add(min(100*time.Millisecond<<min(l.attempts, 10), time.Minute))
	if gone := batch[done:]; w.givesUp(l, gone[0]) {
		w.tracef("      %s gives up %d records", l.name, len(gone))
		l.m.dropped += len(gone)
		l.pending, l.attempts, l.limit = l.pending[len(gone):], 0, 0
	}
}

// givesUp reports whether the mapping retries the records of a lane no more, of which
// first is the oldest.
func (w *World) givesUp(l *lane, first record) bool {
	attempts := deployment.StreamAttempts
	if w.hooks.StreamAttempts != 0 {
		attempts = w.hooks.StreamAttempts
	}
	return attempts >= 0 && l.attempts >= attempts ||
		w.now.Sub(first.Change.ApproximateCreationDateTime.Time) > deployment.StreamRetention
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

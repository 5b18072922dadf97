package simulation

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

type record = events.DynamoDBEventRecord

// imageText returns a string attribute of the record's new image, or "".
func imageText(r record, name string) string {
	if v, ok := r.Change.NewImage[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}

func partitionKey(r record) string { return r.Change.Keys[store.PKAttribute].String() }
func sortKey(r record) string      { return r.Change.Keys[store.SKAttribute].String() }

// shard is a part of the stream. Sequence numbers can only be compared within it:
// a child's may begin below its parent's.
type shard struct {
	id       int
	low, top uint32 // the range of key hashes that it accepts, both included
	parent   *shard
	base     uint64
	records  []record
	closed   bool
}

// stream is the table's stream.
type stream struct {
	shards    []*shard
	read      int // records of the table that are in shards
	bySortKey bool
}

// keyHash returns the hash that selects a record's shard. It covers the partition
// key or, once the table has split an item collection, the whole key.
func (s *stream) keyHash(pk, sk string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(pk))
	if s.bySortKey {
		_, _ = h.Write([]byte(sk))
	}
	sum := h.Sum32()
	sum ^= sum >> 16 // the last bytes change only the low bits of FNV
	sum *= 0x45d9f3b
	return sum ^ sum>>16
}

func (w *World) newShard(low, top uint32, parent *shard) *shard {
	s := &shard{id: len(w.stream.shards) + 1, low: low, top: top, parent: parent, base: uint64(w.rng.IntN(1_000_000))}
	w.stream.shards = append(w.stream.shards, s)
	return s
}

// open returns the shards that still accept records.
func (s *stream) open() []*shard {
	var open []*shard
	for _, one := range s.shards {
		if !one.closed {
			open = append(open, one)
		}
	}
	return open
}

// split closes an open shard and adds two children, or one for a rollover. The
// children's sequence numbers start anywhere, possibly lower.
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

// appendRecords moves the table's new records to the shards.
func (w *World) appendRecords() {
	if w.table.Changes() == w.stream.read {
		return
	}
	for _, r := range w.table.Records(w.stream.read) {
		w.stream.read++
		pk, sk := partitionKey(r), sortKey(r)
		w.check.observe(pk, sk, r)
		if sk != store.HeaderSK && !strings.HasPrefix(sk, store.InquiryPrefix) {
			continue // no filter lets these through
		}
		hash := w.stream.keyHash(pk, sk)
		if w.chance(w.faults.Unreadable) {
			r = unreadable(r)
		}
		for _, s := range w.stream.shards {
			if !s.closed && s.low <= hash && hash <= s.top {
				r.Change.SequenceNumber = fmt.Sprintf("%021d", s.base+uint64(len(s.records)))
				s.records = append(s.records, r)
				break
			}
		}
	}
	w.check.checkRooms()
}

// redeliver delivers to a mapping again every record of the stream that is wanted.
func (w *World) redeliver(m *mapping, wanted func(record) bool) {
	for _, s := range w.stream.shards {
		again := slices.DeleteFunc(slices.Clone(s.records), func(r record) bool { return !wanted(r) })
		if len(again) > 0 {
			w.replays = append(w.replays, replay{m, again})
		}
	}
}

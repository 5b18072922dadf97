package simulation

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	tally "github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// headerWrites fails the test if counting wrote a header more than most times.
func headerWrites(t *testing.T, w *World, most int) {
	t.Helper()
	for _, b := range w.check.batches {
		if b.tallies > most {
			t.Errorf("counting wrote the header of B%d %d times, want at most %d", b.number, b.tallies, most)
		}
	}
}

var countingFaults = []faultCase{
	{fault: "24", name: "every event of the stream is delivered twice", faults: Faults{Until: 3 * time.Hour, Redeliver: 1}, setup: func(_ *testing.T, w *World) {
		submit(w, found, none, part, poison, bad)
	}, check: func(t *testing.T, w *World) { headerWrites(t, w, 10) }},

	{fault: "25", name: "ten lanes and no order between inquiries", setup: func(_ *testing.T, w *World) {
		w.stream.bySortKey = true
		w.mappings = []*mapping{w.dispatchMapping(10), w.tallyMapping(10)}
		submit(w, many(30, found)...)
	}, check: completed},

	{fault: "26", name: "shards split and roll over in the middle of a batch", seeds: 6, setup: func(_ *testing.T, w *World) {
		submit(w, many(300, found)...)
		w.stream.bySortKey = w.rng.IntN(2) == 0
		next := 40
		w.onStep = func() {
			if w.stream.read < next || len(w.stream.shards) > 12 {
				return
			}
			next += 40
			open := w.stream.open()
			parent := open[w.rng.IntN(len(open))]
			parent.base += 1 << 40 // so that its children have lower numbers
			w.split(parent, w.rng.IntN(3) == 0)
			seen["split"]++
		}
	}, check: completed, total: happened("split")},

	{fault: "27a", name: "both mappings are recreated at the oldest record", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found, found)
		for n := range 4 {
			w.do(time.Duration(n*n)*400*time.Millisecond, "mappings are recreated", func() {
				w.recreate(w.mappings[0])
				w.recreate(w.mappings[1])
			})
		}
	}, check: func(t *testing.T, w *World) { completed(t, w); sentAtMost(t, w, 5); headerWrites(t, w, 8) }},
	{fault: "27b", name: "the stream is replaced by one with other sequence numbers", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found, found)
		w.do(300*time.Millisecond, "the stream is replaced", func() {
			w.recreate(w.mappings[0])
			w.recreate(w.mappings[1])
			w.stream.shards = nil // unread records are lost
			w.newShard(0, 1<<32-1, nil)
		})
	}, check: func(t *testing.T, w *World) { completed(t, w); headerWrites(t, w, 8) }},

	{fault: "28a", name: "one in twenty records is lost", faults: Faults{Until: 3 * time.Hour, DropRecord: 0.05}, setup: func(_ *testing.T, w *World) {
		submit(w, many(30, found)...)
	}, check: completed},
	{fault: "28b", name: "every record for counting is lost", setup: func(_ *testing.T, w *World) {
		w.mappings[1].filter = func(record) bool { return false }
		submit(w, found, none, part)
	}, check: func(t *testing.T, w *World) {
		if took := only(t, w).finalAt.Sub(noon); took > 16*time.Minute {
			t.Errorf("the first sweep did not count: final after %v", took)
		}
	}},

	poisonRecord("the first record", 0), poisonRecord("a record in the middle", 5), poisonRecord("the last record", 9),

	{fault: "30", name: "several invocations of tally-statuses race for one header", seeds: 20, setup: func(_ *testing.T, w *World) {
		w.stream.bySortKey = true
		w.mappings = []*mapping{w.dispatchMapping(1), w.tallyMapping(10)}
		submit(w, many(40, found)...)
		w.workers = 4
		w.onCall = func(c *Call) Verdict {
			if c.In.Function == "tally-statuses" && c.Operation == "UpdateItem" {
				seen["writes tried"]++
			}
			return Proceed
		}
	}, check: func(t *testing.T, w *World) { completed(t, w); seen["writes done"] += only(t, w).tallies },
		total: func(t *testing.T, s *sightings) {
			t.Helper()
			if lost := (*s)["writes tried"] - (*s)["writes done"]; lost < 20*20 {
				t.Errorf("only %d races were lost in 20 histories", lost)
			}
		}},

	{fault: "31", name: "sweeps count while workers and tally-statuses run", faults: Faults{Until: 15 * time.Minute, Blocked: 15 * time.Minute}, seeds: 30, setup: func(_ *testing.T, w *World) {
		submit(w, many(12, found)...)
		w.onCall = func(c *Call) Verdict {
			if c.In.Function == "sweep-open-batches" && w.busy("process-inquiry") > 0 && w.busy("tally-statuses") > 0 {
				seen["all at once"]++
			}
			return Proceed
		}
	}, check: completed, total: happened("all at once")},

	{fault: "32a", name: "the reply to a write of a header is lost, with and without a retry", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found)
		inject(w, &rule{function: "tally-statuses", operation: "UpdateItem", times: 2, verdict: Resend},
			&rule{function: "tally-statuses", operation: "UpdateItem", times: 2, verdict: Lose},
			&rule{function: "tally-statuses", operation: "UpdateItem", times: 2, verdict: Resend})
	}, check: func(t *testing.T, w *World) { completed(t, w); headerWrites(t, w, 6) }, total: happened(Resend.String())},

	{fault: "32b", name: "transactions are in the way of the final write, which is tried again at once", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		inject(w, &rule{function: "tally-statuses", operation: "TransactWriteItems", times: 3, verdict: Conflict})
		decide := w.onCall
		var writer *Invocation
		w.onCall = func(c *Call) Verdict {
			if c.In.Function == "tally-statuses" && c.Operation == "TransactWriteItems" {
				if writer != nil && writer != c.In {
					w.violate("I8", "the stream delivers the last records again")
				}
				writer = c.In
			}
			return decide(c)
		}
	}, check: completed, total: happened(Conflict.String())},

	{fault: "33", name: "two cancels race claims and results, and one dies half-way", seeds: 60, setup: func(_ *testing.T, w *World) {
		s := submit(w, many(12, found)...)
		w.workers = 1
		for range 2 {
			w.at(time.Duration(100+w.rng.IntN(700))*time.Millisecond, "cancel", acme, s)
		}
		inject(w, &rule{function: "dispatch-batch", operation: "PutItem", skip: 2, times: 1, verdict: CrashAfter},
			&rule{function: "dispatch-batch", operation: "PutItem", skip: 1, times: 1, verdict: Resend})
	}, check: func(t *testing.T, w *World) {
		for _, in := range only(t, w).items {
			seen[string(in.status)]++
		}
	}, total: func(t *testing.T, s *sightings) {
		t.Helper()
		if (*s)[string(inquiry.StatusCancelled)] == 0 || (*s)[string(inquiry.StatusCompleted)] == 0 {
			t.Errorf("one side always wins: %v", *s)
		}
	}},

	{fault: "34", name: "records arrive late for a batch that has expired", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.do(inquiry.Retention+time.Hour, "the batch expires", func() {
			for _, k := range w.table.Expired(w.now) {
				w.table.Remove(k)
			}
			for _, m := range w.mappings {
				w.redeliver(m, m.filter)
			}
		})
	}, check: func(t *testing.T, w *World) {
		if n := items(w); n[store.HeaderSK]+n[store.InquiryPrefix]+n[store.PagePrefix] > 0 {
			t.Errorf("items came back: %v", n)
		}
	}},

	{fault: "35", name: "the record of the end of a batch is delivered twice, and its reader dies", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.do(10*time.Minute, "the final header record is delivered to dispatch-batch", func() {
			ends := func(r record) bool { return imageText(r, store.EventAttribute) == string(store.EventFinished) }
			w.redeliver(w.mappings[0], ends)
			w.redeliver(w.mappings[0], ends)
			for _, s := range w.replays {
				seen["finished records"] += len(s.batch)
			}
			inject(w, &rule{function: "dispatch-batch", times: 1, verdict: CrashBefore})
		})
	}, check: func(t *testing.T, w *World) { completed(t, w); sentAtMost(t, w, 1) },
		total: func(t *testing.T, s *sightings) {
			t.Helper()
			if n := (*s)["finished records"]; n != 2*15 {
				t.Errorf("15 batches delivered %d records of their end, want two each", n)
			}
		}},
}

// poisonRecord returns a case in which tally-statuses fails on one of ten records for ten
// minutes. The mapping bisects and repeats it until then.
func poisonRecord(where string, index int) faultCase {
	return faultCase{fault: "29", name: "bisects and partial replies when " + where + " cannot be counted", setup: func(_ *testing.T, w *World) {
		submit(w, many(10, found)...)
		w.at(time.Second, "submit", zenith, newSubmission(zenith, "", found, none))
		w.hooks = &Hooks{Counters: func(_ *Invocation, inner tally.Counters) tally.Counters { return failsOn{inner, w, index} }}
	}, check: func(t *testing.T, w *World) {
		for _, b := range w.check.batches {
			if b.status != inquiry.BatchCompleted {
				t.Errorf("B%d is %s, want COMPLETED", b.number, b.status)
			}
		}
		if w.mappings[1].dropped > 0 || len(w.aside) > 0 {
			t.Errorf("%d records were given up and %d set aside, want none", w.mappings[1].dropped, len(w.aside))
		}
		if late := w.check.batches[0].finalAt.Sub(noon); late > 13*time.Minute {
			t.Errorf("B1 was counted after %v, want within three minutes of the fault's end", late)
		}
	}}
}

// failsOn fails for ten minutes to count one of acme's inquiries.
type failsOn struct {
	tally.Counters
	w     *World
	index int
}

func (f failsOn) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	if lender == acme && f.w.now.Before(noon.Add(10*time.Minute)) &&
		slices.ContainsFunc(changes, func(c inquiry.Change) bool { return c.Index == f.index }) {
		return inquiry.Batch{}, errors.New("a poison record")
	}
	return f.Counters.Merge(ctx, lender, id, changes)
}

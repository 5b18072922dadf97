package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var errDown = errors.New("no answer")

// merge is one call of Merge.
type merge struct {
	Lender  inquiry.LenderID
	Batch   inquiry.BatchID
	Changes []inquiry.Change
}

// fakeCounters counts batches of ten inquiries and records every call. A batch in
// before fails without being counted. A batch in after fails after it is counted.
type fakeCounters struct {
	before, after map[inquiry.BatchID]error
	tallies       map[inquiry.BatchID]inquiry.Tally
	took          time.Duration // each call
	mu            sync.Mutex
	calls         []merge
}

func (f *fakeCounters) Merge(_ context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	time.Sleep(f.took)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, merge{lender, id, changes})
	if err := f.before[id]; err != nil {
		return inquiry.Batch{}, err
	}
	if f.tallies[id].Total == 0 {
		f.tallies[id] = inquiry.NewTally(10)
	}
	f.tallies[id], _ = f.tallies[id].Merge(changes...)
	return inquiry.Batch{ID: id, LenderID: lender, Tally: f.tallies[id]}, f.after[id]
}

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

	a, b, c = inquiry.NewBatchID(noon), inquiry.NewBatchID(noon), inquiry.NewBatchID(noon)
)

// fakeFailed stores records by their sequence numbers. It fails if err is set.
type fakeFailed struct {
	mu   sync.Mutex
	kept []string
	err  error
}

func (f *fakeFailed) Put(_ context.Context, r events.DynamoDBEventRecord) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.kept = append(f.kept, r.Change.SequenceNumber)
	}
	return f.err
}

type fixture struct {
	*Handler
	counters *fakeCounters
	failed   *fakeFailed
	lines    *strings.Builder // of metrics
}

func newFixture() fixture {
	f := &fakeCounters{
		before: map[inquiry.BatchID]error{}, after: map[inquiry.BatchID]error{},
		tallies: map[inquiry.BatchID]inquiry.Tally{},
	}
	failed, lines := &fakeFailed{}, &strings.Builder{}
	return fixture{&Handler{Counters: f, Failed: failed, Metrics: metrics.New("test", lines, func() time.Time { return noon }), Log: slog.New(slog.DiscardHandler)}, f, failed, lines}
}

// record returns a stream record of one of acme's inquiries.
func record(batch inquiry.BatchID, index int, status string) events.DynamoDBEventRecord {
	return events.DynamoDBEventRecord{EventName: "MODIFY", Change: events.DynamoDBStreamRecord{
		NewImage: map[string]events.DynamoDBAttributeValue{
			store.PKAttribute:     events.NewStringAttribute(fmt.Sprintf("%sacme%s%s#%d", store.LenderPrefix, store.BatchInfix, batch, index/256)),
			store.SKAttribute:     events.NewStringAttribute(fmt.Sprintf("%s%05d", store.InquiryPrefix, index)),
			store.StatusAttribute: events.NewStringAttribute(status),
		},
	}}
}

// deliver handles the records in one event, with sequence numbers from 1. It returns
// the sequence number of the failed record, or "".
func deliver(tb testing.TB, h *Handler, records ...events.DynamoDBEventRecord) string {
	tb.Helper()
	for i := range records {
		records[i].Change.SequenceNumber = strconv.Itoa(i + 1)
	}
	resp, err := h.Handle(tb.Context(), events.DynamoDBEvent{Records: records})
	switch failures := resp.BatchItemFailures; {
	case err != nil:
		tb.Fatal(err)
	case len(failures) > 1:
		tb.Fatalf("%d records failed; a stream continues from one", len(failures))
	case len(failures) == 1 && failures[0].ItemIdentifier == "":
		tb.Fatal("the failure has no identifier, so Lambda would repeat the whole event")
	case len(failures) == 1:
		return failures[0].ItemIdentifier
	}
	return ""
}

func TestHandle(t *testing.T) {
	t.Parallel()

	t.Run("each batch is merged once", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		failed := deliver(t, f.Handler,
			record(a, 0, "RUNNING"), record(b, 7, "RUNNING"), record(a, 300, "RUNNING"), record(a, 0, "COMPLETED"), record(b, 7, "FAILED"))
		want := []merge{
			{"acme", a, []inquiry.Change{{Index: 0, Status: inquiry.StatusRunning}, {Index: 300, Status: inquiry.StatusRunning}, {Index: 0, Status: inquiry.StatusCompleted}}},
			{"acme", b, []inquiry.Change{{Index: 7, Status: inquiry.StatusRunning}, {Index: 7, Status: inquiry.StatusFailed}}},
		}
		slices.SortFunc(f.counters.calls, func(x, y merge) int { return strings.Compare(x.Batch.String(), y.Batch.String()) })
		slices.SortFunc(want, func(x, y merge) int { return strings.Compare(x.Batch.String(), y.Batch.String()) })
		if diff := cmp.Diff(want, f.counters.calls); diff != "" || failed != "" {
			t.Errorf("record %q failed; merges (-want +got):\n%s", failed, diff)
		}
	})

	// Records 1 and 4 belong to batch a, 2 and 5 to b, 3 and 6 to c.
	t.Run("the earliest uncounted record is returned", func(t *testing.T) {
		t.Parallel()
		type record = events.DynamoDBEventRecord
		deleted := fmt.Errorf("counting: %w", inquiry.ErrNotFound)
		for name, tt := range map[string]struct {
			fault       func(f *fakeCounters, records []record)
			wantFailed  string
			wantCounted map[inquiry.BatchID]int // number of running inquiries
		}{
			"no fault":              {func(*fakeCounters, []record) {}, "", map[inquiry.BatchID]int{a: 2, b: 2, c: 2}},
			"the first batch fails": {func(f *fakeCounters, _ []record) { f.before[a] = errDown }, "1", map[inquiry.BatchID]int{b: 2, c: 2}},
			"the second batch fails and the others are counted": {
				func(f *fakeCounters, _ []record) { f.before[b] = errDown }, "2", map[inquiry.BatchID]int{a: 2, c: 2},
			},
			"a reply is lost":         {func(f *fakeCounters, _ []record) { f.after[b] = errDown }, "2", map[inquiry.BatchID]int{a: 2, b: 2, c: 2}},
			"two batches fail":        {func(f *fakeCounters, _ []record) { f.before[c], f.before[b] = errDown, errDown }, "2", map[inquiry.BatchID]int{a: 2}},
			"a batch has a conflict":  {func(f *fakeCounters, _ []record) { f.before[c] = inquiry.ErrConflict }, "3", map[inquiry.BatchID]int{a: 2, b: 2}},
			"a batch was deleted":     {func(f *fakeCounters, _ []record) { f.before[b] = deleted }, "", map[inquiry.BatchID]int{a: 2, c: 2}},
			"every batch was deleted": {func(f *fakeCounters, _ []record) { f.before[a], f.before[b], f.before[c] = deleted, deleted, deleted }, "", map[inquiry.BatchID]int{}},
			"records of expired items": {
				func(_ *fakeCounters, r []record) {
					for i := range r {
						r[i].EventName, r[i].Change.NewImage = "REMOVE", nil
					}
				}, "", map[inquiry.BatchID]int{},
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				records := sixRecords()
				tt.fault(f.counters, records)
				failed := deliver(t, f.Handler, records...)
				if failed != tt.wantFailed {
					t.Errorf("record %q failed, want %q", failed, tt.wantFailed)
				}
				if diff := cmp.Diff(tt.wantCounted, f.counters.running()); diff != "" {
					t.Errorf("counted (-want +got):\n%s", diff)
				}
			})
		}
	})

	// Records 1 and 4 belong to batch a, 2 and 5 to b, 3 and 6 to c.
	t.Run("what cannot be read is set aside, and the rest is counted", func(t *testing.T) {
		t.Parallel()
		type record = events.DynamoDBEventRecord
		damaged := fmt.Errorf("counting: %w", inquiry.ErrUnreadable)
		for name, tt := range map[string]struct {
			fault       func(fixture, []record)
			wantAside   []string
			wantFailed  string
			wantCounted map[inquiry.BatchID]int
		}{
			"an unknown status": {
				fault:     func(_ fixture, r []record) { set(r[4], store.StatusAttribute, "ARCHIVED") },
				wantAside: []string{"5"}, wantCounted: map[inquiry.BatchID]int{a: 2, b: 1, c: 2},
			},
			"no status": {
				fault:     func(_ fixture, r []record) { set(r[4], store.StatusAttribute, "") },
				wantAside: []string{"5"}, wantCounted: map[inquiry.BatchID]int{a: 2, b: 1, c: 2},
			},
			"an invalid sort key": {
				fault:     func(_ fixture, r []record) { set(r[4], store.SKAttribute, store.InquiryPrefix+"last") },
				wantAside: []string{"5"}, wantCounted: map[inquiry.BatchID]int{a: 2, b: 1, c: 2},
			},
			"an invalid partition key": {
				fault: func(_ fixture, r []record) {
					set(r[0], store.PKAttribute, store.LenderPrefix+"acme"+store.BatchInfix+"b1#0")
				},
				wantAside: []string{"1"}, wantCounted: map[inquiry.BatchID]int{a: 1, b: 2, c: 2},
			},
			"an attribute of another type": {
				fault: func(_ fixture, r []record) {
					r[1].Change.NewImage["sources"] = events.NewStringSetAttribute([]string{"ofac"})
				},
				wantAside: []string{"2"}, wantCounted: map[inquiry.BatchID]int{a: 2, b: 1, c: 2},
			},
			"no image": {
				fault:     func(_ fixture, r []record) { r[5].Change.NewImage = nil },
				wantAside: []string{"6"}, wantCounted: map[inquiry.BatchID]int{a: 2, b: 2, c: 1},
			},
			"a batch that is damaged": {
				fault:     func(f fixture, _ []record) { f.counters.before[b] = damaged },
				wantAside: []string{"2", "5"}, wantCounted: map[inquiry.BatchID]int{a: 2, c: 2},
			},
			"a failure before an unreadable record": {
				fault: func(f fixture, r []record) {
					f.counters.before[a] = errDown
					set(r[1], store.StatusAttribute, "ARCHIVED")
				},
				wantAside: []string{"2"}, wantFailed: "1", wantCounted: map[inquiry.BatchID]int{b: 1, c: 2},
			},
			"a failure after an unreadable record": {
				fault: func(f fixture, r []record) {
					f.counters.before[b] = errDown
					set(r[0], store.StatusAttribute, "ARCHIVED")
				},
				wantAside: []string{"1"}, wantFailed: "2", wantCounted: map[inquiry.BatchID]int{a: 1, c: 2},
			},
			"the failed records cannot be stored": {
				fault: func(f fixture, r []record) {
					f.failed.err = errDown
					set(r[3], store.StatusAttribute, "ARCHIVED")
					set(r[4], store.StatusAttribute, "ARCHIVED")
				},
				wantFailed: "4", wantCounted: map[inquiry.BatchID]int{a: 1, b: 1, c: 2},
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				records := sixRecords()
				tt.fault(f, records)
				failed := deliver(t, f.Handler, records...)
				if failed != tt.wantFailed {
					t.Errorf("record %q failed, want %q", failed, tt.wantFailed)
				}
				slices.Sort(f.failed.kept)
				if diff := cmp.Diff(tt.wantAside, f.failed.kept); diff != "" {
					t.Errorf("set aside (-want +got):\n%s", diff)
				}
				measured := fmt.Sprintf(`"RecordsSetAside":%d,`, len(tt.wantAside))
				if lines := strings.Count(f.lines.String(), "\n"); len(tt.wantAside) == 0 && lines != 0 || len(tt.wantAside) > 0 && (lines != 1 || !strings.Contains(f.lines.String(), measured)) {
					t.Errorf("measured %q, want one line with %s if anything was set aside", f.lines, measured)
				}
				if diff := cmp.Diff(tt.wantCounted, f.counters.running()); diff != "" {
					t.Errorf("counted (-want +got):\n%s", diff)
				}
			})
		}
	})

	t.Run("batches are counted side by side", func(t *testing.T) {
		t.Parallel()
		var records []events.DynamoDBEventRecord
		for range 320 {
			records = append(records, record(inquiry.NewBatchID(noon), 0, "COMPLETED"))
		}
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			f.counters.took = 11 * time.Millisecond
			began := time.Now()
			if failed := deliver(t, f.Handler, records...); failed != "" {
				t.Fatalf("record %s failed", failed)
			}
			if took := time.Since(began); took > 110*time.Millisecond || len(f.counters.calls) != len(records) {
				t.Errorf("%d merges of %v took %v, want 110ms", len(f.counters.calls), f.counters.took, took)
			}
		})
	})

	t.Run("in an event of many batches, a batch that only starts is left out", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			batches     int // with one record each, besides batch a
			records     []events.DynamoDBEventRecord
			wantCounted bool
		}{
			"one start":          {100, []events.DynamoDBEventRecord{record(a, 0, "RUNNING")}, false},
			"two starts":         {100, []events.DynamoDBEventRecord{record(a, 0, "RUNNING"), record(a, 1, "RUNNING")}, false},
			"three starts":       {100, []events.DynamoDBEventRecord{record(a, 0, "RUNNING"), record(a, 1, "RUNNING"), record(a, 2, "RUNNING")}, true},
			"a start and an end": {100, []events.DynamoDBEventRecord{record(a, 0, "RUNNING"), record(a, 1, "FAILED")}, true},
			"a canceled inquiry": {100, []events.DynamoDBEventRecord{record(a, 0, "CANCELLED")}, true},
			"one batch too few":  {99, []events.DynamoDBEventRecord{record(a, 0, "RUNNING")}, true},
			"no other batch":     {0, []events.DynamoDBEventRecord{record(a, 0, "RUNNING")}, true},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				records := tt.records
				for range tt.batches {
					records = append(records, record(inquiry.NewBatchID(noon), 0, "COMPLETED"))
				}
				if failed := deliver(t, f.Handler, records...); failed != "" {
					t.Fatalf("record %s failed", failed)
				}
				if _, counted := f.counters.tallies[a]; counted != tt.wantCounted {
					t.Errorf("the batch is counted: %v, want %v", counted, tt.wantCounted)
				}
				if others := len(f.counters.tallies); others < tt.batches {
					t.Errorf("%d of %d other batches are counted", others, tt.batches)
				}
			})
		}
	})

	t.Run("delivered twice", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		for range 2 {
			if failed := deliver(t, f.Handler, sixRecords()...); failed != "" {
				t.Fatalf("record %s failed", failed)
			}
		}
		if diff := cmp.Diff(map[inquiry.BatchID]int{a: 2, b: 2, c: 2}, f.counters.running()); diff != "" {
			t.Errorf("counted (-want +got):\n%s", diff)
		}
	})

	// The stream continues from the failed record. Some records are counted again, and none
	// is missed.
	t.Run("died half-way", func(t *testing.T) {
		t.Parallel()
		for name, fault := range map[string]func(*fakeCounters){
			"before the first write":  func(f *fakeCounters) { f.before[a] = errDown },
			"before the second write": func(f *fakeCounters) { f.before[b] = errDown },
			"after the second write":  func(f *fakeCounters) { f.after[b] = errDown },
			"after the last write":    func(f *fakeCounters) { f.after[c] = errDown },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				fault(f.counters)
				records := sixRecords()
				failed, err := strconv.Atoi(deliver(t, f.Handler, records...))
				if err != nil {
					t.Fatalf("no record failed: %v", err)
				}
				clear(f.counters.before)
				clear(f.counters.after)
				if again := deliver(t, f.Handler, records[failed-1:]...); again != "" {
					t.Fatalf("record %s failed again", again)
				}
				if diff := cmp.Diff(map[inquiry.BatchID]int{a: 2, b: 2, c: 2}, f.counters.running()); diff != "" {
					t.Errorf("counted (-want +got):\n%s", diff)
				}
			})
		}
	})

	t.Run("an empty event succeeds", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		if failed := deliver(t, f.Handler); failed != "" || len(f.counters.calls) > 0 {
			t.Errorf("record %q failed, %d merges", failed, len(f.counters.calls))
		}
	})

	t.Run("sample event", func(t *testing.T) {
		t.Parallel()
		raw, err := os.ReadFile("../../../events/tally-statuses.json")
		if err != nil {
			t.Fatal(err)
		}
		var ev events.DynamoDBEvent
		if err := json.Unmarshal(raw, &ev); err != nil {
			t.Fatal(err)
		}
		f := newFixture()
		if failed := deliver(t, f.Handler, ev.Records...); failed != "" {
			t.Fatalf("record %s failed", failed)
		}
		if len(f.counters.calls) != 1 {
			t.Fatalf("%d merges, want one", len(f.counters.calls))
		}
		tally := f.counters.tallies[f.counters.calls[0].Batch]
		if tally.Counts().Completed != 1 || tally.Sums.Attempts != 1 || tally.Sums.SourceRecords != 2 || tally.Sums.Worked != 40*time.Millisecond {
			t.Errorf("counts %+v, sums %+v", tally.Counts(), tally.Sums)
		}
	})
}

func sixRecords() []events.DynamoDBEventRecord {
	var records []events.DynamoDBEventRecord
	for index := range 2 {
		for _, batch := range []inquiry.BatchID{a, b, c} {
			records = append(records, record(batch, index, "RUNNING"))
		}
	}
	return records
}

// set sets one attribute of a record.
func set(r events.DynamoDBEventRecord, name, value string) {
	r.Change.NewImage[name] = events.NewStringAttribute(value)
}

// running returns the number of running inquiries, by batch.
func (f *fakeCounters) running() map[inquiry.BatchID]int {
	counts := map[inquiry.BatchID]int{}
	for id, tally := range f.tallies {
		counts[id] = tally.Counts().Running
	}
	return counts
}

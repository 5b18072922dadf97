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
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var errDown = errors.New("no answer")

// fakeBatches contains submitted batches. Reading one takes the right lender and the
// right batch. A batch in down cannot be read at the moment, and one in damaged never.
type fakeBatches struct {
	submitted map[inquiry.LenderID]map[inquiry.BatchID][]inquiry.Inquiry
	down      map[inquiry.BatchID]bool
	damaged   map[inquiry.BatchID]bool
	canceled  map[int]int // number of calls, by index
	mu        *sync.Mutex
}

func (f fakeBatches) Submitted(_ context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error) {
	inquiries, ok := f.submitted[lender][id]
	if f.down[id] {
		return inquiry.Batch{}, nil, errDown
	}
	if f.damaged[id] {
		return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w", id, inquiry.ErrUnreadable)
	}
	if !ok {
		return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w", id, inquiry.ErrNotFound)
	}
	return inquiry.Batch{ID: id, LenderID: lender}, inquiries, nil
}

func (f fakeBatches) CancelInquiry(_ context.Context, _ inquiry.LenderID, id inquiry.ID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.canceled[id.Index()]++
	if f.down[id.Batch()] {
		return errDown // after the work is done, like a lost reply
	}
	return nil
}

// fakeQueue takes messages until room is used up. After that Send fails, and the
// messages that it took stay.
type fakeQueue struct {
	room  int
	taken []queue.Message
}

func (f *fakeQueue) Send(_ context.Context, messages []queue.Message) error {
	fits := min(len(messages), f.room)
	f.taken, f.room = append(f.taken, messages[:fits]...), f.room-fits
	if fits < len(messages) {
		return errDown
	}
	return nil
}

// ids returns the ids of the inquiries on the queue, sorted, each once.
func (f *fakeQueue) ids() []string {
	var ids []string
	for _, m := range f.taken {
		ids = append(ids, m.ID.String())
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// fakeFailed stores records by their sequence numbers. It fails if err is set.
type fakeFailed struct {
	kept []string
	err  error
}

func (f *fakeFailed) Put(_ context.Context, r events.DynamoDBEventRecord) error {
	if f.err == nil {
		f.kept = append(f.kept, r.Change.SequenceNumber)
	}
	return f.err
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type fixture struct {
	*Handler
	batches       fakeBatches
	queue         *fakeQueue
	failed        *fakeFailed
	lines         *strings.Builder // of metrics
	first, second inquiry.BatchID  // acme's, with two inquiries each
	foreign       inquiry.BatchID  // globex's, with one inquiry
}

func newFixture() fixture {
	f := fixture{
		queue: &fakeQueue{room: 1000}, failed: &fakeFailed{}, lines: &strings.Builder{},
		first: inquiry.NewBatchID(noon), second: inquiry.NewBatchID(noon), foreign: inquiry.NewBatchID(noon),
	}
	named := func(names ...string) (list []inquiry.Inquiry) {
		for _, name := range names {
			list = append(list, inquiry.Inquiry{BusinessName: name})
		}
		return list
	}
	f.batches = fakeBatches{
		submitted: map[inquiry.LenderID]map[inquiry.BatchID][]inquiry.Inquiry{
			"acme":   {f.first: named("Ash", "Birch"), f.second: named("Cedar", "Date")},
			"globex": {f.foreign: named("Elm")},
		},
		down: map[inquiry.BatchID]bool{}, damaged: map[inquiry.BatchID]bool{}, canceled: map[int]int{}, mu: &sync.Mutex{},
	}
	f.Handler = &Handler{Batches: f.batches, Queue: f.queue, Failed: f.failed, Metrics: metrics.New("test", f.lines, func() time.Time { return noon }), Log: slog.New(slog.DiscardHandler)}
	return f
}

// header returns the stream record of a batch that was just submitted.
func header(lender, batch string) events.DynamoDBEventRecord {
	return events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
		NewImage: map[string]events.DynamoDBAttributeValue{
			store.PKAttribute: events.NewStringAttribute(store.LenderPrefix + lender + store.BatchInfix + batch), store.SKAttribute: events.NewStringAttribute(store.HeaderSK),
			"lenderId": events.NewStringAttribute(lender), "batchId": events.NewStringAttribute(batch),
			store.EventAttribute: events.NewStringAttribute(string(store.EventSubmitted)),
		},
	}}
}

// with sets one attribute of a record.
func with(r events.DynamoDBEventRecord, name string, value events.DynamoDBAttributeValue) events.DynamoDBEventRecord {
	r.Change.NewImage[name] = value
	return r
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

	t.Run("every inquiry becomes one message", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		failed := deliver(t, f.Handler, header("acme", f.first.String()), header("globex", f.foreign.String()))
		want := []queue.Message{
			{LenderID: "acme", ID: f.first.Inquiry(0), Inquiry: inquiry.Inquiry{BusinessName: "Ash"}},
			{LenderID: "acme", ID: f.first.Inquiry(1), Inquiry: inquiry.Inquiry{BusinessName: "Birch"}},
			{LenderID: "globex", ID: f.foreign.Inquiry(0), Inquiry: inquiry.Inquiry{BusinessName: "Elm"}},
		}
		if diff := cmp.Diff(want, f.queue.taken); diff != "" || failed != "" {
			t.Errorf("record %q failed; messages (-want +got):\n%s", failed, diff)
		}
	})

	t.Run("only a submitted batch is dispatched", func(t *testing.T) {
		t.Parallel()
		type record = events.DynamoDBEventRecord
		for name, change := range map[string]func(record) record{
			"counters changed": func(r record) record {
				return with(r, store.EventAttribute, events.NewStringAttribute(string(store.EventCounted)))
			},
			"batch finished": func(r record) record {
				return with(r, store.EventAttribute, events.NewStringAttribute(string(store.EventFinished)))
			},
			"another item": func(r record) record {
				return with(r, store.SKAttribute, events.NewStringAttribute(store.PagePrefix+"000"))
			},
			"header removed": func(r record) record { r.EventName = "REMOVE"; return r },
			"header expired": func(record) record { return record{EventName: "REMOVE"} },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				if failed := deliver(t, f.Handler, change(header("acme", f.first.String()))); failed != "" || len(f.queue.taken) > 0 {
					t.Errorf("record %q failed, and %d messages were sent; want neither", failed, len(f.queue.taken))
				}
			})
		}
	})

	t.Run("the first failure ends the event and is returned", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			fault      func(fixture)
			middle     func(fixture) events.DynamoDBEventRecord
			wantFailed string
			wantSent   int // the batches have 2, 2 and 1 inquiries
		}{
			"all well":                   {wantSent: 5},
			"the table is down":          {fault: func(f fixture) { f.batches.down[f.second] = true }, wantFailed: "2", wantSent: 2},
			"the batch was deleted":      {fault: func(f fixture) { delete(f.batches.submitted["acme"], f.second) }, wantSent: 3},
			"the queue takes none of it": {fault: func(f fixture) { f.queue.room = 2 }, wantFailed: "2", wantSent: 2},
			"the queue takes half of it": {fault: func(f fixture) { f.queue.room = 3 }, wantFailed: "2", wantSent: 3},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				middle := header("acme", f.second.String())
				if c.middle != nil {
					middle = c.middle(f)
				}
				if c.fault != nil {
					c.fault(f)
				}
				failed := deliver(t, f.Handler, header("acme", f.first.String()), middle, header("globex", f.foreign.String()))
				if failed != c.wantFailed || len(f.queue.taken) != c.wantSent {
					t.Errorf("record %q failed after %d messages, want %q after %d", failed, len(f.queue.taken), c.wantFailed, c.wantSent)
				}
			})
		}
	})

	t.Run("what cannot be read is set aside, and the rest is sent", func(t *testing.T) {
		t.Parallel()
		invalid := func(fixture) events.DynamoDBEventRecord { return header("acme", "not-an-id") }
		for name, c := range map[string]struct {
			fault      func(fixture)
			middle     func(fixture) events.DynamoDBEventRecord
			wantAside  []string
			wantFailed string
			wantSent   int // the batches have 2, 2 and 1 inquiries
		}{
			"a header with an invalid batch id": {middle: invalid, wantAside: []string{"2"}, wantSent: 3},
			"a header with a text as its total": {
				middle: func(f fixture) events.DynamoDBEventRecord {
					return with(header("acme", f.second.String()), "total", events.NewStringAttribute("two"))
				}, wantAside: []string{"2"}, wantSent: 3,
			},
			"a canceled header without a ledger": {
				middle: func(f fixture) events.DynamoDBEventRecord {
					r := cancelRequested("acme", f.second)
					delete(r.Change.NewImage, "ledger")
					return r
				}, wantAside: []string{"2"}, wantSent: 3,
			},
			"a batch with a damaged page": {fault: func(f fixture) { f.batches.damaged[f.second] = true }, wantAside: []string{"2"}, wantSent: 3},
			"the failed records cannot be stored": {
				fault: func(f fixture) { f.failed.err = errDown }, middle: invalid, wantFailed: "2", wantSent: 2,
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				middle := header("acme", f.second.String())
				if c.middle != nil {
					middle = c.middle(f)
				}
				if c.fault != nil {
					c.fault(f)
				}
				failed := deliver(t, f.Handler, header("acme", f.first.String()), middle, header("globex", f.foreign.String()))
				if failed != c.wantFailed || len(f.queue.taken) != c.wantSent {
					t.Errorf("record %q failed and %d messages were sent, want %q and %d", failed, len(f.queue.taken), c.wantFailed, c.wantSent)
				}
				if diff := cmp.Diff(c.wantAside, f.failed.kept); diff != "" {
					t.Errorf("set aside (-want +got):\n%s", diff)
				}
				measured := fmt.Sprintf(`"RecordsSetAside":%d,`, len(c.wantAside))
				if lines := strings.Count(f.lines.String(), "\n"); len(c.wantAside) == 0 && lines != 0 || len(c.wantAside) > 0 && (lines != 1 || !strings.Contains(f.lines.String(), measured)) {
					t.Errorf("measured %q, want one line with %s if anything was set aside", f.lines, measured)
				}
			})
		}
	})

	t.Run("delivered twice, a submitted batch", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		for range 2 {
			if failed := deliver(t, f.Handler, header("acme", f.first.String())); failed != "" {
				t.Fatalf("record %s failed", failed)
			}
		}
		want := []string{f.first.Inquiry(0).String(), f.first.Inquiry(1).String()}
		if diff := cmp.Diff(want, f.queue.ids()); diff != "" || len(f.queue.taken) != 4 {
			t.Errorf("%d messages, want two sent twice; inquiries (-want +got):\n%s", len(f.queue.taken), diff)
		}
	})

	// The stream continues from the failed record.
	t.Run("died half-way, in a submitted batch", func(t *testing.T) {
		t.Parallel()
		for taken := range 5 {
			t.Run(fmt.Sprintf("after %d messages", taken), func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				f.queue.room = taken
				records := []events.DynamoDBEventRecord{
					header("acme", f.first.String()), header("acme", f.second.String()), header("globex", f.foreign.String()),
				}
				failed, err := strconv.Atoi(deliver(t, f.Handler, records...))
				if err != nil {
					t.Fatalf("no record failed: %v", err)
				}
				f.queue.room = 1000
				if again := deliver(t, f.Handler, records[failed-1:]...); again != "" {
					t.Fatalf("record %s failed again", again)
				}
				want := []string{
					f.first.Inquiry(0).String(), f.first.Inquiry(1).String(),
					f.second.Inquiry(0).String(), f.second.Inquiry(1).String(), f.foreign.Inquiry(0).String(),
				}
				slices.Sort(want)
				if diff := cmp.Diff(want, f.queue.ids()); diff != "" {
					t.Errorf("inquiries on the queue (-want +got):\n%s", diff)
				}
			})
		}
	})

	t.Run("an empty event succeeds", func(t *testing.T) {
		t.Parallel()
		if failed := deliver(t, newFixture().Handler); failed != "" {
			t.Errorf("record %q failed", failed)
		}
	})

	// The two samples belong to one batch: one is its submission, the other has its
	// messages on the queue.
	t.Run("sample event", func(t *testing.T) {
		t.Parallel()
		var submitted events.DynamoDBEvent
		sample(t, "dispatch-batch", &submitted)
		var queued events.SQSEvent
		sample(t, "process-inquiry", &queued)

		f := newFixture()
		var want []queue.Message
		var inquiries []inquiry.Inquiry
		for _, m := range queued.Records {
			msg, err := queue.Parse(m.Body)
			if err != nil {
				t.Fatal(err)
			}
			want, inquiries = append(want, msg), append(inquiries, msg.Inquiry)
		}
		f.batches.submitted["acme"][want[0].ID.Batch()] = inquiries
		if failed := deliver(t, f.Handler, submitted.Records...); failed != "" {
			t.Errorf("record %s failed", failed)
		}
		if diff := cmp.Diff(want, f.queue.taken); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})

	t.Run("delivered twice, a cancel stops the unclaimed inquiries", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		for range 2 {
			resp, err := f.Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{cancelRequested("acme", f.first)}})
			if err != nil || len(resp.BatchItemFailures) != 0 {
				t.Fatalf("%+v, %v", resp, err)
			}
		}
		if diff := cmp.Diff(map[int]int{0: 2, 3: 2}, f.batches.canceled); diff != "" {
			t.Errorf("canceled inquiries (-want +got):\n%s", diff)
		}
		if len(f.queue.taken) != 0 {
			t.Errorf("%d messages were sent", len(f.queue.taken))
		}
	})

	t.Run("died half-way, in a cancel", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.batches.down[f.first] = true
		event := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{cancelRequested("acme", f.first)}}
		if resp, err := f.Handle(t.Context(), event); err != nil || len(resp.BatchItemFailures) != 1 {
			t.Fatalf("%+v, %v; want the record to fail", resp, err)
		}
		delete(f.batches.down, f.first)
		if resp, err := f.Handle(t.Context(), event); err != nil || len(resp.BatchItemFailures) != 0 {
			t.Fatalf("%+v, %v", resp, err)
		}
		if f.batches.canceled[0] == 0 || f.batches.canceled[3] == 0 {
			t.Errorf("canceled inquiries %v, want 0 and 3", f.batches.canceled)
		}
	})

	t.Run("a rejected inquiry is not sent", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.batches.submitted["acme"][f.first][0].Rejected = []inquiry.Rejection{{Code: "form"}}
		if failed := deliver(t, f.Handler, header("acme", f.first.String())); failed != "" {
			t.Fatalf("record %s failed", failed)
		}
		if diff := cmp.Diff([]string{f.first.Inquiry(1).String()}, f.queue.ids()); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

// sample reads a sample event.
func sample(tb testing.TB, name string, into any) {
	tb.Helper()
	raw, err := os.ReadFile("../../../events/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// cancelRequested returns the stream record of a batch of four inquiries whose cancel
// was just requested. The second inquiry is claimed and the third is finished.
func cancelRequested(lender string, batch inquiry.BatchID) events.DynamoDBEventRecord {
	r := header(lender, batch.String())
	r.EventName = "MODIFY"
	r.Change.NewImage[store.EventAttribute] = events.NewStringAttribute(string(store.EventCancelRequested))
	r.Change.NewImage["total"] = events.NewNumberAttribute("4")
	r.Change.NewImage["ledger"] = events.NewBinaryAttribute([]byte{0x10, 0x02})
	return r
}

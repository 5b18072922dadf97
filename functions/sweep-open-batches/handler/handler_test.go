package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

var (
	errDown = errors.New("no answer")
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

const (
	firstCheck = 15 * time.Minute // from a batch's submission until its first sweep
	deadline   = inquiry.DefaultDeadline
)

// fakeQueue takes messages until room is used up. After that Send fails, and the
// messages that it took stay.
type fakeQueue struct {
	mu    sync.Mutex
	room  int
	taken []queue.Message
}

func (f *fakeQueue) Send(_ context.Context, messages []queue.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	fits := min(len(messages), f.room)
	f.taken, f.room = append(f.taken, messages[:fits]...), f.room-fits
	if fits < len(messages) {
		return errDown
	}
	return nil
}

// indexes returns the sorted indexes of the inquiries on the queue.
func (f *fakeQueue) indexes() []int {
	var all []int
	for _, m := range f.taken {
		all = append(all, m.ID.Index())
	}
	slices.Sort(all)
	return all
}

// fixture is the handler with the real store on a table in memory. A sweep repairs the
// state of a table, so a fake of the store would have to be a table too. Nothing
// reads the table's stream.
type fixture struct {
	*Handler
	table *table.Table
	store *store.Store
	queue *fakeQueue
	lines bytes.Buffer // of metrics
	now   time.Time
}

func newFixture() *fixture {
	f := &fixture{queue: &fakeQueue{room: 100_000}, now: noon}
	clock := func() time.Time { return f.now }
	f.table = table.New("table", clock)
	f.store = store.New(f.table, "table", clock)
	f.Handler = &Handler{Batches: f.store, Queue: f.queue, Deadline: deadline, Now: clock, Metrics: metrics.New("test", &f.lines, clock), Log: slog.New(slog.DiscardHandler)}
	return f
}

// submit submits a batch of acme now. Its inquiries are named by their index.
func (f *fixture) submit(tb testing.TB, total int) inquiry.BatchID {
	tb.Helper()
	return submit(tb, f.store, total)
}

func submit(tb testing.TB, s *store.Store, total int) inquiry.BatchID {
	tb.Helper()
	lender, _, err := s.CreateLender(tb.Context(), inquiry.Lender{ID: "acme", Name: "Acme Lending"})
	if err != nil {
		tb.Fatal(err)
	}
	if _, _, err := s.AddUser(tb.Context(), store.User{ID: "u1", LenderID: "acme", Role: "member"}); err != nil {
		tb.Fatal(err)
	}
	sub := inquiry.Submission{Submitter: inquiry.Submitter{UserID: "u1", Role: "member"}, Name: "A batch"}
	for i := range total {
		sub.Inquiries = append(sub.Inquiries, inquiry.Inquiry{BusinessName: fmt.Sprint("Business ", i)})
	}
	id, _, err := s.Submit(tb.Context(), lender, sub)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// claim claims an inquiry for a minute.
func (f *fixture) claim(tb testing.TB, id inquiry.ID) store.Claim {
	tb.Helper()
	claim, err := f.store.Claim(tb.Context(), "acme", id, "worker "+id.String(), f.now.Add(time.Minute))
	if err != nil {
		tb.Fatal(err)
	}
	return claim
}

// complete claims and completes an inquiry.
func (f *fixture) complete(tb testing.TB, id inquiry.ID) {
	tb.Helper()
	if err := f.store.Finish(tb.Context(), f.claim(tb, id), store.Result{Status: inquiry.StatusCompleted}); err != nil {
		tb.Fatal(err)
	}
}

func (f *fixture) batch(tb testing.TB, id inquiry.BatchID) inquiry.Batch {
	tb.Helper()
	b, err := f.store.Batch(tb.Context(), "acme", id)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func (f *fixture) sweep(tb testing.TB) {
	tb.Helper()
	if err := f.Handle(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// open returns the time at which each open batch is due.
func (f *fixture) open(tb testing.TB) map[inquiry.BatchID]time.Time {
	tb.Helper()
	open := map[inquiry.BatchID]time.Time{}
	for _, it := range f.table.Items() {
		if next, ok := it[store.NextCheckAtAttribute].(*types.AttributeValueMemberN); ok {
			id, err := inquiry.ParseBatchID(it["batchId"].(*types.AttributeValueMemberS).Value)
			var seconds int64
			if _, scan := fmt.Sscan(next.Value, &seconds); scan != nil || err != nil {
				tb.Fatal(scan, err)
			}
			open[id] = time.Unix(seconds, 0).UTC()
		}
	}
	return open
}

// key returns the key of an item in one of acme's batches.
func key(id inquiry.BatchID, sort string) table.Key {
	return table.Key{PK: store.LenderPrefix + "acme" + store.BatchInfix + id.String(), SK: sort}
}

func TestSweep(t *testing.T) {
	t.Parallel()

	t.Run("lost stream records are counted", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 3)
		f.complete(t, id.Inquiry(0))
		f.complete(t, id.Inquiry(2))
		f.now = noon.Add(firstCheck)
		held := f.claim(t, id.Inquiry(1))
		f.sweep(t)
		if b := f.batch(t, id); b.Counts() != (inquiry.Counts{Completed: 2, Running: 1}) || b.Status() != inquiry.BatchRunning {
			t.Errorf("after the first sweep %s, %+v", b.Status(), b.Counts())
		}

		if err := f.store.Finish(t.Context(), held, store.Result{Status: inquiry.StatusPartialSuccess}); err != nil {
			t.Fatal(err)
		}
		f.now = noon.Add(2 * firstCheck)
		f.sweep(t)
		if b := f.batch(t, id); b.Status() != inquiry.BatchPartialSuccess || b.Sums.Attempts != 3 || len(f.open(t)) != 0 {
			t.Errorf("after the second sweep %s, %+v, %d open", b.Status(), b.Sums, len(f.open(t)))
		}
		if len(f.queue.taken) != 0 {
			t.Errorf("%v were sent again", f.queue.indexes())
		}
	})

	t.Run("it measures the oldest batch that it leaves unfinished", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		oldest := func() float64 {
			t.Helper()
			f.lines.Reset()
			_ = f.Handle(t.Context())
			var line struct{ OldestOpenBatchMinutes *float64 }
			if err := json.Unmarshal(f.lines.Bytes(), &line); err != nil || line.OldestOpenBatchMinutes == nil {
				t.Fatalf("not one line with the metric: %q, %v", f.lines.String(), err)
			}
			return *line.OldestOpenBatchMinutes
		}
		if got := oldest(); got != 0 {
			t.Errorf("with no batch %v", got)
		}
		first := f.submit(t, 1)
		f.now = noon.Add(10 * time.Minute)
		f.submit(t, 1)
		f.now = noon.Add(70 * time.Minute)
		if got := oldest(); got != 70 {
			t.Errorf("with two batches %v, want the age of the older, 70", got)
		}
		// The older one finishes, but its stream records are lost.
		f.complete(t, first.Inquiry(0))
		f.now = noon.Add(140 * time.Minute) // both are due again
		if got := oldest(); got != 130 {
			t.Errorf("after the older one ended %v, want 130", got)
		}
		f.now = noon.Add(270 * time.Minute)
		f.table.Before = func(operation string, _ any) error {
			if operation == "UpdateItem" {
				return errDown
			}
			return nil
		}
		if got := oldest(); got != 260 {
			t.Errorf("with a batch that cannot be swept %v, want 260", got)
		}
	})

	t.Run("idle inquiries are sent again", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 5)
		f.claim(t, id.Inquiry(1)) // by a worker that dies
		f.complete(t, id.Inquiry(3))
		f.now = noon.Add(firstCheck)
		f.claim(t, id.Inquiry(2)) // by a worker that is still running
		for range 2 {
			f.sweep(t) // the second run has nothing to do
		}
		var want []queue.Message
		for _, i := range []int{1, 0, 4} {
			want = append(want, queue.Message{LenderID: "acme", ID: id.Inquiry(i), Inquiry: inquiry.Inquiry{BusinessName: fmt.Sprint("Business ", i)}})
		}
		if diff := cmp.Diff(want, f.queue.taken); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		f.now = noon.Add(2 * firstCheck)
		f.sweep(t) // by now the lease of number 2 has ended too
		if diff := cmp.Diff([]int{0, 0, 1, 1, 2, 4, 4}, f.queue.indexes()); diff != "" {
			t.Errorf("inquiries sent in both sweeps (-want +got):\n%s", diff)
		}
	})

	// Each of the two writes moves the header in the index, which removes one entry and
	// adds another.
	t.Run("a sweep costs six write units", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.submit(t, 250)
		before := f.table.Consumed()["UpdateItem"].Write
		f.now = noon.Add(firstCheck)
		f.sweep(t)
		if units := f.table.Consumed()["UpdateItem"].Write - before; units != 6 {
			t.Errorf("the sweep cost %v write units, want 6", units)
		}
	})

	t.Run("past its deadline a batch ends in one sweep", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 3)
		f.claim(t, id.Inquiry(0)) // by a worker that dies
		f.complete(t, id.Inquiry(1))
		f.now = noon.Add(deadline)
		f.sweep(t)
		b := f.batch(t, id)
		if b.Status() != inquiry.BatchPartialSuccess || b.Counts() != (inquiry.Counts{Completed: 1, Failed: 2}) || len(f.open(t)) != 0 {
			t.Errorf("after one sweep %s, %+v, %d open", b.Status(), b.Counts(), len(f.open(t)))
		}
		for _, i := range []int{0, 2} {
			entry, err := f.store.Entry(t.Context(), "acme", id.Inquiry(i))
			if err != nil {
				t.Fatal(err)
			}
			if r := entry.Record; r.Failure != inquiry.FailureDeadline || !r.Retryable {
				t.Errorf("inquiry %d: failure %q, retryable %t", i, r.Failure, r.Retryable)
			}
			if at := entry.Record.Figures.FinishedAt; !at.Equal(f.now) {
				t.Errorf("inquiry %d finished at %s, want %s", i, at, f.now)
			}
		}
		if len(f.queue.taken) != 0 {
			t.Errorf("%v were sent again", f.queue.indexes())
		}
	})

	// The worker claims a moment before the sweep fails the inquiry. It keeps the inquiry,
	// and the batch is due again in the next run.
	t.Run("a worker that claims during the sweep keeps the inquiry", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 1)
		f.now = noon.Add(deadline)
		f.table.Before = func(_ string, in any) error {
			if update, ok := in.(*dynamodb.UpdateItemInput); ok && strings.Contains(*update.UpdateExpression, "failure") { // the sweep is about to fail the inquiry
				f.table.Before = nil
				f.claim(t, id.Inquiry(0))
			}
			return nil
		}
		f.sweep(t)
		if b := f.batch(t, id); b.Status() != inquiry.BatchRunning || !f.open(t)[id].Equal(f.now.Add(defaultTime)) {
			t.Errorf("the batch is %s, %+v, and due at %s", b.Status(), b.Counts(), f.open(t)[id])
		}
		f.now = f.now.Add(5 * time.Minute) // the worker died
		f.sweep(t)
		if b := f.batch(t, id); b.Status() != inquiry.BatchFailed {
			t.Errorf("after the next sweep the batch is %s, %+v", b.Status(), b.Counts())
		}
	})

	t.Run("a lost cancel is carried out", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			age    time.Duration
			status inquiry.BatchStatus
			counts inquiry.Counts
			sent   []int
		}{
			"before the deadline": {firstCheck, inquiry.BatchRunning, inquiry.Counts{Running: 1, Completed: 1, Cancelled: 2}, []int{0}},
			"past the deadline":   {deadline, inquiry.BatchCancelled, inquiry.Counts{Failed: 1, Completed: 1, Cancelled: 2}, nil},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				id := f.submit(t, 4)
				f.claim(t, id.Inquiry(0)) // by a worker that dies
				f.complete(t, id.Inquiry(1))
				if _, err := f.store.RequestCancel(t.Context(), "acme", id); err != nil {
					t.Fatal(err)
				}
				f.now = noon.Add(c.age)
				f.sweep(t)
				b := f.batch(t, id)
				if b.Status() != c.status || b.Counts() != c.counts {
					t.Errorf("the batch is %s, %+v; want %s, %+v", b.Status(), b.Counts(), c.status, c.counts)
				}
				if diff := cmp.Diff(c.sent, f.queue.indexes()); diff != "" {
					t.Errorf("sent again (-want +got):\n%s", diff)
				}
			})
		}
	})

	// A lender who cancels an old batch does not have to wait until it is twice as old.
	t.Run("a lost cancel of an old batch is carried out by the next run", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 2)
		f.now = noon.Add(time.Hour)
		f.sweep(t)
		f.now = noon.Add(time.Hour + time.Minute)
		if _, err := f.store.RequestCancel(t.Context(), "acme", id); err != nil {
			t.Fatal(err)
		}
		f.now = noon.Add(time.Hour + 5*time.Minute)
		f.sweep(t)
		if b := f.batch(t, id); b.Status() != inquiry.BatchCancelled {
			t.Errorf("the batch is %s, %+v", b.Status(), b.Counts())
		}
	})

	t.Run("a lost cancel of 300 inquiries ends the batch", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 300)
		if _, err := f.store.RequestCancel(t.Context(), "acme", id); err != nil {
			t.Fatal(err)
		}
		f.now = noon.Add(firstCheck)
		f.sweep(t)
		if b := f.batch(t, id); b.Status() != inquiry.BatchCancelled || b.Counts().Cancelled != 300 || len(f.open(t)) != 0 {
			t.Errorf("the batch is %s, %+v", b.Status(), b.Counts())
		}
	})

	// Every message is lost, and a sweep runs every minute.
	t.Run("the gaps between sweeps grow until the deadline", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 1)
		var ages []time.Duration
		for minutes := range 7 * 60 {
			f.now = noon.Add(time.Duration(minutes) * time.Minute)
			before := len(f.queue.taken)
			f.sweep(t)
			if len(f.queue.taken) > before || f.batch(t, id).Status().Final() {
				ages = append(ages, f.now.Sub(noon))
			}
			if f.batch(t, id).Status().Final() {
				break
			}
		}
		want := []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour}
		if diff := cmp.Diff(want, ages); diff != "" {
			t.Errorf("ages at which the batch was swept (-want +got):\n%s", diff)
		}
		if b := f.batch(t, id); b.Status() != inquiry.BatchFailed {
			t.Errorf("the batch ended as %s", b.Status())
		}
	})

	t.Run("a batch that is deleted during the sweep is ignored", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 1)
		f.now = noon.Add(firstCheck)
		f.table.After = func(operation string, _ any) error {
			if operation == "Query" { // the first query reads the index
				f.table.Remove(key(id, store.HeaderSK))
				f.table.Remove(key(id, store.PagePrefix+"000"))
			}
			return nil
		}
		f.sweep(t)
		if len(f.queue.taken) != 0 || f.table.Item(key(id, store.HeaderSK)) != nil {
			t.Errorf("%d messages; header %v", len(f.queue.taken), f.table.Item(key(id, store.HeaderSK)))
		}
	})
}

func TestHandle(t *testing.T) {
	t.Parallel()

	// The broken batches are first in line.
	t.Run("broken batches do not keep a healthy one waiting", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		broken := make([]inquiry.BatchID, 2*batchesAtOnce)
		for i := range broken {
			broken[i] = f.submit(t, 1)
			f.table.Remove(key(broken[i], store.PagePrefix+"000"))
		}
		f.now = noon.Add(time.Second)
		healthy := f.submit(t, 1)
		f.now = noon.Add(firstCheck + 5*time.Minute)
		if err := f.Handle(t.Context()); err == nil {
			t.Error("the run returns no error, so it raises no alarm")
		}
		if len(f.queue.taken) != 1 || f.queue.taken[0].ID != healthy.Inquiry(0) {
			t.Errorf("after one run, %v were sent", f.queue.taken)
		}
		open := f.open(t)
		for _, id := range broken {
			if again := open[id]; !again.Equal(f.now.Add(defaultTime)) {
				t.Fatalf("a batch that could not be repaired has to wait until %s", again)
			}
		}
	})

	// An expired batch no longer exists for lenders, but stays in the index for days until
	// DynamoDB deletes it.
	t.Run("an expired batch is ignored", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.submit(t, 1)
		f.now = noon.Add(inquiry.Retention)
		healthy := f.submit(t, 1)
		f.now = f.now.Add(firstCheck)
		f.sweep(t)
		if len(f.queue.taken) != 1 || f.queue.taken[0].ID != healthy.Inquiry(0) {
			t.Errorf("%v were sent", f.queue.taken)
		}
	})

	t.Run("the queue takes only some of the messages", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		ids := []inquiry.BatchID{f.submit(t, 3), f.submit(t, 3)}
		f.queue.room = 4
		f.now = noon.Add(firstCheck)
		if err := f.Handle(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("the run returned %v, want %v", err, errDown)
		}
		due := slices.Collect(maps.Values(f.open(t)))
		slices.SortFunc(due, time.Time.Compare)
		if diff := cmp.Diff([]time.Time{f.now.Add(defaultTime), noon.Add(2 * firstCheck)}, due); diff != "" {
			t.Errorf("the batch that could not be sent must be due in the next run (-want +got):\n%s", diff)
		}
		f.queue.room = 100
		f.now = f.now.Add(5 * time.Minute)
		f.sweep(t)
		sent := map[inquiry.ID]bool{}
		for _, m := range f.queue.taken {
			sent[m.ID] = true
		}
		for _, id := range ids {
			for i := range 3 {
				if !sent[id.Inquiry(i)] {
					t.Errorf("inquiry %s was not sent", id.Inquiry(i))
				}
			}
		}
	})

	t.Run("the table is down", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.submit(t, 1)
		f.now = noon.Add(firstCheck)
		f.table.Before = func(string, any) error { return errDown }
		if err := f.Handle(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("%v, want %v", err, errDown)
		}
	})

	// The function dies at its first, second, ... call to the table, before or after the
	// work of that call. The next run completes the work.
	t.Run("died half-way", func(t *testing.T) {
		t.Parallel()
		for name, done := range map[string]bool{"before the call": false, "after the call": true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for last, finished := 0, false; !finished; last++ {
					f, ids := mixture(t)
					finished = f.dieAt(t, last, done)
					f.table.Before, f.table.After = nil, nil
					f.now = f.now.Add(5 * time.Minute)
					f.sweep(t)
					checkMixture(t, f, ids)
					if t.Failed() {
						t.Fatalf("it died at call %d", last)
					}
				}
			})
		}
	})

	// A schedule may start a function more than once.
	t.Run("started four times at once", func(t *testing.T) {
		t.Parallel()
		f, ids := mixture(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := f.Handle(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		checkMixture(t, f, ids)
	})
}

// mixture returns a table with four batches. checkMixture checks them after a sweep.
func mixture(tb testing.TB) (f *fixture, ids [4]inquiry.BatchID) {
	tb.Helper()
	f = newFixture()
	ids[0] = f.submit(tb, 3) // past its deadline, with a worker that died
	f.claim(tb, ids[0].Inquiry(1))
	ids[1] = f.submit(tb, 2) // past its deadline, with a lost cancel
	if _, err := f.store.RequestCancel(tb.Context(), "acme", ids[1]); err != nil {
		tb.Fatal(err)
	}
	ids[2] = f.submit(tb, 1) // finished, but not counted
	f.complete(tb, ids[2].Inquiry(0))
	f.now = noon.Add(deadline - firstCheck)
	ids[3] = f.submit(tb, 2) // never dispatched
	f.now = noon.Add(deadline)
	return f, ids
}

func checkMixture(tb testing.TB, f *fixture, ids [4]inquiry.BatchID) {
	tb.Helper()
	want := [4]inquiry.BatchStatus{inquiry.BatchFailed, inquiry.BatchCancelled, inquiry.BatchCompleted, inquiry.BatchPending}
	var got [4]inquiry.BatchStatus
	for i, id := range ids {
		got[i] = f.batch(tb, id).Status()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("batches (-want +got):\n%s", diff)
	}
	sent := slices.Compact(f.queue.indexes())
	if diff := cmp.Diff([]int{0, 1}, sent); diff != "" || f.queue.taken[0].ID.Batch() != ids[3] {
		tb.Errorf("sent again (-want +got):\n%s", diff)
	}
	if open := f.open(tb); len(open) != 1 || !open[ids[3]].After(f.now) {
		tb.Errorf("open: %v", open)
	}
}

// dieAt runs a sweep that dies at the call with this number. It reports whether the
// sweep finished before that call.
func (f *fixture) dieAt(tb testing.TB, last int, done bool) (finished bool) {
	tb.Helper()
	var calls atomic.Int32
	f.table.Before = func(string, any) error {
		if n := int(calls.Add(1)) - 1; n > last || n == last && !done {
			return errDown
		}
		return nil
	}
	f.table.After = func(string, any) error {
		if int(calls.Load())-1 >= last {
			return errDown
		}
		return nil
	}
	err := f.Handle(tb.Context())
	if finished = int(calls.Load()) <= last; finished != (err == nil) {
		tb.Fatalf("after %d calls the run returned %v", calls.Load(), err)
	}
	return finished
}

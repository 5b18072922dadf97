package handler

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// newStore returns a store on a new table in a real engine.
func newStore(tb testing.TB, now func() time.Time) *store.Store {
	tb.Helper()
	db, name := enginetest.NewTable(tb)
	return store.New(db, name, now)
}

func TestHandleWithTable(t *testing.T) {
	t.Parallel()

	// Nothing but sweeps happens to two batches of two buckets each. One is canceled, the
	// other reaches its deadline.
	t.Run("sweeps alone end a batch", func(t *testing.T) {
		t.Parallel()
		now := noon
		s := newStore(t, func() time.Time { return now })
		messages := &fakeQueue{room: 10_000}
		h := &Handler{Batches: s, Queue: messages, Deadline: deadline, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
		at := func(age time.Duration) {
			t.Helper()
			now = noon.Add(age)
			if err := h.Handle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		const total = 260
		waiting, canceled := submit(t, s, total), submit(t, s, total)
		for i := range 3 {
			claim, err := s.Claim(t.Context(), "acme", waiting.Inquiry(i*100), "worker", noon.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				continue // a worker that dies
			}
			if err := s.Finish(t.Context(), claim, store.Result{Status: inquiry.StatusCompleted, Report: []byte("a report")}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.RequestCancel(t.Context(), "acme", canceled); err != nil {
			t.Fatal(err)
		}

		at(firstCheck)
		if len(messages.taken) != total-2 {
			t.Errorf("%d messages, want all but the two finished", len(messages.taken))
		}
		at(firstCheck) // again at the same time
		if len(messages.taken) != total-2 {
			t.Errorf("%d messages after a second run", len(messages.taken))
		}
		at(deadline)
		for id, want := range map[inquiry.BatchID]inquiry.Counts{
			waiting: {Completed: 2, Failed: total - 2}, canceled: {Cancelled: total},
		} {
			b, err := s.Batch(t.Context(), "acme", id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, b.Counts()); diff != "" {
				t.Errorf("batch %s (-want +got):\n%s", id, diff)
			}
		}
		for due, err := range s.Due(t.Context()) {
			t.Errorf("%v, %v; want no open batch", due, err)
		}
	})
}

package handler

import (
	"errors"
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

	// There are four letters. Their inquiries were never claimed, are claimed by a worker,
	// have a worker that died, and were completed by the last attempt.
	t.Run("dead letters become failures", func(t *testing.T) {
		t.Parallel()
		now := batch.CreatedAt()
		s := newStore(t, func() time.Time { return now })
		h := &Handler{Inquiries: s, Log: slog.New(slog.DiscardHandler)}
		lender, _, err := s.CreateLender(t.Context(), inquiry.Lender{ID: "acme", Name: "Acme Lending"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.AddUser(t.Context(), store.User{ID: "u1", LenderID: "acme", Role: "member"}); err != nil {
			t.Fatal(err)
		}
		by := inquiry.Submitter{UserID: "u1", Role: "member"}
		id, _, err := s.Submit(t.Context(), lender, inquiry.Submission{Submitter: by, Name: "A batch", Inquiries: make([]inquiry.Inquiry, 4)})
		if err != nil {
			t.Fatal(err)
		}
		claims := map[int]store.Claim{}
		for index, lease := range map[int]time.Duration{1: time.Hour, 2: 0, 3: time.Hour} {
			if claims[index], err = s.Claim(t.Context(), "acme", id.Inquiry(index), "worker", now.Add(lease)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Finish(t.Context(), claims[3], store.Result{Status: inquiry.StatusCompleted}); err != nil {
			t.Fatal(err)
		}

		back := deliver(t, h, letter(t, id.Inquiry(0)), letter(t, id.Inquiry(1)), letter(t, id.Inquiry(2)), letter(t, id.Inquiry(3)))
		if diff := cmp.Diff([]string{"m1"}, back); diff != "" {
			t.Errorf("letters to deliver again (-want +got):\n%s", diff)
		}
		now = now.Add(time.Hour) // this worker died too
		if back := deliver(t, h, letter(t, id.Inquiry(1))); back != nil {
			t.Errorf("%v have to be delivered again", back)
		}
		if err := s.Finish(t.Context(), claims[1], store.Result{Status: inquiry.StatusCompleted}); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("a worker that finishes late gets %v, want %v", err, inquiry.ErrFinished)
		}
		page, err := s.ListEntries(t.Context(), "acme", id, inquiry.EntryQuery{Limit: 4})
		if err != nil {
			t.Fatal(err)
		}
		type end struct {
			Status  inquiry.Status
			Failure string
		}
		var got []end
		for _, e := range page.Entries {
			got = append(got, end{e.Record.Status, e.Record.Failure})
		}
		exhausted := end{inquiry.StatusFailed, inquiry.FailureExhausted}
		if diff := cmp.Diff([]end{exhausted, exhausted, exhausted, {Status: inquiry.StatusCompleted}}, got); diff != "" {
			t.Errorf("inquiries (-want +got):\n%s", diff)
		}
	})
}

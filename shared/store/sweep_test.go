package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestDue(t *testing.T) {
	t.Parallel()

	t.Run("the most overdue batch first", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		var ids []inquiry.BatchID
		for i := range 3 {
			id, _, err := s.later(time.Duration(i)*time.Minute).Submit(t.Context(), lender, submission(1))
			if err != nil {
				t.Fatal(err)
			}
			lender.BatchCount++
			ids = append(ids, id)
		}
		due := func(after time.Duration, limit int) []BatchRef {
			t.Helper()
			refs, err := s.later(after).Due(t.Context(), limit)
			if err != nil {
				t.Fatal(err)
			}
			return refs
		}
		if refs := due(firstCheck-time.Second, 10); len(refs) != 0 {
			t.Errorf("due too early: %v", refs)
		}
		all := []BatchRef{{acme, ids[0]}, {acme, ids[1]}, {acme, ids[2]}}
		if diff := cmp.Diff(all, due(firstCheck+2*time.Minute, 10)); diff != "" {
			t.Errorf("due (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(all[:2], due(firstCheck+2*time.Minute, 2)); diff != "" {
			t.Errorf("the first two (-want +got):\n%s", diff)
		}

		if err := s.Postpone(t.Context(), all[0], noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Merge(t.Context(), acme, ids[1], []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all[2:], due(firstCheck+2*time.Minute, 10)); diff != "" {
			t.Errorf("after one was postponed and one finished (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]BatchRef{all[2], all[0]}, due(time.Hour, 10)); diff != "" {
			t.Errorf("an hour later (-want +got):\n%s", diff)
		}
	})
}

func TestPostpone(t *testing.T) {
	t.Parallel()

	t.Run("neither reopens nor dispatches the batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 1)
		if err := s.Postpone(t.Context(), BatchRef{acme, id}, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		h, err := s.get(t.Context(), key(batchKey(acme, id), headerKey), consistent)
		if err != nil || textOf(h, EventAttribute) == string(EventSubmitted) {
			t.Errorf("event %q would dispatch the batch again, %v", textOf(h, EventAttribute), err)
		}
		if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Postpone(t.Context(), BatchRef{acme, id}, noon); err != nil || s.openBatches(t) != 0 {
			t.Errorf("a finished batch: %v; %d batches are open", err, s.openBatches(t))
		}
		if err := s.Postpone(t.Context(), BatchRef{acme, inquiry.NewBatchID(noon)}, noon); err != nil || s.openBatches(t) != 0 {
			t.Errorf("a deleted batch: %v; %d batches are open", err, s.openBatches(t))
		}
	})
}

func TestRecords(t *testing.T) {
	t.Parallel()

	t.Run("all inquiries beyond PLANNING", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 600)
		batch, err := s.Batch(t.Context(), acme, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, index := range []int{0, 255, 256, 599} {
			if _, err := s.Claim(t.Context(), acme, id.Inquiry(index), "worker", s.until()); err != nil {
				t.Fatal(err)
			}
		}
		claim, err := s.later(lease).Claim(t.Context(), acme, id.Inquiry(256), "another", s.until().Add(lease))
		if err != nil {
			t.Fatal(err)
		}
		figures := map[string]inquiry.SourceFigures{"ofac": {Outcome: inquiry.OutcomeFound, Records: 2, Elapsed: time.Millisecond}}
		result := Result{Status: inquiry.StatusFailed, Sources: figures, Report: []byte("a report"), Failure: "WHY", Retryable: true}
		if err := s.later(lease).Finish(t.Context(), claim, result); err != nil {
			t.Fatal(err)
		}
		records, err := s.Records(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, r := range records {
			got = append(got, r.ID.Index())
			if r.Status.Final() {
				// Everything except the report, which may be large.
				want, err := s.Entry(t.Context(), acme, r.ID)
				want.Record.Report = nil
				if diff := cmp.Diff(want.Record, r); diff != "" || err != nil {
					t.Errorf("%v; final record (-from Entry +from Records):\n%s", err, diff)
				}
				continue
			}
			if r.Status != inquiry.StatusRunning || !r.LeaseUntil.Equal(s.until()) {
				t.Errorf("the record is %+v; want RUNNING until %s", r, s.until())
			}
		}
		if diff := cmp.Diff([]int{0, 255, 256, 599}, got); diff != "" {
			t.Errorf("indexes (-want +got):\n%s", diff)
		}
	})
}

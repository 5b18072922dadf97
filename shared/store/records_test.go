package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

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
		for _, index := range []int{0, 1, 2, 255, 256, 599} {
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
		if diff := cmp.Diff([]int{0, 1, 2, 255, 256, 599}, got); diff != "" {
			t.Errorf("indexes (-want +got):\n%s", diff)
		}
	})
}

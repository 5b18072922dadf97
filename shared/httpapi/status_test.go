package httpapi_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// ended is a change of an inquiry that took a second.
func ended(index int, status inquiry.Status) inquiry.Change {
	started := noon.Add(time.Duration(index) * time.Second)
	return inquiry.Change{Index: index, Status: status, Figures: inquiry.Figures{StartedAt: started, FinishedAt: started.Add(time.Second), Attempts: 1}}
}

func TestStatusReason(t *testing.T) {
	t.Parallel()

	t.Run("it explains the status", func(t *testing.T) {
		t.Parallel()
		const completed, partial, failed, cancelled = inquiry.StatusCompleted, inquiry.StatusPartialSuccess, inquiry.StatusFailed, inquiry.StatusCancelled
		tests := map[string]struct {
			inquiries []inquiry.Status
			cancel    bool
			want      string
		}{
			"nothing started": {nil, false, "No inquiry has started"},
			"in progress":     {[]inquiry.Status{completed}, false, "1 of 2 inquiries are not finished"},
			"being canceled":  {[]inquiry.Status{completed}, true, "being canceled"},
			"just canceled":   {nil, true, "being canceled"},
			"completed":       {[]inquiry.Status{completed, completed}, false, "Every applicable source answered"},
			"failed":          {[]inquiry.Status{failed, failed}, false, "No inquiry has a useful report"},
			"mixed":           {[]inquiry.Status{partial, failed}, false, "1 have a report that lacks a source and 1 have no useful report"},
			"canceled":        {[]inquiry.Status{completed, cancelled}, true, "1 of 2 inquiries were canceled"},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := statusOf(t, 2, tt.inquiries, tt.cancel)
				if !strings.Contains(got.StatusReason, tt.want) {
					t.Errorf("%q, want %q in it", got.StatusReason, tt.want)
				}
				if got.EstimatedEnd != nil {
					t.Errorf("an estimate from %d inquiries: %+v", len(tt.inquiries), got.EstimatedEnd)
				}
			})
		}
	})
}

// statusOf returns the status of a batch whose first inquiries have these statuses.
func statusOf(t testing.TB, total int, inquiries []inquiry.Status, cancel bool) httpapi.BatchBody {
	t.Helper()
	b := inquiry.Batch{ID: inquiry.NewBatchID(noon), LenderID: acme, Name: "A", Operation: inquiry.OperationSubmit, Tally: inquiry.NewTally(total)}
	for i, status := range inquiries {
		b.Tally, _ = b.Merge(ended(i, status))
	}
	if cancel {
		b.CancelRequestedAt = noon
	}
	fake := newFake()
	fake.batches = append(fake.batches, b)
	_, body := newClient(t, fake, io.Discard).do(t, "GET", "/v1/batch-inquiries/"+b.ID.String(), "")
	var got httpapi.BatchBody
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return got
}

func TestEstimate(t *testing.T) {
	t.Parallel()

	t.Run("it follows the pace so far", func(t *testing.T) {
		t.Parallel()
		done := make([]inquiry.Status, 20)
		for i := range done {
			done[i] = inquiry.StatusCompleted
		}
		got := statusOf(t, 32, done, false)
		if truth := noon.Add(32 * time.Second); got.EstimatedEnd == nil || truth.Before(got.EstimatedEnd.Earliest) || truth.After(got.EstimatedEnd.Latest) {
			t.Errorf("estimate %+v, the true end is %v", got.EstimatedEnd, truth)
		}
		if timing := got.TimingSummary; timing == nil || timing.P50Seconds != 1 || timing.P95Seconds != 1 || timing.MeanSeconds != 1 {
			t.Errorf("timing %+v", got.TimingSummary)
		}
		got = statusOf(t, 20, done, false)
		if plan := got.PhaseProgress.Plan; plan.EndedAt == nil || !plan.EndedAt.Equal(noon.Add(19*time.Second)) || got.EstimatedEnd != nil {
			t.Errorf("when all are finished: plan %+v, estimate %+v", plan, got.EstimatedEnd)
		}
	})
}

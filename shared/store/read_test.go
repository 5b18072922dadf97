package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestEntriesArePagedInTheOrderOfSubmission(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	const total = 2600 // two pages and eleven buckets
	id := mustSubmit(t, s, acme, total)
	for _, index := range []int{0, 255, 256, 1500} {
		if _, err := s.Claim(t.Context(), acme, id.Inquiry(index), "worker", s.until()); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct{ offset, limit, first, want int }{
		"the first page":             {0, 100, 0, 100},
		"across a bucket's end":      {250, 20, 250, 20},
		"across a stored page's end": {1400, 500, 1400, 500},
		"the last, shorter page":     {2550, 100, 2550, 50},
		"beyond the end":             {2600, 100, 0, 0},
		"far beyond the end":         {100_000, 500, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			batch, entries, err := s.Entries(t.Context(), acme, id, tt.offset, tt.limit)
			if err != nil || batch.Total != total || len(entries) != tt.want {
				t.Fatalf("%d entries of %d, %v; want %d", len(entries), batch.Total, err, tt.want)
			}
			for i, e := range entries {
				index := tt.first + i
				status := inquiry.StatusPlanning
				if index == 0 || index == 255 || index == 256 || index == 1500 {
					status = inquiry.StatusRunning
				}
				if e.ID != id.Inquiry(index) || e.Inquiry.ExternalID != fmt.Sprintf("LOAN-%d", index) || e.Record.Status != status {
					t.Fatalf("entry %d is %s, %s, %s", index, e.ID, e.Inquiry.ExternalID, e.Record.Status)
				}
			}
		})
	}
}

func TestBatchesAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lender := newLender(t, s, acme)
	const total = 7
	for range total {
		if _, _, err := s.Submit(t.Context(), lender, submission(1)); err != nil {
			t.Fatal(err)
		}
		lender.BatchCount++
	}
	tests := map[string]struct {
		offset, limit int
		want          []int
	}{
		"all":            {0, 100, []int{7, 6, 5, 4, 3, 2, 1}},
		"the first page": {0, 3, []int{7, 6, 5}},
		"the next page":  {3, 3, []int{4, 3, 2}},
		"the last page":  {6, 3, []int{1}},
		"beyond the end": {7, 3, nil},
		"far beyond":     {100_000, 500, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			batches, n, err := s.Batches(t.Context(), acme, tt.offset, tt.limit)
			var got []int
			for _, b := range batches {
				got = append(got, b.Ordinal)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || n != total || err != nil {
				t.Errorf("total %d, %v; ordinals (-want +got):\n%s", n, err, diff)
			}
		})
	}
}

func TestAnExpiredBatchIsNotFoundBeforeItIsRemoved(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := mustSubmit(t, s, acme, 1)
	if _, err := s.later(inquiry.Retention-time.Second).Batch(t.Context(), acme, id); err != nil {
		t.Errorf("a second before its expiry: %v", err)
	}
	if _, err := s.later(inquiry.Retention).Batch(t.Context(), acme, id); err == nil {
		t.Error("an expired batch was read")
	}
}

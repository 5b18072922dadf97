package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestARejectedInquiryIsStoredWithItsBatchAndCounted(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lender, sub := newLender(t, s, acme), submission(3)
	why := []inquiry.Rejection{{Pointer: "/ein", Code: "form", Message: "nine digits"}}
	sub.Inquiries[1] = inquiry.Inquiry{BusinessName: "Business 1 LLC", ExternalID: "LOAN-1", Rejected: why}
	sub.Metadata = map[string]string{"portfolio": "north"}
	id, _, err := s.Submit(t.Context(), lender, sub)
	if err != nil {
		t.Fatal(err)
	}
	batch, entries, err := s.Entries(t.Context(), acme, id, 0, 10)
	if err != nil || batch.Counts() != (inquiry.Counts{Planning: 2, Failed: 1}) || batch.Metadata["portfolio"] != "north" {
		t.Errorf("batch %+v, %v", batch, err)
	}
	want := inquiry.Record{ID: id.Inquiry(1), Status: inquiry.StatusFailed, Failure: inquiry.FailureInvalid, Figures: inquiry.Figures{FinishedAt: id.CreatedAt()}}
	if diff := cmp.Diff(want, entries[1].Record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(why, entries[1].Inquiry.Rejected); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if entry, err := s.Entry(t.Context(), acme, id.Inquiry(1)); err != nil || entry.Record.Status != inquiry.StatusFailed {
		t.Errorf("the inquiry alone: %+v, %v", entry.Record, err)
	}
	h, err := s.get(t.Context(), key(batchKey(acme, id), headerKey), true)
	if err != nil || textOf(h, "openShard") == "" {
		t.Errorf("the batch is not open, %v", err)
	}

	batch, err = s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted), finished(2, inquiry.StatusCompleted)})
	if err != nil || batch.Status() != inquiry.BatchPartialSuccess || s.open(t) != 0 {
		t.Errorf("it ends as %s, %v", batch.Status(), err)
	}
}

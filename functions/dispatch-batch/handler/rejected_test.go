package handler

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestARejectedInquiryIsNotSent(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.batches.submitted["acme"][f.first][0].Rejected = []inquiry.Rejection{{Code: "form"}}
	if failed := deliver(t, f.Handler, header("acme", f.first.String())); failed != "" {
		t.Fatalf("record %s failed", failed)
	}
	if diff := cmp.Diff([]string{f.first.Inquiry(1).String()}, f.queue.ids()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

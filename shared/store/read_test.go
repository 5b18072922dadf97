package store

import (
	"errors"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestBatch(t *testing.T) {
	t.Parallel()

	t.Run("an expired batch is not found before it is removed", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 1)
		if _, err := s.later(inquiry.Retention-time.Second).Batch(t.Context(), acme, id); err != nil {
			t.Errorf("a second before its expiry: %v", err)
		}
		if _, err := s.later(inquiry.Retention).Batch(t.Context(), acme, id); err == nil {
			t.Error("an expired batch was read")
		}
	})

	t.Run("another lender's batch is not found", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 3)
		newLender(t, s, "other-bank")

		for name, read := range map[string]func() error{
			"batch":     func() error { _, err := s.Batch(t.Context(), "other-bank", id); return err },
			"inquiries": func() error { _, _, err := listEntries(t, s, "other-bank", id, 0, 10); return err },
			"inquiry":   func() error { _, err := s.Entry(t.Context(), "other-bank", id.Inquiry(0)); return err },
			"pages":     func() error { _, _, err := s.Submitted(t.Context(), "other-bank", id); return err },
		} {
			if err := read(); !errors.Is(err, inquiry.ErrNotFound) {
				t.Errorf("%s of another lender: %v, want ErrNotFound", name, err)
			}
		}
		if batches, total, err := listBatches(t, s, "other-bank", 0, 10); err != nil || total != 0 || len(batches) != 0 {
			t.Errorf("the other lender's list has %d of %d batches, %v", len(batches), total, err)
		}
	})
}

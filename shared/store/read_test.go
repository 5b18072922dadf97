package store

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// newLaggingStore returns a Store on a simulated table whose replicas are all one
// write behind.
func newLaggingStore() *Store {
	clock := func() time.Time { return noon }
	lagging := table.New("table", clock)
	lagging.Lag = func(string, int) int { return 1 }
	return New(lagging, "table", clock)
}

func TestBatch(t *testing.T) {
	t.Parallel()

	t.Run("a replica that is behind shows no earlier status", func(t *testing.T) {
		t.Parallel()
		s := newLaggingStore()
		batch := reported(t, s, 3)
		for name, read := range map[string]func() (inquiry.Batch, error){
			"status":    func() (inquiry.Batch, error) { return s.Batch(t.Context(), acme, batch.ID) },
			"inquiries": func() (inquiry.Batch, error) { b, _, err := listEntries(t, s, acme, batch.ID, 0, 10); return b, err },
			"list": func() (inquiry.Batch, error) {
				list, _, err := listBatches(t, s, acme, 0, 1)
				return list[0], err
			},
		} {
			if b, err := read(); err != nil || b.Status() != batch.Status() {
				t.Errorf("%s: the batch is %s, %v, want %s", name, b.Status(), err, batch.Status())
			}
		}
		_, entries, err := listEntries(t, s, acme, batch.ID, 0, 10)
		for _, e := range entries {
			if err != nil || !e.Record.Status.Final() {
				t.Errorf("inquiry %d is %s, %v, want a final status", e.ID.Index(), e.Record.Status, err)
			}
		}
		if _, err := s.Delete(t.Context(), acme, batch.ID); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Batch(t.Context(), acme, batch.ID); err != nil || b.DeletedAt.IsZero() {
			t.Errorf("after its deletion: deleted at %v, %v", b.DeletedAt, err)
		}
	})

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

func TestSubmitted(t *testing.T) {
	t.Parallel()

	t.Run("a damaged page is unreadable", func(t *testing.T) {
		t.Parallel()
		for _, damage := range []string{"SET #data = :other", "REMOVE #data"} {
			t.Run(damage, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				id := mustSubmit(t, s, acme, 2)
				update := &dynamodb.UpdateItemInput{
					TableName: &s.table, Key: key(batchKey(acme, id), pageKey(0)),
					UpdateExpression: aws.String(damage), ExpressionAttributeNames: map[string]string{"#data": "data"},
				}
				if damage[0] == 'S' {
					update.ExpressionAttributeValues = item{":other": binary([]byte("damaged"))}
				}
				if _, err := s.db.UpdateItem(t.Context(), update); err != nil {
					t.Fatal(err)
				}
				if _, _, err := s.Submitted(t.Context(), acme, id); !errors.Is(err, inquiry.ErrUnreadable) {
					t.Errorf("Submitted() = %v, want %v", err, inquiry.ErrUnreadable)
				}
			})
		}
	})
}

func TestEntry(t *testing.T) {
	t.Parallel()

	t.Run("a replica that is behind shows no earlier status", func(t *testing.T) {
		t.Parallel()
		s := newLaggingStore()
		id := mustSubmit(t, s, acme, 2)
		claim, err := s.Claim(t.Context(), acme, id.Inquiry(0), "worker", s.until())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(t.Context(), claim, Result{Status: inquiry.StatusCompleted}); err != nil {
			t.Fatal(err)
		}
		// The batch is not final and its ledger does not have the result yet.
		entry, err := s.Entry(t.Context(), acme, id.Inquiry(0))
		if err != nil || entry.Record.Status != inquiry.StatusCompleted {
			t.Errorf("the inquiry is %s, %v, want COMPLETED", entry.Record.Status, err)
		}
		page, err := s.ListEntries(t.Context(), acme, id, inquiry.EntryQuery{Limit: 10, ExternalID: "LOAN-0"})
		if err != nil || len(page.Entries) != 1 || page.Entries[0].Record.Status != inquiry.StatusCompleted {
			t.Errorf("the list has %+v, %v, want one completed inquiry", page.Entries, err)
		}
	})
}

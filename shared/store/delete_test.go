package store

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// reported returns a finished batch of n inquiries. Each has a report except the first,
// which was rejected.
func reported(t testing.TB, s *Store, n int) inquiry.Batch {
	t.Helper()
	lender, sub := newLender(t, s, acme), submission(n)
	sub.Metadata = map[string]string{"team": "north"}
	sub.Inquiries[0].Rejected = []inquiry.Rejection{{Code: "form"}}
	id, _, err := s.Submit(t.Context(), lender, sub)
	if err != nil {
		t.Fatal(err)
	}
	var changes []inquiry.Change
	for i := 1; i < n; i++ {
		claim, err := s.Claim(t.Context(), acme, id.Inquiry(i), "worker", s.until())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(t.Context(), claim, Result{Status: inquiry.StatusCompleted, Report: []byte("personal data")}); err != nil {
			t.Fatal(err)
		}
		changes = append(changes, inquiry.Change{Index: i, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{StartedAt: noon, FinishedAt: noon, Attempts: 1}})
	}
	batch, err := s.Merge(t.Context(), acme, id, changes)
	if err != nil || !batch.Status().Final() {
		t.Fatalf("the batch is %s, %v", batch.Status(), err)
	}
	return batch
}

// personal counts the attributes with personal data of a batch.
func (s *Store) personal(t testing.TB, b inquiry.Batch) (n int) {
	t.Helper()
	items, err := s.query(t.Context(), batchKey(acme, b.ID), headerKey, pageKey(999), forward, consistent)
	if err != nil {
		t.Fatal(err)
	}
	for bucket := range b.Total/bucketSize + 1 {
		more, err := s.query(t.Context(), bucketKey(acme, b.ID, bucket), inquiryKey(0), inquiryKey(99_999), forward, consistent)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, more...)
	}
	for _, it := range items {
		for _, name := range []string{"data", "report", "metadata"} {
			if _, there := it[name]; there {
				n++
			}
		}
		if textOf(it, "name") != "" {
			n++
		}
	}
	return n
}

func TestDelete(t *testing.T) {
	t.Parallel()

	t.Run("only the counts and statuses remain", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		batch := reported(t, s, 300)
		if n := s.personal(t, batch); n != 299+1+2 {
			t.Fatalf("%d attributes have personal data before, want a report of 299 inquiries, a page, the name and the metadata", n)
		}
		for range 2 { // the second call changes nothing
			gone, err := s.later(time.Minute).Delete(t.Context(), acme, batch.ID)
			if err != nil {
				t.Fatal(err)
			}
			if want := noon.Add(time.Minute); !gone.DeletedAt.Equal(want) {
				t.Errorf("deleted at %s, want %s", gone.DeletedAt, want)
			}
			if gone.Counts() != batch.Counts() {
				t.Errorf("counts %+v, want %+v", gone.Counts(), batch.Counts())
			}
			if gone.Name != "" || gone.Metadata != nil {
				t.Errorf("the name %q and the metadata %v are left", gone.Name, gone.Metadata)
			}
		}
		if n := s.personal(t, batch); n != 0 {
			t.Errorf("%d attributes with personal data are left", n)
		}
		now, err := s.Batch(t.Context(), acme, batch.ID)
		if err != nil || now.DeletedAt.IsZero() || now.Status() != batch.Status() {
			t.Errorf("the batch is %+v, %v", now, err)
		}
		if list, _, err := listBatches(t, s, acme, 0, 10); err != nil || len(list) != 1 || list[0].DeletedAt.IsZero() {
			t.Errorf("the list is %+v, %v", list, err)
		}
		for name, read := range map[string]func() error{
			"inquiries": func() error { _, _, err := listEntries(t, s, acme, batch.ID, 0, 10); return err },
			"inquiry":   func() error { _, err := s.Entry(t.Context(), acme, batch.ID.Inquiry(1)); return err },
			"pages":     func() error { _, _, err := s.Submitted(t.Context(), acme, batch.ID); return err },
			"a rerun of the batch as it was read before": func() error {
				lender, err := s.Lender(t.Context(), acme)
				if err != nil {
					return err
				}
				sub := submission(1)
				sub.Operation, sub.Parent = inquiry.OperationRerun, &batch
				_, _, err = s.Submit(t.Context(), lender, sub)
				return err
			},
		} {
			err := read()
			if !errors.Is(err, inquiry.ErrDeleted) {
				t.Errorf("%s: %v, want ErrDeleted", name, err)
			}
			if !errors.Is(err, inquiry.ErrNotFound) {
				t.Errorf("%s: %v, want it to be an ErrNotFound too", name, err)
			}
		}
		// A message that was sent twice arrives late.
		if _, err := s.Claim(t.Context(), acme, batch.ID.Inquiry(1), "late", s.until()); !errors.Is(err, inquiry.ErrFinished) {
			t.Errorf("claiming one of its inquiries: %v, want ErrFinished", err)
		}
	})

	t.Run("every page of a large batch, also for a read that began before", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		sub := submission(3)
		for i := range sub.Inquiries {
			sub.Inquiries[i].Metadata = map[string]string{"note": strings.Repeat("wide ", 35_000)} // two do not fit on one page
		}
		id, _, err := s.Submit(t.Context(), newLender(t, s, acme), sub)
		if err != nil {
			t.Fatal(err)
		}
		var changes []inquiry.Change
		for i := range sub.Inquiries {
			changes = append(changes, finished(i, inquiry.StatusFailed))
		}
		if _, err := s.Merge(t.Context(), acme, id, changes); err != nil {
			t.Fatal(err)
		}
		pageStarts, batch, err := s.liveHeader(t.Context(), acme, id)
		if err != nil || len(pageStarts) != 3 {
			t.Fatalf("pages begin at %v, %v; want three", pageStarts, err)
		}
		if _, err := s.Delete(t.Context(), acme, id); err != nil {
			t.Fatal(err)
		}
		if n := s.personal(t, batch); n != 0 {
			t.Errorf("%d attributes with personal data are left", n)
		}
		_, err = s.entries(t.Context(), batch, pageStarts, 0, 3)
		if err := s.unlessDeleted(t.Context(), acme, id, err); !errors.Is(err, inquiry.ErrDeleted) {
			t.Errorf("a read that had found the batch before: %v, want ErrDeleted", err)
		}
	})

	t.Run("only the lender deletes a batch, and only a finished one", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 1)
		if _, err := s.Delete(t.Context(), acme, id); !errors.Is(err, inquiry.ErrUnfinished) {
			t.Errorf("a running batch: %v, want ErrUnfinished", err)
		}
		if _, err := s.Delete(t.Context(), "other-bank", id); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("another lender's batch: %v, want ErrNotFound", err)
		}
		if b, err := s.Batch(t.Context(), acme, id); err != nil || !b.DeletedAt.IsZero() || b.Name == "" {
			t.Errorf("the batch is %+v, %v; want it unchanged", b, err)
		}
	})

	t.Run("the next call completes one that died half-way", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		batch := reported(t, s, 20)
		failing := *s
		d := &dying{DB: s.db}
		d.left.Store(7)
		failing.db = d
		if _, err := failing.Delete(t.Context(), acme, batch.ID); err == nil {
			t.Fatal("Delete did not fail")
		}
		if n := s.personal(t, batch); n == 0 {
			t.Fatal("Delete failed only after everything was deleted")
		}
		if _, err := s.Entry(t.Context(), acme, batch.ID.Inquiry(19)); !errors.Is(err, inquiry.ErrDeleted) {
			t.Errorf("data that it did not reach can be read: %v", err)
		}
		if _, err := s.Delete(t.Context(), acme, batch.ID); err != nil {
			t.Fatal(err)
		}
		if n := s.personal(t, batch); n != 0 {
			t.Errorf("%d attributes with personal data are left", n)
		}
	})
}

// dying is a DB whose updates fail after the first few.
type dying struct {
	DB
	left atomic.Int32
}

func (d *dying) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if d.left.Add(-1) < 0 {
		return nil, errors.New("out of time")
	}
	return d.DB.UpdateItem(ctx, in, o...)
}

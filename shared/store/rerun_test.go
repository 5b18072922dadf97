package store

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// finishedBatch returns a batch of n inquiries that have all failed.
func finishedBatch(t testing.TB, s *Store, n int) inquiry.Batch {
	t.Helper()
	id := mustSubmit(t, s, acme, n)
	var changes []inquiry.Change
	for i := range n {
		changes = append(changes, finished(i, inquiry.StatusFailed))
	}
	batch, err := s.Merge(t.Context(), acme, id, changes)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestSubmitRerun(t *testing.T) {
	t.Parallel()

	t.Run("parent and rerun refer to each other", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		parent := finishedBatch(t, s, 3)
		asked := submission(3).Inquiries
		lender, err := s.Lender(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		stale := parent // the parent as the second rerun still knows it
		sub := inquiry.Submission{Submitter: someone, Name: "Again", Inquiries: parent.Rerun(asked, inquiry.RerunFailed), Operation: inquiry.OperationRerun, Parent: &parent}
		first, _, err := s.Submit(t.Context(), lender, sub)
		if err != nil {
			t.Fatal(err)
		}
		sub.Parent = &stale
		second, _, err := s.Submit(t.Context(), lender, sub)
		if err != nil {
			t.Fatal(err)
		}
		now, err := s.Batch(t.Context(), acme, parent.ID)
		if err != nil || now.LatestChild != second || now.Counts() != parent.Counts() {
			t.Errorf("the parent is %+v, %v", now, err)
		}
		if diff := cmp.Diff([]inquiry.BatchID{first, second}, now.Children); diff != "" {
			t.Errorf("children (-want +got):\n%s", diff)
		}
		child, inquiries, err := s.Submitted(t.Context(), acme, first)
		if err != nil || child.Parent != parent.ID || child.Operation != inquiry.OperationRerun || child.Ordinal != 2 || *inquiries[2].RerunOf != parent.ID.Inquiry(2) {
			t.Errorf("the child is %+v, %v", child, err)
		}
		h, err := s.get(t.Context(), key(batchKey(acme, parent.ID), headerKey), consistent)
		if err != nil || textOf(h, EventAttribute) != string(EventRerun) || textOf(h, OpenShardAttribute) != "" {
			t.Errorf("the parent's header has event %s", textOf(h, EventAttribute))
		}
	})

	t.Run("the parent lists simultaneous reruns", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		parent := finishedBatch(t, s, 1)
		lender, err := s.Lender(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				mine := parent
				sub := submission(1)
				sub.Operation, sub.Parent = inquiry.OperationRerun, &mine
				if _, _, err := s.Submit(t.Context(), lender, sub); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		now, err := s.Batch(t.Context(), acme, parent.ID)
		seen := map[inquiry.BatchID]bool{}
		for _, id := range now.Children {
			seen[id] = true
		}
		if err != nil || len(seen) != 8 || !seen[now.LatestChild] {
			t.Errorf("children %v, latest %s, %v", now.Children, now.LatestChild, err)
		}
	})

	t.Run("the parent lists the first twenty and the most recent one", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		parent := finishedBatch(t, s, 1)
		lender, err := s.Lender(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		var last inquiry.BatchID
		for range inquiry.MaxChildren + 2 {
			sub := submission(1)
			sub.Operation, sub.Parent = inquiry.OperationRerun, &parent
			if last, _, err = s.Submit(t.Context(), lender, sub); err != nil {
				t.Fatal(err)
			}
			if parent, err = s.Batch(t.Context(), acme, parent.ID); err != nil {
				t.Fatal(err)
			}
			lender.BatchCount++
		}
		if len(parent.Children) != inquiry.MaxChildren || parent.LatestChild != last {
			t.Errorf("%d children, latest %s", len(parent.Children), parent.LatestChild)
		}
	})
}

func TestSubmitSingle(t *testing.T) {
	t.Parallel()

	t.Run("is not in the list of batches", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender, sub := newLender(t, s, acme), submission(1)
		sub.Operation, sub.IdempotencyKey = inquiry.OperationSingle, "one"
		id, _, err := s.Submit(t.Context(), lender, sub)
		if err != nil {
			t.Fatal(err)
		}
		again, replayed, err := s.Submit(t.Context(), lender, sub)
		if err != nil || !replayed || again != id {
			t.Errorf("with the same key: %s, %t, %v", again, replayed, err)
		}
		if batches, total, err := listBatches(t, s, acme, 0, 10); err != nil || total != 0 || len(batches) != 0 {
			t.Errorf("the list has %d of %d, %v", len(batches), total, err)
		}
		entry, err := s.Entry(t.Context(), acme, id.Inquiry(0))
		if err != nil || entry.Inquiry.ExternalID != "LOAN-0" {
			t.Errorf("the record is %+v, %v", entry.Record, err)
		}
		if batch, err := s.Batch(t.Context(), acme, id); err != nil || batch.Operation != inquiry.OperationSingle || batch.Ordinal != 0 || s.openBatches(t) != 1 {
			t.Errorf("the batch is %+v, %v", batch, err)
		}
		if _, err := s.SuspendLender(t.Context(), acme); err != nil {
			t.Fatal(err)
		}
		sub.IdempotencyKey = ""
		if _, _, err := s.Submit(t.Context(), lender, sub); !errors.Is(err, inquiry.ErrSuspended) {
			t.Errorf("suspended lender: %v, want ErrSuspended", err)
		}
		if _, _, err := s.Submit(t.Context(), inquiry.Lender{ID: "nobody", OpenMax: 1}, sub); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("unknown lender: %v, want ErrNotFound", err)
		}
	})
}

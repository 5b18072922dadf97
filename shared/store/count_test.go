package store

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// finished returns the change of an inquiry that started index seconds after noon and
// took one second.
func finished(index int, status inquiry.Status) inquiry.Change {
	started := noon.Add(time.Duration(index) * time.Second)
	return inquiry.Change{Index: index, Status: status, Figures: inquiry.Figures{
		StartedAt: started, FinishedAt: started.Add(time.Second), Attempts: 1,
		Sources: map[string]inquiry.SourceFigures{
			"ofac": {Outcome: inquiry.OutcomeFound, Records: 2, Elapsed: 300 * time.Microsecond},
		},
	}}
}

func TestMerge(t *testing.T) {
	t.Parallel()

	t.Run("the stored batch is the returned one", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 3)
		changes := []inquiry.Change{
			finished(0, inquiry.StatusCompleted), finished(2, inquiry.StatusFailed),
			{Index: 1, Status: inquiry.StatusRunning, Figures: inquiry.Figures{StartedAt: noon.Add(time.Second)}},
		}
		merged, err := s.Merge(t.Context(), acme, id, changes)
		if err != nil {
			t.Fatal(err)
		}
		read, err := s.Batch(t.Context(), acme, id)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := inquiry.NewTally(3).Merge(changes...)
		if diff := cmp.Diff(want, read.Tally); diff != "" {
			t.Errorf("tally (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(merged, read); diff != "" {
			t.Errorf("Merge did not return the stored batch (-returned +stored):\n%s", diff)
		}
		if !read.FinishedAt.IsZero() {
			t.Errorf("an unfinished batch has the end %s", read.FinishedAt)
		}
		if n := s.openBatches(t); n != 1 {
			t.Errorf("%d batches are open, want 1", n)
		}
	})

	t.Run("the last inquiry finishes the batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 2)
		all := []inquiry.Change{finished(0, inquiry.StatusCompleted), finished(1, inquiry.StatusCompleted)}
		if _, err := s.Merge(t.Context(), acme, id, all); err != nil {
			t.Fatal(err)
		}
		batch, err := s.Batch(t.Context(), acme, id)
		if err != nil {
			t.Fatal(err)
		}
		if batch.Status() != inquiry.BatchCompleted {
			t.Errorf("status %s, want COMPLETED", batch.Status())
		}
		if want := noon.Add(2 * time.Second); !batch.FinishedAt.Equal(want) {
			t.Errorf("finished at %s, want %s", batch.FinishedAt, want)
		}
		if n := s.openBatches(t); n != 0 {
			t.Errorf("%d batches are open, want none", n)
		}
		h, err := s.get(t.Context(), key(batchKey(acme, id), headerKey), consistent)
		if err != nil {
			t.Fatal(err)
		}
		if got := textOf(h, EventAttribute); got != string(EventFinished) {
			t.Errorf("stored event %q, want FINISHED", got)
		}
		if got := textOf(h, StatusAttribute); got != "COMPLETED" {
			t.Errorf("stored status %q, want COMPLETED", got)
		}
		for name, want := range map[string]int64{"planning": 0, "running": 0, "completed": 2, "partialSuccess": 0, "failed": 0, "cancelled": 0} {
			if got, err := numberOf(h, name); err != nil || got != want {
				t.Errorf("stored counter %s = %d, %v; want %d", name, got, err, want)
			}
		}
	})

	t.Run("a replay writes nothing", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 2)
		changes := []inquiry.Change{finished(0, inquiry.StatusCompleted)}
		first, err := s.Merge(t.Context(), acme, id, changes)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Merge(t.Context(), acme, id, changes)
		if err != nil {
			t.Fatal(err)
		}
		if again.Version != first.Version {
			t.Errorf("a replay raised version %d to %d", first.Version, again.Version)
		}
	})

	// Several shards, overlapping pollers and a sweep all write one header at once.
	t.Run("simultaneous merges lose nothing", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		const total = 16
		id := mustSubmit(t, s, acme, total)

		var wg sync.WaitGroup
		for i := range total {
			wg.Go(func() {
				if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(i, inquiry.StatusCompleted)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		batch, err := s.Batch(t.Context(), acme, id)
		if err != nil {
			t.Fatal(err)
		}
		if want := (inquiry.Counts{Completed: total}); batch.Counts() != want {
			t.Errorf("counts %+v, want %+v", batch.Counts(), want)
		}
		if batch.Sums.SourceRecords != 2*total {
			t.Errorf("%d source records, want %d", batch.Sums.SourceRecords, 2*total)
		}
	})

	t.Run("a lost reply does not count twice", func(t *testing.T) {
		t.Parallel()
		for operation, total := range map[string]int{"UpdateItem": 2, "TransactWriteItems": 1} { // first for a batch that goes on, then for its last inquiry
			t.Run(operation, func(t *testing.T) {
				t.Parallel()
				lossy := &lossyTransport{operation: operation}
				s := newStoreOver(t, lossy)
				id := mustSubmit(t, s, acme, total)

				lossy.losses.Store(1)
				batch, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted)})
				if err != nil {
					t.Fatal(err)
				}
				if want := (inquiry.Counts{Planning: total - 1, Completed: 1}); batch.Counts() != want {
					t.Errorf("counts %+v, want %+v", batch.Counts(), want)
				}
				if batch.Sums.SourceRecords != 2 {
					t.Errorf("%d source records, want 2", batch.Sums.SourceRecords)
				}
				if lossy.losses.Load() > 0 {
					t.Error("no reply was lost")
				}
				if open := s.openInquiries(t); open != (total-1)*total {
					t.Errorf("the lender has %d open inquiries", open)
				}
			})
		}
	})

	t.Run("a late record does not bring back a deleted batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		_, err := s.Merge(t.Context(), acme, inquiry.NewBatchID(noon), []inquiry.Change{finished(0, inquiry.StatusCompleted)})
		if !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("Merge() = %v, want ErrNotFound", err)
		}
		if n := s.count(t.Context(), t); n != 0 {
			t.Errorf("the table has %d items, want none", n)
		}
	})

	t.Run("rejects an index outside the batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 2)
		if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(2, inquiry.StatusCompleted)}); !errors.Is(err, inquiry.ErrUnreadable) {
			t.Errorf("Merge() = %v, want %v", err, inquiry.ErrUnreadable)
		}
	})
}

// openBatches returns how many batches the sparse index contains.
func (s *Store) openBatches(t testing.TB) (n int) {
	t.Helper()
	for _, shard := range append(OpenShards[:], OpenBegun) {
		out, err := s.db.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &s.table, IndexName: aws.String(OpenIndex),
			KeyConditionExpression:    aws.String("openShard = :shard"),
			ExpressionAttributeValues: item{":shard": text(shard)},
		})
		if err != nil {
			t.Fatal(err)
		}
		n += int(out.Count)
	}
	return n
}

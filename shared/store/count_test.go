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

// finished is the change of an inquiry that took a second, from index seconds
// after noon.
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
			t.Errorf("Merge returned another batch than is stored (-returned +stored):\n%s", diff)
		}
		if !read.FinishedAt.IsZero() || s.open(t) != 1 {
			t.Errorf("an unfinished batch is finished at %s, and %d batches are open", read.FinishedAt, s.open(t))
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
		if batch.Status() != inquiry.BatchCompleted || !batch.FinishedAt.Equal(noon.Add(2*time.Second)) {
			t.Errorf("status %s, finished at %s", batch.Status(), batch.FinishedAt)
		}
		if n := s.open(t); n != 0 {
			t.Errorf("%d batches are open, want none", n)
		}
		h, err := s.get(t.Context(), key(batchKey(acme, id), headerKey), consistent)
		if err != nil || textOf(h, "event") != string(EventFinished) || textOf(h, "status") != "COMPLETED" {
			t.Errorf("stored event %q, status %q, %v", textOf(h, "event"), textOf(h, "status"), err)
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
		if err != nil || again.Version != first.Version {
			t.Errorf("a replay moved version %d to %d, %v", first.Version, again.Version, err)
		}
	})

	// Several shards, pollers that overlap, a sweep: all write one header at once.
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
		if err != nil || batch.Counts() != (inquiry.Counts{Completed: total}) || batch.Sums.SourceRecords != 2*total {
			t.Errorf("counts %+v, %d source records, %v", batch.Counts(), batch.Sums.SourceRecords, err)
		}
	})

	t.Run("a lost reply does not count twice", func(t *testing.T) {
		t.Parallel()
		for operation, total := range map[string]int{"UpdateItem": 2, "TransactWriteItems": 1} { // not the last inquiry, and the last
			t.Run(operation, func(t *testing.T) {
				t.Parallel()
				lossy := &lossyTransport{operation: operation}
				s := newStoreOver(t, lossy)
				id := mustSubmit(t, s, acme, total)

				lossy.losses.Store(1)
				batch, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted)})
				if err != nil || batch.Counts() != (inquiry.Counts{Planning: total - 1, Completed: 1}) || batch.Sums.SourceRecords != 2 {
					t.Errorf("counts %+v, %d source records, %v", batch.Counts(), batch.Sums.SourceRecords, err)
				}
				if lossy.losses.Load() > 0 {
					t.Error("no reply was lost")
				}
				if open := s.opened(t); open != (total-1)*total {
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
			t.Errorf("the table holds %d items, want none", n)
		}
	})

	t.Run("rejects an index outside the batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 2)
		if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(2, inquiry.StatusCompleted)}); err == nil {
			t.Error("an index outside the batch was merged in silence")
		}
	})
}

// open returns how many batches the sparse index holds.
func (s *Store) open(t testing.TB) int {
	t.Helper()
	out, err := s.db.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("open"),
		KeyConditionExpression:    aws.String("openShard = :shard"),
		ExpressionAttributeValues: item{":shard": text(OpenShard)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return int(out.Count)
}

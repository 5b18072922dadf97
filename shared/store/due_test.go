package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// due returns the batches that are due, at most limit of them.
func (s *Store) due(t testing.TB, limit int) []DueBatch {
	t.Helper()
	var list []DueBatch
	for d, err := range s.Due(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if list = append(list, d); len(list) == limit {
			break
		}
	}
	return list
}

// ids returns the ids of the batches.
func ids(list []DueBatch) (ids []inquiry.BatchID) {
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

// submitMinutely submits n batches, one a minute.
func submitMinutely(t testing.TB, s *Store, n int) (ids []inquiry.BatchID) {
	t.Helper()
	lender := newLender(t, s, acme)
	for i := range n {
		id, _, err := s.later(time.Duration(i)*time.Minute).Submit(t.Context(), lender, submission(1))
		if err != nil {
			t.Fatal(err)
		}
		lender.BatchCount++
		ids = append(ids, id)
	}
	return ids
}

func TestDue(t *testing.T) {
	t.Parallel()

	t.Run("the most overdue batch first, whatever its shard", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		all := submitMinutely(t, s, 40)
		if list := s.later(firstCheck-time.Second).due(t, 100); len(list) != 0 {
			t.Errorf("due too early: %v", list)
		}
		later := s.later(firstCheck + time.Hour)
		list := later.due(t, 100)
		if diff := cmp.Diff(all, ids(list)); diff != "" {
			t.Errorf("due (-want +got):\n%s", diff)
		}
		if want := (DueBatch{BatchRef{acme, all[3]}, noon.Add(firstCheck + 3*time.Minute), false}); list[3] != want {
			t.Errorf("%+v, want %+v", list[3], want)
		}
		if diff := cmp.Diff(all[:2], ids(later.due(t, 2))); diff != "" {
			t.Errorf("the first two (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(all[:30], ids(s.later(firstCheck+29*time.Minute).due(t, 100))); diff != "" {
			t.Errorf("half an hour earlier (-want +got):\n%s", diff)
		}
	})

	t.Run("every shard is used, and the batches of an older version are found", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		used := map[string]bool{}
		for range 1000 {
			used[openShard(inquiry.NewBatchID(noon))] = true
		}
		if len(used) != len(OpenShards) {
			t.Errorf("1,000 batches use the shards %v", used)
		}
		id := mustSubmit(t, s, acme, 1)
		s.setHeader(t, id, OpenShardAttribute, "0") // where all batches were when there was one shard
		if list := s.later(firstCheck).due(t, 10); len(list) != 1 || list[0].ID != id {
			t.Errorf("due: %v", list)
		}
	})

	t.Run("finished batches are not due", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		all := submitMinutely(t, s, 3)
		if _, err := s.Merge(t.Context(), acme, all[1], []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]inquiry.BatchID{all[0], all[2]}, ids(s.later(time.Hour).due(t, 10))); diff != "" {
			t.Errorf("due (-want +got):\n%s", diff)
		}
	})

	t.Run("more batches than one page", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		want := map[inquiry.BatchID]bool{}
		for range duePage + 10 {
			id, _, err := s.Submit(t.Context(), lender, submission(1))
			if err != nil {
				t.Fatal(err)
			}
			lender.BatchCount++
			s.setHeader(t, id, OpenShardAttribute, OpenShards[3])
			want[id] = true
		}
		for _, d := range s.later(firstCheck).due(t, 10_000) {
			if !want[d.ID] {
				t.Errorf("%s is returned twice", d.ID)
			}
			delete(want, d.ID)
		}
		if len(want) > 0 {
			t.Errorf("%d batches are missing", len(want))
		}
	})

	t.Run("a shard that cannot be read does not hide the others", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		all := submitMinutely(t, s, 40)
		later := s.later(2 * time.Hour)
		later.db = brokenShard{later.db}
		var got []inquiry.BatchID
		failures := 0
		for d, err := range later.Due(t.Context()) {
			if err != nil {
				failures++
				continue
			}
			got = append(got, d.ID)
		}
		want := slices.DeleteFunc(all, func(id inquiry.BatchID) bool { return openShard(id) == OpenShards[0] })
		if diff := cmp.Diff(want, got); diff != "" || failures != 1 {
			t.Errorf("%d failures, and due (-want +got):\n%s", failures, diff)
		}
	})

	t.Run("damaged entries do not hide those behind them", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		all := submitMinutely(t, s, 3)
		for _, id := range all {
			s.setHeader(t, id, OpenShardAttribute, OpenShards[0])
		}
		later := s.later(2 * time.Hour)
		later.db = damagedEntries{later.db, all[:2]}
		var got []inquiry.BatchID
		var failed error
		for d, err := range later.Due(t.Context()) {
			if failed = errors.Join(failed, err); err == nil {
				got = append(got, d.ID)
			}
		}
		if diff := cmp.Diff(all[2:], got); diff != "" || failed == nil {
			t.Errorf("error %v, and due (-want +got):\n%s", failed, diff)
		}
	})
}

// damagedEntries damages the keys of batches in the index, whose pages have one entry each.
type damagedEntries struct {
	DB
	batches []inquiry.BatchID
}

func (d damagedEntries) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	short := *in
	short.Limit = aws.Int32(1)
	out, err := d.DB.Query(ctx, &short, o...)
	if err != nil {
		return nil, err
	}
	for _, it := range out.Items {
		for _, id := range d.batches {
			if textOf(it, PKAttribute) == string(batchKey(acme, id)) {
				it[PKAttribute] = text("damaged")
			}
		}
	}
	return out, nil
}

// brokenShard fails to read the first shard of the index.
type brokenShard struct{ DB }

func (b brokenShard) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if textOf(in.ExpressionAttributeValues, ":shard") == OpenShards[0] {
		return nil, errors.New("no answer")
	}
	return b.DB.Query(ctx, in, o...)
}

// setHeader sets an attribute of a batch's header, as another version may have done.
func (s *Store) setHeader(t testing.TB, id inquiry.BatchID, name, value string) {
	t.Helper()
	_, err := s.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: key(batchKey(acme, id), headerKey), UpdateExpression: aws.String("SET #name = :value"),
		ExpressionAttributeNames: map[string]string{"#name": name}, ExpressionAttributeValues: item{":value": text(value)},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBeginSweep(t *testing.T) {
	t.Parallel()
	const run = 4 * time.Minute

	t.Run("the batch is due again when the sweep does not end", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		id := mustSubmit(t, s, acme, 1)
		begun, err := s.BeginSweep(t.Context(), s.later(firstCheck).due(t, 1)[0], noon.Add(firstCheck+run))
		if err != nil {
			t.Fatal(err)
		}
		if list := s.later(firstCheck+run-time.Second).due(t, 10); len(list) != 0 {
			t.Errorf("due during the sweep: %v", list)
		}
		want := []DueBatch{{BatchRef{acme, id}, noon.Add(firstCheck + run), true}}
		if diff := cmp.Diff(want, s.later(firstCheck+run).due(t, 10)); diff != "" || begun != want[0] {
			t.Errorf("begun %+v, and due (-want +got):\n%s", begun, diff)
		}
		h, err := s.get(t.Context(), key(batchKey(acme, id), headerKey), consistent)
		if err != nil || textOf(h, EventAttribute) != string(EventChecked) {
			t.Errorf("event %q would dispatch the batch again, %v", textOf(h, EventAttribute), err)
		}
	})

	t.Run("a batch that is not due any more", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*Store, DueBatch) error{
			"another run has begun": func(s *Store, d DueBatch) error {
				_, err := s.BeginSweep(t.Context(), d, noon.Add(time.Hour))
				return err
			},
			"canceled": func(s *Store, d DueBatch) error {
				_, err := s.later(firstCheck+time.Second).RequestCancel(t.Context(), d.Lender, d.ID)
				return err
			},
			"finished": func(s *Store, d DueBatch) error {
				_, err := s.Merge(t.Context(), d.Lender, d.ID, []inquiry.Change{finished(0, inquiry.StatusCompleted)})
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				mustSubmit(t, s, acme, 1)
				read := s.later(firstCheck).due(t, 1)[0]
				if err := change(s, read); err != nil {
					t.Fatal(err)
				}
				open := s.openBatches(t)
				if _, err := s.BeginSweep(t.Context(), read, noon.Add(firstCheck+run)); !errors.Is(err, inquiry.ErrConflict) {
					t.Errorf("%v, want ErrConflict", err)
				}
				if s.openBatches(t) != open {
					t.Errorf("%d batches are open, want %d", s.openBatches(t), open)
				}
			})
		}
		t.Run("deleted", func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			gone := DueBatch{BatchRef{acme, inquiry.NewBatchID(noon)}, noon, false}
			if _, err := s.BeginSweep(t.Context(), gone, noon.Add(run)); !errors.Is(err, inquiry.ErrConflict) {
				t.Errorf("%v, want ErrConflict", err)
			}
			if n := s.count(t.Context(), t); n != 0 {
				t.Errorf("the table has %d items", n)
			}
		})
	})

	t.Run("the reply is lost and the SDK sends the update again", func(t *testing.T) {
		t.Parallel()
		lossy := &lossyTransport{operation: "UpdateItem"}
		s := newStoreOver(t, lossy)
		mustSubmit(t, s, acme, 1)
		read := s.later(firstCheck).due(t, 1)[0]
		lossy.losses.Store(1)
		if _, err := s.BeginSweep(t.Context(), read, noon.Add(firstCheck+run)); err != nil {
			t.Errorf("the sweep does not begin: %v", err)
		}
	})
}

func TestEndSweep(t *testing.T) {
	t.Parallel()

	begin := func(t *testing.T) (*Store, DueBatch) {
		s := newStore(t)
		mustSubmit(t, s, acme, 1)
		begun, err := s.BeginSweep(t.Context(), s.later(firstCheck).due(t, 1)[0], noon.Add(20*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return s, begun
	}

	t.Run("the batch is due again, in its shard", func(t *testing.T) {
		t.Parallel()
		s, begun := begin(t)
		if err := s.EndSweep(t.Context(), begun, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		want := []DueBatch{{begun.BatchRef, noon.Add(time.Hour), false}}
		if diff := cmp.Diff(want, s.later(time.Hour).due(t, 10)); diff != "" {
			t.Errorf("due (-want +got):\n%s", diff)
		}
	})

	t.Run("a cancel during the sweep keeps its time", func(t *testing.T) {
		t.Parallel()
		s, begun := begin(t)
		if _, err := s.later(16*time.Minute).RequestCancel(t.Context(), acme, begun.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.EndSweep(t.Context(), begun, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if list := s.later(16*time.Minute).due(t, 10); len(list) != 1 || !list[0].At.Equal(noon.Add(16*time.Minute)) {
			t.Errorf("due: %+v", list)
		}
	})

	t.Run("a finished batch stays out of the index", func(t *testing.T) {
		t.Parallel()
		s, begun := begin(t)
		if _, err := s.Merge(t.Context(), acme, begun.ID, []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err != nil {
			t.Fatal(err)
		}
		if err := s.EndSweep(t.Context(), begun, noon); err != nil || s.openBatches(t) != 0 {
			t.Errorf("%v; %d batches are open", err, s.openBatches(t))
		}
	})
}

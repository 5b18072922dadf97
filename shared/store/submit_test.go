package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestSubmit(t *testing.T) {
	t.Parallel()

	t.Run("the whole batch is read back", func(t *testing.T) {
		t.Parallel()
		for _, n := range []int{1, 250, 5000} {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				lender, sub := newLender(t, s, acme), submission(n)
				id, replayed, err := s.Submit(t.Context(), lender, sub)
				if err != nil || replayed {
					t.Fatalf("Submit() = %v, %t, %v", id, replayed, err)
				}

				batch, inquiries, err := s.Submitted(t.Context(), acme, id)
				if err != nil {
					t.Fatal(err)
				}
				want := inquiry.Batch{
					ID: id, LenderID: acme, Name: sub.Name, Operation: inquiry.OperationSubmit,
					SubmittedBy: "user-1", Ordinal: 1, Tally: inquiry.NewTally(n), Version: 1,
				}
				if diff := cmp.Diff(want, batch); diff != "" {
					t.Errorf("batch (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(sub.Inquiries, inquiries); diff != "" {
					t.Errorf("inquiries (-want +got):\n%s", diff)
				}
			})
		}
	})

	t.Run("an idempotency key identifies one batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender, sub := newLender(t, s, acme), submission(2)
		sub.IdempotencyKey, sub.Fingerprint = "nightly-1", sha256.Sum256([]byte("body"))
		first, _, err := s.Submit(t.Context(), lender, sub)
		if err != nil {
			t.Fatal(err)
		}
		items := s.count(t.Context(), t)

		// The lender was read before that submission, so its count is out of date.
		again, replayed, err := s.Submit(t.Context(), lender, sub)
		if err != nil || !replayed || again != first {
			t.Errorf("same key and body: %v, %t, %v; want %v again", again, replayed, err, first)
		}
		other := sub
		other.Fingerprint = sha256.Sum256([]byte("another body"))
		if _, _, err := s.Submit(t.Context(), lender, other); !errors.Is(err, inquiry.ErrIdempotencyMismatch) {
			t.Errorf("same key, other body: %v, want ErrIdempotencyMismatch", err)
		}
		if now := s.count(t.Context(), t); now != items {
			t.Errorf("replays changed the table from %d items to %d", items, now)
		}

		elsewhere, replayed, err := s.Submit(t.Context(), newLender(t, s, "other-bank"), sub)
		if err != nil || replayed || elsewhere == first {
			t.Errorf("another lender's same key: %v, %t, %v; want a batch of its own", elsewhere, replayed, err)
		}

		// The record has expired, and DynamoDB has not removed it yet.
		nextDay, replayed, err := s.later(24*time.Hour+time.Second).Submit(t.Context(), lender, sub)
		if err != nil || replayed || nextDay == first {
			t.Errorf("same key a day later: %v, %t, %v; want a new batch", nextDay, replayed, err)
		}
	})

	t.Run("50 simultaneous calls with one key make one batch", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender, sub := newLender(t, s, acme), submission(2)
		sub.IdempotencyKey = "race"

		var (
			wg    sync.WaitGroup
			mu    sync.Mutex
			fresh int
			ids   = map[inquiry.BatchID]bool{}
		)
		for range 50 {
			wg.Go(func() {
				id, replayed, err := s.Submit(t.Context(), lender, sub)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				ids[id] = true
				if !replayed {
					fresh++
				}
			})
		}
		wg.Wait()
		if len(ids) != 1 || fresh != 1 {
			t.Errorf("%d batches, %d calls not replayed; want 1 and 1", len(ids), fresh)
		}
		if _, total, err := listBatches(t, s, acme, 0, 10); err != nil || total != 1 {
			t.Errorf("the list has %d batches, %v", total, err)
		}
	})

	t.Run("simultaneous calls without a key each get a place in the list", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		const racers = 12

		var wg sync.WaitGroup
		for range racers {
			wg.Go(func() {
				if _, _, err := s.Submit(t.Context(), lender, submission(1)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		batches, total, err := listBatches(t, s, acme, 0, 100)
		if err != nil || total != racers || len(batches) != racers {
			t.Fatalf("list has %d of %d batches, %v; want %d", len(batches), total, err, racers)
		}
		for i, b := range batches {
			if b.Ordinal != racers-i {
				t.Errorf("batch %d in the list has ordinal %d, want %d", i, b.Ordinal, racers-i)
			}
		}
	})

	t.Run("a lost reply does not submit twice", func(t *testing.T) {
		t.Parallel()
		for _, key := range []string{"", "with-a-key"} {
			t.Run("key "+key, func(t *testing.T) {
				t.Parallel()
				lossy := &lossyTransport{operation: "TransactWriteItems"}
				s := newStoreOver(t, lossy)
				lender, sub := newLender(t, s, acme), submission(3)
				sub.IdempotencyKey = key

				lossy.losses.Store(1) // the SDK sends the same transaction again
				id, replayed, err := s.Submit(t.Context(), lender, sub)
				if err != nil || replayed {
					t.Fatalf("Submit() = %v, %t, %v", id, replayed, err)
				}
				batches, total, err := listBatches(t, s, acme, 0, 10)
				if err != nil || total != 1 || len(batches) != 1 || batches[0].ID != id {
					t.Errorf("the list is %v, %v; want only batch %s", batches, err, id)
				}
			})
		}
	})

	// The SDK's request token hides most lost replies, for ten minutes. This test covers
	// the condition that works without it.
	t.Run("a try that finds its own header has succeeded", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender, sub := newLender(t, s, acme), submission(1)
		pages, err := paginate(sub.Inquiries)
		if err != nil {
			t.Fatal(err)
		}
		p := pending{lender: lender, sub: sub, id: inquiry.NewBatchID(noon), pages: pages}
		for try := range 2 {
			batch, accepted, err := s.trySubmit(t.Context(), &p)
			if err != nil || !accepted || batch != p.id {
				t.Errorf("try %d: batch %s, accepted %t, %v; want batch %s accepted", try, batch, accepted, err, p.id)
			}
		}
	})

	t.Run("a suspended or unknown lender submits nothing", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		if _, err := s.SuspendLender(t.Context(), acme); err != nil {
			t.Fatal(err)
		}
		items := s.count(t.Context(), t)
		// A warm function may still have the lender in memory as active.
		if _, _, err := s.Submit(t.Context(), lender, submission(1)); !errors.Is(err, inquiry.ErrSuspended) {
			t.Errorf("suspended lender: %v, want ErrSuspended", err)
		}
		if _, _, err := s.Submit(t.Context(), inquiry.Lender{ID: "nobody", OpenMax: 1}, submission(1)); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("unknown lender: %v, want ErrNotFound", err)
		}
		if now := s.count(t.Context(), t); now != items {
			t.Errorf("rejected submissions changed the table from %d items to %d", items, now)
		}
	})

	t.Run("a batch beyond one transaction is rejected as a whole", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		noise := make([]byte, 12_000)
		var sub inquiry.Submission
		for range 400 { // 6.4 MB that do not compress below 4 MB
			_, _ = rand.Read(noise)
			sub.Inquiries = append(sub.Inquiries, inquiry.Inquiry{BusinessName: base64.StdEncoding.EncodeToString(noise)})
		}
		if _, _, err := s.Submit(t.Context(), lender, sub); !errors.Is(err, inquiry.ErrTooLarge) {
			t.Errorf("Submit() = %v, want ErrTooLarge", err)
		}
		if n := s.count(t.Context(), t); n != 3 {
			t.Errorf("the table has %d items, want only the two of the lender, and the user", n)
		}
	})

	t.Run("a rejected inquiry is stored and counted", func(t *testing.T) {
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
		batch, entries, err := listEntries(t, s, acme, id, 0, 10)
		if err != nil || batch.Counts() != (inquiry.Counts{Planning: 2, Failed: 1}) || batch.Metadata["portfolio"] != "north" {
			t.Errorf("the batch is %+v, %v", batch, err)
		}
		want := inquiry.Record{ID: id.Inquiry(1), Status: inquiry.StatusFailed, Failure: inquiry.FailureInvalid, Figures: inquiry.Figures{FinishedAt: id.CreatedAt()}}
		if diff := cmp.Diff(want, entries[1].Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(why, entries[1].Inquiry.Rejected); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
		if entry, err := s.Entry(t.Context(), acme, id.Inquiry(1)); err != nil || entry.Record.Status != inquiry.StatusFailed {
			t.Errorf("reading the inquiry alone: %+v, %v", entry.Record, err)
		}
		h, err := s.get(t.Context(), key(batchKey(acme, id), headerKey), consistent)
		if err != nil || textOf(h, OpenShardAttribute) == "" {
			t.Errorf("the batch is not open, %v", err)
		}

		batch, err = s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted), finished(2, inquiry.StatusCompleted)})
		if err != nil || batch.Status() != inquiry.BatchPartialSuccess || s.openBatches(t) != 0 {
			t.Errorf("the batch ends as %s, %v", batch.Status(), err)
		}
	})
}

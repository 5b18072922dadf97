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

func TestASubmissionIsReadBackWhole(t *testing.T) {
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
}

func TestAnotherLendersBatchIsNotFound(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := mustSubmit(t, s, acme, 3)
	newLender(t, s, "other-bank")

	for name, read := range map[string]func() error{
		"batch":     func() error { _, err := s.Batch(t.Context(), "other-bank", id); return err },
		"inquiries": func() error { _, _, err := s.Entries(t.Context(), "other-bank", id, 0, 10); return err },
		"inquiry":   func() error { _, err := s.Entry(t.Context(), "other-bank", id.Inquiry(0)); return err },
		"pages":     func() error { _, _, err := s.Submitted(t.Context(), "other-bank", id); return err },
	} {
		if err := read(); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("%s of another lender: %v, want ErrNotFound", name, err)
		}
	}
	if batches, total, err := s.Batches(t.Context(), "other-bank", 0, 10); err != nil || total != 0 || len(batches) != 0 {
		t.Errorf("the other lender's list holds %d of %d batches, %v", len(batches), total, err)
	}
}

func TestAnIdempotencyKeyStandsForOneBatch(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lender, sub := newLender(t, s, acme), submission(2)
	sub.IdempotencyKey, sub.Fingerprint = "nightly-1", sha256.Sum256([]byte("body"))
	first, _, err := s.Submit(t.Context(), lender, sub)
	if err != nil {
		t.Fatal(err)
	}
	items := s.count(t.Context(), t)

	// The lender as it was read before: its count is out of date by now.
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
}

func TestFiftyRacersWithOneKeyMakeOneBatch(t *testing.T) {
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
		t.Errorf("%d batches, %d of the answers new; want 1 and 1", len(ids), fresh)
	}
	if _, total, err := s.Batches(t.Context(), acme, 0, 10); err != nil || total != 1 {
		t.Errorf("the list counts %d batches, %v", total, err)
	}
}

func TestRacersWithoutAKeyEachGetAPlaceInTheList(t *testing.T) {
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
	batches, total, err := s.Batches(t.Context(), acme, 0, 100)
	if err != nil || total != racers || len(batches) != racers {
		t.Fatalf("list has %d of %d batches, %v; want %d", len(batches), total, err, racers)
	}
	for i, b := range batches {
		if b.Ordinal != racers-i {
			t.Errorf("batch %d in the list has ordinal %d, want %d", i, b.Ordinal, racers-i)
		}
	}
}

func TestALostReplyDoesNotSubmitTwice(t *testing.T) {
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
			batches, total, err := s.Batches(t.Context(), acme, 0, 10)
			if err != nil || total != 1 || len(batches) != 1 || batches[0].ID != id {
				t.Errorf("the list holds %v, %v; want the one batch %s", batches, err, id)
			}
		})
	}
}

// The SDK's request token hides most lost replies, for ten minutes. This is the
// condition that holds without it.
func TestASubmissionMeetingItsOwnHeaderHasSucceeded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lender, sub := newLender(t, s, acme), submission(1)
	pages, err := paginate(sub.Inquiries)
	if err != nil {
		t.Fatal(err)
	}
	id := inquiry.NewBatchID(noon)
	for try := range 2 {
		outcome, err := s.trySubmit(t.Context(), lender, sub, id, pages)
		if err != nil || !outcome.done {
			t.Errorf("try %d: %+v, %v", try, outcome, err)
		}
	}
}

func TestASuspendedOrUnknownLenderSubmitsNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lender := newLender(t, s, acme)
	if _, err := s.SuspendLender(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	items := s.count(t.Context(), t)
	// As a warm function may still have it in memory: active.
	if _, _, err := s.Submit(t.Context(), lender, submission(1)); !errors.Is(err, inquiry.ErrSuspended) {
		t.Errorf("suspended lender: %v, want ErrSuspended", err)
	}
	if _, _, err := s.Submit(t.Context(), inquiry.Lender{ID: "nobody", OpenMax: 1}, submission(1)); !errors.Is(err, inquiry.ErrNotFound) {
		t.Errorf("unknown lender: %v, want ErrNotFound", err)
	}
	if now := s.count(t.Context(), t); now != items {
		t.Errorf("refused submissions changed the table from %d items to %d", items, now)
	}
}

func TestABatchBeyondOneTransactionIsRefusedWhole(t *testing.T) {
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
	if n := s.count(t.Context(), t); n != 1 {
		t.Errorf("the table holds %d items, want the lender alone", n)
	}
}

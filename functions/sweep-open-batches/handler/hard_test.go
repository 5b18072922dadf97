package handler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// reads reports whether a request reads the partition of a batch.
func reads(in any, id inquiry.BatchID) bool {
	query, ok := in.(*dynamodb.QueryInput)
	if !ok {
		return false
	}
	partition, ok := query.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS)
	return ok && strings.HasSuffix(partition.Value, store.BatchInfix+id.String())
}

// setStatus writes a status into an inquiry's item, as a newer version may have done
// before it was rolled back.
func (f *fixture) setStatus(tb testing.TB, id inquiry.ID, status string) {
	tb.Helper()
	where := key(id.Batch(), fmt.Sprintf("%s%05d", store.InquiryPrefix, id.Index()))
	where.PK += "#0"
	f.set(tb, where, store.StatusAttribute, &types.AttributeValueMemberS{Value: status})
}

// set sets one attribute of an item.
func (f *fixture) set(tb testing.TB, where table.Key, name string, value types.AttributeValue) {
	tb.Helper()
	it := f.table.Item(where)
	if it == nil {
		tb.Fatalf("there is no item %v", where)
	}
	it[name] = value
	if _, err := f.table.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: aws.String("table"), Item: it}); err != nil {
		tb.Fatal(err)
	}
}

// What may happen to a sweep must not keep other batches waiting, or a batch open.
func TestHardCases(t *testing.T) {
	t.Parallel()

	t.Run("a run that dies on one batch every time", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		deadly := f.submit(t, 1)
		f.now = f.now.Add(time.Second)
		var others []inquiry.BatchID
		for range 40 {
			others = append(others, f.submit(t, 1))
		}
		var dead atomic.Bool
		f.table.Before = func(_ string, in any) error {
			if reads(in, deadly) {
				dead.Store(true)
			}
			if dead.Load() {
				return errDown
			}
			return nil
		}
		f.now = f.now.Add(firstCheck)
		deaths := 0
		for range 4 {
			dead.Store(false)
			_ = f.Handle(t.Context())
			if dead.Load() {
				deaths++
			}
			f.now = f.now.Add(5 * time.Minute)
		}
		for _, id := range others {
			if !slices.ContainsFunc(f.queue.taken, func(m queue.Message) bool { return m.ID == id.Inquiry(0) }) {
				t.Errorf("batch %s was not swept in four runs", id)
			}
		}
		if deaths < 2 {
			t.Errorf("only %d runs died", deaths)
		}
	})

	t.Run("a cancel during the sweep is carried out by the next run", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 2)
		f.now = noon.Add(time.Hour)
		f.table.After = func(_ string, in any) error {
			if reads(in, id) { // the sweep has read the batch, and does not know of the cancel
				f.table.After = nil
				if _, err := f.store.RequestCancel(t.Context(), "acme", id); err != nil {
					return err
				}
			}
			return nil
		}
		f.sweep(t)
		f.now = f.now.Add(5 * time.Minute)
		f.sweep(t)
		if b := f.batch(t, id); b.Status() != inquiry.BatchCancelled {
			t.Errorf("five minutes after its cancel the batch is %s, %+v; due at %s", b.Status(), b.Counts(), f.open(t)[id])
		}
	})

	// A newer version was rolled back. With "counted", it also wrote a code to the ledger
	// that this version does not know.
	for name, counted := range map[string]bool{"": false, ", and the ledger has an unknown code": true} {
		t.Run("an unknown status fails at the deadline"+name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			unknownStatus(t, f, counted)
		})
	}

	t.Run("a panic affects one batch only", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		poison := f.submit(t, 1)
		for range 40 {
			f.submit(t, 1)
		}
		f.table.Before = func(_ string, in any) error {
			if reads(in, poison) {
				panic("poison")
			}
			return nil
		}
		f.now = noon.Add(firstCheck)
		if err := f.Handle(t.Context()); err == nil {
			t.Error("the run returns no error, so it raises no alarm")
		}
		if len(f.queue.taken) != 40 || f.open(t)[poison] != f.now.Add(defaultTime) {
			t.Errorf("%d of 40 batches were sent; the other one is due at %s", len(f.queue.taken), f.open(t)[poison])
		}
		f.now = f.now.Add(5 * time.Minute)
		for due, err := range f.store.Due(t.Context()) {
			if err != nil || due.Begun {
				t.Errorf("the next run would sweep a batch alone, although this run did not die: %+v, %v", due, err)
			}
		}
	})

	// More batches than are swept at once are stuck until their time is over.
	t.Run("slow batches do not use up the run", func(t *testing.T) {
		t.Parallel()
		warmUp(t)
		synctest.Test(t, func(t *testing.T) {
			s := newScale(t, 100)
			slow := map[inquiry.BatchID]bool{}
			for _, id := range s.all[:2*batchesAtOnce] {
				slow[id] = true
			}
			s.queue.stuck = slow
			s.run(t)
			if len(s.queue.sent) != 100-len(slow) {
				t.Errorf("%d batches were sent, want %d", len(s.queue.sent), 100-len(slow))
			}
		})
	})

	t.Run("a slow batch that is begun last leaves time to end its sweep", func(t *testing.T) {
		t.Parallel()
		warmUp(t)
		synctest.Test(t, func(t *testing.T) {
			s := newScale(t, 1)
			s.queue.stuck = map[inquiry.BatchID]bool{s.all[0]: true}
			const run = lastStart + time.Second
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), run)
			defer cancel()
			if err := s.Handle(ctx); err == nil {
				t.Error("the run returns no error, so it raises no alarm")
			}
			if left := run - time.Since(begin); left <= 0 {
				t.Errorf("%s are left when the sweep has ended", left)
			}
			time.Sleep(deployment.SweepInterval)
			for due, err := range s.Batches.Due(t.Context()) {
				if err != nil || due.Begun {
					t.Errorf("the sweep was not ended: %+v, %v", due, err)
				}
			}
		})
	})

	t.Run("more batches than are swept at once", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		for range 500 {
			f.submit(t, 1)
		}
		f.now = noon.Add(firstCheck)
		f.sweep(t)
		if n := len(f.queue.taken); n != 500 {
			t.Errorf("one run swept %d of 500 batches", n)
		}
	})
}

func unknownStatus(t *testing.T, f *fixture, counted bool) {
	t.Helper()
	id := f.submit(t, 2)
	f.complete(t, id.Inquiry(0))
	f.claim(t, id.Inquiry(1))
	f.setStatus(t, id.Inquiry(1), "ARCHIVED")
	if counted {
		f.set(t, key(id, store.HeaderSK), "ledger", &types.AttributeValueMemberB{Value: []byte{0xf0}})
	}
	for _, step := range []struct {
		age    time.Duration
		counts inquiry.Counts
		shown  inquiry.Status
	}{
		{firstCheck, inquiry.Counts{Completed: 1, Running: 1}, inquiry.StatusRunning},
		{deadline, inquiry.Counts{Completed: 1, Failed: 1}, inquiry.StatusFailed},
	} {
		f.now = noon.Add(step.age)
		f.sweep(t)
		entry, err := f.store.Entry(t.Context(), "acme", id.Inquiry(1))
		if err != nil || entry.Record.Status != step.shown {
			t.Errorf("after %s the inquiry is shown as %s, want %s (%v)", step.age, entry.Record.Status, step.shown, err)
		}
		if b := f.batch(t, id); b.Counts() != step.counts {
			t.Errorf("after %s the batch has %+v, want %+v", step.age, b.Counts(), step.counts)
		}
	}
	if len(f.queue.taken) != 0 {
		t.Errorf("%v were sent again", f.queue.indexes())
	}
	lender, err := f.store.Lender(t.Context(), "acme")
	if err != nil || lender.Open != 0 {
		t.Errorf("the lender has %d inquiries open, %v", lender.Open, err)
	}
}

package handler

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
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
	for _, it := range f.table.Items() {
		pk, sk := it[store.PKAttribute].(*types.AttributeValueMemberS).Value, it[store.SKAttribute].(*types.AttributeValueMemberS).Value
		if strings.HasPrefix(sk, store.InquiryPrefix) && strings.Contains(pk, id.Batch().String()) && sk == store.InquiryPrefix+"0000"+string(rune('0'+id.Index())) {
			it[store.StatusAttribute] = &types.AttributeValueMemberS{Value: status}
			name := "table"
			if _, err := f.table.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: &name, Item: it}); err != nil {
				tb.Fatal(err)
			}
			return
		}
	}
	tb.Fatalf("inquiry %s has no item", id)
}

func TestSurvives(t *testing.T) {
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

	t.Run("an unknown status fails at the deadline", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		id := f.submit(t, 2)
		f.complete(t, id.Inquiry(0))
		f.claim(t, id.Inquiry(1))
		f.setStatus(t, id.Inquiry(1), "ARCHIVED")
		for _, age := range []time.Duration{firstCheck, deadline} {
			f.now = noon.Add(age)
			if err := f.Handle(t.Context()); err != nil {
				t.Errorf("after %s: %v", age, err)
			}
			entry, err := f.store.Entry(t.Context(), "acme", id.Inquiry(1))
			t.Logf("after %s: %v %v", age, entry.Record.Status, err)
		}
		if b := f.batch(t, id); b.Counts() != (inquiry.Counts{Completed: 1, Failed: 1}) {
			t.Errorf("past its deadline the batch is %s, %+v", b.Status(), b.Counts())
		}
		if len(f.queue.taken) != 0 {
			t.Errorf("%v were sent again", f.queue.indexes())
		}
		lender, err := f.store.Lender(t.Context(), "acme")
		if err != nil || lender.Open != 0 {
			t.Errorf("the lender has %d inquiries open, %v", lender.Open, err)
		}
	})

	t.Run("more than a hundred batches in one run", func(t *testing.T) {
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

package handler

import (
	"context"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// oneBatch is a table and a queue with one batch that is due. None of its inquiries has
// a record.
type oneBatch struct {
	Batches
	batch inquiry.Batch
	asked []inquiry.Inquiry
	sent  []inquiry.ID
}

func (o *oneBatch) Due(context.Context) iter.Seq2[store.DueBatch, error] {
	return func(yield func(store.DueBatch, error) bool) {
		yield(store.DueBatch{BatchRef: store.BatchRef{Lender: o.batch.LenderID, ID: o.batch.ID}}, nil)
	}
}

func (o *oneBatch) Submitted(context.Context, inquiry.LenderID, inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error) {
	return o.batch, o.asked, nil
}

func (o *oneBatch) Records(context.Context, inquiry.Batch) ([]inquiry.Record, error) { return nil, nil }

func (o *oneBatch) Merge(context.Context, inquiry.LenderID, inquiry.BatchID, []inquiry.Change) (inquiry.Batch, error) {
	return o.batch, nil
}

func (o *oneBatch) BeginSweep(_ context.Context, due store.DueBatch, _ time.Time) (store.DueBatch, error) {
	return due, nil
}

func (o *oneBatch) EndSweep(context.Context, store.DueBatch, time.Time) error { return nil }

func (o *oneBatch) Send(_ context.Context, messages []queue.Message) error {
	for _, m := range messages {
		o.sent = append(o.sent, m.ID)
	}
	return nil
}

// A rejected inquiry has no record, and neither has one whose message was lost.
func TestRecount(t *testing.T) {
	t.Parallel()
	submitted := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	asked := []inquiry.Inquiry{{BusinessName: "Ash"}, {Rejected: []inquiry.Rejection{{Code: "form"}}}}
	o := &oneBatch{asked: asked, batch: inquiry.Batch{
		ID: inquiry.NewBatchID(submitted), LenderID: "acme", Tally: inquiry.Submission{Inquiries: asked}.Tally(),
	}}
	h := Handler{
		Batches: o, Queue: o, Deadline: inquiry.DefaultDeadline, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return submitted.Add(time.Hour) },
	}
	if err := h.Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(o.sent) != 1 || o.sent[0].Index() != 0 {
		t.Errorf("sent again: %v, want only the first", o.sent)
	}
}

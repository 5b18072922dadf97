// Package handler is what tally-statuses does with the table's stream.
package handler

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Counters merges changes into a batch's header. Merging one twice, or late, is
// harmless.
type Counters interface {
	Merge(context.Context, inquiry.LenderID, inquiry.BatchID, []inquiry.Change) (inquiry.Batch, error)
}

type Handler struct {
	Counters Counters
	Log      *slog.Logger
}

// group is one batch's part of an event.
type group struct {
	lender  inquiry.LenderID
	batch   inquiry.BatchID
	changes []inquiry.Change
	first   int // position in the event of the batch's first record
}

// Handle merges the event's records into their batches' counters, one write a
// batch. On a failure it names the earliest record that is not counted yet: the
// stream goes on from there, and merging the later ones again changes nothing.
func (h *Handler) Handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	groups, uncounted := h.read(ctx, ev.Records)
	for _, g := range groups {
		if err := h.count(ctx, g); err != nil {
			h.Log.ErrorContext(ctx, "records go back to the stream", "batchId", g.batch, "err", err)
			uncounted = min(uncounted, g.first)
		}
	}
	resp := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	if uncounted < len(ev.Records) {
		resp.BatchItemFailures = append(resp.BatchItemFailures,
			events.DynamoDBBatchItemFailure{ItemIdentifier: ev.Records[uncounted].Change.SequenceNumber})
	}
	return resp, nil
}

// read groups the records by batch, in the order in which each batch comes up.
// It stops at the first record that it cannot read and returns its position, or
// the number of records when it could read all.
func (h *Handler) read(ctx context.Context, records []events.DynamoDBEventRecord) (groups []*group, stopped int) {
	byBatch := map[inquiry.BatchID]*group{}
	for i, r := range records {
		t, ok, err := store.ReadTransition(r)
		if err != nil {
			h.Log.ErrorContext(ctx, "record cannot be read", "sequenceNumber", r.Change.SequenceNumber, "err", err)
			return groups, i
		}
		if !ok {
			continue
		}
		g := byBatch[t.Batch]
		if g == nil {
			g = &group{lender: t.Lender, batch: t.Batch, first: i}
			byBatch[t.Batch] = g
			groups = append(groups, g)
		}
		g.changes = append(g.changes, t.Change)
	}
	return groups, len(records)
}

func (h *Handler) count(ctx context.Context, g *group) error {
	batch, err := h.Counters.Merge(ctx, g.lender, g.batch, g.changes)
	if errors.Is(err, inquiry.ErrNotFound) {
		h.Log.WarnContext(ctx, "batch is gone before its inquiries were counted", "batchId", g.batch)
		return nil // deleted or expired since: there is no counter left to keep
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "statuses counted", "batchId", g.batch, "records", len(g.changes),
		"status", batch.Status(), "settled", batch.Counts().Settled(), "total", batch.Total)
	return nil
}

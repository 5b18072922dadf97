// Package handler counts statuses: it reads the changes of inquiries from the
// table's stream and merges them into the counters of their batches.
package handler

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Counters keeps the counters in the headers of batches.
type Counters interface {
	// Merge merges changes of inquiries into their batch's counters and returns the
	// batch. A change may be merged again, late or out of order. Merge returns
	// inquiry.ErrNotFound if the batch was deleted or has expired. After any other error,
	// the changes may or may not have been merged.
	Merge(context.Context, inquiry.LenderID, inquiry.BatchID, []inquiry.Change) (inquiry.Batch, error)
}

// Handler counts the statuses of inquiries.
type Handler struct {
	Counters Counters
	Log      *slog.Logger
}

// group is the part of an event that belongs to one batch.
type group struct {
	lender  inquiry.LenderID
	batch   inquiry.BatchID
	changes []inquiry.Change
	first   int // position in the event of the batch's first record
}

// Handle merges the event's records into the counters of their batches, with one
// write per batch. After a failure it returns the earliest record that is not
// counted yet. The stream continues from there, and merging the later records
// again changes nothing.
func (h *Handler) Handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	groups, uncounted := h.read(ctx, ev.Records)
	for _, g := range groups {
		if err := h.count(ctx, g); err != nil {
			h.Log.ErrorContext(ctx, "stream records will be read again", "batchId", g.batch, "err", err)
			uncounted = min(uncounted, g.first)
		}
	}
	resp := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}} // not nil: a null list is not always read as empty
	if uncounted < len(ev.Records) {
		resp.BatchItemFailures = append(resp.BatchItemFailures,
			events.DynamoDBBatchItemFailure{ItemIdentifier: ev.Records[uncounted].Change.SequenceNumber})
	}
	return resp, nil
}

// read groups the records by batch, in the order in which the batches first appear.
// It stops at the first record that it cannot read and returns that record's
// position, or the number of records if it read all of them.
func (h *Handler) read(ctx context.Context, records []events.DynamoDBEventRecord) (groups []*group, stopped int) {
	byBatch := map[inquiry.BatchID]*group{}
	for i, r := range records {
		t, ok, err := store.ReadTransition(r)
		if err != nil {
			h.Log.ErrorContext(ctx, "stream record cannot be read", "sequenceNumber", r.Change.SequenceNumber, "err", err)
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

// count merges the changes of one batch into its counters.
func (h *Handler) count(ctx context.Context, g *group) error {
	batch, err := h.Counters.Merge(ctx, g.lender, g.batch, g.changes)
	if errors.Is(err, inquiry.ErrNotFound) {
		h.Log.WarnContext(ctx, "batch was deleted or expired before its inquiries were counted", "batchId", g.batch)
		return nil // there are no counters left to update
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "statuses counted", "batchId", g.batch, "records", len(g.changes),
		"status", batch.Status(), "settled", batch.Counts().Settled(), "total", batch.Total)
	return nil
}

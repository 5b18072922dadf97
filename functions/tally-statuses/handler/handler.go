// Package handler counts statuses: it reads the changes of inquiries from the
// table's stream and merges them into the counters of their batches.
package handler

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

const (
	// atOnce is the number of batches that are counted concurrently.
	atOnce = 32

	// manyBatches and fewRecords say when it is not worth a write to count that
	// inquiries are running: in an event of more than manyBatches, for a batch with at
	// most fewRecords. Otherwise every inquiry of 10,000 interleaved batches would take
	// two writes of a header.
	manyBatches = 100
	fewRecords  = 2
)

// Counters keeps the counters in the headers of batches.
type Counters interface {
	// Merge merges changes of inquiries into their batch's counters and returns the
	// batch. A change may be merged again, late or out of order. Merge returns
	// inquiry.ErrNotFound if the batch was deleted or has expired, and
	// inquiry.ErrUnreadable if it is damaged. After any other error, the changes may or
	// may not have been merged.
	Merge(context.Context, inquiry.LenderID, inquiry.BatchID, []inquiry.Change) (inquiry.Batch, error)
}

// FailedRecords keeps the records that cannot be counted.
type FailedRecords interface {
	// Put stores the record. The same record may be put again.
	Put(context.Context, events.DynamoDBEventRecord) error
}

// Handler counts the statuses of inquiries.
type Handler struct {
	Counters Counters
	Failed   FailedRecords
	Metrics  *metrics.Writer
	Log      *slog.Logger
}

// Handle merges the event's records into the counters of their batches, with one
// write per batch. After a failure it returns the earliest record that is not
// counted yet. The stream continues from there, and merging the later records
// again changes nothing.
//
// In an event of very many batches, a batch's record or two that say RUNNING are left
// out. Nothing depends on them: the record of the inquiry's end has the time of its
// start, too, and until it comes only the batch's counters show the inquiry as waiting.
//
// A record that cannot be read, or whose batch cannot be read, is set aside and
// passed: the stream would repeat it for a day, and everything behind it would wait.
// If it is the record of a newer version's status, the next sweep of a version that
// knows the status counts it.
func (h *Handler) Handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	outcomes := make([]error, len(ev.Records)) // nil: the record may be passed
	groups := group(ev.Records, outcomes)
	if len(groups) > manyBatches {
		groups = slices.DeleteFunc(groups, (*batchRecords).onlyStarts)
	}
	sideBySide(groups, func(g *batchRecords) {
		err := h.count(ctx, g)
		for _, i := range g.positions {
			outcomes[i] = err
		}
	})
	h.setAside(ctx, ev.Records, outcomes)

	resp := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}} // not nil: a null list is not always read as empty
	for i, err := range outcomes {
		if err != nil {
			h.Log.ErrorContext(ctx, "stream records will be read again", "sequenceNumber", ev.Records[i].Change.SequenceNumber, "err", err)
			resp.BatchItemFailures = append(resp.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: ev.Records[i].Change.SequenceNumber})
			break
		}
	}
	return resp, nil
}

// batchRecords are the records of one batch in an event.
type batchRecords struct {
	lender    inquiry.LenderID
	batch     inquiry.BatchID
	changes   []inquiry.Change
	positions []int // of its records in the event
}

// onlyStarts reports whether the records are few and say only that inquiries are
// running.
func (b *batchRecords) onlyStarts() bool {
	return len(b.changes) <= fewRecords &&
		!slices.ContainsFunc(b.changes, func(c inquiry.Change) bool { return c.Status != inquiry.StatusRunning })
}

// group groups the records by batch, in the order in which the batches first appear.
// It writes an error into outcomes for each record that it cannot read.
func group(records []events.DynamoDBEventRecord, outcomes []error) (groups []*batchRecords) {
	byBatch := map[inquiry.BatchID]*batchRecords{}
	for i, r := range records {
		t, ok, err := store.ReadTransition(r)
		if err != nil || !ok {
			outcomes[i] = err
			continue
		}
		g := byBatch[t.Batch]
		if g == nil {
			g = &batchRecords{lender: t.Lender, batch: t.Batch}
			byBatch[t.Batch] = g
			groups = append(groups, g)
		}
		g.changes = append(g.changes, t.Change)
		g.positions = append(g.positions, i)
	}
	return groups
}

// count merges the changes of one batch into its counters.
func (h *Handler) count(ctx context.Context, g *batchRecords) error {
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

// setAside puts the unreadable records with the failed records. Their outcomes become
// nil, or the error that prevented it.
func (h *Handler) setAside(ctx context.Context, records []events.DynamoDBEventRecord, outcomes []error) {
	var unreadable []int
	for i, err := range outcomes {
		if errors.Is(err, inquiry.ErrUnreadable) {
			unreadable = append(unreadable, i)
		}
	}
	sideBySide(unreadable, func(i int) {
		why := outcomes[i]
		if outcomes[i] = h.Failed.Put(ctx, records[i]); outcomes[i] == nil {
			h.Log.ErrorContext(ctx, "stream record set aside", "sequenceNumber", records[i].Change.SequenceNumber, "err", why)
		}
	})
	unreadable = slices.DeleteFunc(unreadable, func(i int) bool { return outcomes[i] != nil })
	if len(unreadable) > 0 {
		h.Metrics.Write(map[metrics.Name]float64{metrics.RecordsSetAside: float64(len(unreadable))})
	}
}

// sideBySide calls work for each of the list, up to atOnce at the same time.
func sideBySide[T any](list []T, work func(T)) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, one := range list {
		g.Go(func() error { work(one); return nil })
	}
	_ = g.Wait() // the work keeps its own errors
}

package simulation

import (
	"context"
	"errors"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// startRead reads a batch on behalf of one of the two lenders, in one of the ways
// that the API has.
func (w *World) startRead(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	read := []func(*clientOp, inquiry.BatchID, shown) reading{w.readStatus, w.readInquiries, w.readInquiry, w.readList}[w.rng.IntN(4)](op, id, w.check.before(op.lender))
	return w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) error {
		return read.get(ctx, i.store())
	}, func(err error) {
		state := w.check.byID[id]
		switch {
		case errors.Is(err, inquiry.ErrDeleted):
			if !state.deleted || op.lender != state.lender {
				w.violate("I6", "%s learns that batch B%d of %s is deleted", op.lender, state.number, state.lender)
			}
		case errors.Is(err, inquiry.ErrNotFound):
			if op.lender == state.lender && !state.gone {
				w.violate("I9", "%s does not find its own batch B%d", op.lender, state.number)
			}
		case err != nil:
			w.tryLater(op, err)
		default:
			read.check(state)
			w.readOn(op)
		}
	})
}

// readOn makes the client read again at once, if it means to.
func (w *World) readOn(op *clientOp) {
	if op.more > 0 {
		w.clients = append(w.clients, &clientOp{at: w.now, what: "read", lender: op.lender, sub: op.sub, more: op.more - 1})
	}
}

// readAround makes the lender read a batch several times in a row from now on. It is
// called when a batch or one of its inquiries becomes final, and before and after a
// batch is marked as deleted: then replicas differ in what matters most.
func (w *World) readAround(b *batchState) {
	for _, s := range w.submissions {
		if id, known := s.batch(); known && id == b.id {
			w.clients = append(w.clients, &clientOp{at: w.now, what: "read", lender: s.lender, sub: s, more: 1 + w.rng.IntN(4)})
			return
		}
	}
}

// reading is one read: how it is made, and how its answer is checked.
type reading struct {
	get   func(context.Context, *store.Store) error
	check func(*batchState)
}

// foreign reports whether a lender was shown another lender's batch.
func (w *World) foreign(op *clientOp, state *batchState) bool {
	if op.lender == state.lender {
		return false
	}
	w.violate("I6", "%s reads batch B%d of %s", op.lender, state.number, state.lender)
	return true
}

func (w *World) readStatus(op *clientOp, id inquiry.BatchID, before shown) reading {
	var b inquiry.Batch
	return reading{func(ctx context.Context, s *store.Store) (err error) {
		b, err = s.Batch(ctx, op.lender, id)
		return err
	}, func(state *batchState) {
		if !w.foreign(op, state) {
			w.check.showBatch(before, b)
		}
	}}
}

// readInquiries reads one page of the batch's inquiries, of all or of one status.
func (w *World) readInquiries(op *clientOp, id inquiry.BatchID, before shown) reading {
	q := inquiry.EntryQuery{Limit: 100}
	switch r := w.rng; r.IntN(4) {
	case 0:
		q.Limit, q.From = 1+r.IntN(4), r.IntN(len(op.sub.body.Inquiries))
	case 1:
		q.Status = codes[r.IntN(len(codes))]
	}
	var page inquiry.EntryPage
	return reading{func(ctx context.Context, s *store.Store) (err error) {
		page, err = s.ListEntries(ctx, op.lender, id, q)
		return err
	}, func(state *batchState) {
		if w.foreign(op, state) {
			return
		}
		// A page of one status leaves out what has moved on; nothing moves on in a final batch.
		if want := min(q.Limit, page.Total-q.From); len(page.Entries) != want && (q.Status == "" || page.Batch.Status().Final()) {
			w.violate("I9", "a page of B%d has %d inquiries, not %d", state.number, len(page.Entries), want)
		}
		w.check.showBatch(before, page.Batch)
		for _, e := range page.Entries {
			w.check.showEntry(before, op.sub, e)
		}
	}}
}

func (w *World) readInquiry(op *clientOp, id inquiry.BatchID, before shown) reading {
	one := id.Inquiry(w.rng.IntN(len(op.sub.body.Inquiries)))
	var e inquiry.Entry
	return reading{func(ctx context.Context, s *store.Store) (err error) {
		e, err = s.Entry(ctx, op.lender, one)
		return err
	}, func(state *batchState) {
		if !w.foreign(op, state) {
			w.check.showEntry(before, op.sub, e)
		}
	}}
}

// readList reads the lender's list, of all batches or of those with one status.
func (w *World) readList(op *clientOp, _ inquiry.BatchID, before shown) reading {
	q := inquiry.BatchQuery{Limit: 100}
	if w.rng.IntN(3) == 0 {
		q.Filter.Status = []inquiry.BatchStatus{inquiry.BatchPending, inquiry.BatchRunning, inquiry.BatchCompleted, inquiry.BatchPartialSuccess}[w.rng.IntN(4)]
	}
	var page inquiry.BatchPage
	return reading{func(ctx context.Context, s *store.Store) (err error) {
		page, err = s.ListBatches(ctx, op.lender, q)
		return err
	}, func(*batchState) { w.check.showList(before, op.lender, q.Filter.Status, page) }}
}

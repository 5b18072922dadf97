package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	acme   inquiry.LenderID = "acme"
	zenith inquiry.LenderID = "zenith"
)

var lenders = []inquiry.LenderID{acme, zenith}

// clientOp is something that a lender's program does at a given time.
type clientOp struct {
	at     time.Time
	what   string // submit, cancel, delete, read, or the words of a test
	do     func() // set by a test
	lender inquiry.LenderID
	sub    *submission
	tries  int
}

// at adds something that a client will do.
func (w *World) at(after time.Duration, what string, lender inquiry.LenderID, s *submission) {
	w.clients = append(w.clients, &clientOp{at: noon.Add(after), what: what, lender: lender, sub: s})
}

// do adds something that a test will do.
func (w *World) do(after time.Duration, what string, do func()) {
	w.clients = append(w.clients, &clientOp{at: noon.Add(after), what: what, do: do})
}

func (w *World) startClient(op *clientOp) {
	var i *Invocation
	switch op.what {
	case "submit":
		i = w.startSubmit(op)
	case "cancel":
		i = w.startCancel(op)
	case "delete":
		i = w.startDelete(op)
	case "read":
		i = w.startRead(op)
	default:
		w.traceStep("%s", op.what)
		op.do()
	}
	if i != nil {
		w.traceStep("api#%d: %s, as %s", i.ID, op.what, op.lender)
	}
}

// tryAgain makes the client repeat the request later, as a patient program would.
func (w *World) tryAgain(op *clientOp) {
	if op.tries++; op.tries > 8 {
		return
	}
	op.at = w.now.Add(time.Second << op.tries)
	w.clients = append(w.clients, op)
}

func (w *World) startCancel(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	var self *Invocation
	var b inquiry.Batch
	self = w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) (err error) {
		if op.sub.key != "" { // like a client that retries everything under a key
			b, _, err = i.store().RequestCancelOnce(ctx, op.sub.lender, id, "cancel "+op.sub.key)
			return err
		}
		b, err = i.store().RequestCancel(ctx, op.sub.lender, id)
		return err
	}, func(err error) {
		switch {
		case err == nil:
			if b.CancelRequestedAt.IsZero() {
				w.violate("I1", "a cancel is accepted but not stored")
			}
		case errors.Is(err, inquiry.ErrFinished):
			if !w.check.byID[id].status.Final() {
				w.violate("I4", "a cancel of %s is rejected as finished, but the batch is not", w.check.name(id))
			}
		case errors.Is(err, inquiry.ErrNotFound):
			if !w.check.byID[id].gone {
				w.violate("I9", "a cancel does not find batch %s", w.check.name(id))
			}
		case errors.Is(err, inquiry.ErrIdempotencyMismatch):
			w.violate("I7", "a cancel of %s is rejected because of its idempotency key", w.check.name(id))
		default:
			w.tryAgain(op)
		}
	})
	return self
}

func (w *World) startDelete(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	return w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) error {
		_, err := i.store().Delete(ctx, op.sub.lender, id)
		return err
	}, func(err error) {
		b := w.check.byID[id]
		switch {
		case err == nil:
			if !b.deleted && !b.gone {
				w.violate("I9", "the service says that batch B%d is deleted, but it is not", b.number)
			}
			b.purged = true
		case errors.Is(err, inquiry.ErrUnfinished):
			if b.status.Final() && b.deleted {
				w.violate("I4", "the service says that batch B%d is unfinished, but it is final", b.number)
			}
			w.tryAgain(op)
		default:
			w.tryAgain(op)
		}
	})
}

// startRead reads a batch on behalf of one of the two lenders.
func (w *World) startRead(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	var b inquiry.Batch
	var entries []inquiry.Entry
	return w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) (err error) {
		page, err := i.store().ListEntries(ctx, op.lender, id, inquiry.EntryQuery{Limit: 100})
		b, entries = page.Batch, page.Entries
		return err
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
			w.tryAgain(op)
		case op.lender != state.lender:
			w.violate("I6", "%s reads batch B%d of %s", op.lender, state.number, state.lender)
		default:
			w.check.checkRead(state, b, entries)
		}
	})
}

// checkRead checks what a lender was shown.
func (c *checker) checkRead(state *batchState, b inquiry.Batch, entries []inquiry.Entry) {
	n := b.Counts()
	if n.Planning < 0 || n.Planning+n.Running+n.Settled() != b.Total || b.Total != state.total {
		c.w.violate("I2", "batch B%d is shown with the counters %+v of %d inquiries", state.number, n, b.Total)
	}
	for i, e := range entries {
		if e.Inquiry.ExternalID != fmt.Sprint("loan-", i) {
			c.w.violate("I9", "B%d/%d is shown as another inquiry", state.number, i)
		}
		if status := e.Record.Status; b.Status().Final() && !status.Final() {
			c.w.violate("I3", "batch B%d is shown as %s but its inquiry %d as %s", state.number, b.Status(), i, status)
		}
	}
}

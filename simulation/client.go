package simulation

import (
	"context"
	"errors"
	"slices"
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
	what   string // submit, cancel, delete, rerun, read, or the words of a test
	do     func() // set by a test
	lender inquiry.LenderID
	sub    *submission
	tries  int
	more   int // reads that the client makes after this one, one after another
}

// at adds something that a client will do.
func (w *World) at(after time.Duration, what string, lender inquiry.LenderID, s *submission) {
	if !slices.Contains(w.submissions, s) {
		w.submissions = append(w.submissions, s)
	}
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
	case "rerun":
		i = w.startRerun(op)
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

// tryLater is tryAgain for a request that failed. Such an error must say that trying
// again helps, or the client would get a 500 and not know.
func (w *World) tryLater(op *clientOp, err error) {
	for _, known := range []error{errKilled, errTimedOut, context.Canceled, inquiry.ErrUnavailable, inquiry.ErrConflict} {
		if errors.Is(err, known) {
			w.tryAgain(op)
			return
		}
	}
	w.violate("I14", "a request to %s fails without saying that it may be tried again: %v", op.what, err)
}

func (w *World) startCancel(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	var b inquiry.Batch
	before := w.check.before(op.sub.lender)
	return w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) (err error) {
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
			w.check.showBatch(before, b)
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
			w.tryLater(op, err)
		}
	})
}

func (w *World) startDelete(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	w.readAround(w.check.byID[id])
	var shown inquiry.Batch
	before := w.check.before(op.sub.lender)
	return w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) (err error) {
		shown, err = i.store().Delete(ctx, op.sub.lender, id)
		return err
	}, func(err error) {
		b := w.check.byID[id]
		switch {
		case err == nil:
			if !b.deleted && !b.gone {
				w.violate("I9", "the service says that batch B%d is deleted, but it is not", b.number)
			}
			b.purged = true
			w.check.showBatch(before, shown)
		case errors.Is(err, inquiry.ErrUnfinished):
			if b.status.Final() && b.deleted {
				w.violate("I4", "the service says that batch B%d is unfinished, but it is final", b.number)
			}
			w.tryAgain(op)
		default:
			w.tryLater(op, err)
		}
	})
}

package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// becameFinal lets clients do what they do when a batch is final: its lender reads it
// and, if it means to, reruns it.
func (w *World) becameFinal(b *batchState) {
	w.readAround(b)
	for _, s := range w.submissions {
		if s.parent == nil {
			continue
		}
		if id, known := s.parent.batch(); known && id == b.id {
			w.clients = append(w.clients, &clientOp{at: w.now.Add(time.Duration(w.rng.IntN(3000)) * time.Millisecond), what: "rerun", lender: s.lender, sub: s})
		}
	}
}

// planRerun has a client submit again what does not succeed in a batch.
func (w *World) planRerun(parent *submission, key string) {
	s := newSubmission(parent.lender, key)
	s.parent, s.body.Operation = parent, inquiry.OperationRerun
	w.submissions = append(w.submissions, s)
}

// startRerun submits the inquiries of a final batch again that did not succeed, as
// the API does.
func (w *World) startRerun(op *clientOp) *Invocation {
	id, known := op.sub.parent.batch()
	if !known {
		return nil
	}
	again := op.sub.body
	var batch inquiry.BatchID
	var replayed bool
	var self *Invocation
	self = w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) error {
		st := i.store()
		lender, err := st.Lender(ctx, op.lender)
		if err != nil {
			return err
		}
		parent, asked, err := st.Submitted(ctx, op.lender, id)
		if err != nil {
			return err
		}
		if !parent.Status().Final() {
			return inquiry.ErrUnfinished
		}
		again.Parent, again.Inquiries = &parent, parent.Rerun(asked, inquiry.RerunUnsuccessful)
		if len(again.Inquiries) == 0 {
			return inquiry.ErrFinished
		}
		batch, replayed, err = st.Submit(ctx, lender, again)
		return err
	}, func(err error) {
		switch state := w.check.byID[id]; {
		case errors.Is(err, inquiry.ErrUnfinished):
			w.violate("I12", "a rerun finds %s unfinished, although it was final before", w.check.name(id))
		case errors.Is(err, inquiry.ErrFinished): // everything succeeded
		case errors.Is(err, inquiry.ErrDeleted):
			if !state.deleted {
				w.violate("I6", "a rerun finds %s deleted, although it is not", w.check.name(id))
			}
		default:
			op.sub.body = again
			w.submitted(op, self, batch, replayed, err)
		}
	})
	self.submitter = again.Submitter // in time: the scheduler has granted none of its calls
	return self
}

// checkReruns checks that a rerun and its parent name each other.
func (c *checker) checkReruns() {
	for _, s := range c.w.submissions {
		id, known := s.batch()
		if s.parent == nil || !known {
			continue
		}
		was, _ := s.parent.batch()
		parent, parentErr := c.w.direct().Batch(context.Background(), s.lender, was)
		child, childErr := c.w.direct().Batch(context.Background(), s.lender, id)
		if parentErr != nil || childErr != nil {
			c.w.violate("I9", "batch %s or its rerun %s cannot be read: %v, %v", c.name(was), c.name(id), parentErr, childErr)
			return
		}
		if child.Parent != was || !slices.Contains(parent.Children, parent.LatestChild) || !slices.Contains(parent.Children, id) {
			c.w.violate("I9", "batch %s and its rerun %s do not name each other", c.name(was), c.name(id))
		}
	}
}

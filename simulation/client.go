package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	acme   inquiry.LenderID = "acme"
	zenith inquiry.LenderID = "zenith"
)

var lenders = []inquiry.LenderID{acme, zenith}

// clientOp is something that a lender's program does at a time.
type clientOp struct {
	at     time.Time
	what   string // submit, cancel, delete, read, or a test's own
	do     func() // what a test's own is
	lender inquiry.LenderID
	sub    *submission
	tries  int
}

// submission is what a lender means to submit, once.
type submission struct {
	lender inquiry.LenderID
	key    string
	body   inquiry.Submission

	answers  []inquiry.BatchID // what the service said
	mismatch bool              // the service said that the key is another body's
	unknown  int               // requests that had no answer
}

// newSubmission is a batch of businesses of these kinds.
func newSubmission(lender inquiry.LenderID, key string, kinds ...string) *submission {
	s := &submission{lender: lender, key: key, body: inquiry.Submission{UserID: "user", Name: "A Batch", IdempotencyKey: key}}
	text := ""
	for i, kind := range kinds {
		in := inquiry.Inquiry{BusinessName: kind + " LLC", ExternalID: fmt.Sprint("loan-", i)}
		if kind == reject {
			in.Rejected = []inquiry.Rejection{{Pointer: "/ein", Code: "invalid"}}
		}
		s.body.Inquiries = append(s.body.Inquiries, in)
		text += kind + " "
	}
	s.body.Fingerprint = sha256.Sum256([]byte(text))
	return s
}

// at adds something that a client will do.
func (w *World) at(after time.Duration, what string, lender inquiry.LenderID, s *submission) {
	w.clients = append(w.clients, &clientOp{at: noon.Add(after), what: what, lender: lender, sub: s})
}

// do adds something that a test does to the world.
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
		w.tracef("%5d %s %s", w.steps, w.now.Format("15:04:05.000"), op.what)
		op.do()
	}
	if i != nil {
		w.tracef("%5d %s api#%d: %s, as %s", w.steps, w.now.Format("15:04:05.000"), i.ID, op.what, op.lender)
	}
}

// again has the client try once more, as a patient program would.
func (w *World) again(op *clientOp) {
	if op.tries++; op.tries > 8 {
		return
	}
	op.at = w.now.Add(time.Second << op.tries)
	w.clients = append(w.clients, op)
}

func (w *World) startSubmit(op *clientOp) *Invocation {
	s := op.sub
	var id inquiry.BatchID
	var replayed bool
	var self *Invocation
	self = w.start("api", apiLimit, func(ctx context.Context, i *Invocation) error {
		st := i.store()
		lender, err := st.Lender(ctx, s.lender)
		if err != nil {
			return err
		}
		body := s.body
		if w.alter.Submit != nil {
			w.alter.Submit(&body)
		}
		id, replayed, err = st.Submit(ctx, lender, body)
		return err
	}, func(err error) { w.submitted(op, self, id, replayed, err) })
	return self
}

// submitted is the service's answer to a submission, or that there was none.
func (w *World) submitted(op *clientOp, i *Invocation, id inquiry.BatchID, replayed bool, err error) {
	s := op.sub
	made := slices.IndexFunc(w.check.batches, func(b *batchState) bool { return b.by == i })
	switch {
	case err == nil:
		b := w.check.byID[id]
		switch {
		case b == nil || b.lender != s.lender || b.total != len(s.body.Inquiries):
			w.violate("I9", "the batch that was accepted is not there")
		case !replayed && made < 0:
			w.violate("I7", "the batch B%d is said to be new and is not", b.number)
		}
		for _, other := range s.answers {
			if s.key != "" && other != id {
				w.violate("I7", "one key and body made %s and %s", w.check.name(other), w.check.name(id))
			}
		}
		if s.key != "" {
			hash := sha256.Sum256([]byte(s.key))
			known := w.check.keys["LENDER#"+string(s.lender)+" IDEMPOTENCY#"+hex.EncodeToString(hash[:])]
			if known.batch != id.String() || known.fingerprint != string(s.body.Fingerprint[:]) {
				w.violate("I7", "the key stands for another body than the one that made %s", w.check.name(id))
			}
		}
		s.answers = append(s.answers, id)
	case errors.Is(err, inquiry.ErrIdempotencyMismatch):
		s.mismatch = true
		if made >= 0 || len(s.answers) > 0 {
			w.violate("I7", "a submission was accepted and then said to be another body's")
		}
	case errors.Is(err, inquiry.ErrTooManyOpen):
		if made >= 0 || s.key != "" && len(s.answers) > 0 {
			w.violate("I7", "a submission was accepted and then said to find no room")
		}
		w.again(op)
	case errors.Is(err, inquiry.ErrNotFound), errors.Is(err, inquiry.ErrSuspended), errors.Is(err, inquiry.ErrTooLarge):
		w.violate("I7", "a submission is refused: %v", err)
	default:
		if made >= 0 && errors.Is(err, inquiry.ErrConflict) {
			w.violate("I7", "a submission was accepted and then said to have met others")
		}
		s.unknown++
		if s.key != "" || made < 0 {
			w.again(op)
		}
	}
}

// batch is the submission's batch, if its client knows it.
func (s *submission) batch() (inquiry.BatchID, bool) {
	if len(s.answers) == 0 {
		return inquiry.BatchID{}, false
	}
	return s.answers[0], true
}

func (w *World) startCancel(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	var self *Invocation
	var b inquiry.Batch
	self = w.start("api", apiLimit, func(ctx context.Context, i *Invocation) (err error) {
		if op.sub.key != "" { // such as a client that retries everything with a key of its own
			b, _, err = i.store().RequestCancelOnce(ctx, op.sub.lender, id, "cancel "+op.sub.key)
			return err
		}
		b, err = i.store().RequestCancel(ctx, op.sub.lender, id)
		return err
	}, func(err error) {
		switch {
		case err == nil:
			if b.CancelRequestedAt.IsZero() {
				w.violate("I1", "a cancel is accepted and not noted")
			}
		case errors.Is(err, inquiry.ErrFinished):
			if !w.check.byID[id].status.Final() {
				w.violate("I4", "a cancel of %s is refused as if it were finished", w.check.name(id))
			}
		case errors.Is(err, inquiry.ErrNotFound):
			if !w.check.byID[id].gone {
				w.violate("I9", "a cancel does not find %s", w.check.name(id))
			}
		case errors.Is(err, inquiry.ErrIdempotencyMismatch):
			w.violate("I7", "a cancel of %s is said to be another request's", w.check.name(id))
		default:
			w.again(op)
		}
	})
	return self
}

func (w *World) startDelete(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	return w.start("api", apiLimit, func(ctx context.Context, i *Invocation) error {
		_, err := i.store().Delete(ctx, op.sub.lender, id)
		return err
	}, func(err error) {
		b := w.check.byID[id]
		switch {
		case err == nil:
			if !b.deleted && !b.gone {
				w.violate("I9", "batch B%d is said to be deleted and is not", b.number)
			}
			b.purged = true
		case errors.Is(err, inquiry.ErrUnfinished):
			if b.status.Final() && b.deleted {
				w.violate("I4", "batch B%d is final and said to be unfinished", b.number)
			}
			w.again(op)
		default:
			w.again(op)
		}
	})
}

// startRead reads a batch as its lender and as the other one.
func (w *World) startRead(op *clientOp) *Invocation {
	id, known := op.sub.batch()
	if !known {
		return nil
	}
	var b inquiry.Batch
	var entries []inquiry.Entry
	return w.start("api", apiLimit, func(ctx context.Context, i *Invocation) (err error) {
		page, err := i.store().ListEntries(ctx, op.lender, id, inquiry.EntryQuery{Limit: 100})
		b, entries = page.Batch, page.Entries
		return err
	}, func(err error) {
		state := w.check.byID[id]
		switch {
		case errors.Is(err, inquiry.ErrDeleted):
			if !state.deleted || op.lender != state.lender {
				w.violate("I6", "%s is told that batch B%d of %s is deleted", op.lender, state.number, state.lender)
			}
		case errors.Is(err, inquiry.ErrNotFound):
			if op.lender == state.lender && !state.gone {
				w.violate("I9", "%s does not find its batch B%d", op.lender, state.number)
			}
		case err != nil:
			w.again(op)
		case op.lender != state.lender:
			w.violate("I6", "%s reads batch B%d of %s", op.lender, state.number, state.lender)
		default:
			w.check.read(state, b, entries)
		}
	})
}

// read checks what a lender was shown.
func (c *checker) read(state *batchState, b inquiry.Batch, entries []inquiry.Entry) {
	n := b.Counts()
	if n.Planning < 0 || n.Planning+n.Running+n.Settled() != b.Total || b.Total != state.total {
		c.w.violate("I2", "batch B%d is shown with counters %+v of %d", state.number, n, b.Total)
	}
	for i, e := range entries {
		if e.Inquiry.ExternalID != fmt.Sprint("loan-", i) {
			c.w.violate("I9", "B%d/%d is shown as another inquiry", state.number, i)
		}
		if status := e.Record.Status; b.Status().Final() && !status.Final() {
			c.w.violate("I3", "batch B%d is shown as %s and its inquiry %d as %s", state.number, b.Status(), i, status)
		}
	}
}

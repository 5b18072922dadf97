package simulation

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// submission is one thing that a lender wants to submit once.
type submission struct {
	lender inquiry.LenderID
	key    string
	body   inquiry.Submission

	parent   *submission       // if this is a rerun: what it repeats, once that is final
	answers  []inquiry.BatchID // the batches that the service returned
	mismatch bool              // the service said that the key was used with another body
}

// newSubmission returns a batch of businesses of the given kinds.
func newSubmission(lender inquiry.LenderID, key string, kinds ...string) *submission {
	s := &submission{lender: lender, key: key, body: inquiry.Submission{Submitter: memberOf(lender), Name: "A Batch", IdempotencyKey: key}}
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

// widen makes the first two inquiries so large that they do not fit on one page.
func (s *submission) widen() {
	for i := range min(2, len(s.body.Inquiries)) {
		s.body.Inquiries[i].Metadata = map[string]string{"note": strings.Repeat("wide ", 31_000)}
	}
}

// memberOf returns the one user of a lender, with a token.
func memberOf(lender inquiry.LenderID) inquiry.Submitter {
	return inquiry.Submitter{UserID: "user of " + string(lender), Role: "member"}
}

// batch returns the submission's batch, if its client knows it.
func (s *submission) batch() (inquiry.BatchID, bool) {
	if len(s.answers) == 0 {
		return inquiry.BatchID{}, false
	}
	return s.answers[0], true
}

func (w *World) startSubmit(op *clientOp) *Invocation {
	s := op.sub
	var id inquiry.BatchID
	var replayed bool
	var self *Invocation
	self = w.start("api", deployment.APITimeout, func(ctx context.Context, i *Invocation) error {
		st := i.store()
		lender, err := st.Lender(ctx, s.lender)
		if err != nil {
			return err
		}
		id, replayed, err = st.Submit(ctx, lender, s.body)
		return err
	}, func(err error) { w.submitted(op, self, id, replayed, err) })
	self.submitter = s.body.Submitter // in time: the scheduler has granted none of its calls
	return self
}

// submitted checks the service's answer to a submission. An unknown error means that
// there was no answer.
func (w *World) submitted(op *clientOp, i *Invocation, id inquiry.BatchID, replayed bool, err error) {
	s := op.sub
	made := slices.IndexFunc(w.check.batches, func(b *batchState) bool { return b.by == i })
	switch {
	case err == nil:
		b := w.check.byID[id]
		switch {
		case b == nil:
			w.violate("I9", "the batch that was accepted does not exist")
			return
		case b.lender != s.lender:
			w.violate("I9", "the batch B%d that was accepted belongs to %s", b.number, b.lender)
		case b.total != len(s.body.Inquiries):
			w.violate("I9", "the batch B%d that was accepted has %d inquiries, not %d", b.number, b.total, len(s.body.Inquiries))
		case !replayed && made < 0:
			w.violate("I7", "the service says that batch B%d is new, but it is not", b.number)
		}
		for _, other := range s.answers {
			if s.key != "" && other != id {
				w.violate("I7", "the same key and body made %s and %s", w.check.name(other), w.check.name(id))
			}
		}
		if s.key != "" {
			known := w.check.idempotencyRecord(s.lender, s.key)
			if known.batch != id.String() || known.fingerprint != string(s.body.Fingerprint[:]) {
				w.violate("I7", "the key is stored with another body than the one that made %s", w.check.name(id))
			}
		}
		s.answers = append(s.answers, id)
		w.check.showAccepted(s.lender, id, s.body.Operation != inquiry.OperationSingle)
	case errors.Is(err, inquiry.ErrIdempotencyMismatch):
		s.mismatch = true
		if made >= 0 || len(s.answers) > 0 {
			w.violate("I7", "a submission was accepted and then rejected because of its body")
		}
	case errors.Is(err, inquiry.ErrTooManyOpen):
		if made >= 0 || s.key != "" && len(s.answers) > 0 {
			w.violate("I7", "a submission was accepted and then rejected because of too many open inquiries")
		}
		w.tryAgain(op)
	case errors.Is(err, inquiry.ErrSuspended), errors.Is(err, inquiry.ErrCutOff):
		if made >= 0 || !w.cutOff[s.lender] {
			w.violate("I15", "a submission is rejected although its submitter has access: %v", err)
		}
		w.tryAgain(op)
	case errors.Is(err, inquiry.ErrNotFound), errors.Is(err, inquiry.ErrTooLarge):
		w.violate("I7", "a submission is rejected: %v", err)
	default:
		if made >= 0 && errors.Is(err, inquiry.ErrConflict) {
			w.violate("I7", "a submission was accepted and then rejected because of a conflict")
		}
		if s.key != "" || made < 0 {
			w.tryLater(op, err)
		}
	}
}

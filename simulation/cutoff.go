package simulation

import (
	"context"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// planCutOff has an operator take away the access of a lender, of its user or of the
// user's API key, at the moment of a submission. Access that can be given back is given
// back later.
func (w *World) planCutOff() {
	op := w.clients[w.rng.IntN(len(w.clients))]
	s, ctx := w.direct(), context.Background()
	lender, user := op.lender, memberOf(op.lender).UserID
	var take, give func() (bool, error)
	what := []string{"lender", "user", "role", "revoked key", "rotated key"}[w.rng.IntN(5)]
	switch what {
	case "lender":
		take = func() (bool, error) { return s.SuspendLender(ctx, lender) }
		give = func() (bool, error) { return s.ResumeLender(ctx, lender) }
	case "user":
		take = func() (bool, error) { return s.SuspendUser(ctx, user) }
		give = func() (bool, error) { return s.ResumeUser(ctx, user) }
	case "role":
		take = func() (bool, error) { return s.SetRole(ctx, user, "viewer") }
		give = func() (bool, error) { return s.SetRole(ctx, user, "member") }
	case "revoked key":
		key := w.useKey(lender)
		take = func() (bool, error) { return s.RevokeAPIKey(ctx, key, store.AnyVersion) }
	case "rotated key":
		key := w.useKey(lender)
		take = func() (bool, error) {
			_, _, err := s.RotateAPIKey(ctx, key, store.Rotation{Generation: 1})
			return true, err
		}
	}
	moment := op.at.Sub(noon)
	w.operate(moment, "an operator cuts off "+string(lender)+" ("+what+")", lender, take)
	if give != nil {
		w.operate(moment+time.Duration(w.rng.IntN(300))*time.Second, "an operator gives "+string(lender)+" its access back", lender, give)
	}
}

// useKey makes all of a lender's submissions come with its user's API key, and returns
// the key's id.
func (w *World) useKey(lender inquiry.LenderID) string {
	key, err := w.direct().EnsureAPIKey(context.Background(), memberOf(lender).UserID, 1)
	if err != nil {
		panic(err)
	}
	w.appendRecords()
	for _, op := range w.clients {
		if op.sub != nil && op.sub.lender == lender {
			op.sub.body.Submitter.KeyID, op.sub.body.Submitter.KeyVersion = key.ID, key.Version
		}
	}
	return key.ID
}

// operate adds something that an operator does to a lender's access.
func (w *World) operate(after time.Duration, what string, lender inquiry.LenderID, change func() (bool, error)) {
	w.do(after, what, func() {
		w.cutOff[lender] = true
		if _, err := change(); err != nil {
			panic(err)
		}
		w.appendRecords()
	})
}

package table_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// history runs operations of the store on both tables, in an order that depends on
// its seed. It ignores what they return: the mirror compares every call below them.
type history struct {
	*mirror
	random *rand.Rand
	now    time.Time
	store  *store.Store

	lenders []inquiry.Lender // as they were last read, so sometimes out of date
	users   []string
	keys    []string
	batches []store.BatchRef
	totals  []int
	claims  []store.Claim
	due     map[int64]bool // seconds at which a batch is or was due
}

func newHistory(m *mirror, seed uint64) *history {
	h := &history{mirror: m, random: rand.New(rand.NewPCG(seed, 0)), now: noon, users: []string{"u0", "u1"}, keys: []string{"no-key"}, due: map[int64]bool{}}
	h.store = store.New(m, m.name, func() time.Time { return h.now })
	for _, id := range h.users {
		if _, _, err := h.store.AddUser(m.tb.Context(), store.User{ID: id, LenderID: "acme", Role: "member"}); err != nil {
			m.tb.Fatal(err)
		}
	}
	for _, id := range []inquiry.LenderID{"acme", "other-bank"} {
		l, _, err := h.store.CreateLender(m.tb.Context(), inquiry.Lender{ID: id, Name: "A Lender"})
		if err != nil {
			m.tb.Fatal(err)
		}
		h.lenders = append(h.lenders, l)
	}
	for len(h.batches) == 0 {
		h.submit()
	}
	return h
}

func pick[T any](h *history, all []T) T { return all[h.random.IntN(len(all))] }

// anyBatch picks a batch and one of its inquiries.
func (h *history) anyBatch() (store.BatchRef, inquiry.ID) {
	n := h.random.IntN(len(h.batches))
	return h.batches[n], h.batches[n].ID.Inquiry(h.random.IntN(h.totals[n]))
}

func (h *history) anyStatus() inquiry.Status {
	return pick(h, []inquiry.Status{
		inquiry.StatusRunning, inquiry.StatusCompleted, inquiry.StatusPartialSuccess, inquiry.StatusFailed, inquiry.StatusCancelled,
	})
}

func (h *history) figures() map[string]inquiry.SourceFigures {
	return map[string]inquiry.SourceFigures{pick(h, []string{"ofac", "web"}): {
		Outcome: inquiry.OutcomeFound, Records: h.random.IntN(5), Elapsed: time.Duration(h.random.IntN(5000)) * time.Microsecond,
	}}
}

// undue returns the first time from at on when no other batch is due: the index does
// not guarantee an order among equal times.
func (h *history) undue(at time.Time) time.Time {
	for h.due[at.Unix()] {
		at = at.Add(time.Second)
	}
	h.due[at.Unix()] = true
	return at
}

// submitter returns a user who may submit or may not, with their key or without it.
func (h *history) submitter() inquiry.Submitter {
	by := inquiry.Submitter{UserID: pick(h, h.users), Role: "member"}
	if h.random.IntN(3) == 0 {
		by.KeyID, by.KeyVersion = pick(h, h.keys), 1+h.random.IntN(2)
	}
	return by
}

func (h *history) submit() {
	const firstCheck = 15 * time.Minute
	h.now = h.undue(h.now.Add(firstCheck)).Add(-firstCheck)
	sub := inquiry.Submission{Submitter: h.submitter(), Name: "Review", IdempotencyKey: pick(h, []string{"", "", "k0", "k1"})}
	sub.Fingerprint = sha256.Sum256([]byte(pick(h, []string{"body", "another body"})))
	for i := range pick(h, []int{1, 2, 3, 300}) {
		sub.Inquiries = append(sub.Inquiries, inquiry.Inquiry{BusinessName: fmt.Sprintf("Business %d", i)})
	}
	n := h.random.IntN(len(h.lenders))
	if h.random.IntN(3) > 0 {
		if fresh, err := h.store.Lender(h.tb.Context(), h.lenders[n].ID); err == nil {
			h.lenders[n] = fresh
		}
	}
	id, replayed, err := h.store.Submit(h.tb.Context(), h.lenders[n], sub)
	if err == nil && !replayed {
		h.batches = append(h.batches, store.BatchRef{Lender: h.lenders[n].ID, ID: id})
		h.totals = append(h.totals, len(sub.Inquiries))
	}
}

// housekeeping removes one expired item, as DynamoDB does at some time.
func (h *history) housekeeping() {
	expired := h.simulated.Expired(h.now)
	if len(expired) == 0 {
		return
	}
	h.remove(pick(h, expired))
}

// step does one operation.
func (h *history) step() {
	ctx, s := h.tb.Context(), h.store
	lender, user, key := pick(h, h.lenders).ID, pick(h, h.users), pick(h, h.keys)
	batch, id := h.anyBatch()
	offset, limit := h.random.IntN(4), 1+h.random.IntN(4)
	steps := []func(){
		h.submit, h.submit, h.submit, h.housekeeping,
		func() { h.now = h.now.Add(time.Duration(h.random.IntN(1800)) * time.Second) },
		func() { h.now = h.now.Add(pick(h, []time.Duration{time.Millisecond, 25 * time.Hour})) },
		func() { _, _, _ = s.CreateLender(ctx, inquiry.Lender{ID: lender, Name: "Again"}) },
		func() { _, _ = s.Lender(ctx, lender) },
		func() { _, _ = s.SuspendLender(ctx, lender) },
		func() { _, _ = s.ResumeLender(ctx, lender) },
		func() { _, _ = s.ResumeLender(ctx, lender) },
		func() { _, _ = s.SetBatchMax(ctx, lender, 1+h.random.IntN(3)) },
		func() { _, _, _ = s.AddUser(ctx, store.User{ID: user, LenderID: lender, Role: "member"}) },
		func() { _, _ = s.SuspendUser(ctx, user) },
		func() { _, _ = s.ResumeUser(ctx, user) },
		func() { _, _ = s.ResumeUser(ctx, user) },
		func() { _, _ = s.SetRole(ctx, user, pick(h, []string{"member", "viewer"})) },
		func() { _, _, _ = s.Membership(ctx, user, lender) },
		func() {
			if k, err := s.EnsureAPIKey(ctx, user, 1+h.random.IntN(2)); err == nil {
				h.keys = append(h.keys, k.ID)
			}
		},
		func() { _, _ = s.APIKey(ctx, key) },
		func() {
			_, _, _ = s.RotateAPIKey(ctx, key, store.Rotation{Generation: 1 + h.random.IntN(2), Request: pick(h, []string{"", "a", "b"})})
		},
		func() { _, _ = s.RevokeAPIKey(ctx, key, h.random.IntN(3)) },
		func() { h.claim(batch, id) }, func() { h.claim(batch, id) }, func() { h.claim(batch, id) },
		h.finish, h.finish, h.finish,
		func() { _ = s.Fail(ctx, batch.Lender, id, "GIVEN_UP") },
		func() { _ = s.CancelInquiry(ctx, batch.Lender, id) },
		func() {
			h.now = h.undue(h.now) // a canceled batch is due at once
			_, _ = s.RequestCancel(ctx, batch.Lender, batch.ID)
		},
		func() { h.merge(batch, id) }, func() { h.merge(batch, id) }, func() { h.merge(batch, id) },
		func() { _, _ = s.Batch(ctx, lender, batch.ID) },
		func() { _, _, _ = s.Submitted(ctx, batch.Lender, batch.ID) },
		func() { _, _ = s.ListBatches(ctx, lender, inquiry.BatchQuery{Offset: offset, Limit: limit}) },
		func() {
			_, _ = s.ListEntries(ctx, batch.Lender, batch.ID, inquiry.EntryQuery{Offset: offset, Limit: limit})
		},
		func() { _, _ = s.ListEntries(ctx, batch.Lender, batch.ID, inquiry.EntryQuery{Offset: 250, Limit: 10}) },
		func() { _, _ = s.Entry(ctx, batch.Lender, id) },
		func() { h.sweep(limit) },
		func() {
			if b, err := s.Batch(ctx, batch.Lender, batch.ID); err == nil {
				_, _ = s.Records(ctx, b)
			}
		},
	}
	pick(h, steps)()
}

// sweep begins to sweep some of the batches that are due, and ends some of the sweeps.
func (h *history) sweep(limit int) {
	ctx := h.tb.Context()
	for due := range h.store.Due(ctx) {
		if limit--; limit < 0 {
			return
		}
		begun, err := h.store.BeginSweep(ctx, due, h.undue(h.now.Add(time.Duration(h.random.IntN(600))*time.Second)))
		if err == nil && h.random.IntN(3) > 0 {
			_ = h.store.EndSweep(ctx, begun, h.undue(h.now.Add(time.Duration(h.random.IntN(3600))*time.Second)))
		}
	}
}

func (h *history) claim(batch store.BatchRef, id inquiry.ID) {
	lease := h.now.Add(time.Duration(h.random.IntN(600)) * time.Second)
	claim, err := h.store.Claim(h.tb.Context(), batch.Lender, id, pick(h, []string{"worker-1", "worker-2"}), lease)
	if err == nil {
		h.claims = append(h.claims, claim)
	}
}

func (h *history) finish() {
	if len(h.claims) == 0 {
		return
	}
	r := store.Result{Status: h.anyStatus(), Sources: h.figures(), Report: pick(h, [][]byte{nil, []byte("report"), make([]byte, 5000)})}
	if r.Status == inquiry.StatusFailed {
		r.Failure, r.Retryable = "NO_SOURCE", true
	}
	_ = h.store.Finish(h.tb.Context(), pick(h, h.claims), r)
}

func (h *history) merge(batch store.BatchRef, id inquiry.ID) {
	changes := []inquiry.Change{{Index: id.Index(), Status: h.anyStatus(), Figures: inquiry.Figures{
		StartedAt: h.now.Add(-time.Second), FinishedAt: h.now, Attempts: 1, Sources: h.figures(),
	}}}
	if records, err := h.recordsOf(batch); err == nil && h.random.IntN(2) == 0 {
		for _, r := range records {
			changes = append(changes, inquiry.Change{Index: r.ID.Index(), Status: r.Status, Figures: r.Figures})
		}
	}
	_, _ = h.store.Merge(h.tb.Context(), batch.Lender, batch.ID, changes)
}

func (h *history) recordsOf(batch store.BatchRef) ([]inquiry.Record, error) {
	b, err := h.store.Batch(h.tb.Context(), batch.Lender, batch.ID)
	if err != nil {
		return nil, err
	}
	return h.store.Records(h.tb.Context(), b)
}

// seeds returns the number of histories to run.
func seeds(tb testing.TB) uint64 {
	tb.Helper()
	wanted := os.Getenv("CONFORMANCE_SEEDS")
	if wanted == "" {
		return 6
	}
	n, err := strconv.ParseUint(wanted, 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestConformanceStore(t *testing.T) {
	t.Parallel()
	for engine, endpoint := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := endpoint(t)
			for seed := range seeds(t) {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					m := newMirror(t, url)
					m.units = engine == usual // DynamoDB Local does not bill transactions twice
					h := newHistory(m, seed)
					for range 80 {
						h.step()
					}
					h.compareContents()
				})
			}
		})
	}
}

var _ store.DB = (*table.Table)(nil)

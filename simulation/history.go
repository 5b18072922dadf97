package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Result is how one history went.
type Result struct {
	Seed   uint64
	Broken string // the law that was broken, "" if none
	Steps  int
	Took   time.Duration  // simulated
	Ends   map[string]int // inquiries by how they ended
}

// Run runs the history of one seed. It must not be called from parallel tests,
// for ids are random and the randomness is the whole process's.
func Run(t *testing.T, seed uint64, alter *Alteration, trace io.Writer, seen func(uint64)) (r Result) {
	t.Helper()
	inBubble(t, seed, func() {
		w := newWorld(seed, Faults{}, trace)
		if alter != nil {
			w.alter = alter
		}
		w.seen = seen
		w.plan()
		w.run()
		r = Result{Seed: seed, Broken: w.check.broken, Steps: w.steps, Took: w.now.Sub(noon), Ends: w.check.ends}
	})
	return r
}

func inBubble(t *testing.T, seed uint64, run func()) {
	t.Helper()
	warmUp()
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(*testing.T) { run() })
}

// plan chooses what the clients do and what goes wrong.
func (w *World) plan() {
	r := w.rng
	w.faults = chooseFaults(r)
	w.workers = 1 + r.IntN(4)
	w.mappings = []*mapping{
		w.dispatchMapping([]int{1, 4, 10}[r.IntN(3)]),
		w.tallyMapping([]int{1, 1, 2, 10}[r.IntN(4)]),
	}
	w.stream.bySortKey = r.IntN(2) == 0
	for range r.IntN(3) {
		open := w.stream.open()
		w.split(open[r.IntN(len(open))], false)
	}
	for n := range 1 + r.IntN(3) {
		w.planBatch(n)
	}
	if r.IntN(3) == 0 { // room for one or two batches at a time
		lender := lenders[r.IntN(len(lenders))]
		w.limit(lender, 3+r.IntN(10))
		w.planSingles(lender)
	}
}

// planSingles has a client submit single inquiries, several at a time.
func (w *World) planSingles(lender inquiry.LenderID) {
	at := time.Duration(w.rng.IntN(600)) * time.Second
	for range w.rng.IntN(5) {
		s := newSubmission(lender, "", found)
		s.body.Operation = inquiry.OperationSingle
		w.at(at, "submit", lender, s)
	}
}

// limit sets how many inquiries a lender may have open.
func (w *World) limit(lender inquiry.LenderID, most int) {
	_, errBatch := w.direct().SetBatchMax(context.Background(), lender, 1) // no batch has to fit
	_, errOpen := w.direct().SetOpenMax(context.Background(), lender, most)
	if err := errors.Join(errBatch, errOpen); err != nil {
		panic(err)
	}
	w.append()
}

// planBatch has a client submit a batch, and do what clients do with one.
func (w *World) planBatch(n int) {
	r := w.rng
	lender := lenders[r.IntN(len(lenders))]
	size := 1 + r.IntN(6)
	if r.IntN(10) == 0 {
		size = 12 + r.IntN(14)
	}
	names := make([]string, size)
	for i := range names {
		names[i] = kinds[r.IntN(len(kinds))]
	}
	if names[0] == reject {
		names[0] = found // one at least is accepted
	}
	key := ""
	if r.IntN(3) > 0 {
		key = fmt.Sprint("key-", n)
	}
	s := newSubmission(lender, key, names...)
	at := time.Duration(r.IntN(600)) * time.Second
	w.at(at, "submit", lender, s)
	if key != "" {
		for range r.IntN(3) { // the same again, at the same time or later
			w.at(at+time.Duration(r.IntN(3)*r.IntN(300))*time.Second, "submit", lender, s)
		}
		switch r.IntN(5) {
		case 0:
			w.at(at, "submit", lender, newSubmission(lender, key, append(names, found)...))
		case 1:
			other := lenders[(n+r.IntN(2))%2]
			if other != lender {
				w.at(at, "submit", other, newSubmission(other, key, names...))
			}
		}
	}
	if r.IntN(4) == 0 {
		for range 1 + r.IntN(2) {
			w.at(at+time.Duration(r.IntN(400))*time.Second, "cancel", lender, s)
		}
	}
	if r.IntN(6) == 0 {
		w.at(at+time.Duration(r.IntN(5000))*time.Second, "delete", lender, s)
	}
	for range r.IntN(4) {
		w.at(at+time.Duration(r.IntN(1200))*time.Second, "read", lenders[r.IntN(2)], s)
	}
}

// chooseFaults makes each kind of fault rare, frequent or absent.
func chooseFaults(r *rand.Rand) Faults {
	some := func(rare, frequent float64) float64 {
		switch r.IntN(4) {
		case 0, 1:
			return 0
		case 2:
			return rare
		default:
			return frequent
		}
	}
	if r.IntN(10) == 0 {
		return Faults{}
	}
	f := Faults{
		Until:  time.Duration(5+r.IntN(115)) * time.Minute,
		Refuse: some(0.01, 0.1), Resend: some(0.02, 0.15), Lose: some(0.01, 0.1),
		CrashBefore: some(0.01, 0.05), CrashAfter: some(0.01, 0.05), Freeze: some(0.005, 0.03), Conflict: some(0.1, 0.4),
		Stale:    some(0.1, 0.7),
		NotTaken: some(0.05, 0.3), LoseMessage: some(0.02, 0.2), Duplicate: some(0.05, 0.4), FastReturn: r.IntN(5) == 0,
		Redeliver: some(0.1, 0.5), DropRecord: some(0.02, 0.15), Split: some(0.002, 0.01), Recreate: some(0.001, 0.005),
		Skew: r.IntN(3) == 0,
	}
	switch r.IntN(10) {
	case 0:
		f.Until = 5*time.Hour + time.Duration(r.IntN(120))*time.Minute
	case 1, 2:
		f.Until = 2*time.Hour + time.Duration(r.IntN(180))*time.Minute
	}
	switch r.IntN(24) {
	case 0, 1:
		f.Blocked = time.Duration(r.Float64() * float64(f.Until))
	case 2: // hardly anybody works until the deadline
		f.Until = deadline + time.Duration(r.IntN(120))*time.Minute
		f.Blocked = f.Until - time.Duration(r.IntN(60))*time.Minute
	case 3: // hardly a message arrives until the deadline
		f.Until = deadline + time.Duration(r.IntN(120))*time.Minute
		f.LoseMessage = 0.8
	}
	return f
}

// States counts distinct hashes in bounded memory, and to about half a percent
// (HyperLogLog with 2^15 registers).
type States struct{ Registers [1 << 15]uint8 }

// Add counts a hash.
func (s *States) Add(hash uint64) {
	at := hash >> 49
	s.Registers[at] = max(s.Registers[at], uint8(bits.LeadingZeros64(hash<<15|1<<14)+1))
}

// Merge adds what another has counted.
func (s *States) Merge(other *States) {
	for i, n := range other.Registers {
		s.Registers[i] = max(s.Registers[i], n)
	}
}

// Count is about how many distinct hashes were added.
func (s *States) Count() int {
	m := float64(len(s.Registers))
	sum, empty := 0.0, 0
	for _, n := range s.Registers {
		sum += math.Ldexp(1, -int(n))
		if n == 0 {
			empty++
		}
	}
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate < 2.5*m && empty > 0 {
		estimate = m * math.Log(m/float64(empty))
	}
	return int(estimate)
}

package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Result describes how one history went.
type Result struct {
	Seed   uint64
	Broken string // the law that was broken, "" if none
	Steps  int
	Took   time.Duration  // simulated
	Ends   map[string]int // inquiries by how they ended
}

// Run runs the history of one seed. It must not be called from parallel tests: the
// randomness of ids is global to the process.
func Run(t *testing.T, seed uint64, hooks *Hooks, trace io.Writer) (r Result) {
	t.Helper()
	inBubble(t, seed, func() {
		w := newWorld(seed, Faults{}, trace)
		if hooks != nil {
			w.hooks = hooks
		}
		w.plan()
		w.run()
		r = Result{Seed: seed, Broken: w.check.broken, Steps: w.steps, Took: w.now.Sub(noon), Ends: w.check.ends}
	})
	return r
}

// inBubble calls run in its own bubble. The seed determines all random ids.
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
	w.shortReplies = r.IntN(2) == 0
	batches := 1 + r.IntN(3)
	if r.IntN(40) == 0 {
		batches = 4 + r.IntN(9)
	}
	for n := range batches {
		w.planBatch(n)
	}
	if r.IntN(3) == 0 { // only enough for one or two batches at a time
		lender := lenders[r.IntN(len(lenders))]
		w.setOpenMax(lender, 3+r.IntN(10))
		w.planSingles(lender)
	}
	if r.IntN(4) == 0 {
		w.planCutOff()
	}
}

// planSingles has a client submit several single inquiries at the same time.
func (w *World) planSingles(lender inquiry.LenderID) {
	at := time.Duration(w.rng.IntN(600)) * time.Second
	for range 2 + w.rng.IntN(6) {
		s := newSubmission(lender, "", found)
		s.body.Operation = inquiry.OperationSingle
		w.at(at, "submit", lender, s)
	}
}

// setOpenMax sets how many inquiries a lender may have open.
func (w *World) setOpenMax(lender inquiry.LenderID, most int) {
	_, errBatch := w.direct().SetBatchMax(context.Background(), lender, 1) // so that it does not limit openMax from below
	_, errOpen := w.direct().SetOpenMax(context.Background(), lender, most)
	if err := errors.Join(errBatch, errOpen); err != nil {
		panic(err)
	}
	w.appendRecords()
}

// planBatch has a client submit a batch and do more with it later.
func (w *World) planBatch(n int) {
	r := w.rng
	lender := lenders[r.IntN(len(lenders))]
	size := 1 + r.IntN(6)
	switch n := r.IntN(200); {
	case n == 0:
		size = 40 + r.IntN(60)
	case n <= 20:
		size = 12 + r.IntN(14)
	}
	names := make([]string, size)
	for i := range names {
		names[i] = kinds[r.IntN(len(kinds))]
	}
	if names[0] == reject {
		names[0] = found // at least one must be accepted
	}
	key := ""
	if r.IntN(3) > 0 {
		key = fmt.Sprint("key-", n)
	}
	s := newSubmission(lender, key, names...)
	wide := size <= 6 && r.IntN(70) == 0
	if wide {
		s.widen()
	}
	at := time.Duration(r.IntN(600)) * time.Second
	w.at(at, "submit", lender, s)
	if key != "" {
		for range r.IntN(3) { // repeated, at the same time or later
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
	if wide || r.IntN(6) == 0 {
		w.at(at+time.Duration(r.IntN(5000))*time.Second, "delete", lender, s)
	}
	if r.IntN(6) == 0 {
		w.planRerun(s, []string{"", fmt.Sprint("rerun-", n)}[r.IntN(2)])
	}
	for range r.IntN(4) {
		w.at(at+time.Duration(r.IntN(1200))*time.Second, "read", lenders[r.IntN(2)], s)
	}
}

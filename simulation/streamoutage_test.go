package simulation

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	tally "github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const outageLength = 2 * time.Hour

// streamOutage has a reader of the stream fail for two hours, in which clients submit
// batches, and lets no sweep run. It returns what is wrong afterwards, or "".
func streamOutage(t *testing.T, seed uint64, function string, how Verdict, hooks *Hooks) (wrong string) {
	t.Helper()
	inBubble(t, seed, func() {
		w := newWorld(seed, Faults{}, nil)
		w.hooks, w.sweepAt = hooks, noon.Add(24*time.Hour)
		for n, at := range []time.Duration{0, time.Minute, outageLength / 2, outageLength - time.Second} {
			w.at(at, "submit", lenders[n%2], newSubmission(lenders[n%2], "", found, none, part, found))
		}
		failUntil(w, outageLength, function, how)
		w.run()
		wrong = outageDamage(w)
	})
	return wrong
}

// failUntil makes every call of a function fail until some time after noon.
func failUntil(w *World, after time.Duration, function string, how Verdict) {
	w.onCall = func(c *Call) Verdict {
		if c.In.Function == function && w.now.Before(noon.Add(after)) {
			return how
		}
		return Proceed
	}
}

// outageDamage returns what an outage has left to a sweep, or "".
func outageDamage(w *World) string {
	if w.check.broken != "" {
		return w.check.broken
	}
	for _, b := range w.check.batches {
		if late := b.finalAt.Sub(noon); b.status != inquiry.BatchPartialSuccess || late > outageLength+5*time.Minute {
			return fmt.Sprintf("B%d is %s after %v", b.number, b.status, late)
		}
		for i, in := range b.items {
			if in.sends != 1 || in.attempt != 1 {
				return fmt.Sprintf("B%d/%d was sent %d times and claimed %d times", b.number, i, in.sends, in.attempt)
			}
		}
	}
	if n := w.byFunction["sweep-open-batches"]; n > 0 {
		return fmt.Sprintf("%d sweeps ran", n)
	}
	return ""
}

// TestStreamOutage checks that an outage of a reader of the stream loses nothing, and
// leaves nothing to a sweep.
func TestStreamOutage(t *testing.T) {
	for _, function := range []string{"tally-statuses", "dispatch-batch"} {
		for name, how := range map[string]Verdict{"its calls fail": Refuse, "it crashes": CrashBefore} {
			t.Run(function+", "+name, func(t *testing.T) {
				for seed := uint64(1); seed <= 5; seed++ {
					if wrong := streamOutage(t, seed, function, how, &Hooks{}); wrong != "" {
						t.Fatalf("seed %d: %s", seed, wrong)
					}
				}
			})
		}
		t.Run(function+", Lambda limits the attempts", func(t *testing.T) {
			if wrong := streamOutage(t, 1, function, Refuse, &Hooks{StreamAttempts: 10}); wrong == "" {
				t.Error("the mistake goes unnoticed")
			} else {
				t.Log(wrong)
			}
		})
	}
}

// TestManyBatches checks that each of many batches in one event is counted in one
// write, although all records that say RUNNING come in an event of their own.
func TestManyBatches(t *testing.T) {
	inBubble(t, 1, func() {
		w := newWorld(1, Faults{}, nil)
		w.workers, w.lookTime = 130, 45*time.Second
		for range 130 {
			s := newSubmission(acme, "", found)
			s.body.Operation = inquiry.OperationSingle
			w.at(0, "submit", acme, s)
		}
		failUntil(w, 30*time.Second, "tally-statuses", Refuse)
		started := 0
		w.do(31*time.Second, "all are running", func() {
			for _, b := range w.check.batches {
				if b.items[0].status == inquiry.StatusRunning {
					started++
				}
			}
		})
		w.run()
		if w.check.broken != "" || started <= 100 {
			t.Errorf("%d inquiries were running at the same time, want more than 100; %s", started, w.check.broken)
		}
		writes := 0
		for _, b := range w.check.batches {
			writes += b.tallies
			if b.status != inquiry.BatchCompleted {
				t.Errorf("B%d is %s, want COMPLETED", b.number, b.status)
			}
		}
		if most := len(w.check.batches) * 11 / 10; writes > most {
			t.Errorf("counting wrote %d headers for %d batches, want at most %d", writes, len(w.check.batches), most)
		}
	})
}

// streamMutants are the readers of the stream with one mistake each, by what is broken.
var streamMutants = map[string]Hooks{
	"an unreadable record is passed without being set aside": {
		Failed: func(failedRecords) failedRecords { return puts(func(context.Context, record) error { return nil }) },
	},
	"an unreadable record is passed although it could not be set aside": {
		Failed: func(inner failedRecords) failedRecords {
			return puts(func(ctx context.Context, r record) error { _ = inner.Put(ctx, r); return nil })
		},
	},
	"the failure of one batch is lost when another batch of the event is counted": {
		Counters: func(_ *Invocation, inner tally.Counters) tally.Counters { return &lostFailure{Counters: inner} },
	},
	"records that say RUNNING are never counted": {
		Counters: func(_ *Invocation, inner tally.Counters) tally.Counters { return finalOnly{inner} },
	},
}

// TestStreamMutants checks that the simulator notices every mutant.
func TestStreamMutants(t *testing.T) {
	for name, mutant := range streamMutants {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= mutantSeeds; seed++ {
				if r := Run(t, seed, &mutant, nil); r.Broken != "" {
					t.Logf("seed %d, step %d: %s", seed, r.Steps, r.Broken)
					return
				}
			}
			t.Errorf("no law was broken in %d histories", mutantSeeds)
		})
	}
}

// puts is a bucket of failed records that is a function.
type puts func(context.Context, record) error

func (p puts) Put(ctx context.Context, r record) error { return p(ctx, r) }

// lostFailure hides the failures of an invocation once it has counted a batch.
type lostFailure struct {
	tally.Counters
	mu      sync.Mutex
	counted bool
}

func (f *lostFailure) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	batch, err := f.Counters.Merge(ctx, lender, id, changes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counted = f.counted || err == nil
	if f.counted {
		err = nil
	}
	return batch, err
}

// finalOnly counts only batches with an inquiry that is final.
type finalOnly struct{ tally.Counters }

func (f finalOnly) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	for _, c := range changes {
		if c.Status.Final() {
			return f.Counters.Merge(ctx, lender, id, changes)
		}
	}
	return inquiry.Batch{Tally: inquiry.NewTally(1)}, nil
}

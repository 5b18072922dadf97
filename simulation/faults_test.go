package simulation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// faultCase makes one of the known faults happen in a world that has no other
// faults. The laws are checked as always.
type faultCase struct {
	fault  string // its number, and a letter if it has several cases
	name   string
	faults Faults
	seeds  uint64                              // how many orders of events are tried; 0 means 15
	setup  func(t *testing.T, w *World)        // what clients do and what goes wrong
	check  func(t *testing.T, w *World)        // called at rest, in addition to the laws
	total  func(t *testing.T, seen *sightings) // called after all seeds; checks that the fault happened
	broken string                              // the law that must be broken; "" means none
}

// sightings counts what a case has seen.
type sightings map[string]int

func TestFaults(t *testing.T) {
	covered := map[string]bool{}
	for name, run := range edgeFaults {
		covered[name[:2]] = true
		t.Run(name, run)
	}
	for _, c := range slices.Concat(submissionFaults, dispatchFaults, workerFaults, countingFaults, otherFaults, sweepFaults) {
		covered[c.fault[:2]] = true
		t.Run(c.fault+" "+c.name, func(t *testing.T) {
			seeds := c.seeds
			if seeds == 0 {
				seeds = 15
			}
			seen = sightings{}
			for seed := uint64(1); seed <= seeds && !t.Failed(); seed++ {
				c.run(t, seed)
			}
			if c.total != nil {
				c.total(t, &seen)
			}
		})
	}
	for n := 1; n <= 45; n++ {
		if number := fmt.Sprintf("%02d", n); !covered[number] {
			t.Errorf("fault %s has no test case", number)
		}
	}
}

// seen belongs to the running case. Cases run one after another.
var seen sightings

func (c *faultCase) run(t *testing.T, seed uint64) {
	t.Helper()
	trace := &strings.Builder{}
	inBubble(t, seed, func() {
		w := newWorld(seed, c.faults, trace)
		c.setup(t, w)
		w.run()
		broken, _, _ := strings.Cut(w.check.broken, ":")
		if broken != c.broken {
			t.Errorf("seed %d: broken law %q, want %q", seed, w.check.broken, c.broken)
		} else if c.check != nil {
			c.check(t, w)
		}
	})
	if t.Failed() {
		lines := strings.Split(trace.String(), "\n")
		t.Logf("seed %d, last steps:\n%s", seed, strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}

// rule decides calls that match its fields. An empty field matches every call.
type rule struct {
	function, operation, sk string
	invocation              int // number among those of the function, from 1; 0 matches any
	skip, times             int // ignores skip calls, then decides times calls, or all if 0
	until                   time.Duration
	verdict                 Verdict
}

// inject decides each call by the first rule that matches.
func inject(w *World, rules ...*rule) {
	w.onCall = func(c *Call) Verdict {
		for _, r := range rules {
			if r.function != "" && r.function != c.In.Function || r.operation != "" && r.operation != c.Operation ||
				!strings.HasPrefix(c.SK, r.sk) || r.invocation != 0 && r.invocation != c.In.Nth ||
				r.until != 0 && !w.now.Before(noon.Add(r.until)) || r.times < 0 {
				continue
			}
			if r.skip > 0 {
				r.skip--
				continue
			}
			if r.times--; r.times == 0 {
				r.times = -1
			} else if r.times < 0 {
				r.times = 0
			}
			seen[r.verdict.String()]++
			return r.verdict
		}
		return Proceed
	}
}

// many returns n businesses of one kind.
func many(n int, kind string) []string { return slices.Repeat([]string{kind}, n) }

// submit has acme submit a batch at noon with an idempotency key.
func submit(w *World, names ...string) *submission {
	s := newSubmission(acme, "key", names...)
	w.at(0, "submit", acme, s)
	return s
}

// only returns the single batch of the world.
func only(t *testing.T, w *World) *batchState {
	t.Helper()
	if len(w.check.batches) != 1 {
		t.Fatalf("there are %d batches", len(w.check.batches))
	}
	return w.check.batches[0]
}

// completed fails the test unless the single batch is completed.
func completed(t *testing.T, w *World) {
	t.Helper()
	if b := only(t, w); b.status != inquiry.BatchCompleted {
		t.Errorf("the batch is %s, want COMPLETED", b.status)
	}
}

// sentAtMost fails the test if an inquiry was sent more than n times.
func sentAtMost(t *testing.T, w *World, n int) {
	t.Helper()
	for _, b := range w.check.batches {
		for i, in := range b.items {
			if in.sends > n {
				t.Errorf("B%d/%d was sent %d times, want at most %d", b.number, i, in.sends, n)
			}
		}
	}
}

// attempts fails the test unless each inquiry was claimed between from and to times.
func attempts(t *testing.T, w *World, from, to int) {
	t.Helper()
	for _, b := range w.check.batches {
		for i, in := range b.items {
			if in.attempt < from || in.attempt > to {
				t.Errorf("B%d/%d was claimed %d times, want %d to %d", b.number, i, in.attempt, from, to)
			}
		}
	}
}

// happened returns a check that something was seen in at least one history.
func happened(what string) func(*testing.T, *sightings) {
	return func(t *testing.T, s *sightings) {
		t.Helper()
		if (*s)[what] == 0 {
			t.Errorf("no history had it: %s", what)
		}
	}
}

// items counts the table's items by the beginning of their sort key.
func items(w *World) map[string]int {
	n := map[string]int{}
	for _, it := range w.table.Items() {
		_, sk := keyOf(it)
		if at := strings.Index(sk, "#"); at >= 0 {
			sk = sk[:at+1]
		}
		n[sk]++
	}
	return n
}

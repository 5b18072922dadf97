package simulation

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

const (
	tableName = "simulated"

	deadline = inquiry.DefaultDeadline

	// maxSkew is how far a machine's clock may be off.
	maxSkew = 5 * time.Minute

	// A history that takes more steps than this after its faults have ended never comes
	// to rest. Faults end at a time of the world's clock, so a history that takes too
	// many steps before has a loop in which no time passes.
	maxSteps       = 60_000
	maxFaultySteps = 600_000
)

// noon is when every history begins.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// World is one simulated deployment with its clients. One goroutine runs it: see
// the package's documentation.
type World struct {
	rng    *rand.Rand
	now    time.Time
	faults Faults
	hooks  *Hooks
	trace  io.Writer

	table     *table.Table
	queue     *messageQueue
	dead      *messageQueue
	stream    *stream
	mappings  []*mapping
	replays   []replay
	aside     map[string]bool // records in the bucket of failed records, as JSON
	recreated int             // mappings that were recreated at random
	check     *checker
	log       *slog.Logger

	lookTime time.Duration // how long asking the sources takes
	fair     bool          // the queue serves quiet lenders first
	workers  int           // the most process-inquiry invocations at once
	sweepAt  time.Time     // when the schedule invokes the sweep next
	clients  []*clientOp
	cutOff   map[inquiry.LenderID]bool // lenders whose access an operator has changed

	submissions  []*submission // all that clients know
	shortReplies bool          // the table's replies are short, see table.ShortReplies

	started      int
	byFunction   map[string]int // invocations, by function
	failures     map[string]int // invocations that ended with an error, by function
	running      []*Invocation
	acted        *Invocation // the one that the current step let go on
	messageCount int
	steps        int
	faultySteps  int // of them until the faults ended
	actions      []action

	mu     sync.Mutex
	parked []*Call

	// Set by tests.
	onCall func(*Call) Verdict       // decides calls before the random faults do
	onStep func()                    // called before each step
	reject func(inquiry.ID) bool     // whether the queue rejects a message
	lose   func(inquiry.ID) bool     // whether a message is lost
	freeze func(*Call) time.Duration // how long a call freezes
}

// replay is a stream event that is delivered again.
type replay struct {
	m     *mapping
	batch []record
}

// newWorld returns a world with two lenders and no batches. It must be called in
// the bubble that runs it.
func newWorld(seed uint64, faults Faults, trace io.Writer) *World {
	w := &World{
		rng: rand.New(rand.NewPCG(seed, 0x5eed)), now: noon, faults: faults, trace: trace, hooks: &Hooks{},
		queue:  &messageQueue{visibility: deployment.InquiryVisibility},
		dead:   &messageQueue{visibility: deployment.DeadLetterVisibility},
		stream: &stream{}, aside: map[string]bool{}, log: slog.New(slog.DiscardHandler),
		workers: 3, sweepAt: noon.Add(deployment.SweepInterval), byFunction: map[string]int{}, failures: map[string]int{},
		cutOff: map[inquiry.LenderID]bool{},
	}
	w.table = table.New(tableName, func() time.Time { return w.now })
	w.table.Lag = func(_ string, choices int) int {
		if !w.chance(w.faults.Stale) {
			return 0
		}
		return w.rng.IntN(choices)
	}
	w.check = newChecker(w)
	w.mappings = []*mapping{w.dispatchMapping(4), w.tallyMapping(1)}
	w.newShard(0, 1<<32-1, nil)
	for _, lender := range lenders {
		if _, _, err := w.direct().CreateLender(context.Background(), inquiry.Lender{ID: lender, Name: "A Lender"}); err != nil {
			panic(err)
		}
		member := memberOf(lender)
		if _, _, err := w.direct().AddUser(context.Background(), store.User{ID: member.UserID, LenderID: lender, Role: member.Role}); err != nil {
			panic(err)
		}
	}
	w.appendRecords()
	return w
}

// direct returns a store without faults, for the scheduler's own reads and writes.
func (w *World) direct() *store.Store {
	return store.New(w.table, tableName, func() time.Time { return w.now })
}

// order returns 0 to n-1 in a random order.
func (w *World) order(n int) []int {
	if n == 1 {
		return []int{0}
	}
	return w.rng.Perm(n)
}

// run lets things happen until nothing is left to happen or a law is broken.
func (w *World) run() {
	for w.check.broken == "" {
		if w.faultsLast() {
			w.faultySteps = w.steps
		}
		if w.steps >= w.faultySteps+maxSteps || w.faultySteps >= maxFaultySteps {
			w.violate("I8", "the world has not come to rest after %d steps, %d of them with faults", w.steps, w.faultySteps)
			break
		}
		if !w.step() {
			w.check.checkAtRest()
			break
		}
	}
	w.close()
}

// close ends what still runs, so that the bubble ends with no goroutine left.
func (w *World) close() {
	w.check.closed = true
	for _, i := range slices.Clone(w.running) {
		i.settled = true
		w.kill(i, errKilled)
	}
	w.wait()
}

// violate records the first law that is broken.
func (w *World) violate(law, format string, args ...any) {
	if w.check.broken == "" && !w.check.closed {
		w.check.broken = law + ": " + fmt.Sprintf(format, args...)
		w.tracef("      BROKEN %s", w.check.broken)
	}
}

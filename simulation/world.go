package simulation

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

const (
	tableName = "simulated"

	// deadline and interval are the deployment's.
	deadline = inquiry.DefaultDeadline
	interval = 5 * time.Minute

	// maxSkew is how far a machine's clock may be off.
	maxSkew = 5 * time.Minute

	// maxSteps bounds a history. One that goes beyond does not come to rest.
	maxSteps = 60_000
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Faults say how often what goes wrong; the zero value is a world in which
// nothing does. All of it stops at Until.
type Faults struct {
	Until time.Duration // after noon

	// Of one call.
	Refuse, Resend, Lose, CrashBefore, CrashAfter, Freeze, Conflict float64

	// Of one read that may be eventually consistent.
	Stale float64

	// Of one message.
	NotTaken, LoseMessage, Duplicate float64

	// FastReturn has a failed message come back after seconds, not after its
	// visibility timeout.
	FastReturn bool

	// Of one event from the stream, of one record, and of one step.
	Redeliver, DropRecord, Split, Recreate float64

	// Skew has machines' clocks differ.
	Skew bool

	// Blocked keeps process-inquiry from being invoked until then.
	Blocked time.Duration
}

// World is one simulated deployment with its clients. One goroutine runs it: see
// the package's documentation.
type World struct {
	rng    *rand.Rand
	now    time.Time
	faults Faults
	alter  *Alteration
	trace  io.Writer

	table     *table.Table
	queue     *messageQueue
	dead      *messageQueue
	stream    *stream
	mappings  []*mapping
	strays    []stray
	recreated int // how often mappings were made again by chance
	check     *checker
	log       *slog.Logger

	lookTime time.Duration // that asking the sources takes
	fair     bool          // the queue serves quiet lenders first
	workers  int           // invocations of process-inquiry at once
	sweepAt  time.Time     // the schedule's next call
	clients  []*clientOp
	outages  map[string]time.Time
	lookedUp map[inquiry.ID]int

	started      int
	byFunction   map[string]int
	failures     map[string]int // invocations that ended with an error, by function
	running      []*Invocation
	acted        *Invocation
	messageCount int
	steps        int
	actions      []action

	mu     sync.Mutex
	parked []*Call

	onCall func(*Call) Verdict       // a test's own faults
	onStep func()                    // before each step
	refuse func(inquiry.ID) bool     // whether the queue does not take a message
	lose   func(inquiry.ID) bool     // whether a message is lost
	freeze func(*Call) time.Duration // for how long a call freezes
	seen   func(hash uint64)         // every state
}

// stray is an event from the stream that is delivered once more.
type stray struct {
	m     *mapping
	batch []record
}

// newWorld returns an empty world with two lenders. It must be called in the
// bubble that runs it.
func newWorld(seed uint64, faults Faults, trace io.Writer) *World {
	w := &World{
		rng: rand.New(rand.NewPCG(seed, 0x5eed)), now: noon, faults: faults, trace: trace, alter: &Alteration{},
		queue:  &messageQueue{visibility: visibility},
		dead:   &messageQueue{visibility: deadVisibility},
		stream: &stream{}, log: slog.New(slog.DiscardHandler),
		workers: 3, sweepAt: noon.Add(interval), byFunction: map[string]int{}, failures: map[string]int{}, outages: map[string]time.Time{}, lookedUp: map[inquiry.ID]int{},
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
	}
	w.append()
	return w
}

// direct is the table without faults, for the scheduler's own questions.
func (w *World) direct() *store.Store {
	return store.New(w.table, tableName, func() time.Time { return w.now })
}

// faulty reports whether faults still happen.
func (w *World) faulty() bool { return w.now.Before(noon.Add(w.faults.Until)) }

// chance is true with the given probability, and never when faults are over.
func (w *World) chance(p float64) bool {
	return p > 0 && w.faulty() && w.rng.Float64() < p
}

// order is 0 to n-1 in some order.
func (w *World) order(n int) []int {
	if n == 1 {
		return []int{0}
	}
	return w.rng.Perm(n)
}

func (w *World) chooseSkew() time.Duration {
	if !w.faults.Skew {
		return 0
	}
	return time.Duration(w.rng.IntN(int(2*maxSkew/time.Second)+1))*time.Second - maxSkew
}

func (w *World) refuseMessage(id inquiry.ID) bool {
	return w.refuse != nil && w.refuse(id) || w.chance(w.faults.NotTaken)
}

func (w *World) loseMessage(id inquiry.ID) bool {
	return w.lose != nil && w.lose(id) || w.chance(w.faults.LoseMessage)
}

func (w *World) tracef(format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, format+"\n", args...)
	}
}

// wait returns when every goroutine waits for the scheduler.
func (w *World) wait() { synctest.Wait() }

// longestPause is longer than package store ever waits before it tries again.
const longestPause = time.Second

// settleDown lets everything run that the last action has set going.
func (w *World) settleDown() {
	w.wait()
	// A goroutine that pauses is neither parked nor done. How long it pauses is
	// chance; that it is over by then is not.
	for i := w.acted; i != nil && i.pauses(); {
		time.Sleep(longestPause)
		w.wait()
	}
	slices.SortFunc(w.parked, compareCalls)
	w.append()
	for n := 0; n < len(w.running); {
		i := w.running[n]
		if !i.finished {
			n++
			continue
		}
		w.running = slices.Delete(w.running, n, n+1)
		if !i.settled {
			i.settled = true
			if i.err != nil {
				w.failures[i.Function]++
				w.tracef("      %s#%d fails: %v", i.Function, i.ID, i.err)
			} else {
				w.tracef("      %s#%d ends", i.Function, i.ID)
			}
			i.settle(i.err)
		}
		i.cancel()
	}
	for _, m := range w.mappings {
		w.advance(m)
	}
}

// kind of action.
type kind uint8

const (
	aCall kind = iota
	aLane
	aStray
	aWork
	aFail
	aSweep
	aClient
)

// action is something that may happen next.
type action struct {
	kind kind
	call *Call
	lane *lane
	n    int
}

// possible lists what may happen now, in an order that depends on the seed alone.
func (w *World) possible() []action {
	list := w.actions[:0]
	for _, c := range w.parked {
		if !c.In.frozenUntil.After(w.now) && !c.notBefore.After(w.now) {
			list = append(list, action{kind: aCall, call: c})
		}
	}
	for _, m := range w.mappings {
		for _, r := range m.readers {
			for _, l := range r.lanes {
				if len(l.pending) > 0 && l.busy == nil && !l.retryAt.After(w.now) {
					list = append(list, action{kind: aLane, lane: l})
				}
			}
		}
	}
	for n := range w.strays {
		list = append(list, action{kind: aStray, n: n})
	}
	if w.queue.visible(w.now) > 0 && w.busy("process-inquiry") < w.workers && !w.now.Before(noon.Add(w.faults.Blocked)) {
		list = append(list, action{kind: aWork})
	}
	if w.dead.visible(w.now) > 0 && w.busy("fail-exhausted") < 2 {
		list = append(list, action{kind: aFail})
	}
	if !w.sweepAt.After(w.now) {
		if w.check.due(w.now.Add(maxSkew)) {
			list = append(list, action{kind: aSweep})
		} else {
			w.nextSweep()
		}
	}
	for n, c := range w.clients {
		if !c.at.After(w.now) {
			list = append(list, action{kind: aClient, n: n})
		}
	}
	w.actions = list
	return list
}

func (w *World) nextSweep() {
	w.sweepAt = w.sweepAt.Add(interval * (w.now.Sub(w.sweepAt)/interval + 1))
}

// busy counts a function's invocations that the platform still waits for.
func (w *World) busy(function string) int {
	n := 0
	for _, i := range w.running {
		if i.Function == function && !i.settled {
			n++
		}
	}
	return n
}

// nextTime is when something may happen again if nothing can now; zero is never.
func (w *World) nextTime() (at time.Time) {
	next := func(t time.Time) {
		if t.After(w.now) {
			at = earlier(at, t)
		}
	}
	next(w.queue.next(w.now))
	next(w.dead.next(w.now))
	for _, c := range w.parked {
		next(c.notBefore)
		next(c.In.frozenUntil)
	}
	for _, i := range w.running {
		if !i.settled {
			next(i.deadline)
		}
	}
	for _, m := range w.mappings {
		for _, r := range m.readers {
			for _, l := range r.lanes {
				if len(l.pending) > 0 && l.busy == nil {
					next(l.retryAt)
				}
			}
		}
	}
	for _, c := range w.clients {
		next(c.at)
	}
	if w.queue.visible(w.now) > 0 {
		next(noon.Add(w.faults.Blocked))
	}
	if due, open := w.check.nextDue(); open {
		sweep := w.sweepAt
		if early := due.Add(-maxSkew); early.After(sweep) {
			sweep = sweep.Add((early.Sub(sweep) + interval - 1) / interval * interval)
		}
		next(sweep)
	}
	return at
}

// timeOut ends the invocations whose time is over. A frozen one is not ended, for
// nobody can reach it; the platform stops waiting for it all the same.
func (w *World) timeOut() {
	for _, i := range slices.Clone(w.running) {
		if i.settled || i.deadline.After(w.now) {
			continue
		}
		w.tracef("      %s#%d takes too long", i.Function, i.ID)
		if i.frozenUntil.After(w.now) {
			i.settled = true
			i.settle(errTimedOut)
			continue
		}
		w.kill(i, errTimedOut)
	}
}

// step lets one thing happen and reports whether anything is left to happen.
func (w *World) step() bool {
	w.steps++
	w.acted = nil
	w.now = w.now.Add(time.Duration(1+w.rng.IntN(20)) * time.Millisecond)
	if w.onStep != nil {
		w.onStep()
	}
	w.timeOut()
	w.disturb()
	list := w.possible()
	if len(list) == 0 || w.chance(0.004) {
		at := w.nextTime()
		if at.IsZero() && len(list) == 0 {
			return false
		}
		if at.After(w.now) {
			w.now = at
			w.table.CatchUp(w.table.Commit()) // replicas do within a second
		}
		w.settleDown()
		return true
	}
	w.act(list[w.rng.IntN(len(list))])
	w.settleDown()
	if w.seen != nil {
		w.seen(w.check.hash())
	}
	return true
}

// disturb lets happen what happens to the stream by itself. It is bounded, for
// every replay makes steps, in each of which there could be another.
func (w *World) disturb() {
	if len(w.stream.shards) < 16 && w.chance(w.faults.Split) {
		open := w.stream.open()
		w.split(open[w.rng.IntN(len(open))], len(open) >= 4 || w.rng.IntN(2) == 0)
	}
	if w.recreated < 6 && w.chance(w.faults.Recreate) {
		w.recreated++
		w.recreate(w.mappings[w.rng.IntN(len(w.mappings))])
	}
}

func (w *World) act(a action) {
	switch a.kind {
	case aCall:
		v := w.verdict(a.call)
		w.traceCall(a.call, v)
		if v == Freeze {
			length := time.Duration(1+w.rng.IntN(20)) * time.Minute
			if w.freeze != nil {
				length = w.freeze(a.call)
			}
			a.call.In.frozenUntil = w.now.Add(length)
			return
		}
		w.grant(a.call, v)
	case aLane:
		w.deliverRecords(a.lane)
	case aStray:
		s := w.strays[a.n]
		w.strays = slices.Delete(w.strays, a.n, a.n+1)
		w.tracef("      %d records come once more", len(s.batch))
		s.m.start(&lane{m: s.m, name: s.m.name + " again"}, s.batch)
	case aWork:
		w.startWork()
	case aFail:
		w.startFail()
	case aSweep:
		w.nextSweep()
		w.startSweep()
	case aClient:
		c := w.clients[a.n]
		w.clients = slices.Delete(w.clients, a.n, a.n+1)
		w.startClient(c)
	}
}

// deliverRecords hands a lane's next records to its function.
func (w *World) deliverRecords(l *lane) {
	n := min(len(l.pending), l.m.most)
	if l.limit > 0 {
		n = min(n, l.limit)
	}
	if w.faulty() {
		n = 1 + w.rng.IntN(n)
	}
	if w.chance(w.faults.DropRecord) {
		w.tracef("      %s drops %d records", l.name, n)
		l.m.dropped += n
		l.pending = l.pending[n:]
		return
	}
	batch := l.pending[:n:n]
	if w.chance(w.faults.Redeliver) {
		w.strays = append(w.strays, stray{l.m, batch})
	}
	l.busy = l.m.start(l, batch)
}

// verdict decides what becomes of a call.
func (w *World) verdict(c *Call) Verdict {
	if w.onCall != nil {
		if v := w.onCall(c); v != Proceed {
			return v
		}
	}
	if !w.faulty() {
		return Proceed
	}
	f, x := &w.faults, w.rng.Float64()
	for _, one := range [...]struct {
		p float64
		v Verdict
	}{
		{f.CrashBefore, CrashBefore}, {f.Freeze, Freeze}, {f.CrashAfter, CrashAfter},
		{f.Refuse, Refuse}, {f.Resend, Resend}, {f.Lose, Lose}, {f.Conflict, Conflict},
	} {
		if x -= one.p; x >= 0 {
			continue
		}
		switch {
		case c.Operation == lookUp && one.v != CrashBefore && one.v != Freeze,
			one.v == Conflict && c.Operation != "TransactWriteItems":
			return Proceed
		}
		return one.v
	}
	return Proceed
}

func (w *World) traceCall(c *Call, v Verdict) {
	if w.trace == nil {
		return
	}
	word := v.String()
	if word != "" {
		word = "  ** " + word
	}
	w.tracef("%5d %s %v%s", w.steps, w.now.Format("15:04:05.000"), c, word)
}

// run lets things happen until nothing is left to happen or a law is broken.
func (w *World) run() {
	for w.check.broken == "" {
		if w.steps >= maxSteps {
			w.violate("I8", "after %d steps the world has not come to rest", w.steps)
			break
		}
		if !w.step() {
			w.check.atRest()
			break
		}
	}
	w.close()
}

// close ends what still runs, so that no goroutine is left in the bubble.
func (w *World) close() {
	w.check.closed = true
	for _, i := range slices.Clone(w.running) {
		i.settled = true
		w.kill(i, errKilled)
	}
	w.wait()
}

func (w *World) violate(law, format string, args ...any) {
	if w.check.broken == "" && !w.check.closed {
		w.check.broken = law + ": " + fmt.Sprintf(format, args...)
		w.tracef("      BROKEN %s", w.check.broken)
	}
}

// short makes a key readable: its batch has a number in place of its id.
func (w *World) short(pk string) string {
	if lender, rest, ok := strings.Cut(strings.TrimPrefix(pk, "LENDER#"), "#BATCH#"); ok {
		_, bucket, _ := strings.Cut(rest, "#")
		name := fmt.Sprintf("%s/%s", lender, w.check.name(idIn(rest)))
		if bucket != "" && bucket != "0" {
			name += "." + bucket
		}
		return name
	}
	return pk
}

func (w *World) shortID(id inquiry.ID) string {
	return fmt.Sprintf("%s/%d", w.check.name(id.Batch()), id.Index())
}

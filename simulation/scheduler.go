package simulation

import (
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// actionKind says what an action does.
type actionKind uint8

const (
	actionCall actionKind = iota
	actionRecords
	actionReplay
	actionMessages
	actionDeadLetters
	actionSweep
	actionClient
)

// action is one thing that may happen next.
type action struct {
	kind actionKind
	call *Call
	lane *lane
	n    int
}

// step lets one thing happen and reports whether anything else can.
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
			w.check.checkOverdue()
		}
		w.settleDown()
		return true
	}
	w.act(list[w.rng.IntN(len(list))])
	w.settleDown()
	return true
}

// possible lists what may happen now, in an order that depends only on the seed.
func (w *World) possible() []action {
	list := w.actions[:0]
	for _, c := range w.parked {
		if !c.In.frozenUntil.After(w.now) && !c.notBefore.After(w.now) {
			list = append(list, action{kind: actionCall, call: c})
		}
	}
	for _, m := range w.mappings {
		for _, r := range m.readers {
			for _, l := range r.lanes {
				if len(l.pending) > 0 && l.busy == nil && !l.retryAt.After(w.now) {
					list = append(list, action{kind: actionRecords, lane: l})
				}
			}
		}
	}
	for n := range w.replays {
		list = append(list, action{kind: actionReplay, n: n})
	}
	if w.queue.visible(w.now) > 0 && w.busy("process-inquiry") < w.workers && !w.now.Before(noon.Add(w.faults.Blocked)) {
		list = append(list, action{kind: actionMessages})
	}
	if w.dead.visible(w.now) > 0 && w.busy("fail-exhausted") < 2 {
		list = append(list, action{kind: actionDeadLetters})
	}
	if !w.sweepAt.After(w.now) {
		if w.check.due(w.now.Add(maxSkew)) {
			list = append(list, action{kind: actionSweep})
		} else {
			w.nextSweep()
		}
	}
	for n, c := range w.clients {
		if !c.at.After(w.now) {
			list = append(list, action{kind: actionClient, n: n})
		}
	}
	w.actions = list
	return list
}

// act does one action.
func (w *World) act(a action) {
	switch a.kind {
	case actionCall:
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
	case actionRecords:
		w.deliverRecords(a.lane)
	case actionReplay:
		s := w.replays[a.n]
		w.replays = slices.Delete(w.replays, a.n, a.n+1)
		w.tracef("      %d records are delivered again", len(s.batch))
		s.m.start(&lane{m: s.m, name: s.m.name + " again"}, s.batch)
	case actionMessages:
		w.startWork()
	case actionDeadLetters:
		w.startFail()
	case actionSweep:
		w.nextSweep()
		w.startSweep()
	case actionClient:
		c := w.clients[a.n]
		w.clients = slices.Delete(w.clients, a.n, a.n+1)
		w.startClient(c)
	}
}

// deliverRecords passes a lane's next records to its function.
func (w *World) deliverRecords(l *lane) {
	n := min(len(l.pending), l.m.maxRecords)
	if l.limit > 0 {
		n = min(n, l.limit)
	}
	if w.faultsLast() {
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
		w.replays = append(w.replays, replay{l.m, batch})
	}
	l.busy = l.m.start(l, batch)
}

func (w *World) nextSweep() {
	w.sweepAt = w.sweepAt.Add(deployment.SweepInterval * (w.now.Sub(w.sweepAt)/deployment.SweepInterval + 1))
}

// busy counts the invocations of a function that the platform still waits for.
func (w *World) busy(function string) int {
	n := 0
	for _, i := range w.running {
		if i.Function == function && !i.settled {
			n++
		}
	}
	return n
}

// nextTime returns the next time at which something may happen that cannot happen
// now, or zero.
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
		const interval = deployment.SweepInterval
		sweep := w.sweepAt
		if early := due.Add(-maxSkew); early.After(sweep) {
			sweep = sweep.Add((early.Sub(sweep) + interval - 1) / interval * interval)
		}
		next(sweep)
	}
	return at
}

// timeOut ends the invocations whose time is over. A frozen machine cannot be
// stopped, so the platform only stops waiting for it.
func (w *World) timeOut() {
	for _, i := range slices.Clone(w.running) {
		if i.settled || i.deadline.After(w.now) {
			continue
		}
		w.tracef("      %s#%d times out", i.Function, i.ID)
		if i.frozenUntil.After(w.now) {
			i.settled, i.faulty = true, true
			i.settle(errTimedOut)
			continue
		}
		w.kill(i, errTimedOut)
	}
}

// longestPause is longer than any pause of package store between two tries.
const longestPause = time.Second

// settleDown waits until the last action has no more effects.
func (w *World) settleDown() {
	w.wait()
	// A goroutine that pauses is neither parked nor done. It pauses for a random
	// time, but never longer than this.
	for i := w.acted; i != nil && i.pauses(); {
		time.Sleep(longestPause)
		w.wait()
	}
	slices.SortFunc(w.parked, compareCalls)
	w.appendRecords()
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
				why, _, _ := strings.Cut(i.err.Error(), "; first error") // see ambiguous
				w.tracef("      %s#%d fails: %s", i.Function, i.ID, why)
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

// wait returns when every goroutine waits for the scheduler or has ended.
func (w *World) wait() {
	synctest.Wait()
	w.mu.Lock() // for the race detector: see Invocation.now
	defer w.mu.Unlock()
}

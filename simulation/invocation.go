package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// The errors of failed calls and invocations. Only traces show their texts.
var (
	errRefused  = errors.New("simulated: no answer")
	errConflict = errors.New("simulated: a transaction is in the way")
	errLost     = errors.New("simulated: connection reset by peer")
	errKilled   = errors.New("simulated: the invocation is over")
	errTimedOut = errors.New("simulated: the invocation took too long")
	errPanic    = errors.New("simulated: the function panicked")
)

// Invocation is one run of one function. Its fields belong to the scheduler. The
// function's goroutines touch them only under the world's lock.
type Invocation struct {
	w        *World
	ID       int
	Function string
	Nth      int // of this function, from 1

	submitter inquiry.Submitter // whose submission it stores, if it is one

	skew        time.Duration
	ctx         context.Context
	cancel      context.CancelFunc
	deadline    time.Time // when the platform stops waiting
	frozenUntil time.Time

	answers map[inquiry.ID]map[string]sourceFigures // what its sources said, by source

	parked   int
	dead     bool // nothing that it does has an effect
	faulty   bool // a fault hit one of its calls, or it was killed
	finished bool
	settled  bool // the platform has acted on its outcome
	err      error
	settle   func(error)
}

// now returns the time on the invocation's machine. It locks mu, as the scheduler does
// in wait, for the race detector: it does not see that the scheduler runs after a
// goroutine that now waits in sync.WaitGroup.Wait, because that method hides what it
// does from the detector.
func (i *Invocation) now() time.Time {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return i.w.now.Add(i.skew)
}

// pauses reports whether the invocation is neither over nor waiting for the
// scheduler.
func (i *Invocation) pauses() bool {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return !i.finished && i.parked == 0
}

// lambdaContext has a deadline but does not end at it: a frozen machine does not
// notice, and the scheduler ends the others.
type lambdaContext struct {
	context.Context
	deadline time.Time
}

func (c lambdaContext) Deadline() (time.Time, bool) { return c.deadline, true }

// start begins an invocation. settle is called once with its outcome.
func (w *World) start(function string, limit time.Duration, run func(context.Context, *Invocation) error, settle func(error)) *Invocation {
	w.started++
	w.byFunction[function]++
	i := &Invocation{
		w: w, ID: w.started, Function: function, Nth: w.byFunction[function],
		skew: w.chooseSkew(), deadline: w.now.Add(limit), settle: settle,
	}
	base, cancel := context.WithCancel(context.Background())
	i.cancel = cancel
	i.ctx = lambdaContext{base, i.deadline.Add(i.skew)}
	w.running = append(w.running, i)
	go func() {
		err := errPanic
		defer func() {
			_ = recover()
			w.mu.Lock()
			i.err, i.finished = err, true
			w.mu.Unlock()
		}()
		err = run(i.ctx, i)
	}()
	w.acted = i
	return i
}

// grant lets a call go on.
func (w *World) grant(c *Call, v Verdict) {
	w.parked = slices.DeleteFunc(w.parked, func(p *Call) bool { return p == c })
	c.In.parked--
	c.In.faulty = c.In.faulty || v != Proceed
	w.acted = c.In
	switch v {
	case CrashBefore, CrashAfter:
		w.mu.Lock()
		c.In.dead = true
		w.mu.Unlock()
		c.verdict <- v
		w.wait()
		w.kill(c.In, errKilled)
	default:
		c.verdict <- v
	}
}

// kill ends an invocation. Nothing that it does from now on has an effect.
func (w *World) kill(i *Invocation, why error) {
	w.mu.Lock()
	i.dead, i.faulty = true, true
	w.mu.Unlock()
	i.cancel()
	for n := 0; n < len(w.parked); {
		c := w.parked[n]
		if c.In != i {
			n++
			continue
		}
		w.parked = slices.Delete(w.parked, n, n+1)
		i.parked--
		c.verdict <- CrashBefore
	}
	w.wait()
	if !i.settled {
		i.settled = true
		i.settle(why)
	}
}

package simulation

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Faults are the probabilities of what may go wrong. The zero value is a world
// without faults. All of them end at Until.
type Faults struct {
	Until time.Duration // after noon

	// For each call.
	Refuse, Resend, Lose, CrashBefore, CrashAfter, Freeze, Conflict float64

	// Throttled is the operation of the table that is nearly always refused; "" for none.
	Throttled string

	// For each eventually consistent read.
	Stale float64

	// For each message.
	RejectMessage, LoseMessage, Duplicate float64

	// FastReturn makes a failed message visible again after seconds instead of
	// its visibility timeout.
	FastReturn bool

	Unreadable            float64 // for each record of the stream
	Redeliver, DropRecord float64 // for each event of the stream
	Split, Recreate       float64 // for each step

	// Skew makes the machines' clocks differ.
	Skew bool

	// process-inquiry is not invoked until Blocked has passed since noon.
	Blocked time.Duration
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
		Stale:         some(0.1, 0.7),
		RejectMessage: some(0.05, 0.3), LoseMessage: some(0.02, 0.2), Duplicate: some(0.05, 0.4), FastReturn: r.IntN(5) == 0,
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
	case 2: // nobody works until about the deadline
		f.Until = deadline + time.Duration(r.IntN(120))*time.Minute
		f.Blocked = f.Until - time.Duration(r.IntN(60))*time.Minute
	case 4:
		f.Throttled = []string{"UpdateItem", "TransactWriteItems", "Query", "GetItem"}[r.IntN(4)]
	case 3: // nearly all messages are lost until the deadline
		f.Until = deadline + time.Duration(r.IntN(120))*time.Minute
		f.LoseMessage = 0.8
	}
	f.Unreadable = some(0.01, 0.1)
	return f
}

// faultsLast reports whether faults still happen.
func (w *World) faultsLast() bool { return w.now.Before(noon.Add(w.faults.Until)) }

// chance returns true with the given probability, and false once faults are over.
func (w *World) chance(p float64) bool {
	return p > 0 && w.faultsLast() && w.rng.Float64() < p
}

func (w *World) chooseSkew() time.Duration {
	if !w.faults.Skew {
		return 0
	}
	return time.Duration(w.rng.IntN(int(2*maxSkew/time.Second)+1))*time.Second - maxSkew
}

func (w *World) rejectsMessage(id inquiry.ID) bool {
	return w.reject != nil && w.reject(id) || w.chance(w.faults.RejectMessage)
}

func (w *World) losesMessage(id inquiry.ID) bool {
	return w.lose != nil && w.lose(id) || w.chance(w.faults.LoseMessage)
}

// disturb splits shards and recreates mappings at random. Both are bounded: every
// replay takes steps, and each step could start another one.
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

// verdict decides what happens to a call.
func (w *World) verdict(c *Call) Verdict {
	if w.onCall != nil {
		if v := w.onCall(c); v != Proceed {
			return v
		}
	}
	if !w.faultsLast() {
		return Proceed
	}
	f, x := &w.faults, w.rng.Float64()
	if c.Operation == f.Throttled && x < 0.9 {
		return Refuse
	}
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
			one.v == Conflict && !slices.Contains([]string{"TransactWriteItems", "UpdateItem", "PutItem"}, c.Operation):
			return Proceed
		}
		return one.v
	}
	return Proceed
}

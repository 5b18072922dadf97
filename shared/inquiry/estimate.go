package inquiry

import (
	"math"
	"time"
)

// minObserved is how many inquiries have to be finished before their pace says
// anything about the rest.
const minObserved = 5

// Estimate says between which two times the batch will be finished if the rest
// goes at the pace of what is finished already. The more has been seen, the
// closer together they are. ok is false when too little has been seen, and when
// nothing is left to wait for.
//
// It follows from the tally alone: it changes when the counters do, not with the
// time of asking.
func (t Tally) Estimate() (earliest, latest time.Time, ok bool) {
	left := t.Total - t.Counts().Settled()
	observed := t.Sums.Work.Count()
	took := t.Sums.LastFinishedAt.Sub(t.Sums.FirstStartedAt)
	if left == 0 || observed < minObserved || t.Sums.FirstStartedAt.IsZero() || took <= 0 {
		return time.Time{}, time.Time{}, false
	}
	rest := float64(took) / float64(observed) * float64(left)
	doubt := 1 / math.Sqrt(float64(observed))
	after := func(share float64) time.Time {
		return t.Sums.LastFinishedAt.Add(time.Duration(rest * share)).Truncate(time.Second)
	}
	return after(1 - doubt), after(1 + 3*doubt).Add(time.Second), true
}

package inquiry

import (
	"math"
	"time"
)

const (
	// perDelivery is how many inquiries a worker gets at once. They run side by
	// side, so that they are one observation of the pace.
	perDelivery = 10

	// enoughSeen is how many inquiries have to be finished before their pace says
	// anything about the rest: five deliveries. Of a small batch half are enough,
	// when these are two deliveries.
	enoughSeen, leastSeen = 5 * perDelivery, 2 * perDelivery

	// drift is the factor by which the pace changes while a batch runs: other
	// lenders' batches come and go, sources have their slow minutes. Nothing that is
	// seen of one batch makes it smaller.
	drift = 1.5

	// warmUp is how long the queue takes to start its workers, 5 at once and 300 a
	// minute up to 50 (docs.aws.amazon.com/lambda, SQS scaling), about. What was
	// seen meanwhile is slower than what is to come.
	warmUp = 6 * time.Second
)

// Estimate says between which two times the batch will be finished if the rest
// goes at the pace of what is finished already.
//
// The pace is that of deliveries; the first one, before which there was none,
// only starts the clock. The rest may go slower or faster by a factor: drift, and
// the doubt that so few deliveries leave, which falls with the root of their
// number. It may go faster still while workers are being started. On top comes the
// last delivery's own time, twice that of most inquiries, for the slow ones are
// the last to be seen.
//
// It follows from the tally alone: it is counted from the last progress and
// changes when the counters do, not with the time of asking. ok is false when too
// little has been seen, and when nothing is left to wait for.
func (t Tally) Estimate() (earliest, latest time.Time, ok bool) {
	left := t.Total - t.Counts().Settled()
	seen := t.Sums.Work.Count()
	took := t.Sums.LastFinishedAt.Sub(t.Sums.FirstStartedAt)
	if left == 0 || seen < min(enoughSeen, max(leastSeen, t.Total/2)) || took <= 0 {
		return time.Time{}, time.Time{}, false
	}
	rest := float64(took) / float64(seen-perDelivery) * float64(left)
	slower := drift + 1/math.Sqrt(float64(seen)/perDelivery)
	faster := slower + float64(warmUp)/float64(took)
	earliest = t.Sums.LastFinishedAt.Add(time.Duration(rest / faster))
	latest = t.Sums.LastFinishedAt.Add(time.Duration(rest*slower) + 2*t.Sums.Work.Quantile(0.95))
	return earliest.Truncate(time.Second), latest.Truncate(time.Second).Add(time.Second), true
}

// Estimate is that of the batch's tally; ok is false while it is being cancelled,
// for then the rest does not go at the pace of what is finished.
func (b Batch) Estimate() (earliest, latest time.Time, ok bool) {
	if !b.CancelRequestedAt.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	return b.Tally.Estimate()
}

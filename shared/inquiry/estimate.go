package inquiry

import (
	"math"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

const (
	// perDelivery is how many inquiries a worker gets at once. They run side by side,
	// so together they are one observation of the pace.
	perDelivery = deployment.MessageBatch

	// enoughSeen is how many inquiries must be finished before their pace says anything
	// about the rest: five deliveries. For a small batch, half of its inquiries are
	// enough, if that is at least leastSeen, which is two deliveries.
	enoughSeen, leastSeen = 5 * perDelivery, 2 * perDelivery

	// drift is the factor by which the pace changes while a batch runs: other lenders'
	// batches come and go, and sources have slow minutes. Observing more of the batch
	// does not make it smaller.
	drift = 1.5

	// warmUp is about how long the queue takes to start its workers: 5 at once, then
	// 300 a minute up to deployment.MaxWorkers (docs.aws.amazon.com/lambda, SQS
	// scaling). The pace in this time is slower than the pace to come.
	warmUp = 6 * time.Second
)

// Estimate returns the two times between which the batch will probably finish if it
// continues at its pace so far.
//
// The pace is measured in deliveries. The first one only starts the clock, because no
// delivery came before it. The rest may run slower or faster by a factor: drift plus
// the uncertainty of so few deliveries, which falls with the square root of their
// number. It may run even faster while workers are still starting. Estimate adds twice
// the 95th percentile of the durations for the last delivery, because slow inquiries
// are the last ones to be observed.
//
// The estimate depends only on the tally: it starts at the time of the last progress
// and changes only when the counters do, whatever the time of the call. ok is false
// when too few inquiries are finished, and when all are.
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

// Estimate returns the estimate of the batch's tally. ok is also false while the
// batch is being canceled, because the rest then runs at another pace.
func (b Batch) Estimate() (earliest, latest time.Time, ok bool) {
	if !b.CancelRequestedAt.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	return b.Tally.Estimate()
}

package httpapi

import (
	"fmt"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// statusReason is the status in a sentence. It says nothing that the counters do
// not: it is for people.
func statusReason(b inquiry.Batch) string {
	c := b.Counts()
	left := b.Total - c.Settled()
	switch status := b.Status(); {
	case !b.DeletedAt.IsZero():
		return "The batch's data was deleted. Its counts remain."
	case status == inquiry.BatchPending && b.CancelRequestedAt.IsZero():
		return "No inquiry has been started yet."
	case !status.Final() && !b.CancelRequestedAt.IsZero():
		return fmt.Sprintf("The batch is being cancelled: inquiries that are running finish first. %d of %d are left.", left, b.Total)
	case !status.Final():
		return fmt.Sprintf("%d of %d inquiries are still to come.", left, b.Total)
	case status == inquiry.BatchCompleted:
		return "Every applicable source has answered for every inquiry."
	case status == inquiry.BatchCancelled:
		return fmt.Sprintf("A cancel stopped %d of %d inquiries before they were started.", c.Cancelled, b.Total)
	case status == inquiry.BatchFailed:
		return "No inquiry has a useful report; each says why."
	default:
		return fmt.Sprintf("Of %d inquiries, %d have a report from which a source is missing and %d have none.", b.Total, c.PartialSuccess, c.Failed)
	}
}

// phaseProgress follows from the counters. When the last inquiry left the plan
// is known only if a worker took it from there.
func phaseProgress(b inquiry.Batch) *PhaseProgress {
	c, created := b.Counts(), moment(b.CreatedAt())
	p := &PhaseProgress{
		Validate: Phase{Total: b.Total, Done: b.Total, StartedAt: created, EndedAt: created},
		Plan:     Phase{Total: b.Total, Done: b.Total - c.Planning, StartedAt: created},
		Gather:   Phase{Total: b.Total, Done: c.Settled(), StartedAt: moment(b.Sums.FirstStartedAt), EndedAt: moment(b.FinishedAt)},
	}
	if c.Planning == 0 && c.Cancelled == 0 {
		p.Plan.EndedAt = moment(b.Sums.LastStartedAt)
	}
	return p
}

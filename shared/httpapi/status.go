package httpapi

import (
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// statusReason returns the status as a sentence for people. It adds nothing to the
// counters.
func statusReason(b inquiry.Batch) string {
	c := b.Counts()
	left := b.Total - c.Settled()
	switch status := b.Status(); {
	case !b.DeletedAt.IsZero():
		return "The batch's data was deleted. Its counts remain."
	case status == inquiry.BatchPending && b.CancelRequestedAt.IsZero():
		return "No inquiry has started yet."
	case !status.Final() && !b.CancelRequestedAt.IsZero():
		return fmt.Sprintf("The batch is being canceled. Running inquiries finish first; %d of %d inquiries are left.", left, b.Total)
	case !status.Final():
		return fmt.Sprintf("%d of %d inquiries are not finished yet.", left, b.Total)
	case status == inquiry.BatchCompleted:
		return "Every applicable source answered for every inquiry."
	case status == inquiry.BatchCancelled:
		return fmt.Sprintf("%d of %d inquiries were canceled before they started.", c.Cancelled, b.Total)
	case status == inquiry.BatchFailed:
		return "No inquiry has a useful report. Each inquiry says why."
	default:
		return fmt.Sprintf("Of %d inquiries, %d have a report that lacks a source and %d have no useful report.", b.Total, c.PartialSuccess, c.Failed)
	}
}

// phaseProgress is computed from the counters. The end of the plan phase is known only
// if workers claimed every inquiry.
func phaseProgress(b inquiry.Batch) *PhaseProgress {
	c, created := b.Counts(), timeOrNull(b.CreatedAt())
	p := &PhaseProgress{
		Validate: Phase{Total: b.Total, Done: b.Total, StartedAt: created, EndedAt: created},
		Plan:     Phase{Total: b.Total, Done: b.Total - c.Planning, StartedAt: created},
		Gather:   Phase{Total: b.Total, Done: c.Settled(), StartedAt: timeOrNull(b.Sums.FirstStartedAt), EndedAt: timeOrNull(b.FinishedAt)},
	}
	if c.Planning == 0 && c.Cancelled == 0 {
		p.Plan.EndedAt = timeOrNull(b.Sums.LastStartedAt)
	}
	return p
}

// InquiryStatus is an inquiry's status in the API. Its schema lists the statuses.
type InquiryStatus string

// BatchStatus is a batch's status in the API. Its schema lists the statuses.
type BatchStatus string

// batchStatuses are the statuses in the order in which the reference lists them.
var batchStatuses = []inquiry.BatchStatus{
	inquiry.BatchPending, inquiry.BatchRunning, inquiry.BatchCompleted,
	inquiry.BatchPartialSuccess, inquiry.BatchFailed, inquiry.BatchCancelled,
}

// Schema makes InquiryStatus a huma.SchemaProvider.
func (InquiryStatus) Schema(huma.Registry) *huma.Schema { return enumOf(inquiry.Statuses()) }

// Schema makes BatchStatus a huma.SchemaProvider.
func (BatchStatus) Schema(huma.Registry) *huma.Schema { return enumOf(batchStatuses) }

func enumOf[S ~string](values []S) *huma.Schema {
	schema := &huma.Schema{Type: huma.TypeString}
	for _, v := range values {
		schema.Enum = append(schema.Enum, string(v))
	}
	return schema
}

package httpapi

import (
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// BatchBody is the progress of a batch. The six counters sum to total in every answer.
type BatchBody struct {
	BatchID            inquiry.BatchID     `json:"batchId" format:"uuid" doc:"Id of the batch."`
	BatchName          string              `json:"batchName" doc:"The batch's name, as submitted."`
	Metadata           map[string]string   `json:"metadata,omitempty" doc:"The batch's metadata, as submitted."`
	OperationType      string              `json:"operationType" enum:"SUBMIT,RERUN,SINGLE" doc:"What created the batch: SUBMIT a submission, RERUN a rerun of an earlier batch, SINGLE the submission of a single inquiry."`
	Status             BatchStatus         `json:"status" doc:"PENDING until the first inquiry is claimed, then RUNNING. The final statuses never change: COMPLETED (all inquiries completed), FAILED (no inquiry has a useful report), CANCELLED (a cancel stopped some inquiries) or PARTIAL_SUCCESS (anything else)."`
	StatusReason       string              `json:"statusReason" doc:"The status as a sentence, for people." example:"12 of 250 inquiries are not finished yet."`
	IsTerminal         bool                `json:"isTerminal" doc:"True when the status of the batch and of all its inquiries is final."`
	Total              int                 `json:"total" doc:"Number of inquiries in the batch. It never changes."`
	Planning           int                 `json:"planning" doc:"Number of inquiries that wait for a worker."`
	Running            int                 `json:"running" doc:"Number of inquiries that are being looked up."`
	Completed          int                 `json:"completed" doc:"Number of inquiries for which every applicable source answered."`
	PartialSuccess     int                 `json:"partialSuccess" doc:"Number of inquiries whose report lacks a source."`
	Failed             int                 `json:"failed" doc:"Number of inquiries without a useful report."`
	Cancelled          int                 `json:"cancelled" doc:"Number of canceled inquiries."`
	ProgressPercentage float64             `json:"progressPercentage" minimum:"0" maximum:"100" doc:"Percentage of inquiries with a final status. It never decreases, and is 100 only when all inquiries have one."`
	CreatedAt          time.Time           `json:"createdAt" doc:"When the batch was submitted."`
	FinishedAt         *time.Time          `json:"finishedAt" doc:"When the last inquiry reached its final status; null before that."`
	EstimatedEnd       *EstimateRange      `json:"estimatedCompletionAt" doc:"Estimated time range in which the batch will finish if it continues at its current pace. About nine in ten batches finish within it. The estimate starts at timingSummary.lastFinishedAt, the time of the last progress, not at the time of your request. If earliest has passed, the batch may finish at any moment; if latest has passed, the pace has dropped and there is no reliable estimate. Null until 50 inquiries have finished (or half of a smaller batch, but at least 20), while the batch is being canceled, and when it has finished."`
	ResultsExpireAt    time.Time           `json:"resultsExpireAt" doc:"When the batch and all its data will be deleted."`
	CancelRequestedAt  *time.Time          `json:"cancelRequestedAt" doc:"When a cancel of the batch was first requested; null if none was."`
	DeletedAt          *time.Time          `json:"deletedAt" doc:"When your lender deleted the batch's data; null if it did not. The counts remain; the name, metadata, inquiries and reports are gone."`
	ParentBatchID      *inquiry.BatchID    `json:"parentBatchId" nullable:"true" format:"uuid" doc:"The batch that this batch reruns; null if it is not a rerun." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"`
	ChildBatchIDs      []inquiry.BatchID   `json:"childBatchIds" doc:"The first 20 reruns of this batch, oldest first."`
	LatestChildBatchID *inquiry.BatchID    `json:"latestChildBatchId" nullable:"true" format:"uuid" doc:"The most recent rerun of this batch; null if there is none."`
	PhaseProgress      *PhaseProgress      `json:"phaseProgress" doc:"How many inquiries have passed each phase."`
	SourceRecordTotals *SourceRecordTotals `json:"sourceRecordTotals" doc:"Totals over all sources; null until one inquiry is final."`
	TimingSummary      *TimingSummary      `json:"timingSummary" doc:"Where the batch's time went; null until one inquiry is final."`
}

// EstimateRange is an estimated time.
type EstimateRange struct {
	Earliest time.Time `json:"earliest" doc:"Start of the range." example:"2026-11-23T12:04:10Z"`
	Latest   time.Time `json:"latest" doc:"End of the range." example:"2026-11-23T12:05:25Z"`
}

// PhaseProgress is how many inquiries have passed each phase.
type PhaseProgress struct {
	Validate Phase `json:"validate" doc:"Checking the request. It is always complete, because a batch is checked before it is accepted."`
	Plan     Phase `json:"plan" doc:"Waiting for a worker to claim the inquiry."`
	Gather   Phase `json:"gather" doc:"Querying the sources and writing the report."`
}

// Phase is one step that every inquiry goes through.
type Phase struct {
	Total     int        `json:"total" doc:"Number of inquiries that must pass the phase."`
	Done      int        `json:"done" doc:"Number of inquiries that have passed the phase."`
	StartedAt *time.Time `json:"startedAt" doc:"When the first inquiry entered the phase; null before that."`
	EndedAt   *time.Time `json:"endedAt" doc:"When the last inquiry left the phase; null while inquiries are in it, and when the time is not recorded."`
}

// SourceRecordTotals counts what the sources returned for all final inquiries.
type SourceRecordTotals struct {
	Total    int                     `json:"total" doc:"Number of source records in all reports."`
	BySource map[string]SourceTotals `json:"bySource" doc:"Totals of each source, by source name."`
}

// SourceTotals counts one source's answers. All but Records count inquiries.
type SourceTotals struct {
	Records       int `json:"records" doc:"Number of source records in all reports."`
	Found         int `json:"found" doc:"Number of inquiries for which the source has a corroborated record."`
	NotFound      int `json:"notFound" doc:"Number of inquiries for which the source searched and found nothing."`
	Ambiguous     int `json:"ambiguous" doc:"Number of inquiries with candidates that a person must review."`
	NotApplicable int `json:"notApplicable" doc:"Number of inquiries that contain nothing the source can look up."`
	Failed        int `json:"failed" doc:"Number of inquiries for which the source did not answer."`
}

// TimingSummary shows where the time went, in seconds.
type TimingSummary struct {
	FirstStartedAt time.Time               `json:"firstStartedAt" doc:"When a worker first started an inquiry."`
	LastFinishedAt time.Time               `json:"lastFinishedAt" doc:"When an inquiry most recently became final."`
	QueuedSeconds  float64                 `json:"queuedSeconds" doc:"Time from submission to the first claim."`
	WallSeconds    float64                 `json:"wallSeconds" doc:"Time from submission to the most recent final status."`
	MeanSeconds    float64                 `json:"meanSeconds" doc:"Mean time of an inquiry from claim to final status."`
	P50Seconds     float64                 `json:"p50Seconds" doc:"Median time of an inquiry. It may exceed the exact value by up to a fifth."`
	P95Seconds     float64                 `json:"p95Seconds" doc:"95th percentile of the time of an inquiry. It may exceed the exact value by up to a fifth."`
	LongestSeconds float64                 `json:"longestSeconds" doc:"Time of the slowest inquiry."`
	Attempts       int                     `json:"attempts" doc:"Number of claims over all final inquiries. It exceeds the number of inquiries if some were retried."`
	BySource       map[string]SourceTiming `json:"bySource" doc:"Timing of each source, by source name."`
}

// SourceTiming is how long one source took, in seconds.
type SourceTiming struct {
	MeanSeconds    float64 `json:"meanSeconds" doc:"Mean time from query to answer in seconds, including retries."`
	LongestSeconds float64 `json:"longestSeconds" doc:"Longest time from query to answer in seconds."`
}

type batchOutput struct{ Body BatchBody }

// idOrNull returns a batch's id for JSON: null if it is zero.
func idOrNull(id inquiry.BatchID) *inquiry.BatchID {
	if id == (inquiry.BatchID{}) {
		return nil
	}
	return &id
}

func batchBody(b inquiry.Batch) BatchBody {
	counts, status := b.Counts(), b.Status()
	body := BatchBody{
		BatchID:            b.ID,
		BatchName:          b.Name,
		Metadata:           b.Metadata,
		OperationType:      string(b.Operation),
		Status:             BatchStatus(status),
		IsTerminal:         status.Final(),
		Total:              b.Total,
		Planning:           counts.Planning,
		Running:            counts.Running,
		Completed:          counts.Completed,
		PartialSuccess:     counts.PartialSuccess,
		Failed:             counts.Failed,
		Cancelled:          counts.Cancelled,
		ProgressPercentage: b.Progress(),
		CreatedAt:          b.CreatedAt(),
		FinishedAt:         timeOrNull(b.FinishedAt),
		CancelRequestedAt:  timeOrNull(b.CancelRequestedAt),
		StatusReason:       statusReason(b),
		ResultsExpireAt:    b.ExpiresAt(),
		DeletedAt:          timeOrNull(b.DeletedAt),
		ParentBatchID:      idOrNull(b.Parent),
		ChildBatchIDs:      append([]inquiry.BatchID{}, b.Children...),
		LatestChildBatchID: idOrNull(b.LatestChild),
		PhaseProgress:      phaseProgress(b),
	}
	if earliest, latest, ok := b.Estimate(); ok {
		body.EstimatedEnd = &EstimateRange{Earliest: earliest, Latest: latest}
	}
	if !b.Sums.FirstStartedAt.IsZero() && !b.Sums.LastFinishedAt.IsZero() {
		body.SourceRecordTotals = sourceRecordTotals(b.Sums)
		body.TimingSummary = timingSummary(b)
	}
	return body
}

func sourceRecordTotals(s inquiry.Sums) *SourceRecordTotals {
	totals := &SourceRecordTotals{Total: s.SourceRecords, BySource: map[string]SourceTotals{}}
	for name, src := range s.Sources {
		totals.BySource[name] = SourceTotals{
			Records: src.Records, Found: src.Found, NotFound: src.NoRecord, Ambiguous: src.Ambiguous,
			NotApplicable: src.NotApplicable, Failed: src.Failed,
		}
	}
	return totals
}

// timingSummary covers the inquiries that workers have finished.
func timingSummary(b inquiry.Batch) *TimingSummary {
	s := b.Sums
	timing := &TimingSummary{
		FirstStartedAt: s.FirstStartedAt,
		LastFinishedAt: s.LastFinishedAt,
		QueuedSeconds:  s.FirstStartedAt.Sub(b.CreatedAt()).Seconds(),
		WallSeconds:    s.LastFinishedAt.Sub(b.CreatedAt()).Seconds(),
		MeanSeconds:    (s.Worked / time.Duration(max(s.Work.Count(), 1))).Seconds(),
		P50Seconds:     min(s.Work.Quantile(0.50), s.LongestWork).Seconds(),
		P95Seconds:     min(s.Work.Quantile(0.95), s.LongestWork).Seconds(),
		LongestSeconds: s.LongestWork.Seconds(),
		Attempts:       s.Attempts,
		BySource:       map[string]SourceTiming{},
	}
	for name, src := range s.Sources {
		if asked := src.Found + src.NoRecord + src.Ambiguous + src.Failed; asked > 0 {
			timing.BySource[name] = SourceTiming{
				MeanSeconds:    (src.Elapsed / time.Duration(asked)).Seconds(),
				LongestSeconds: src.Longest.Seconds(),
			}
		}
	}
	return timing
}

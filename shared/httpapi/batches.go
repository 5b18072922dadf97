package httpapi

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Page is the part of a list that a request asks for.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many to return at the most." example:"50"`
	Offset int    `query:"offset" minimum:"0" maximum:"1000000000" default:"0" doc:"How many to skip: for the next page, the offset of this one and as many as it has." example:"0"`
	Cursor string `query:"cursor" maxLength:"12" doc:"nextCursor of the page before; with the same filters, instead of offset. It skips and repeats nothing, however the list grows." example:"c1e"`
}

// Repeatable is what a request has that may be sent again and is carried out once.
type Repeatable struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[\\x20-\\x7e]+$" patternDescription:"letters, digits, blanks and signs of ASCII alone"`
}

type submitInput struct {
	ContentType string `header:"Content-Type" doc:"application/json"`
	Repeatable
	RawBody []byte `contentType:"application/json"`
}

type submitOutput struct {
	Location string `header:"Location" doc:"Where the batch is. Absent with validateOnly." example:"/prod/v1/batch-inquiries/01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"`
	Retry    string `header:"Retry-After" doc:"For how many seconds to wait before the first poll. Absent with validateOnly." example:"2"`
	Replayed string `header:"Idempotent-Replayed"`
	Body     any    // *SubmittedBody, or *ValidatedBody of a dry run
}

// SubmittedBody answers a submission.
type SubmittedBody struct {
	BatchID   inquiry.BatchID `json:"batchId" format:"uuid" doc:"The new batch: ask for its status with this id."`
	BatchName string          `json:"batchName" doc:"The name that the request gives the batch. A repeated request has it too, even when the batch was deleted since and keeps no name. Only a repeated rerun of a batch that is gone may have none: then it is empty."`
	Total     int             `json:"total" doc:"Inquiries in the batch, rejected ones included."`
	Accepted  int             `json:"accepted" doc:"Inquiries that will be looked up."`
	Rejected  int             `json:"rejected" doc:"Inquiries that break the rules and have FAILED at once; always 0 without onInvalid: skip."`
	Message   string          `json:"message" doc:"What to do next, in words."`
	Errors    []Fault         `json:"errors,omitempty" doc:"What is wrong with the rejected inquiries: 5000 faults at the most, and 1 MB. Each inquiry has its own as well."`

	ParentBatchID *inquiry.BatchID `json:"parentBatchId,omitempty" format:"uuid" doc:"The batch that this one is a rerun of."`
}

// BatchBody is how far a batch has come. The six counters sum to total in every
// answer.
type BatchBody struct {
	BatchID            inquiry.BatchID     `json:"batchId" format:"uuid" doc:"The batch."`
	BatchName          string              `json:"batchName" doc:"The name that you gave it."`
	Metadata           map[string]string   `json:"metadata,omitempty" doc:"The batch's metadata, as submitted."`
	OperationType      string              `json:"operationType" enum:"SUBMIT,RERUN,SINGLE" doc:"What made the batch: SUBMIT is a submission, RERUN looks inquiries of an earlier batch up once more, SINGLE is the batch of one below an inquiry that was submitted on its own."`
	Status             string              `json:"status" enum:"PENDING,RUNNING,COMPLETED,PARTIAL_SUCCESS,FAILED,CANCELLED" doc:"PENDING until the first inquiry is taken up, then RUNNING. Then COMPLETED (all completed), FAILED (none useful), CANCELLED (a cancel left some undone) or PARTIAL_SUCCESS (anything else), which never change."`
	StatusReason       string              `json:"statusReason" doc:"The status in a sentence, for people." example:"12 of 250 inquiries are still to come."`
	IsTerminal         bool                `json:"isTerminal" doc:"No inquiry of the batch can change any more."`
	Total              int                 `json:"total" doc:"Inquiries in the batch; set when it is submitted, and never changed."`
	Planning           int                 `json:"planning" doc:"Inquiries waiting for a worker."`
	Running            int                 `json:"running" doc:"Inquiries being looked up."`
	Completed          int                 `json:"completed" doc:"Inquiries for which every applicable source answered."`
	PartialSuccess     int                 `json:"partialSuccess" doc:"Inquiries with a report from which a source is missing."`
	Failed             int                 `json:"failed" doc:"Inquiries without a useful report."`
	Cancelled          int                 `json:"cancelled" doc:"Inquiries that a cancel stopped."`
	ProgressPercentage float64             `json:"progressPercentage" minimum:"0" maximum:"100" doc:"Share of inquiries with a final status, in percent; it never falls, and is 100 only when all have one."`
	CreatedAt          time.Time           `json:"createdAt" doc:"When the batch was submitted."`
	FinishedAt         *time.Time          `json:"finishedAt" doc:"When the last inquiry became final."`
	EstimatedEnd       *EstimateRange      `json:"estimatedCompletionAt" doc:"Between which times the batch will be finished if it goes on at its pace so far: about nine batches in ten are. It is counted from timingSummary.lastFinishedAt, the last progress, and not from the moment of asking. So an earliest that has passed means any moment; and a latest that has passed, that the pace has broken off and nobody can say. Null until 50 inquiries are finished (half of a smaller batch, 20 at least), while the batch is being cancelled, and when it is finished."`
	ResultsExpireAt    time.Time           `json:"resultsExpireAt" doc:"When the batch and everything below it will be deleted."`
	CancelRequestedAt  *time.Time          `json:"cancelRequestedAt" doc:"When the batch was first asked to be cancelled; null if it never was."`
	DeletedAt          *time.Time          `json:"deletedAt" doc:"When the batch's data was deleted at its lender's request; null if it was not. The counts remain; its name, metadata, inquiries and reports are gone."`
	ParentBatchID      *inquiry.BatchID    `json:"parentBatchId" nullable:"true" format:"uuid" doc:"The batch that this one is a rerun of; null for any other." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"`
	ChildBatchIDs      []inquiry.BatchID   `json:"childBatchIds" doc:"The first 20 reruns of this batch, oldest first."`
	LatestChildBatchID *inquiry.BatchID    `json:"latestChildBatchId" nullable:"true" format:"uuid" doc:"The last rerun of this batch; null when there is none."`
	PhaseProgress      *PhaseProgress      `json:"phaseProgress" doc:"How many inquiries have passed each phase."`
	SourceRecordTotals *SourceRecordTotals `json:"sourceRecordTotals" doc:"Null until one inquiry is final."`
	TimingSummary      *TimingSummary      `json:"timingSummary" doc:"Null until one inquiry is final."`
}

// EstimateRange is a time that is known only roughly.
type EstimateRange struct {
	Earliest time.Time `json:"earliest" doc:"The soonest that it is expected." example:"2026-11-23T12:04:10Z"`
	Latest   time.Time `json:"latest" doc:"The latest that it is expected." example:"2026-11-23T12:05:25Z"`
}

// PhaseProgress says how many inquiries have passed each phase.
type PhaseProgress struct {
	Validate Phase `json:"validate" doc:"Checking the request, which is done before a batch is accepted."`

	Plan   Phase `json:"plan" doc:"Waiting for a worker to claim the inquiry."`
	Gather Phase `json:"gather" doc:"Asking the sources and writing the report."`
}

// Phase is one step that every inquiry takes.
type Phase struct {
	Total     int        `json:"total" doc:"Inquiries that have to pass the phase."`
	Done      int        `json:"done" doc:"Inquiries that have passed it."`
	StartedAt *time.Time `json:"startedAt" doc:"When the first inquiry entered the phase; null before."`
	EndedAt   *time.Time `json:"endedAt" doc:"Null while inquiries are in the phase, and where it is not recorded."`
}

// SourceRecordTotals counts what the sources had over all final inquiries.
type SourceRecordTotals struct {
	Total    int                     `json:"total" doc:"Source records in all reports."`
	BySource map[string]SourceTotals `json:"bySource" doc:"The same for each source, by its name."`
}

// SourceTotals counts one source's answers, in inquiries but for records.
type SourceTotals struct {
	Records       int `json:"records" doc:"Source records in all reports."`
	Found         int `json:"found" doc:"Inquiries for which the source has a corroborated record."`
	NotFound      int `json:"notFound" doc:"Inquiries for which the source looked and has nothing."`
	Ambiguous     int `json:"ambiguous" doc:"Inquiries with candidates that a person must judge."`
	NotApplicable int `json:"notApplicable" doc:"Inquiries that give the source nothing to look up."`
	Failed        int `json:"failed" doc:"Inquiries for which the source did not answer."`
}

// TimingSummary says where the time went, in seconds.
type TimingSummary struct {
	FirstStartedAt time.Time               `json:"firstStartedAt" doc:"When a worker first took up an inquiry."`
	LastFinishedAt time.Time               `json:"lastFinishedAt" doc:"When an inquiry last became final."`
	QueuedSeconds  float64                 `json:"queuedSeconds" doc:"From submission to the first claim."`
	WallSeconds    float64                 `json:"wallSeconds" doc:"From submission to the last final status so far."`
	MeanSeconds    float64                 `json:"meanSeconds" doc:"Mean time an inquiry took from claim to final status."`
	P50Seconds     float64                 `json:"p50Seconds" doc:"Half of the inquiries took this long at most. Up to a fifth above the exact figure."`
	P95Seconds     float64                 `json:"p95Seconds" doc:"19 of 20 inquiries took this long at most. Up to a fifth above the exact figure."`
	LongestSeconds float64                 `json:"longestSeconds" doc:"The slowest inquiry."`
	Attempts       int                     `json:"attempts" doc:"Claims over all final inquiries; above their number when some were tried again."`
	BySource       map[string]SourceTiming `json:"bySource" doc:"How long each source took, by its name."`
}

// SourceTiming is how long one source took, in seconds.
type SourceTiming struct {
	MeanSeconds    float64 `json:"meanSeconds" doc:"Mean time from question to answer, retries included, in seconds."`
	LongestSeconds float64 `json:"longestSeconds" doc:"The longest such time, in seconds."`
}

// BatchPath names a batch in a request's path.
type BatchPath struct {
	BatchID string `path:"batch_id" doc:"The batch's id, a UUID." example:"01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"`
}

type batchOutput struct{ Body BatchBody }

type batchListOutput struct{ Body BatchListBody }

// BatchListBody is one page of a lender's batches, newest first.
type BatchListBody struct {
	Batches []BatchBody `json:"batches" doc:"The batches on this page, newest first."`
	Total   int         `json:"total" doc:"Batches ever submitted, whatever the filters; the list holds those that have not expired."`
	Limit   int         `json:"limit" doc:"The limit of the request."`
	Offset  int         `json:"offset" doc:"The offset of the request."`

	NextCursor *string `json:"nextCursor" doc:"Send it as cursor for the next page; null when this is the last one. A page may have fewer batches than limit and not be the last: it ends at 2.5 MB, and a filtered one looks at 500 batches at the most, so that it may even be empty."`
}

// shortPages is what the document says of every list.
const shortPages = "Read on as long as `nextCursor` is not null: a page that would be larger than an answer may be, 2.5 MB, ends early."

// registerBatches adds the routes of batches, and returns what reads the body of
// a submission.
func (a *API) registerBatches(api huma.API) *bodyReader {
	submit := huma.Operation{
		OperationID: "submit-batch", Method: http.MethodPost, Path: "/v1/batch-inquiries",
		Summary: "Submit a batch of inquiries",
		Description: "The batch is accepted whole, or not at all (but see `onInvalid`), and one answer lists everything that is wrong with it. " +
			"At most 250 inquiries, unless your lender has another limit (see `GET /v1/users/me`), and 5 MiB.\n\n" +
			"Then poll the batch at its `Location`, every 30 seconds or as `Retry-After` says, until `isTerminal` is true. " +
			"Send an `Idempotency-Key` and a lost answer costs nothing: the same request again returns the same batch.",
		DefaultStatus: http.StatusOK, MaxBodyBytes: maxBody + 1, // huma refuses the limit itself
		Errors:           []int{http.StatusConflict},
		SkipValidateBody: true, // newBodyReader does, and lists every fault
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[SubmitBody](), true, "")},
		}},
	}
	submit.Responses = map[string]*huma.Response{"200": {Description: "The batch was accepted or, with validateOnly, checked.", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{
			api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[SubmittedBody](), true, ""),
			api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ValidatedBody](), true, ""),
		}}},
	}}}
	reader := newBodyReader(api.OpenAPI(), "SubmitBody", a.Now)
	huma.Register(api, submit, func(ctx context.Context, in *submitInput) (*submitOutput, error) {
		out, err := a.submit(ctx, reader, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "list-batches", Method: http.MethodGet, Path: "/v1/batch-inquiries", Summary: "List batches, newest first",
		Description: "All of your lender's batches of the last 30 days, whoever submitted them, with their status. " + shortPages,
	}, func(ctx context.Context, in *batchesInput) (*batchListOutput, error) {
		query, err := in.query()
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		page, err := a.Batches.ListBatches(ctx, requestOf(ctx).Caller.LenderID, query)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &batchListOutput{BatchListBody{
			Batches: []BatchBody{}, Total: page.Total, Limit: in.Limit, Offset: in.Offset, NextCursor: cursorTo(page.Next),
		}}
		for _, b := range page.Batches {
			out.Body.Batches = append(out.Body.Batches, batchBody(b))
		}
		if n := fitting(out.Body.Batches, pageRoom); n < len(page.Batches) {
			out.Body.Batches, out.Body.NextCursor = out.Body.Batches[:n], cursorTo(page.Batches[n].Ordinal)
		}
		return out, nil
	})
	return reader
}

// submit makes two calls of the table, one after the other: the lender's
// profile, which has its limit, and the transaction.
func (a *API) submit(ctx context.Context, reader *bodyReader, in *submitInput) (*submitOutput, error) {
	request := requestOf(ctx)
	if !request.Caller.Role.MayChange() {
		return nil, newProblem(http.StatusForbidden, "forbidden", "Your role may read batches, not submit them. Ask your administrator for another role.")
	}
	if !isJSON(in.ContentType) {
		return nil, ofStatus(http.StatusUnsupportedMediaType)
	}
	lender, err := a.Batches.Lender(ctx, request.Caller.LenderID)
	if err != nil {
		return nil, err
	}
	sub, err := reader.read(in.RawBody, lender.BatchMax)
	if err != nil {
		return nil, err
	}
	if sub.validateOnly {
		request.limits.room(lender.OpenMax, lender.Room())
		return &submitOutput{Body: validatedBody(sub, lender)}, nil
	}
	id, replayed, err := a.accept(ctx, lender, inquiry.Submission{
		UserID:         request.Caller.UserID,
		Name:           sub.name,
		Metadata:       sub.metadata,
		Inquiries:      sub.inquiries,
		IdempotencyKey: in.IdempotencyKey,
		Fingerprint:    sub.fingerprint,
	})
	if err != nil {
		return nil, err
	}
	return &submitOutput{
		Location: request.Prefix + "/v1/batch-inquiries/" + id.String(),
		Retry:    firstPoll,
		Replayed: replayed,
		Body:     submittedBody(id, sub),
	}, nil
}

// firstPoll is the Retry-After of what was accepted, as of a batch that is young.
var firstPoll = strconv.Itoa(soonest)

// accept hands a submission to the table. replayed is the header that says
// whether the key stood for it already.
func (a *API) accept(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission) (id inquiry.BatchID, replayed string, err error) {
	id, again, err := a.Batches.Submit(ctx, lender, sub)
	err = inFlight(err, sub.IdempotencyKey)
	switch room := lender.Room(); {
	case errors.Is(err, inquiry.ErrTooManyOpen):
		err = a.noRoom(ctx, lender.ID, len(sub.Inquiries))
	case again:
		replayed = "true"
		requestOf(ctx).limits.room(lender.OpenMax, room)
	case err == nil:
		requestOf(ctx).limits.room(lender.OpenMax, room-len(sub.Inquiries))
	}
	return id, replayed, err
}

// inFlight is err, unless other requests were in the way of one with a key:
// whoever holds up its transaction may be the same request.
func inFlight(err error, key string) error {
	if key == "" || !errors.Is(err, inquiry.ErrConflict) {
		return err
	}
	return keyInFlight()
}

func keyInFlight() *Problem {
	return newProblem(http.StatusConflict, "idempotency-in-flight",
		"A request with this Idempotency-Key may still be under way. Send it again in a second, with the same key.")
}

// lineage is a batch's id for JSON: null when there is no such batch.
func lineage(id inquiry.BatchID) *inquiry.BatchID {
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
		Status:             string(status),
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
		FinishedAt:         moment(b.FinishedAt),
		CancelRequestedAt:  moment(b.CancelRequestedAt),
		StatusReason:       statusReason(b),
		ResultsExpireAt:    b.ExpiresAt(),
		DeletedAt:          moment(b.DeletedAt),
		ParentBatchID:      lineage(b.Parent),
		ChildBatchIDs:      append([]inquiry.BatchID{}, b.Children...),
		LatestChildBatchID: lineage(b.LatestChild),
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

// timingSummary is of the inquiries that workers have finished.
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

// moment is t for JSON: null when it has not come.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// isJSON reports whether a body's media type is JSON, in UTF-8 if it says in what;
// a missing one is taken for it.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return false
	}
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

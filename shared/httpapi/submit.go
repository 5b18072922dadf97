package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

type submitInput struct {
	ContentType string `header:"Content-Type"`
	Idempotency
	RawBody []byte `contentType:"application/json"`
}

type submitOutput struct {
	Location string `header:"Location" doc:"Address of the batch. Absent with validateOnly." example:"/prod/v1/batch-inquiries/01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"`
	Retry    string `header:"Retry-After" doc:"Seconds to wait before the first poll. Absent with validateOnly." example:"2"`
	Replayed string `header:"Idempotent-Replayed"`
	Body     any    // *SubmittedBody, or *ValidatedBody of a dry run
}

// SubmittedBody answers a submission.
type SubmittedBody struct {
	BatchID   inquiry.BatchID `json:"batchId" format:"uuid" doc:"Id of the new batch. Use it to poll the batch's status."`
	BatchName string          `json:"batchName" doc:"Name of the batch in the request. A repeated request returns it too, even if the batch has been deleted since. It is empty only for a repeated rerun whose batch has been deleted."`
	Total     int             `json:"total" doc:"Number of inquiries in the batch, including rejected ones."`
	Accepted  int             `json:"accepted" doc:"Number of inquiries that will be looked up."`
	Rejected  int             `json:"rejected" doc:"Number of invalid inquiries, which have status FAILED from the start. Always 0 unless onInvalid is skip."`
	Message   string          `json:"message" doc:"What to do next, for people."`
	Errors    []Fault         `json:"errors,omitempty" doc:"What is wrong with the rejected inquiries: at most 5000 errors and 1 MB. Each rejected inquiry also lists its own errors."`

	ParentBatchID *inquiry.BatchID `json:"parentBatchId,omitempty" format:"uuid" doc:"The batch that this batch reruns."`
}

func (a *API) submitRoute(api huma.API) {
	schemas := api.OpenAPI().Components.Schemas
	route(a, api, huma.Operation{
		OperationID: "submit-batch", Method: http.MethodPost, Path: "/v1/batch-inquiries", Tags: []string{tagBatches},
		Summary: "Submit a batch of inquiries",
		Description: "The batch is accepted as a whole or not at all (unless you set `onInvalid`), and a single response lists everything that is wrong with it. " +
			fmt.Sprintf("A batch can have at most %d inquiries, unless your lender has a different limit (see `GET /v1/users/me`), and a body of at most %s.\n\n", inquiry.DefaultBatchMax, maxBodyText) +
			"Then poll the batch at its `Location` until `isTerminal` is true: every 30 seconds, or as often as `Retry-After` says. " +
			"Send an `Idempotency-Key` so that a lost response does no harm: repeating the same request returns the same batch.",
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{
			mediaJSON: {Schema: &huma.Schema{OneOf: []*huma.Schema{
				schemas.Schema(reflect.TypeFor[SubmittedBody](), true, ""),
				schemas.Schema(reflect.TypeFor[ValidatedBody](), true, ""),
			}}},
		}}},
	}, reference{
		body: &requestBody{of: reflect.TypeFor[SubmitBody](), required: true,
			text: "The batch, as JSON of at most " + maxBodyText + ". A null field counts as absent. An unknown field is an error."},
		answers:  map[string]string{"200": "The batch was accepted or, with `validateOnly`, checked."},
		problems: []problem.Name{problem.TooManyOpen},
		examples: submitExamples,
	}, a.submit)
}

// submit makes two calls to the table, one after the other: it reads the lender,
// which contains the batch limit, and then runs the transaction, which also checks
// that the caller may still submit.
func (a *API) submit(ctx context.Context, in *submitInput) (*submitOutput, error) {
	request := requestOf(ctx)
	if !request.Caller.Role.MayChange() {
		return nil, readOnly()
	}
	if !isJSON(in.ContentType) {
		return nil, ofStatus(http.StatusUnsupportedMediaType)
	}
	lender, err := a.Batches.Lender(ctx, request.Caller.LenderID)
	if err != nil {
		return nil, err
	}
	sub, err := a.submissions.read(in.RawBody, lender.BatchMax)
	if err != nil {
		return nil, err
	}
	if sub.validateOnly {
		if err := a.confirmRole(ctx, request.Caller); err != nil {
			return nil, err
		}
		request.limits.addRoom(lender.OpenMax, lender.Room())
		return &submitOutput{Body: validatedBody(sub, lender)}, nil
	}
	id, replayed, err := a.accept(ctx, lender, inquiry.Submission{
		Submitter:      request.Caller.Submitter(),
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

// firstPoll is the Retry-After of an accepted submission.
var firstPoll = strconv.Itoa(shortestPause)

// accept stores a submission if its caller may still submit. replayed is the Idempotent-Replayed header: "true" if
// an earlier request with the same key already stored it.
func (a *API) accept(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission) (id inquiry.BatchID, replayed string, err error) {
	id, again, err := a.Batches.Submit(ctx, lender, sub)
	cutOff := errors.Is(err, inquiry.ErrCutOff)
	if cutOff || again || errors.Is(err, inquiry.ErrTooManyOpen) { // the last two come without a check of the caller
		if err := a.confirmRole(ctx, requestOf(ctx).Caller); err != nil {
			return inquiry.BatchID{}, "", err
		}
	}
	if cutOff { // and has access again by now
		err = inquiry.ErrConflict
	}
	err = inFlight(err, sub.IdempotencyKey)
	switch room := lender.Room(); {
	case errors.Is(err, inquiry.ErrTooManyOpen):
		err = a.noRoom(ctx, lender.ID, len(sub.Inquiries))
	case again:
		replayed = "true"
		requestOf(ctx).limits.addRoom(lender.OpenMax, room)
	case err == nil:
		requestOf(ctx).limits.addRoom(lender.OpenMax, room-len(sub.Inquiries))
	}
	return id, replayed, err
}

func submittedBody(id inquiry.BatchID, sub submission) *SubmittedBody {
	rejected := sub.rejected()
	body := &SubmittedBody{
		BatchID: id, BatchName: sub.name,
		Total: len(sub.inquiries), Accepted: len(sub.inquiries) - rejected, Rejected: rejected,
		Message: fmt.Sprintf("Accepted %d inquiries. Poll the URL in the Location header.", len(sub.inquiries)-rejected),
		Errors:  listed(sub.faults),
	}
	if rejected > 0 {
		body.Message = fmt.Sprintf("Accepted %d inquiries and rejected %d, which are listed in errors. Poll the URL in the Location header.", body.Accepted, rejected)
	}
	return body
}

// submitExamples shows a valid batch, and a batch that uses an externalId twice:
// once only checked, once accepted without the invalid inquiry.
func submitExamples(s *samples) ([]example, error) {
	first := s.submission.Inquiries[0]
	check := s.submission
	check.Inquiries = append(slices.Clone(s.submission.Inquiries), InquiryInput{BusinessName: "Blue Kettle Coffee", EIN: first.EIN, ExternalID: first.ExternalID})
	skip := check
	check.ValidateOnly, skip.OnInvalid = true, "skip"
	skipped := skip.submission()
	skipped.reject()
	id := sampleID(sampleBatchID)
	return []example{
		{inRequest, "batch", "Two businesses", s.submission},
		{inRequest, "check", "Check only: store nothing", check},
		{inRequest, "skip", "Accept the valid inquiries only", skip},
		{"200", "accepted", "The batch was accepted", submittedBody(id, s.submission.submission())},
		{"200", "checked", "With `validateOnly`: nothing was stored", validatedBody(check.submission(), sampleLender)},
		{"200", "skipped", "With `onInvalid: skip`: one inquiry was rejected", submittedBody(id, skipped)},
	}, nil
}

// submission converts a body that matches its schema.
func (body SubmitBody) submission() submission {
	sub := submission{name: body.Name, metadata: body.Metadata, skip: body.OnInvalid == "skip", validateOnly: body.ValidateOnly, total: len(body.Inquiries)}
	for _, in := range body.Inquiries {
		sub.inquiries = append(sub.inquiries, in.inquiry().Normalize())
	}
	sub.faults = tidy(inquiry.Check(sub.inquiries, sampleStart()), sub.inquiries)
	return sub
}

package httpapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

const (
	// singleName is the name of the batch that contains a single inquiry.
	singleName = "Single inquiry"

	// singleRerunName is the default name of a batch that reruns a single inquiry.
	// Such a batch appears in the list, so its name says what it is.
	singleRerunName = "Rerun of a single inquiry"
)

type singleOutput struct {
	Location string `header:"Location" doc:"Address of the inquiry." example:"/prod/v1/inquiries/01a20846-fe00-7bd3-9d5e-3c4b8a2f0001"`
	Retry    string `header:"Retry-After" doc:"Seconds to wait before the first poll." example:"2"`
	Replayed string `header:"Idempotent-Replayed"`
	Body     SubmittedInquiryBody
}

// SubmittedInquiryBody answers the submission of one inquiry.
type SubmittedInquiryBody struct {
	InquiryID inquiry.ID      `json:"inquiryId" format:"uuid" doc:"Id of the inquiry."`
	BatchID   inquiry.BatchID `json:"batchId" format:"uuid" doc:"The batch that contains only this inquiry. It does not appear in the list of batches."`
	Status    string          `json:"status" enum:"PLANNING" doc:"Always PLANNING: no worker has claimed the inquiry yet."`
	Message   string          `json:"message" doc:"What to do next, for people."`
}

// singleRoute adds the route that takes one inquiry. It makes a batch of one, with
// the same rules.
func (a *API) singleRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "submit-inquiry", Method: http.MethodPost, Path: "/v1/inquiries", Tags: []string{tagInquiries},
		Summary: "Submit one inquiry", DefaultStatus: http.StatusOK,
		Description: "Looks up one business, with the same rules as for the inquiries of a batch. The response comes at once; poll the inquiry at its `Location` until its status is final. " +
			"The inquiry is stored in a batch of its own, which does not appear in the list of batches. Repeating the request with the same `Idempotency-Key` returns the same response.",
	}, reference{
		body: &requestBody{of: reflect.TypeFor[InquiryInput](), required: true,
			text: "The inquiry, with the same rules as the inquiries of a batch."},
		answers:  map[string]string{"200": "The inquiry was accepted."},
		problems: []problem.Name{problem.TooManyOpen},
		examples: func(s *samples) ([]example, error) {
			return []example{
				{place: inRequest, value: s.submission.Inquiries[0]},
				{place: "200", value: submittedInquiryBody(sampleID(sampleBatchID))},
			}, nil
		},
	}, a.submitSingle)
}

func (a *API) submitSingle(ctx context.Context, in *submitInput) (*singleOutput, error) {
	request := requestOf(ctx)
	if !request.Caller.Role.MayChange() {
		return nil, readOnly()
	}
	if !isJSON(in.ContentType) {
		return nil, ofStatus(http.StatusUnsupportedMediaType)
	}
	sub, err := a.submissions.readSingle(in.RawBody)
	if err != nil {
		return nil, err
	}
	lender, err := a.Batches.Lender(ctx, request.Caller.LenderID)
	if err != nil {
		return nil, err
	}
	id, replayed, err := a.accept(ctx, lender, inquiry.Submission{
		Submitter:      request.Caller.Submitter(),
		Name:           singleName,
		Inquiries:      sub.inquiries,
		Operation:      inquiry.OperationSingle,
		IdempotencyKey: in.IdempotencyKey,
		Fingerprint:    sha256.Sum256(append([]byte("single"), sub.fingerprint[:]...)), // differs from that of any batch
	})
	if err != nil {
		return nil, err
	}
	return &singleOutput{
		Location: request.Prefix + "/v1/inquiries/" + id.Inquiry(0).String(),
		Retry:    firstPoll,
		Replayed: replayed,
		Body:     submittedInquiryBody(id),
	}, nil
}

func submittedInquiryBody(id inquiry.BatchID) SubmittedInquiryBody {
	return SubmittedInquiryBody{
		InquiryID: id.Inquiry(0), BatchID: id, Status: string(inquiry.StatusPlanning),
		Message: "Accepted. Poll the URL in the Location header.",
	}
}

// readSingle reads one inquiry as a batch that contains only it. Faults point into
// the inquiry.
func (b *bodyReader) readSingle(raw []byte) (submission, error) {
	// The body must be one JSON value on its own, or it could smuggle in a second inquiry.
	found, err := scan(raw, "", 0)
	if err != nil {
		return submission{}, notJSON(err)
	}
	if found.stopped {
		return submission{}, &inquiry.ValidationError{Faults: found.faults}
	}
	const before = `{"name":"` + singleName + `","inquiries":[`
	sub, err := b.read(append(append([]byte(before), raw...), "]}"...), 1)
	if invalid, ok := errors.AsType[*inquiry.ValidationError](err); ok {
		for i := range invalid.Faults {
			f := &invalid.Faults[i]
			f.Pointer, f.Index = strings.TrimPrefix(f.Pointer, "/inquiries/0"), -1
		}
	}
	return sub, err
}

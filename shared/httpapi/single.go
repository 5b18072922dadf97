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
)

const (
	// singleName is the name of the batch of one below a single inquiry.
	singleName = "Single inquiry"

	// singleRerunName is that of a batch that looks it up once more. That batch is
	// in the list, so that it says what it is.
	singleRerunName = "Rerun of a single inquiry"
)

type singleOutput struct {
	Location string `header:"Location" doc:"Where the inquiry is." example:"/prod/v1/inquiries/01a20846-fe00-7bd3-9d5e-3c4b8a2f0001"`
	Retry    string `header:"Retry-After" doc:"For how many seconds to wait before the first look." example:"2"`
	Replayed string `header:"Idempotent-Replayed"`
	Body     SubmittedInquiryBody
}

// SubmittedInquiryBody answers the submission of one inquiry.
type SubmittedInquiryBody struct {
	InquiryID inquiry.ID      `json:"inquiryId" format:"uuid" doc:"The inquiry."`
	BatchID   inquiry.BatchID `json:"batchId" format:"uuid" doc:"The batch of one that the inquiry lies in. It is in no list."`
	Status    string          `json:"status" enum:"PLANNING" doc:"No worker has claimed it yet."`
	Message   string          `json:"message" doc:"What to do next, in words."`
}

// registerSingle adds the route that takes one inquiry: a batch of one, with the
// same rules.
func (a *API) registerSingle(api huma.API, reader *bodyReader) {
	submit := huma.Operation{
		OperationID: "submit-inquiry", Method: http.MethodPost, Path: "/v1/inquiries",
		Summary: "Submit one inquiry", DefaultStatus: http.StatusOK, MaxBodyBytes: maxBody + 1,
		Description: "Looks one business up, by the same rules as an inquiry of a batch. The answer comes at once; follow the inquiry at its `Location` until its status is final. " +
			"It lies in a batch of one, which is in no list. A repeated request with the same `Idempotency-Key` answers as the first one did.",
		SkipValidateBody: true, Errors: []int{http.StatusConflict},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[InquiryInput](), true, "")},
		}},
	}
	huma.Register(api, submit, func(ctx context.Context, in *submitInput) (*singleOutput, error) {
		out, err := a.submitSingle(ctx, reader, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

func (a *API) submitSingle(ctx context.Context, reader *bodyReader, in *submitInput) (*singleOutput, error) {
	request := requestOf(ctx)
	if !request.Caller.Role.MayChange() {
		return nil, mayOnlyRead()
	}
	if !isJSON(in.ContentType) {
		return nil, ofStatus(http.StatusUnsupportedMediaType)
	}
	sub, err := reader.readSingle(in.RawBody)
	if err != nil {
		return nil, err
	}
	lender, err := a.Batches.Lender(ctx, request.Caller.LenderID)
	if err != nil {
		return nil, err
	}
	id, replayed, err := a.accept(ctx, lender, inquiry.Submission{
		UserID:         request.Caller.UserID,
		Name:           singleName,
		Inquiries:      sub.inquiries,
		Operation:      inquiry.OperationSingle,
		IdempotencyKey: in.IdempotencyKey,
		Fingerprint:    sha256.Sum256(append([]byte("single"), sub.fingerprint[:]...)), // no batch is the same request
	})
	if err != nil {
		return nil, err
	}
	return &singleOutput{
		Location: request.Prefix + "/v1/inquiries/" + id.Inquiry(0).String(),
		Retry:    firstPoll,
		Replayed: replayed,
		Body: SubmittedInquiryBody{
			InquiryID: id.Inquiry(0), BatchID: id, Status: string(inquiry.StatusPlanning),
			Message: "Accepted. Follow the inquiry at its Location.",
		},
	}, nil
}

// readSingle reads one inquiry by the rules of a batch that holds it alone, and
// names its faults by their place in the inquiry.
func (b *bodyReader) readSingle(raw []byte) (submission, error) {
	// By itself it must be one JSON value, or it could be more than one inquiry.
	if _, err := scan(raw); err != nil {
		return submission{}, newProblem(http.StatusBadRequest, "malformed", "The body is not valid JSON: "+err.Error()+".")
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

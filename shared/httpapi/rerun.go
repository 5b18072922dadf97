package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// RerunBody says which inquiries of a finished batch to look up once more. All
// of it may be left out, and so may the body.
type RerunBody struct {
	Scope      string   `json:"scope,omitempty" enum:"failed,partial,unsuccessful" default:"failed" doc:"failed: without a useful report. partial: with a report from which a source is missing. unsuccessful: both, and those that a cancel stopped. Inquiries that were rejected are in none: correct and submit them."`
	InquiryIDs []string `json:"inquiryIds,omitempty" maxItems:"65535" doc:"Instead of a scope: these inquiries of the batch, whatever their status."`
	Name       string   `json:"name,omitempty" maxLength:"250" doc:"Name of the new batch; if left out that of the old one, or 'Rerun of a single inquiry'."`
}

type rerunInput struct {
	BatchPath
	ContentType string `header:"Content-Type" doc:"application/json"`
	Repeatable
	RawBody []byte `contentType:"application/json" required:"false"`
}

type rerunOutput struct {
	Location string `header:"Location" doc:"Where the new batch is." example:"/prod/v1/batch-inquiries/01a20850-25c0-7cc1-8f10-6b1d2e3f0000"`
	Retry    string `header:"Retry-After" doc:"For how many seconds to wait before the first poll." example:"2"`
	Replayed string `header:"Idempotent-Replayed"`
	Body     *SubmittedBody
}

func (a *API) registerRerun(api huma.API) {
	rerun := huma.Operation{
		OperationID: "rerun-batch", Method: http.MethodPost, Path: "/v1/batch-inquiries/{batch_id}/rerun",
		Summary: "Look inquiries of a finished batch up once more", DefaultStatus: http.StatusOK, MaxBodyBytes: maxBody + 1,
		Description: "Makes a new batch of operationType RERUN out of inquiries of a finished one; each batch names the other, and each inquiry the one it repeats. " +
			"The old batch keeps its results. The new one is in the list of batches, also when the old one is the batch of one below a single inquiry, which is not. A batch that is not finished is a 409 `not-finished`; one without such inquiries a 422 `nothing-to-rerun`.",
		SkipValidateBody: true, Errors: []int{http.StatusConflict, http.StatusGone},
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{
			"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[RerunBody](), true, "")},
		}},
	}
	reader := newBodyReader(api.OpenAPI(), "RerunBody", a.Now)
	huma.Register(api, rerun, func(ctx context.Context, in *rerunInput) (*rerunOutput, error) {
		out, err := a.rerun(ctx, reader, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

func (a *API) rerun(ctx context.Context, reader *bodyReader, in *rerunInput) (*rerunOutput, error) {
	request := requestOf(ctx)
	if !request.Caller.Role.MayChange() {
		return nil, mayOnlyRead()
	}
	if len(in.RawBody) > 0 && !isJSON(in.ContentType) {
		return nil, ofStatus(http.StatusUnsupportedMediaType)
	}
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return nil, err
	}
	body, ids, err := readRerun(reader, in.RawBody)
	if err != nil {
		return nil, err
	}
	lender, err := a.Batches.Lender(ctx, request.Caller.LenderID)
	if err != nil {
		return nil, err
	}
	fingerprint := fingerprintOf(id, body, ids)
	parent, again, err := a.pick(ctx, lender, id, body, ids)
	if err != nil {
		if in.IdempotencyKey == "" {
			return nil, err
		}
		return a.rerunBefore(ctx, lender, in.IdempotencyKey, fingerprint, err)
	}
	sub := inquiry.Submission{
		UserID: request.Caller.UserID, Name: rerunName(body, parent), Metadata: parent.Metadata,
		Inquiries: again, Operation: inquiry.OperationRerun, Parent: &parent,
		IdempotencyKey: in.IdempotencyKey, Fingerprint: fingerprint,
	}
	child, replayed, err := a.accept(ctx, lender, sub)
	if err != nil {
		return nil, err
	}
	return rerunAnswer(request, child, sub.Name, len(again), id, replayed), nil
}

// rerunName is what the new batch is called.
func rerunName(body RerunBody, parent inquiry.Batch) string {
	if parent.Operation == inquiry.OperationSingle {
		return cmp.Or(strings.TrimSpace(body.Name), singleRerunName)
	}
	return cmp.Or(strings.TrimSpace(body.Name), parent.Name)
}

// fingerprintOf tells a rerun from other requests under the same key.
func fingerprintOf(parent inquiry.BatchID, body RerunBody, ids []inquiry.ID) [sha256.Size]byte {
	scope := body.Scope
	if body.InquiryIDs == nil {
		scope = cmp.Or(scope, string(inquiry.RerunFailed))
	}
	return sha256.Sum256(fmt.Appendf(nil, "rerun %s %q %s %q", parent, scope, ids, strings.TrimSpace(body.Name)))
}

// pick returns the batch and its inquiries that the rerun is about, or why it
// cannot be.
func (a *API) pick(ctx context.Context, lender inquiry.Lender, id inquiry.BatchID, body RerunBody, ids []inquiry.ID) (inquiry.Batch, []inquiry.Inquiry, error) {
	parent, asked, err := a.Batches.Submitted(ctx, lender.ID, id)
	if err != nil {
		return inquiry.Batch{}, nil, err
	}
	again, err := rerunOf(parent, asked, body, ids)
	if err == nil && len(again) > lender.BatchMax {
		err = &inquiry.ValidationError{Faults: []inquiry.Fault{{Index: -1, Code: "too-many",
			Message: fmt.Sprintf("there are %d inquiries to run again; your limit is %d in one batch: list fewer in inquiryIds", len(again), lender.BatchMax)}}}
	}
	return parent, again, err
}

// rerunBefore answers a rerun that cannot be made now. It may have been made
// before, and its batch deleted since; or the key stands for something else. Only
// when the key is new, the refusal is the answer.
func (a *API) rerunBefore(ctx context.Context, lender inquiry.Lender, key string, fingerprint [sha256.Size]byte, refusal error) (*rerunOutput, error) {
	id, err := a.Batches.Recall(ctx, lender.ID, key, fingerprint)
	if errors.Is(err, inquiry.ErrNotFound) {
		return nil, refusal
	}
	if err != nil {
		return nil, err
	}
	child, err := a.Batches.Batch(ctx, lender.ID, id)
	if err != nil {
		return nil, err
	}
	request := requestOf(ctx)
	request.limits.room(lender.OpenMax, lender.Room())
	return rerunAnswer(request, id, child.Name, child.Total, child.Parent, "true"), nil
}

func rerunAnswer(request Request, child inquiry.BatchID, name string, total int, parent inquiry.BatchID, replayed string) *rerunOutput {
	return &rerunOutput{
		Location: request.Prefix + "/v1/batch-inquiries/" + child.String(),
		Retry:    firstPoll,
		Replayed: replayed,
		Body: &SubmittedBody{
			BatchID: child, BatchName: name, Total: total, Accepted: total, ParentBatchID: &parent,
			Message: fmt.Sprintf("Accepted %d inquiries once more. Follow the new batch at its Location.", total),
		},
	}
}

// readRerun reads the body of a rerun and the ids in it.
func readRerun(reader *bodyReader, raw []byte) (body RerunBody, ids []inquiry.ID, err error) {
	if len(raw) == 0 {
		return body, nil, nil
	}
	faults, err := reader.decode(raw, &body)
	if err != nil {
		return body, nil, err
	}
	fault := func(pointer, code, message string) {
		faults = append(faults, inquiry.Fault{Pointer: pointer, Index: -1, Code: code, Message: message})
	}
	if code, message := inquiry.CheckText(body.Name); code != "" {
		fault("/name", code, message)
	}
	if body.Scope != "" && body.InquiryIDs != nil {
		fault("/inquiryIds", "invalid", "give either a scope or inquiryIds")
	}
	for i, text := range body.InquiryIDs {
		id, err := inquiry.ParseID(text)
		if err != nil {
			fault(fmt.Sprintf("/inquiryIds/%d", i), "invalid", "this is not the id of an inquiry")
		}
		ids = append(ids, id)
	}
	if len(faults) > 0 {
		return body, nil, &inquiry.ValidationError{Faults: tidy(faults, nil)}
	}
	return body, ids, nil
}

// rerunOf picks what to run again.
func rerunOf(parent inquiry.Batch, asked []inquiry.Inquiry, body RerunBody, ids []inquiry.ID) ([]inquiry.Inquiry, error) {
	if !parent.Status().Final() {
		return nil, inquiry.ErrUnfinished
	}
	var again []inquiry.Inquiry
	if body.InquiryIDs == nil {
		again = parent.Rerun(asked, cmp.Or(inquiry.RerunScope(body.Scope), inquiry.RerunFailed))
	} else {
		var invalid []int
		if again, invalid = parent.RerunListed(asked, ids); len(invalid) > 0 {
			var faults []inquiry.Fault
			for _, i := range invalid {
				faults = append(faults, inquiry.Fault{Pointer: fmt.Sprintf("/inquiryIds/%d", i), Index: -1, Code: "invalid",
					Message: "this is not an inquiry of the batch, or one that was rejected: correct and submit it"})
			}
			return nil, &inquiry.ValidationError{Faults: faults}
		}
	}
	if len(again) == 0 {
		return nil, nothingToRerun()
	}
	return again, nil
}

func nothingToRerun() *Problem {
	return newProblem(http.StatusUnprocessableEntity, "nothing-to-rerun", "The batch has no inquiry that the request is about.")
}

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
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// RerunBody selects the inquiries of a finished batch to look up again. Every field
// may be absent, and so may the body.
type RerunBody struct {
	Scope      string   `json:"scope,omitempty" enum:"failed,partial,unsuccessful" default:"failed" doc:"failed: inquiries without a useful report. partial: inquiries whose report lacks a source. unsuccessful: both of these and canceled inquiries. No scope includes rejected inquiries: correct them and submit them again."`
	InquiryIDs []string `json:"inquiryIds,omitempty" maxItems:"65535" doc:"Instead of a scope: the inquiries of the batch to rerun, whatever their status."`
	Name       string   `json:"name,omitempty" maxLength:"250" doc:"Name of the new batch. The default is the old batch's name, or 'Rerun of a single inquiry'."`
}

type rerunInput struct {
	BatchPath
	ContentType string `header:"Content-Type"`
	Idempotency
	RawBody []byte `contentType:"application/json" required:"false"`
}

type rerunOutput struct {
	Location string `header:"Location" doc:"Address of the new batch." example:"/prod/v1/batch-inquiries/01a20850-25c0-7cc1-8f10-6b1d2e3f0000"`
	Retry    string `header:"Retry-After" doc:"Seconds to wait before the first poll." example:"2"`
	Replayed string `header:"Idempotent-Replayed"`
	Body     *SubmittedBody
}

func (a *API) rerunRoute(api huma.API) {
	reader := newBodyReader[RerunBody](api.OpenAPI(), "inquiryIds", a.Now)
	route(a, api, huma.Operation{
		OperationID: "rerun-batch", Method: http.MethodPost, Path: "/v1/batch-inquiries/{batch_id}/rerun", Tags: []string{tagBatches},
		Summary: "Rerun inquiries of a finished batch", DefaultStatus: http.StatusOK,
		Description: "Creates a new batch with operationType RERUN from inquiries of a finished batch. Each batch refers to the other, and each new inquiry refers to the one it reruns. " +
			"The old batch keeps its results. The new batch appears in the list of batches, even if it reruns a single inquiry, whose own batch does not. " +
			"If the batch has not finished, the response is a 409 `not-finished`; if it has no such inquiries, a 422 `nothing-to-rerun`. " + batchCost,
	}, reference{
		body: &requestBody{of: reflect.TypeFor[RerunBody](),
			text: "The inquiries to rerun. Without a body, those that failed."},
		answers:  map[string]string{"200": "The rerun was accepted as a new batch."},
		problems: []problem.Name{problem.NotFinished, problem.NothingToRerun, problem.TooManyOpen, problem.Deleted},
		examples: rerunExamples,
	}, func(ctx context.Context, in *rerunInput) (*rerunOutput, error) { return a.rerun(ctx, reader, in) })
}

func (a *API) rerun(ctx context.Context, reader *bodyReader, in *rerunInput) (*rerunOutput, error) {
	request := requestOf(ctx)
	if !request.Caller.Role.MayChange() {
		return nil, readOnly()
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
	// This is before the batch is read. The transaction checks the caller again.
	if err := a.confirmRole(ctx, request.Caller); err != nil {
		return nil, err
	}
	lender, err := a.Batches.Lender(ctx, request.Caller.LenderID)
	if err != nil {
		return nil, err
	}
	fingerprint := rerunFingerprint(id, body, ids)
	parent, again, err := a.rerunPlan(ctx, lender, id, body, ids)
	if err != nil {
		if in.IdempotencyKey == "" {
			return nil, err
		}
		return a.repeatedRerun(ctx, lender, in.IdempotencyKey, fingerprint, err)
	}
	sub := inquiry.Submission{
		Submitter: request.Caller.Submitter(), Name: rerunName(body, parent), Metadata: parent.Metadata,
		Inquiries: again, Operation: inquiry.OperationRerun, Parent: &parent,
		IdempotencyKey: in.IdempotencyKey, Fingerprint: fingerprint,
	}
	child, replayed, err := a.accept(ctx, lender, sub)
	if err != nil {
		return nil, err
	}
	return newRerunOutput(request, id, child, sub.Name, len(again), replayed), nil
}

// rerunName returns the name of the new batch.
func rerunName(body RerunBody, parent inquiry.Batch) string {
	if parent.Operation == inquiry.OperationSingle {
		return cmp.Or(strings.TrimSpace(body.Name), singleRerunName)
	}
	return cmp.Or(strings.TrimSpace(body.Name), parent.Name)
}

// rerunFingerprint distinguishes a rerun from other requests with the same
// idempotency key.
func rerunFingerprint(parent inquiry.BatchID, body RerunBody, ids []inquiry.ID) [sha256.Size]byte {
	scope := body.Scope
	if body.InquiryIDs == nil {
		scope = cmp.Or(scope, string(inquiry.RerunFailed))
	}
	return sha256.Sum256(fmt.Appendf(nil, "rerun %s %q %s %q", parent, scope, ids, strings.TrimSpace(body.Name)))
}

// rerunPlan returns the batch to rerun and the inquiries of the new batch, or why
// there can be no rerun.
func (a *API) rerunPlan(ctx context.Context, lender inquiry.Lender, id inquiry.BatchID, body RerunBody, ids []inquiry.ID) (inquiry.Batch, []inquiry.Inquiry, error) {
	if err := a.takeBatchTokens(ctx, id); err != nil {
		return inquiry.Batch{}, nil, err
	}
	parent, asked, err := a.Batches.Submitted(ctx, lender.ID, id)
	if err != nil {
		return inquiry.Batch{}, nil, err
	}
	again, err := selectRerun(parent, asked, body, ids)
	if err == nil && len(again) > lender.BatchMax {
		err = &inquiry.ValidationError{Faults: []inquiry.Fault{{Index: -1, Code: codeTooMany,
			Message: fmt.Sprintf("there are %d inquiries to rerun, but your limit is %d in one batch; list fewer in inquiryIds", len(again), lender.BatchMax)}}}
	}
	return parent, again, err
}

// repeatedRerun answers a rerun that is not possible now. An earlier request with
// the same key may have succeeded: then it returns that batch, even if it was deleted
// since. If the key is new, it returns the refusal.
func (a *API) repeatedRerun(ctx context.Context, lender inquiry.Lender, key string, fingerprint [sha256.Size]byte, refusal error) (*rerunOutput, error) {
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
	request.limits.addRoom(lender.OpenMax, lender.Room())
	return newRerunOutput(request, child.Parent, id, child.Name, child.Total, "true"), nil
}

func newRerunOutput(request Request, parent, child inquiry.BatchID, name string, total int, replayed string) *rerunOutput {
	return &rerunOutput{
		Location: request.Prefix + "/v1/batch-inquiries/" + child.String(),
		Retry:    firstPoll,
		Replayed: replayed,
		Body:     rerunSubmitted(parent, child, name, total),
	}
}

func rerunSubmitted(parent, child inquiry.BatchID, name string, total int) *SubmittedBody {
	return &SubmittedBody{
		BatchID: child, BatchName: name, Total: total, Accepted: total, ParentBatchID: &parent,
		Message: fmt.Sprintf("Accepted %d inquiries to rerun. Poll the URL in the Location header.", total),
	}
}

// readRerun reads the body of a rerun and the ids in it.
func readRerun(reader *bodyReader, raw []byte) (body RerunBody, ids []inquiry.ID, err error) {
	if len(raw) == 0 {
		return body, nil, nil
	}
	found, err := reader.decode(raw, &body, reader.longest)
	if err != nil {
		return body, nil, err
	}
	faults := found.faults
	fault := func(pointer, code, message string) {
		faults = append(faults, inquiry.Fault{Pointer: pointer, Index: -1, Code: code, Message: message})
	}
	if code, message := inquiry.CheckText(body.Name); code != "" {
		fault("/name", code, message)
	}
	if found.length > reader.longest {
		fault("/inquiryIds", codeTooMany, fmt.Sprintf("must have at most %d", reader.longest))
	}
	if body.Scope != "" && body.InquiryIDs != nil {
		fault("/inquiryIds", codeInvalid, "give either scope or inquiryIds, not both")
	}
	for i, text := range body.InquiryIDs {
		if len(faults) > maxFaults {
			break
		}
		id, err := inquiry.ParseID(text)
		if err != nil {
			fault(fmt.Sprintf("/inquiryIds/%d", i), codeInvalid, "this is not an inquiry id")
		}
		ids = append(ids, id)
	}
	if len(faults) > 0 {
		return body, nil, &inquiry.ValidationError{Faults: tidy(faults, nil)}
	}
	return body, ids, nil
}

// selectRerun returns the inquiries that the body selects.
func selectRerun(parent inquiry.Batch, asked []inquiry.Inquiry, body RerunBody, ids []inquiry.ID) ([]inquiry.Inquiry, error) {
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
				faults = append(faults, inquiry.Fault{Pointer: fmt.Sprintf("/inquiryIds/%d", i), Index: -1, Code: codeInvalid,
					Message: "this inquiry is not part of the batch, or it was rejected; correct and submit a rejected inquiry again"})
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
	return newProblem(problem.NothingToRerun, "No inquiry of the batch matches the request.")
}

func rerunExamples(s *samples) ([]example, error) {
	batch := sampleBatch()
	return []example{
		{inRequest, "scope", "The failed inquiries", RerunBody{Scope: string(inquiry.RerunFailed), Name: "November renewals, again"}},
		{inRequest, "listed", "One inquiry, whatever its status", RerunBody{InquiryIDs: []string{s.inquiries[1].InquiryID.String()}}},
		{place: "200", value: rerunSubmitted(batch.ID, sampleID(sampleRerunID), batch.Name, 1)},
	}, nil
}

package httpapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// example is what a request and its answers look like.
type example struct{ Request, Response any }

// examplesByOperation are made by the code that makes the answers, as far as it
// goes, so that they show every field there is.
func examplesByOperation() (map[string]example, error) {
	submission, entries, err := exampleTexts()
	if err != nil {
		return nil, err
	}
	batch := batchBody(exampleBatch())
	row := summary(entries[0])
	one := InquiryBody{InquirySummary: row, BatchID: batch.BatchID, Inquiry: inputOf(entries[0].Inquiry)}
	rep, err := report.Decode(entries[0].Record.Report)
	if err != nil {
		return nil, err
	}
	one.Report = &rep
	return map[string]example{
		"submit-batch": {Request: submission, Response: SubmittedBody{
			BatchID: batch.BatchID, BatchName: batch.BatchName, Total: 2, Accepted: 2,
			Message: "Accepted 2 inquiries. Follow the batch at its Location.",
		}},
		"delete-batch": {Response: batch},
		"rerun-batch": {Request: RerunBody{Scope: string(inquiry.RerunFailed)}, Response: SubmittedBody{
			BatchID: batch.BatchID, BatchName: batch.BatchName, Total: 2, Accepted: 2, ParentBatchID: &batch.BatchID,
			Message: "Accepted 2 inquiries once more. Follow the new batch at its Location.",
		}},
		"submit-inquiry": {Request: inputOf(entries[0].Inquiry), Response: SubmittedInquiryBody{
			InquiryID: row.InquiryID, BatchID: batch.BatchID, Status: "PLANNING", Message: "Accepted. Follow the inquiry at its Location.",
		}},
		"get-batch":         {Response: batch},
		"cancel-batch":      {Response: batch},
		"list-batches":      {Response: BatchListBody{Batches: []BatchBody{batch}, Total: 1, Limit: 100}},
		"list-inquiries":    {Response: InquiryListBody{BatchID: batch.BatchID, Inquiries: []InquirySummary{row}, Total: 2, Limit: 1}},
		"get-inquiry":       {Response: one},
		"get-api-key":       {Response: APIKeyBody{APIKey: exampleKey}},
		"get-api-key-short": {Response: APIKeyBody{APIKey: exampleKey}},
		"rotate-api-key":    {Response: APIKeyBody{APIKey: exampleKey}},
		"get-me": {Response: MeBody{
			UserID: "5f1c9c2e-30a1-70d8-4f6b-9a3f5f0c7d11", Role: "member", Credential: "apiKey", KeyID: "EXAMPLE7KEY2OPENS3NOTHING5",
			Lender: MeLender{LenderID: "acme-capital", Name: "Acme Capital"},
			Limits: MeLimits{BatchMax: inquiry.DefaultBatchMax, BodyBytesMax: maxBody, PageMax: maxPage},
		}},
	}, nil
}

// exampleKey has the form of a key and opens nothing.
const exampleKey = "vd__EXAMPLE7KEY2OPENS3NOTHING5_0000000000000000000000000000000000000000000000000"

const exampleBatchID = "01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"

// exampleBatch has one inquiry finished and one on its way.
func exampleBatch() inquiry.Batch {
	id, err := inquiry.ParseBatchID(exampleBatchID)
	if err != nil {
		panic(err) // our own constant
	}
	b := inquiry.Batch{ID: id, Name: "November renewals", Operation: inquiry.OperationSubmit, Ordinal: 1, Tally: inquiry.NewTally(2)}
	started := id.CreatedAt().Add(2 * time.Second)
	b.Tally, _ = b.Merge(
		inquiry.Change{Index: 0, Status: inquiry.StatusCompleted, Figures: exampleFigures(started)},
		inquiry.Change{Index: 1, Status: inquiry.StatusRunning, Figures: inquiry.Figures{StartedAt: started}},
	)
	return b
}

func exampleFigures(started time.Time) inquiry.Figures {
	return inquiry.Figures{
		StartedAt: started, FinishedAt: started.Add(500 * time.Millisecond), Attempts: 1,
		Sources: map[string]inquiry.SourceFigures{"ofac": {Outcome: inquiry.OutcomeNoRecord, Records: 1, Elapsed: 250 * time.Millisecond}},
	}
}

//go:embed examples.json
var exampleFile []byte

// exampleTexts reads what only people can make up: a submission, and the report
// on its first inquiry.
func exampleTexts() (submission any, entries []inquiry.Entry, err error) {
	var file struct {
		Submission json.RawMessage
		Report     report.Report
	}
	if err := json.Unmarshal(exampleFile, &file); err != nil {
		return nil, nil, fmt.Errorf("reading examples.json: %w", err)
	}
	var body SubmitBody
	if err := json.Unmarshal(file.Submission, &body); err != nil {
		return nil, nil, fmt.Errorf("reading examples.json: %w", err)
	}
	packed, err := report.Encode(file.Report)
	if err != nil {
		return nil, nil, err
	}
	batch := exampleBatch()
	id := batch.ID.Inquiry(0)
	return file.Submission, []inquiry.Entry{{
		ID: id, Inquiry: body.Inquiries[0].inquiry().Normalize(),
		Record: inquiry.Record{ID: id, Status: inquiry.StatusCompleted, Figures: exampleFigures(batch.CreatedAt().Add(2 * time.Second)), Report: packed},
	}}, nil
}

// addExamples puts the examples into the document. A test holds each against the
// schema that it stands beside.
func addExamples(document *huma.OpenAPI) error {
	examples, err := examplesByOperation()
	if err != nil {
		return err
	}
	for _, item := range document.Paths {
		for _, op := range operationsOf(item) {
			e := examples[op.OperationID]
			if op.RequestBody != nil && e.Request != nil {
				op.RequestBody.Content["application/json"].Example = e.Request
			}
			for _, response := range op.Responses {
				if media := response.Content["application/json"]; media != nil && e.Response != nil {
					media.Example = e.Response
				}
			}
		}
	}
	return nil
}

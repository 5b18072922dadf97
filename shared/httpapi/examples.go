package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// example is what one body may look like. Its name tells it from the others at
// the same place; one that is alone there has none.
type example struct {
	Name, Summary string
	Value         any
}

// Where an example stands below its operation: in the request, or in the answer
// of a status, if it is JSON. Of another media type the name follows the status.
const inRequest = "request"

// examplesByOperation are made by the code that makes the answers, as far as it
// goes, so that they show every field there is.
func examplesByOperation() (map[string]map[string][]example, error) {
	texts, err := readExampleTexts()
	if err != nil {
		return nil, err
	}
	var bodies []InquiryBody
	for _, e := range texts.entries {
		body, err := inquiryBody(e)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	batch, finished := batchBody(exampleBatch()), batchBody(exampleFinished())
	cancelled := exampleCancelled(inquiry.StatusCompleted)
	cancelled.FinishedAt = cancelled.Sums.LastFinishedAt
	lines, err := exampleResults(texts.entries, mediaNDJSON)
	if err != nil {
		return nil, err
	}
	rows, err := exampleResults(texts.entries, mediaCSV)
	if err != nil {
		return nil, err
	}
	key := alone("200", APIKeyBody{APIKey: exampleKey})
	rerun := SubmittedBody{
		BatchID: exampleID(exampleRerunID), BatchName: batch.BatchName, Total: 1, Accepted: 1, ParentBatchID: &batch.BatchID,
		Message: "Accepted 1 inquiries once more. Follow the new batch at its Location.",
	}
	return map[string]map[string][]example{
		"submit-batch":   exampleSubmissions(texts.submission),
		"get-batch":      {"200": {{"running", "Under way", batch}, {"finished", "Finished, and partly run again", finished}}},
		"list-batches":   alone("200", BatchListBody{Batches: []BatchBody{finished}, Total: 214, Limit: 1, NextCursor: cursorTo(213)}),
		"list-inquiries": alone("200", InquiryListBody{BatchID: batch.BatchID, Inquiries: []InquirySummary{bodies[0].InquirySummary}, Total: 2, Limit: 1, NextCursor: cursorTo(1)}),
		"get-inquiry":    {"200": {{"completed", "With its report", bodies[0]}, {"failed", "Without a useful report", bodies[1]}}},
		"get-results":    {"200 " + mediaNDJSON: {{Value: lines}}, "200 " + mediaCSV: {{Value: rows}}},
		"cancel-batch": {
			"202": {{Value: batchBody(exampleCancelled(inquiry.StatusRunning))}},
			"200": {{Value: batchBody(cancelled)}},
		},
		"rerun-batch": {
			inRequest: {
				{"scope", "What failed", RerunBody{Scope: string(inquiry.RerunFailed), Name: "November renewals, again"}},
				{"listed", "One inquiry, whatever its status", RerunBody{InquiryIDs: []string{bodies[1].InquiryID.String()}}},
			},
			"200": {{Value: rerun}},
		},
		"delete-batch": alone("200", batchBody(exampleDeleted())),
		"submit-inquiry": {
			inRequest: {{Value: texts.submission.Inquiries[0]}},
			"200": {{Value: SubmittedInquiryBody{
				InquiryID: bodies[0].InquiryID, BatchID: batch.BatchID, Status: string(inquiry.StatusPlanning),
				Message: "Accepted. Follow the inquiry at its Location.",
			}}},
		},
		"get-api-key":       key,
		"get-api-key-short": key,
		"rotate-api-key":    key,
		"get-me": alone("200", meBody(auth.Caller{
			UserID: "5f1c9c2e-30a1-70d8-4f6b-9a3f5f0c7d11", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "EXAMPLE7KEY2OPENS3NOTHING5",
		}, exampleLender)),
	}, nil
}

// alone is the one example that an operation has.
func alone(place string, value any) map[string][]example {
	return map[string][]example{place: {{Value: value}}}
}

// exampleKey has the form of a key and opens nothing.
const exampleKey = "vd__EXAMPLE7KEY2OPENS3NOTHING5_0000000000000000000000000000000000000000000000000"

const (
	exampleBatchID   = "01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"
	exampleRerunID   = "01a20850-25c0-7cc1-8f10-6b1d2e3f0000" // ten minutes later
	exampleRequestID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
)

var exampleLender = inquiry.Lender{
	ID: "acme-capital", Name: "Acme Capital", Status: inquiry.AccessActive,
	BatchMax: inquiry.DefaultBatchMax, OpenMax: inquiry.DefaultOpenMax, Open: 180,
}

func exampleID(text string) inquiry.BatchID {
	id, err := inquiry.ParseBatchID(text)
	if err != nil {
		panic(err) // our own constant
	}
	return id
}

// exampleBatch has one inquiry finished and one on its way.
func exampleBatch() inquiry.Batch {
	return exampleBatchOf(
		inquiry.Change{Index: 0, Status: inquiry.StatusCompleted, Figures: exampleFigures(inquiry.OutcomeFound)},
		inquiry.Change{Index: 1, Status: inquiry.StatusRunning, Figures: inquiry.Figures{StartedAt: exampleStart()}},
	)
}

func exampleBatchOf(changes ...inquiry.Change) inquiry.Batch {
	b := inquiry.Batch{
		ID: exampleID(exampleBatchID), Name: "November renewals", Metadata: map[string]string{"desk": "renewals"},
		Operation: inquiry.OperationSubmit, Ordinal: 214, Tally: inquiry.NewTally(2),
	}
	b.Tally, _ = b.Merge(changes...)
	return b
}

// exampleFinished has been run again as far as it failed.
func exampleFinished() inquiry.Batch {
	b := exampleBatchOf(
		inquiry.Change{Index: 0, Status: inquiry.StatusCompleted, Figures: exampleFigures(inquiry.OutcomeFound)},
		inquiry.Change{Index: 1, Status: inquiry.StatusFailed, Figures: exampleFigures(inquiry.OutcomeUnavailable)},
	)
	b.FinishedAt = b.Sums.LastFinishedAt
	b.LatestChild = exampleID(exampleRerunID)
	b.Children = []inquiry.BatchID{b.LatestChild}
	return b
}

// exampleCancelled was cancelled when one inquiry had been taken up, which has
// come as far as the status says.
func exampleCancelled(taken inquiry.Status) inquiry.Batch {
	figures := inquiry.Figures{StartedAt: exampleStart()}
	if taken.Final() {
		figures = exampleFigures(inquiry.OutcomeFound)
	}
	b := exampleBatchOf(
		inquiry.Change{Index: 0, Status: taken, Figures: figures},
		inquiry.Change{Index: 1, Status: inquiry.StatusCancelled},
	)
	b.CancelRequestedAt = exampleStart().Add(100 * time.Millisecond)
	return b
}

func exampleDeleted() inquiry.Batch {
	b := exampleFinished()
	b.Name, b.Metadata, b.DeletedAt = "", nil, b.CreatedAt().Add(48*time.Hour)
	return b
}

// exampleStart is when a worker took up the example's inquiries.
func exampleStart() time.Time { return exampleID(exampleBatchID).CreatedAt().Add(2 * time.Second) }

// exampleFigures are of an inquiry that the source answered in half a second, or
// did not answer in twenty.
func exampleFigures(outcome inquiry.SourceOutcome) inquiry.Figures {
	took, source := 500*time.Millisecond, inquiry.SourceFigures{Outcome: outcome, Records: 2, Elapsed: 5633 * time.Microsecond}
	if !outcome.Answered() {
		took, source.Records, source.Elapsed = 20100*time.Millisecond, 0, 20*time.Second
	}
	return inquiry.Figures{
		StartedAt: exampleStart(), FinishedAt: exampleStart().Add(took), Attempts: 1,
		Sources: map[string]inquiry.SourceFigures{"ofac": source},
	}
}

// exampleSubmissions are a batch that is in order, and one in which an external
// id comes twice: checked only, and with what is wrong left out.
func exampleSubmissions(submission SubmitBody) map[string][]example {
	first := submission.Inquiries[0]
	check := submission
	check.Inquiries = append(slices.Clone(submission.Inquiries), InquiryInput{BusinessName: "Blue Kettle Coffee", EIN: first.EIN, ExternalID: first.ExternalID})
	skip := check
	check.ValidateOnly, skip.OnInvalid = true, "skip"
	skipped := skip.submission()
	skipped.reject()
	id := exampleID(exampleBatchID)
	return map[string][]example{
		inRequest: {
			{"batch", "Two businesses", submission},
			{"check", "Check only: store nothing", check},
			{"skip", "Take what is in order", skip},
		},
		"200": {
			{"accepted", "The batch was accepted", submittedBody(id, submission.submission())},
			{"checked", "With `validateOnly`: nothing was stored", validatedBody(check.submission(), exampleLender)},
			{"skipped", "With `onInvalid: skip`: one inquiry was rejected", submittedBody(id, skipped)},
		},
	}
}

// submission is what the reader makes of a body that keeps to its schema.
func (body SubmitBody) submission() submission {
	sub := submission{name: body.Name, metadata: body.Metadata, skip: body.OnInvalid == "skip", validateOnly: body.ValidateOnly}
	for _, in := range body.Inquiries {
		sub.inquiries = append(sub.inquiries, in.inquiry().Normalize())
	}
	sub.faults = tidy(inquiry.Check(sub.inquiries, exampleStart()), sub.inquiries)
	return sub
}

// exampleResults are a finished batch's results in one of their forms.
func exampleResults(entries []inquiry.Entry, media string) (string, error) {
	var text bytes.Buffer
	rows := newRowWriter(&text, media)
	for _, e := range entries {
		if err := rows.write(e); err != nil {
			return "", err
		}
	}
	batch := exampleFinished()
	err := rows.end(resultsEnd{BatchID: batch.ID, Rows: rows.count, Complete: true, AsOf: batch.FinishedAt.Add(time.Minute)})
	return text.String(), err
}

//go:embed examples.json
var exampleFile []byte

// exampleTexts are what only people can make up, or a real run: a submission,
// and how its two inquiries ended.
type exampleTexts struct {
	submission SubmitBody
	entries    []inquiry.Entry
}

func readExampleTexts() (exampleTexts, error) {
	var file struct {
		Submission   SubmitBody
		Report       report.Report
		FailedReport report.Report
	}
	if err := json.Unmarshal(exampleFile, &file); err != nil {
		return exampleTexts{}, fmt.Errorf("reading examples.json: %w", err)
	}
	texts, batch := exampleTexts{submission: file.Submission}, exampleFinished()
	for i, rep := range []report.Report{file.Report, file.FailedReport} {
		packed, err := report.Encode(rep)
		if err != nil {
			return exampleTexts{}, err
		}
		id := batch.ID.Inquiry(i)
		record := inquiry.Record{ID: id, Status: rep.Status, Report: packed, Figures: exampleFigures(rep.Coverage.Sources[0].Outcome)}
		if rep.Failure != nil {
			record.Failure, record.Retryable = rep.Failure.Code, rep.Failure.Retryable
		}
		texts.entries = append(texts.entries, inquiry.Entry{ID: id, Inquiry: file.Submission.Inquiries[i].inquiry().Normalize(), Record: record})
	}
	return texts, nil
}

// addExamples puts the examples into the document, and from them an example into
// each member that has none of its own. Tests hold every example against the
// schema that it stands beside.
func addExamples(document *huma.OpenAPI) error {
	examples, err := examplesByOperation()
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operationsOf(document.Paths[path]) {
			for _, place := range slices.Sorted(maps.Keys(examples[op.OperationID])) {
				media := mediaAt(op, place)
				if media == nil {
					return fmt.Errorf("%s has no place for an example in %s", op.OperationID, place)
				}
				if err := media.put(examples[op.OperationID][place]); err != nil {
					return fmt.Errorf("%s: %w", op.OperationID, err)
				}
			}
		}
	}
	return illustrateSchemas(document)
}

// mediaType is where examples stand in the document.
type mediaType huma.MediaType

// mediaAt finds the media type that a place names; nil if there is none.
func mediaAt(op *huma.Operation, place string) *mediaType {
	part, media, named := strings.Cut(place, " ")
	if !named {
		media = "application/json"
	}
	switch response := op.Responses[part]; {
	case part == inRequest && op.RequestBody != nil:
		return (*mediaType)(op.RequestBody.Content[media])
	case response != nil:
		return (*mediaType)(response.Content[media])
	}
	return nil
}

// put adds the examples as they are sent, members in the order of the answers'.
func (m *mediaType) put(examples []example) error {
	for _, e := range examples {
		value, err := sent(e.Value)
		if err != nil {
			return err
		}
		if e.Name == "" {
			m.Example = value
			continue
		}
		if m.Examples == nil {
			m.Examples = map[string]*huma.Example{}
		}
		m.Examples[e.Name] = &huma.Example{Summary: e.Summary, Value: value}
	}
	return nil
}

// values are the media type's examples, in the order of their names.
func (m *mediaType) values() []any {
	values := []any{m.Example}
	for _, name := range slices.Sorted(maps.Keys(m.Examples)) {
		values = append(values, m.Examples[name].Value)
	}
	return values
}

// sent is a value as it stands in a body: a text, or JSON.
func sent(value any) (any, error) {
	if _, isText := value.(string); isText {
		return value, nil
	}
	text, err := json.Marshal(value)
	return json.RawMessage(text), err
}

// plain is a value as JSON has it: maps, lists, texts, numbers.
func plain(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var value any
	err = json.Unmarshal(text, &value)
	return value, err
}

// illustrateSchemas gives members an example out of the bodies that have them.
func illustrateSchemas(document *huma.OpenAPI) error {
	schemas := document.Components.Schemas
	var failed error
	show := func(s *huma.Schema, value any) {
		value, err := plain(value)
		failed = errors.Join(failed, err)
		illustrate(schemas, s, value)
	}
	walk := func(content map[string]*huma.MediaType) {
		for _, name := range slices.Sorted(maps.Keys(content)) {
			for _, value := range (*mediaType)(content[name]).values() {
				show(content[name].Schema, value)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operationsOf(document.Paths[path]) {
			if op.RequestBody != nil {
				walk(op.RequestBody.Content)
			}
			for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
				walk(op.Responses[code].Content)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(document.Components.Responses)) {
		walk(document.Components.Responses[name].Content)
	}
	show(schemas.Map()["ResultsLastLine"], resultsLastLine{resultsEnd{exampleID(exampleBatchID), 2, true, exampleFinished().FinishedAt.Add(time.Minute)}})
	return failed
}

func illustrate(schemas huma.Registry, s *huma.Schema, value any) {
	if s.Ref != "" {
		s = schemas.SchemaFromRef(s.Ref)
	}
	for _, choice := range slices.Concat(s.OneOf, s.AnyOf) {
		if choice.Ref != "" && hasAll(value, schemas.SchemaFromRef(choice.Ref).Required) {
			illustrate(schemas, choice, value)
		}
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if s.Items != nil {
				illustrate(schemas, s.Items, item)
			}
		}
	case map[string]any:
		more, _ := s.AdditionalProperties.(*huma.Schema)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			switch property := s.Properties[name]; {
			case property != nil:
				if len(property.Examples) == 0 && isPlain(property) && !isEmpty(value[name]) {
					property.Examples = []any{value[name]}
				}
				illustrate(schemas, property, value[name])
			case more != nil:
				illustrate(schemas, more, value[name])
			}
		}
	}
}

// hasAll reports whether a value has all these members.
func hasAll(value any, members []string) bool {
	object, ok := value.(map[string]any)
	return ok && !slices.ContainsFunc(members, func(name string) bool { _, has := object[name]; return !has })
}

// isPlain reports whether a value shows all there is: one of another schema has
// the examples of that one's members.
func isPlain(s *huma.Schema) bool {
	more, _ := s.AdditionalProperties.(*huma.Schema)
	return s.Ref == "" && len(s.OneOf) == 0 && len(s.AnyOf) == 0 && (s.Items == nil || isPlain(s.Items)) && (more == nil || isPlain(more))
}

// isEmpty reports whether a value would illustrate nothing.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

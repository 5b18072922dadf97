package httpapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// example is a sample body in the reference. The routes make their examples with the
// code that makes real answers, so the examples show every field.
type example struct {
	// place is inRequest, or an answer's status; for a media type other than JSON,
	// the status and the media type ("200 text/csv").
	place string

	name, summary string // empty for the only example at its place
	value         any
}

const inRequest = "request"

// onlyExample returns the single example of a route that has only one.
func onlyExample(place string, value any) []example { return []example{{place: place, value: value}} }

// addExamples adds every route's examples to the document, and an example to each
// schema member without one. Tests check every example against its schema.
func addExamples(document *huma.OpenAPI) error {
	s, err := readSamples()
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operationsOf(document.Paths[path]) {
			if referenceOf(op).examples == nil {
				continue
			}
			examples, err := referenceOf(op).examples(s)
			if err != nil {
				return fmt.Errorf("examples of %s: %w", op.OperationID, err)
			}
			for _, e := range examples {
				media := mediaAt(op, e.place)
				if media == nil {
					return fmt.Errorf("%s has no place for an example in %s", op.OperationID, e.place)
				}
				if err := media.add(e); err != nil {
					return fmt.Errorf("examples of %s: %w", op.OperationID, err)
				}
			}
		}
	}
	return illustrateSchemas(document)
}

// mediaType is a media type in the document, which has examples.
type mediaType huma.MediaType

// mediaAt returns the media type at an example's place, or nil if there is none.
func mediaAt(op *huma.Operation, place string) *mediaType {
	part, media, named := strings.Cut(place, " ")
	if !named {
		media = mediaJSON
	}
	switch response := op.Responses[part]; {
	case part == inRequest && op.RequestBody != nil:
		return (*mediaType)(op.RequestBody.Content[media])
	case response != nil:
		return (*mediaType)(response.Content[media])
	}
	return nil
}

// add adds an example as it is sent, with members in the order of the Go type.
func (m *mediaType) add(e example) error {
	value, err := asSent(e.value)
	if err != nil {
		return err
	}
	if e.name == "" {
		m.Example = value
		return nil
	}
	if m.Examples == nil {
		m.Examples = map[string]*huma.Example{}
	}
	m.Examples[e.name] = &huma.Example{Summary: e.summary, Value: value}
	return nil
}

// values returns the media type's examples in the order of their names.
func (m *mediaType) values() []any {
	values := []any{m.Example}
	for _, name := range slices.Sorted(maps.Keys(m.Examples)) {
		values = append(values, m.Examples[name].Value)
	}
	return values
}

// asSent returns a value as it appears in a body: a string unchanged, anything else as
// JSON.
func asSent(value any) (any, error) {
	if _, isText := value.(string); isText {
		return value, nil
	}
	text, err := json.Marshal(value)
	return json.RawMessage(text), err
}

const (
	sampleBatchID   = "01a20846-fe00-7bd3-9d5e-3c4b8a2f0000"
	sampleRerunID   = "01a20850-25c0-7cc1-8f10-6b1d2e3f0000" // ten minutes later
	sampleRequestID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
)

var sampleLender = inquiry.Lender{
	ID: "acme-capital", Name: "Acme Capital", Status: inquiry.AccessActive,
	BatchMax: inquiry.DefaultBatchMax, OpenMax: inquiry.DefaultOpenMax, Open: 180,
}

func sampleID(text string) inquiry.BatchID {
	id, err := inquiry.ParseBatchID(text)
	if err != nil {
		panic(err) // cannot happen: our own constant
	}
	return id
}

// sampleBatch has one finished and one running inquiry.
func sampleBatch() inquiry.Batch {
	return sampleBatchOf(
		inquiry.Change{Index: 0, Status: inquiry.StatusCompleted, Figures: sampleFigures(inquiry.OutcomeFound)},
		inquiry.Change{Index: 1, Status: inquiry.StatusRunning, Figures: inquiry.Figures{StartedAt: sampleStart()}},
	)
}

func sampleBatchOf(changes ...inquiry.Change) inquiry.Batch {
	b := inquiry.Batch{
		ID: sampleID(sampleBatchID), Name: "November renewals", Metadata: map[string]string{"desk": "renewals"},
		Operation: inquiry.OperationSubmit, Ordinal: 214, Tally: inquiry.NewTally(2),
	}
	b.Tally, _ = b.Merge(changes...)
	return b
}

// sampleFinished has finished, and its failed inquiry was rerun.
func sampleFinished() inquiry.Batch {
	b := sampleBatchOf(
		inquiry.Change{Index: 0, Status: inquiry.StatusCompleted, Figures: sampleFigures(inquiry.OutcomeFound)},
		inquiry.Change{Index: 1, Status: inquiry.StatusFailed, Figures: sampleFigures(inquiry.OutcomeUnavailable)},
	)
	b.FinishedAt = b.Sums.LastFinishedAt
	b.LatestChild = sampleID(sampleRerunID)
	b.Children = []inquiry.BatchID{b.LatestChild}
	return b
}

// sampleCancelled was canceled after a worker had claimed one inquiry, which has the
// status given.
func sampleCancelled(claimed inquiry.Status) inquiry.Batch {
	figures := inquiry.Figures{StartedAt: sampleStart()}
	if claimed.Final() {
		figures = sampleFigures(inquiry.OutcomeFound)
	}
	b := sampleBatchOf(
		inquiry.Change{Index: 0, Status: claimed, Figures: figures},
		inquiry.Change{Index: 1, Status: inquiry.StatusCancelled},
	)
	b.CancelRequestedAt = sampleStart().Add(100 * time.Millisecond)
	return b
}

func sampleDeleted() inquiry.Batch {
	b := sampleFinished()
	b.Name, b.Metadata, b.DeletedAt = "", nil, b.CreatedAt().Add(48*time.Hour)
	return b
}

// sampleStart returns when a worker claimed the sample's inquiries.
func sampleStart() time.Time { return sampleID(sampleBatchID).CreatedAt().Add(2 * time.Second) }

// sampleFigures are those of an inquiry that the source answered in half a second, or
// did not answer within twenty.
func sampleFigures(outcome inquiry.SourceOutcome) inquiry.Figures {
	took, source := 500*time.Millisecond, inquiry.SourceFigures{Outcome: outcome, Records: 2, Elapsed: 5633 * time.Microsecond}
	if !outcome.Answered() {
		took, source.Records, source.Elapsed = 20100*time.Millisecond, 0, 20*time.Second
	}
	return inquiry.Figures{
		StartedAt: sampleStart(), FinishedAt: sampleStart().Add(took), Attempts: 1,
		Sources: map[string]inquiry.SourceFigures{"ofac": source},
	}
}

//go:embed examples.json
var exampleFile []byte

// samples is what examples are made from and no code can make: a submission, and the
// reports of its two inquiries, which come from a real run.
type samples struct {
	submission SubmitBody
	entries    []inquiry.Entry
	inquiries  []InquiryBody // the entries as answers
}

func readSamples() (*samples, error) {
	var file struct {
		Submission   SubmitBody
		Report       report.Report
		FailedReport report.Report
	}
	if err := json.Unmarshal(exampleFile, &file); err != nil {
		return nil, fmt.Errorf("reading examples.json: %w", err)
	}
	s, batch := &samples{submission: file.Submission}, sampleFinished()
	for i, rep := range []report.Report{file.Report, file.FailedReport} {
		packed, err := report.Encode(rep)
		if err != nil {
			return nil, err
		}
		id := batch.ID.Inquiry(i)
		record := inquiry.Record{ID: id, Status: rep.Status, Report: packed, Figures: sampleFigures(rep.Coverage.Sources[0].Outcome)}
		if rep.Failure != nil {
			record.Failure, record.Retryable = rep.Failure.Code, rep.Failure.Retryable
		}
		entry := inquiry.Entry{ID: id, Inquiry: file.Submission.Inquiries[i].inquiry().Normalize(), Record: record}
		body, err := inquiryBody(entry)
		if err != nil {
			return nil, err
		}
		s.entries, s.inquiries = append(s.entries, entry), append(s.inquiries, body)
	}
	return s, nil
}

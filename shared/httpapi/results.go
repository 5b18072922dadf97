package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// Exports stores results that are too large for an answer, for a short time.
type Exports interface {
	// Create starts a file. Its content is kept once it is closed and is served with
	// the two headers given.
	Create(ctx context.Context, lender inquiry.LenderID, contentType, disposition string) (Export, error)
}

// Export is a file that is being written.
type Export interface {
	io.Writer
	Close() (url string, err error) // the URL works for some minutes, without a credential
	Abort()                         // discards the file
}

const (
	mediaNDJSON = "application/x-ndjson"
	mediaCSV    = "text/csv"

	// resultsPage is the number of inquiries that are read at once.
	resultsPage = 250
)

// resultsForms has the Content-Type and the file name suffix of each format.
var resultsForms = map[string]struct{ contentType, suffix string }{
	mediaNDJSON: {mediaNDJSON, "ndjson"}, // no charset: by RFC 8259, JSON is always UTF-8
	mediaCSV:    {mediaCSV + "; charset=utf-8; header=present", "csv"},
}

type resultsInput struct {
	BatchPath
	Accept string `header:"Accept" doc:"application/x-ndjson (the default) or text/csv. Weights (q) and wildcards are supported." example:"application/x-ndjson"`
	Scope  string `query:"scope" enum:"all,succeeded,failed" default:"all" doc:"all: every inquiry. succeeded: inquiries with a report, COMPLETED or PARTIAL_SUCCESS. failed: inquiries with status FAILED." example:"succeeded"`
}

type resultsOutput struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition" doc:"Suggested name of the file." example:"attachment; filename=\"01a20846-fe00-7bd3-9d5e-3c4b8a2f0000.csv\""`
	Location    string `header:"Location" doc:"Address of the file, valid for five minutes. It needs no credential." example:"https://results.example/01a20846.ndjson?X-Amz-Expires=300&X-Amz-Signature=0f3c"`
	Complete    string `header:"Results-Complete" enum:"true,false" doc:"true if the batch had finished, so later results will be the same; otherwise false." example:"true"`
	AsOf        string `header:"Results-As-Of" format:"date-time" doc:"When the results were read (RFC 3339)." example:"2026-11-23T12:01:22.1Z"`
	Body        []byte
}

func (a *API) resultsRoute(api huma.API) {
	text := &huma.Schema{Type: huma.TypeString}
	op := route(a, api, huma.Operation{
		OperationID: "get-results", Method: http.MethodGet, Path: "/v1/batch-inquiries/{batch_id}/results", Tags: []string{tagBatches},
		Summary: "Get all results of a batch in one file", DefaultStatus: http.StatusOK,
		Description: "**NDJSON.** Each line is one inquiry, as `GET /v1/inquiries/{inquiry_id}` returns it, with every value exact. The last line has a single member, `end`: the number of lines before it, the time of reading (`asOf`), and whether the batch had finished (`complete`).\n\n" +
			"**CSV** (RFC 4180, but with LF line endings; UTF-8 without a byte order mark; with a header row and quotes around every value). There is one row per inquiry, without its report. `metadata` is a JSON object. Columns may be added at the end. " +
			"A value that a spreadsheet would run as a formula, or that starts with an apostrophe, gets an apostrophe in front. To get the exact value back, remove one apostrophe from the start of a cell that has one. " +
			"All other values are unchanged, so that programs can join on `externalId`. A spreadsheet that guesses types may rewrite some of them (`0123`, `1E5`, `2026-11-23`): import that column as text, or join on `inquiryId`, which no spreadsheet rewrites.\n\n" +
			"You can request the results while the batch is running; `Results-Complete` is then false. " +
			fmt.Sprintf("If the results are larger than %s, the response is a 303 to a file. Its address works for five minutes and needs no credential, so do not send yours there. ", maxAnswerText) +
			batchCost,
		Responses: map[string]*huma.Response{
			"200": {Content: map[string]*huma.MediaType{mediaNDJSON: {Schema: text}, mediaCSV: {Schema: text}}},
			"303": {},
		},
	}, reference{
		answers:  map[string]string{"200": "The results.", "303": "The results are large and are available at the `Location`. There is no body."},
		problems: []problem.Name{problem.Deleted, problem.NotAcceptable},
		examples: resultsExamples,
	}, a.results)
	describeResults(api.OpenAPI(), op)
}

func (a *API) results(ctx context.Context, in *resultsInput) (*resultsOutput, error) {
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return nil, err
	}
	accept := in.Accept
	if accept == "application/json" {
		accept = "" // a gateway adds this header to a request that has none
	}
	media, ok := negotiate(accept, mediaNDJSON, mediaCSV)
	if !ok {
		return nil, noSuchFormat()
	}
	caller := requestOf(ctx).Caller
	if err := a.confirmAccess(ctx, caller); err != nil {
		return nil, err
	}
	lender := caller.LenderID
	if err := a.takeBatchTokens(ctx, id); err != nil {
		return nil, err
	}
	asOf := a.Now().UTC().Truncate(time.Millisecond)
	page, err := a.Batches.ListEntries(ctx, lender, id, inquiry.EntryQuery{Limit: resultsPage})
	if err != nil {
		return nil, err
	}
	complete := page.Batch.Status().Final()
	contentType, disposition := resultsForms[media].contentType, fmt.Sprintf(`attachment; filename="%s.%s"`, id, resultsForms[media].suffix)
	file := &spill{create: func() (Export, error) { return a.Exports.Create(ctx, lender, contentType, disposition) }}
	defer file.abort()
	rows := newRowWriter(file, media)
	if err := a.writeRows(ctx, rows, id, page, in.Scope); err != nil {
		return nil, err
	}
	if err := rows.finish(resultsEnd{BatchID: id, Rows: rows.count, Complete: complete, AsOf: asOf}); err != nil {
		return nil, err
	}
	out := &resultsOutput{Status: http.StatusOK, Complete: strconv.FormatBool(complete), AsOf: asOf.Format(time.RFC3339Nano)}
	if file.export == nil {
		out.ContentType, out.Disposition, out.Body = contentType, disposition, file.buffer.Bytes()
		return out, nil
	}
	out.Status = http.StatusSeeOther
	out.Location, err = file.close()
	return out, err
}

// writeRows writes the inquiries in scope, starting with the first page.
func (a *API) writeRows(ctx context.Context, rows *rowWriter, id inquiry.BatchID, page inquiry.EntryPage, scope string) error {
	for {
		for _, e := range page.Entries {
			if !inScope(scope, e.Record.Status) {
				continue
			}
			if err := rows.write(e); err != nil {
				return err
			}
		}
		if page.Next == 0 {
			return nil
		}
		var err error
		query := inquiry.EntryQuery{Limit: resultsPage, From: page.Next}
		if page, err = a.Batches.ListEntries(ctx, requestOf(ctx).Caller.LenderID, id, query); err != nil {
			return err
		}
	}
}

func noSuchFormat() *Problem {
	return newProblem(problem.NotAcceptable, "Results are available as application/x-ndjson or text/csv.")
}

func inScope(scope string, status inquiry.Status) bool {
	switch scope {
	case "succeeded":
		return status == inquiry.StatusCompleted || status == inquiry.StatusPartialSuccess
	case "failed":
		return status == inquiry.StatusFailed
	}
	return true
}

// spill keeps its content in memory while it is small and moves it to an export when
// it grows.
type spill struct {
	create func() (Export, error)
	buffer bytes.Buffer
	export Export
}

func (s *spill) Write(p []byte) (int, error) {
	if s.export != nil {
		return s.export.Write(p)
	}
	n, _ := s.buffer.Write(p) // never fails
	if s.buffer.Len() <= maxAnswer {
		return n, nil
	}
	export, err := s.create()
	if err != nil {
		return 0, fmt.Errorf("creating an export: %w", err)
	}
	s.export = export
	_, err = s.buffer.WriteTo(export)
	return n, err
}

func (s *spill) close() (string, error) {
	url, err := s.export.Close()
	if err != nil {
		return "", fmt.Errorf("closing an export: %w", err)
	}
	s.export = nil
	return url, nil
}

// abort discards an export that was not closed.
func (s *spill) abort() {
	if s.export != nil {
		s.export.Abort()
	}
}

// resultsExamples shows a finished batch's results in both formats.
func resultsExamples(s *samples) ([]example, error) {
	var all []example
	for _, media := range []string{mediaNDJSON, mediaCSV} {
		var text bytes.Buffer
		rows := newRowWriter(&text, media)
		for _, e := range s.entries {
			if err := rows.write(e); err != nil {
				return nil, err
			}
		}
		if err := rows.finish(sampleResultsEnd(rows.count)); err != nil {
			return nil, err
		}
		all = append(all, example{place: "200 " + media, value: text.String()})
	}
	return all, nil
}

func sampleResultsEnd(rows int) resultsEnd {
	batch := sampleFinished()
	return resultsEnd{BatchID: batch.ID, Rows: rows, Complete: true, AsOf: batch.FinishedAt.Add(time.Minute)}
}

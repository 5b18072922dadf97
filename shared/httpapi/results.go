package httpapi

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// Exports keeps results that are too large for an answer, for a short time.
type Exports interface {
	// Create begins a file; what is written to it is kept once it is closed. It
	// is served with the two headers given.
	Create(ctx context.Context, lender inquiry.LenderID, contentType, disposition string) (Export, error)
}

// Export is one file in the making.
type Export interface {
	io.Writer
	Close() (url string, err error) // the address is good for some minutes, without a credential
	Abort()                         // forgets the file
}

const (
	mediaNDJSON = "application/x-ndjson"
	mediaCSV    = "text/csv"

	// resultsPage is how many inquiries are read at once.
	resultsPage = 250
)

// resultsForms are the headers of each form. A file's name ends as its form does.
var resultsForms = map[string]struct{ contentType, suffix string }{
	mediaNDJSON: {mediaNDJSON, "ndjson"}, // RFC 8259 has JSON in UTF-8 and nothing else
	mediaCSV:    {mediaCSV + "; charset=utf-8; header=present", "csv"},
}

type resultsInput struct {
	BatchPath
	Accept string `header:"Accept" doc:"application/x-ndjson (the default) or text/csv; weights (q) and wildcards are heeded." example:"application/x-ndjson"`
	Scope  string `query:"scope" enum:"all,succeeded,failed" default:"all" doc:"all: every inquiry. succeeded: those with a report, COMPLETED or PARTIAL_SUCCESS. failed: those that FAILED." example:"succeeded"`
}

type resultsOutput struct {
	Status      int
	ContentType string `header:"Content-Type" doc:"The form that the Accept header asked for."`
	Disposition string `header:"Content-Disposition" doc:"A name for the file." example:"attachment; filename=\"01a20846-fe00-7bd3-9d5e-3c4b8a2f0000.csv\""`
	Location    string `header:"Location" doc:"Where the file is, for five minutes. The address needs no credential." example:"https://results.example/01a20846.ndjson?X-Amz-Expires=300&X-Amz-Signature=0f3c"`
	Complete    string `header:"Results-Complete" enum:"true,false" doc:"true when the batch was finished, so that no later result differs; otherwise false." example:"true"`
	AsOf        string `header:"Results-As-Of" format:"date-time" doc:"When the results were read (RFC 3339)." example:"2026-11-23T12:01:22.1Z"`
	Body        []byte
}

func (a *API) registerResults(api huma.API) {
	text := &huma.Schema{Type: huma.TypeString}
	huma.Register(api, huma.Operation{
		OperationID: "get-results", Method: http.MethodGet, Path: "/v1/batch-inquiries/{batch_id}/results",
		Summary: "Get all results of a batch in one file", DefaultStatus: http.StatusOK,
		Errors: []int{http.StatusGone, http.StatusNotAcceptable},
		Description: "As NDJSON, each line is an inquiry as `GET /v1/inquiries/{inquiry_id}` has it; a last line, whose only member is `end`, says how many there were, `asOf` when, and whether that is `complete`. " +
			"NDJSON has every value exactly.\n\n" +
			"As CSV (RFC 4180 with LF at the end of lines, UTF-8 without a byte order mark, a header row), there is a row for each inquiry, without its report; `metadata` is a JSON object. Columns may be added at the end. " +
			"A text that a spreadsheet would run as a formula, and one that begins with an apostrophe itself, has an apostrophe before it: to get the exact value, remove one apostrophe from the beginning of a cell that has one. " +
			"All other texts stand as they are, so that programs can join by `externalId`. A spreadsheet that guesses types will rewrite some of these (`0123`, `1E5`, `2026-11-23`): import the column as text, or join by `inquiryId`, which none rewrites.\n\n" +
			"It may be asked for while the batch is running; `Results-Complete` is then false. " +
			"A result above 2.5 MB is a 303 to a file that is there for five minutes; its address needs no credential, so follow it without yours.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The results.", Content: map[string]*huma.MediaType{mediaNDJSON: {Schema: text}, mediaCSV: {Schema: text}}},
			"303": {Description: "The results are large and lie at the Location."},
		},
	}, func(ctx context.Context, in *resultsInput) (*resultsOutput, error) {
		out, err := a.results(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

func (a *API) results(ctx context.Context, in *resultsInput) (*resultsOutput, error) {
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return nil, err
	}
	media, ok := acceptable(in.Accept, mediaNDJSON, mediaCSV)
	if !ok {
		return nil, notAsResults()
	}
	lender := requestOf(ctx).Caller.LenderID
	asOf := a.Now().UTC().Truncate(time.Millisecond)
	page, err := a.Batches.ListEntries(ctx, lender, id, inquiry.EntryQuery{Limit: resultsPage})
	if err != nil {
		return nil, err
	}
	form := resultsForms[media]
	out := &resultsOutput{
		Status: http.StatusOK, ContentType: form.contentType,
		Complete: strconv.FormatBool(page.Batch.Status().Final()), AsOf: asOf.Format(time.RFC3339Nano),
		Disposition: fmt.Sprintf(`attachment; filename="%s.%s"`, id, form.suffix),
	}
	contentType, disposition := out.ContentType, out.Disposition
	spill := &spill{create: func() (Export, error) { return a.Exports.Create(ctx, lender, contentType, disposition) }}
	defer spill.abort()
	rows := newRowWriter(spill, media)
	complete := page.Batch.Status().Final()
	for {
		for _, e := range page.Entries {
			if !inScope(in.Scope, e.Record.Status) {
				continue
			}
			if err := rows.write(e); err != nil {
				return nil, err
			}
		}
		if page.Next == 0 {
			break
		}
		if page, err = a.Batches.ListEntries(ctx, lender, id, inquiry.EntryQuery{Limit: resultsPage, From: page.Next}); err != nil {
			return nil, err
		}
	}
	if err := rows.end(resultsEnd{BatchID: id, Rows: rows.count, Complete: complete, AsOf: asOf}); err != nil {
		return nil, err
	}
	if spill.export == nil {
		out.Body = spill.buffer.Bytes()
		return out, nil
	}
	if out.Location, err = spill.close(); err != nil {
		return nil, err
	}
	out.Status, out.ContentType, out.Disposition = http.StatusSeeOther, "", ""
	return out, nil
}

func notAsResults() *Problem {
	return newProblem(http.StatusNotAcceptable, "not-acceptable", "Results come as application/x-ndjson or text/csv.")
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

// spill keeps what is written in memory as long as it is small, and in an export
// from then on.
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
		return 0, fmt.Errorf("beginning an export: %w", err)
	}
	s.export = export
	_, err = s.buffer.WriteTo(export)
	return n, err
}

func (s *spill) close() (string, error) {
	url, err := s.export.Close()
	if err != nil {
		return "", fmt.Errorf("ending an export: %w", err)
	}
	s.export = nil
	return url, nil
}

// abort forgets an export that was not closed.
func (s *spill) abort() {
	if s.export != nil {
		s.export.Abort()
	}
}

// resultsEnd is what the last line of results says.
type resultsEnd struct {
	BatchID  inquiry.BatchID `json:"batchId" format:"uuid" doc:"The batch."`
	Rows     int             `json:"rows" doc:"Lines before this one."`
	Complete bool            `json:"complete" doc:"The batch was finished, so that no later result differs."`
	AsOf     time.Time       `json:"asOf" doc:"When the results were read."`
}

// rowWriter writes inquiries in one of the two forms.
type rowWriter struct {
	count int
	json  *json.Encoder // nil when csv is meant
	csv   *csv.Writer
}

var csvHeader = []string{
	"index", "inquiryId", "externalId", "businessName", "ein", "status", "sources", "sourceRecordCount",
	"failureCode", "failureRetryable", "errors", "attempts", "startedAt", "finishedAt", "metadata",
}

func newRowWriter(w io.Writer, media string) *rowWriter {
	if media == mediaCSV {
		return &rowWriter{csv: csv.NewWriter(w)}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &rowWriter{json: encoder}
}

func (r *rowWriter) write(e inquiry.Entry) error {
	if r.count++; r.json != nil {
		body, err := inquiryBody(e)
		if err != nil {
			return err
		}
		return r.json.Encode(body)
	}
	if r.count == 1 {
		if err := r.csv.Write(csvHeader); err != nil {
			return err
		}
	}
	row, err := csvRow(summary(e), e.Inquiry.EIN)
	if err != nil {
		return fmt.Errorf("inquiry %s: %w", e.ID, err)
	}
	err = r.csv.Write(row)
	r.csv.Flush()
	return err
}

func (r *rowWriter) end(end resultsEnd) error {
	if r.json != nil {
		return r.json.Encode(map[string]resultsEnd{"end": end})
	}
	if r.count == 0 {
		if err := r.csv.Write(csvHeader); err != nil {
			return err
		}
	}
	r.csv.Flush()
	return r.csv.Error()
}

func csvRow(row InquirySummary, ein string) ([]string, error) {
	var sources, faults []string
	for name, outcome := range row.Sources {
		sources = append(sources, name+"="+outcome)
	}
	slices.Sort(sources)
	for _, f := range row.Errors {
		faults = append(faults, f.Pointer+" "+f.Code)
	}
	if len(ein) == 9 {
		ein = ein[:2] + "-" + ein[2:] // as people write it, and no spreadsheet's number
	}
	failure, retryable := "", ""
	if row.Failure != nil {
		failure, retryable = row.Failure.Code, strconv.FormatBool(row.Failure.Retryable)
	}
	when := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339Nano)
	}
	metadata := ""
	if len(row.Metadata) > 0 {
		object, err := plainJSON(row.Metadata) // its keys in order
		if err != nil {
			return nil, err
		}
		metadata = string(object)
	}
	return []string{
		strconv.Itoa(row.Index), row.InquiryID.String(), cell(row.ExternalID), cell(row.BusinessName), ein, row.Status,
		strings.Join(sources, "; "), strconv.Itoa(row.SourceRecordCount), failure, retryable,
		cell(strings.Join(faults, "; ")), strconv.Itoa(row.Attempts), when(row.StartedAt), when(row.FinishedAt),
		metadata,
	}, nil
}

// cell is a text that no spreadsheet runs as a formula: it has an apostrophe
// before it if one would. So has a text that begins with an apostrophe, so that
// removing one gives every value back. Texts that a spreadsheet would take for
// numbers or dates are left alone: an apostrophe shows in the sheet, keeps
// nobody's join there, and would break every program's.
func cell(s string) string {
	if s != "" && strings.ContainsRune(formulaMarks, []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// formulaMarks are what a formula may begin with in one spreadsheet or another
// (owasp.org/www-community/attacks/CSV_Injection), and the apostrophe.
const formulaMarks = "=+-@\t\r\n|%＝＋－＠'"

// inquiryBody is an inquiry with its report.
func inquiryBody(e inquiry.Entry) (InquiryBody, error) {
	body := InquiryBody{InquirySummary: summary(e), BatchID: e.ID.Batch(), Inquiry: inputOf(e.Inquiry)}
	if e.Record.Report != nil {
		rep, err := report.Decode(e.Record.Report)
		if err != nil {
			return InquiryBody{}, fmt.Errorf("inquiry %s: %w", e.ID, err)
		}
		body.Report = &rep
	}
	return body, nil
}

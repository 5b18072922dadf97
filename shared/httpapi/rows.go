package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// resultsEnd is the content of the last line of results.
type resultsEnd struct {
	BatchID  inquiry.BatchID `json:"batchId" format:"uuid" doc:"Id of the batch."`
	Rows     int             `json:"rows" doc:"Number of lines before this one."`
	Complete bool            `json:"complete" doc:"Whether the batch had finished, so later results will be the same."`
	AsOf     time.Time       `json:"asOf" doc:"When the results were read."`
}

// rowWriter writes inquiries in one of the two formats.
type rowWriter struct {
	count int
	json  *json.Encoder // nil for CSV
	csv   io.Writer
}

var csvHeader = []string{
	"index", "inquiryId", "externalId", "businessName", "ein", "status", "sources", "sourceRecordCount",
	"failureCode", "failureRetryable", "errors", "attempts", "startedAt", "finishedAt", "metadata",
}

func newRowWriter(w io.Writer, media string) *rowWriter {
	if media == mediaCSV {
		return &rowWriter{csv: w}
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
		if err := r.writeCSV(csvHeader); err != nil {
			return err
		}
	}
	row, err := csvRow(summary(e), e.Inquiry.EIN)
	if err != nil {
		return fmt.Errorf("inquiry %s: %w", e.ID, err)
	}
	return r.writeCSV(row)
}

// writeCSV writes one row and quotes every field. A spreadsheet that splits rows at
// semicolons or tabs could otherwise find a formula in the middle of a field. The writer of
// the standard library quotes only where commas need it.
func (r *rowWriter) writeCSV(row []string) error {
	quoted := make([]string, len(row))
	for i, field := range row {
		quoted[i] = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
	}
	_, err := io.WriteString(r.csv, strings.Join(quoted, ",")+"\n")
	return err
}

// finish writes what follows the last inquiry.
func (r *rowWriter) finish(end resultsEnd) error {
	if r.json != nil {
		return r.json.Encode(map[string]resultsEnd{"end": end})
	}
	if r.count == 0 {
		return r.writeCSV(csvHeader)
	}
	return nil
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
		ein = ein[:2] + "-" + ein[2:] // the usual form, which no spreadsheet takes for a number
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
		object, err := rawJSON(row.Metadata) // with sorted keys
		if err != nil {
			return nil, err
		}
		metadata = string(object)
	}
	return []string{
		strconv.Itoa(row.Index), row.InquiryID.String(), cell(row.ExternalID), cell(row.BusinessName), ein, string(row.Status),
		strings.Join(sources, "; "), strconv.Itoa(row.SourceRecordCount), failure, retryable,
		cell(strings.Join(faults, "; ")), strconv.Itoa(row.Attempts), when(row.StartedAt), when(row.FinishedAt),
		metadata,
	}, nil
}

// cell returns a text that no spreadsheet runs as a formula: it puts an apostrophe in
// front of one that would be. It does the same to a text that starts with an apostrophe,
// so removing one always restores the value. Texts that a spreadsheet would read as
// numbers or dates stay unchanged: an apostrophe would show in the sheet, would not save
// a join there, and would break every program's.
func cell(s string) string {
	if s != "" && strings.ContainsRune(formulaMarks, []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// formulaMarks are the characters that a formula can start with in some spreadsheet
// (owasp.org/www-community/attacks/CSV_Injection), and the apostrophe.
const formulaMarks = "=+-@\t\r\n|%＝＋－＠'"

// resultsLastLine is the last line of results in NDJSON.
type resultsLastLine struct {
	End resultsEnd `json:"end" doc:"Describes the lines before it. A file without this line was cut short."`
}

// csvColumns describes the columns of results in CSV.
var csvColumns = map[string]string{
	"index":             "Position in the batch, starting at 0.",
	"inquiryId":         "Id of the inquiry.",
	"externalId":        "Your own id for the inquiry; empty if you gave none.",
	"businessName":      "Name of the business, as submitted.",
	"ein":               "Employer Identification Number with its hyphen; empty if you gave none.",
	"status":            "COMPLETED, PARTIAL_SUCCESS, FAILED or CANCELLED; PLANNING or RUNNING while the batch runs.",
	"sources":           "Outcome of each source as name=OUTCOME, separated by semicolons.",
	"sourceRecordCount": "Number of source records in the report.",
	"failureCode":       "Why there is no useful report, as a stable code; empty if there is one.",
	"failureRetryable":  "Whether submitting the inquiry again may help: true or false; empty if there was no failure.",
	"errors":            "Why the inquiry was rejected: pointer and code of each error, separated by semicolons.",
	"attempts":          "How many times a worker has started the inquiry.",
	"startedAt":         "When a worker first started the inquiry (RFC 3339, UTC); empty before that.",
	"finishedAt":        "When the inquiry reached its final status (RFC 3339, UTC); empty before that.",
	"metadata":          "The inquiry's metadata as a JSON object; empty if you gave none.",
}

// Extensions of the document that describe the lines of NDJSON and the columns of CSV.
// OpenAPI 3.1 has no way to express either; 3.2 has itemSchema for the lines.
const (
	extensionLines   = "x-item-schema"
	extensionColumns = "x-columns"
)

// Column describes one column of a CSV file in the document.
type Column struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// describeResults describes the two formats of results, and moves each header to the
// answer that has it.
func describeResults(doc *huma.OpenAPI, op *huma.Operation) {
	schemas := doc.Components.Schemas
	found, elsewhere := op.Responses["200"], op.Responses["303"]
	var columns []Column
	for _, name := range csvHeader {
		columns = append(columns, Column{name, csvColumns[name]})
	}
	lines := &huma.Schema{AnyOf: []*huma.Schema{
		schemas.Schema(reflect.TypeFor[InquiryBody](), true, ""),
		schemas.Schema(reflect.TypeFor[resultsLastLine](), true, ""),
	}}
	found.Content = map[string]*huma.MediaType{
		mediaNDJSON: {
			Schema: &huma.Schema{Type: huma.TypeString, Description: fmt.Sprintf(
				"One JSON object per line: an InquiryBody for each inquiry, then one ResultsLastLine (see %s).", extensionLines)},
			Extensions: map[string]any{extensionLines: lines},
		},
		mediaCSV: {
			Schema: &huma.Schema{Type: huma.TypeString, Description: fmt.Sprintf(
				"A header row, then one row per inquiry (see %s).", extensionColumns)},
			Extensions: map[string]any{extensionColumns: columns},
		},
	}
	delete(found.Headers, "Content-Type") // OpenAPI describes it with the content
	elsewhere.Headers = map[string]*huma.Param{}
	for name, header := range found.Headers {
		if name != "Content-Disposition" {
			elsewhere.Headers[name] = header
		}
	}
	delete(found.Headers, "Location")
}

package httpapi

import (
	"fmt"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// resultsLastLine is the last line of results as NDJSON.
type resultsLastLine struct {
	End resultsEnd `json:"end" doc:"What the lines before are. A file without this line was cut short."`
}

// csvColumns says what is in each column of results as CSV.
var csvColumns = map[string]string{
	"index":             "Position in the batch, from 0.",
	"inquiryId":         "The inquiry.",
	"externalId":        "Your own id of the inquiry; empty if you gave none.",
	"businessName":      "Name of the business, as you gave it.",
	"ein":               "Employer identification number, with its hyphen; empty if you gave none.",
	"status":            "COMPLETED, PARTIAL_SUCCESS, FAILED or CANCELLED; PLANNING or RUNNING while the batch runs.",
	"sources":           "How each source answered, as name=OUTCOME, separated by semicolons.",
	"sourceRecordCount": "Source records in the report.",
	"failureCode":       "Why there is no useful report, as a stable word; empty if there is one.",
	"failureRetryable":  "true or false: whether submitting the inquiry again may help; empty if there was no failure.",
	"errors":            "The rules that a rejected inquiry breaks, as pointer and code, separated by semicolons.",
	"attempts":          "How often a worker has started on the inquiry.",
	"startedAt":         "When a worker first took it up (RFC 3339, UTC); empty before.",
	"finishedAt":        "When its status became final (RFC 3339, UTC); empty before.",
	"metadata":          "The metadata that you gave it, as a JSON object; empty if you gave none.",
}

// What the document calls the schemas of NDJSON's lines and the columns of CSV.
// OpenAPI 3.1 has no words for either; 3.2 has itemSchema for the lines.
const (
	extensionLines   = "x-item-schema"
	extensionColumns = "x-columns"
)

// column is one column of a CSV file.
type column struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// describeResults says what is in the two forms of results, and which answer
// has which header.
func describeResults(doc *huma.OpenAPI, op *huma.Operation) {
	schemas := doc.Components.Schemas
	found, elsewhere := op.Responses["200"], op.Responses["303"]
	var columns []column
	for _, name := range csvHeader {
		columns = append(columns, column{name, csvColumns[name]})
	}
	lines := &huma.Schema{AnyOf: []*huma.Schema{
		schemas.Schema(reflect.TypeFor[InquiryBody](), true, ""),
		schemas.Schema(reflect.TypeFor[resultsLastLine](), true, ""),
	}}
	found.Content = map[string]*huma.MediaType{
		mediaNDJSON: {
			Schema: &huma.Schema{Type: huma.TypeString, Description: fmt.Sprintf(
				"A JSON object in each line: an InquiryBody for each inquiry, and at the end one ResultsLastLine (see %s).", extensionLines)},
			Extensions: map[string]any{extensionLines: lines},
		},
		mediaCSV: {
			Schema: &huma.Schema{Type: huma.TypeString, Description: fmt.Sprintf(
				"A header row, and a row for each inquiry (see %s).", extensionColumns)},
			Extensions: map[string]any{extensionColumns: columns},
		},
	}
	delete(found.Headers, "Content-Type") // OpenAPI has another place for it
	elsewhere.Headers = map[string]*huma.Param{}
	for name, header := range found.Headers {
		if name != "Content-Disposition" {
			elsewhere.Headers[name] = header
		}
	}
	delete(found.Headers, "Location")
}

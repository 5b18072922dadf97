package httpapi_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// fakeExports has one file. Closing it returns err.
type fakeExports struct {
	bytes.Buffer
	lender          inquiry.LenderID
	created, aborts int
	err             error

	contentType, disposition string
}

func (f *fakeExports) Create(_ context.Context, lender inquiry.LenderID, contentType, disposition string) (httpapi.Export, error) {
	f.lender, f.contentType, f.disposition = lender, contentType, disposition
	f.created++
	return f, nil
}
func (f *fakeExports) Close() (string, error) { return "https://files.example/1", f.err }
func (f *fakeExports) Abort()                 { f.aborts++ }

// resultsClient calls an API with exports.
func resultsClient(fake *fakeBatches, exports httpapi.Exports) client {
	api := httpapi.API{
		Batches: fake, Keys: fakeKeys{}, Access: trusting{}, Exports: exports, Now: func() time.Time { return noon },
		Log: slog.New(slog.DiscardHandler),
	}
	return client{api.Handler(), auth.Caller{LenderID: acme, UserID: "user-1", Role: auth.RoleViewer}}
}

func TestResults(t *testing.T) {
	t.Parallel()

	t.Run("there is one line per inquiry", func(t *testing.T) {
		t.Parallel()
		tests := map[string]struct {
			scope string
			want  []int
		}{
			"all":       {"", []int{0, 1, 2, 3}},
			"succeeded": {"?scope=succeeded", []int{0, 2}},
			"failed":    {"?scope=failed", []int{1}},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := fakeWith(inquiry.StatusCompleted, "", inquiry.StatusPartialSuccess, inquiry.StatusCancelled)
				resp, answer := resultsClient(fake, nil).do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/results"+tt.scope, "")
				if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/x-ndjson" ||
					resp.Header.Get("Results-Complete") != "true" || resp.Header.Get("Results-As-Of") != "2026-11-23T12:00:00Z" {
					t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, answer)
				}
				lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
				var got []int
				for _, line := range lines[:len(lines)-1] {
					var row httpapi.InquiryBody
					if err := json.Unmarshal([]byte(line), &row); err != nil {
						t.Fatalf("%v: %s", err, line)
					}
					got = append(got, row.Index)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("indexes (-want +got):\n%s", diff)
				}
				want := fmt.Sprintf(`{"end":{"batchId":"%s","rows":%d,"complete":true,"asOf":"2026-11-23T12:00:00Z"}}`, fake.batches[0].ID, len(tt.want))
				if end := lines[len(lines)-1]; end != want {
					t.Errorf("the last line is %s, want %s", end, want)
				}
			})
		}
	})

	t.Run("no cell is a formula and every value can be restored", func(t *testing.T) {
		t.Parallel()
		texts := map[string]string{ // as submitted, as in the cell
			"Kylderon, \"the\" LLC":  "Kylderon, \"the\" LLC",
			"=HYPERLINK(\"x\")":      "'=HYPERLINK(\"x\")",
			"+1 555 0100":            "'+1 555 0100",
			"-2+3":                   "'-2+3",
			"@SUM(A1)":               "'@SUM(A1)",
			"＝1+1":                   "'＝1+1",
			"=1":                     "'=1",
			"'=1":                    "''=1", // differs from the cell for =1
			"'t Hooft Trading":       "''t Hooft Trading",
			"O'Neill's":              "O'Neill's",
			"Quiet = Meadow - Farms": "Quiet = Meadow - Farms",
			"Çelik & Señor GmbH":     "Çelik & Señor GmbH",
			"":                       "",
			// Values that a spreadsheet would rewrite stay unchanged, so that programs can join on them.
			"00123": "00123", "1E5": "1E5", "1-2": "1-2", "2026-11-23": "2026-11-23", "TRUE": "TRUE", "1234567890123456": "1234567890123456",
		}
		for text, want := range texts {
			fake := fakeWith(inquiry.StatusCompleted)
			fake.entries[0].Inquiry.BusinessName, fake.entries[0].Inquiry.ExternalID, fake.entries[0].Inquiry.EIN = text, text, "012345678"
			cells := csvOf(t, fake)[0]
			if cells["businessName"] != want || cells["externalId"] != want || cells["ein"] != "01-2345678" || cells["status"] != "COMPLETED" {
				t.Errorf("%q becomes %v", text, cells)
			}
			if back := strings.TrimPrefix(cells["externalId"], "'"); back != text {
				t.Errorf("%q comes back as %q", text, back)
			}
		}
	})

	// A spreadsheet with a decimal comma splits a file at semicolons, unless they are quoted.
	t.Run("every field is quoted", func(t *testing.T) {
		t.Parallel()
		fake := fakeWith(inquiry.StatusCompleted, "")
		fake.entries[0].Inquiry.BusinessName, fake.entries[0].Inquiry.ExternalID = "a;=1+1", "x\t=1+1, \"b\""
		_, answer := resultsClient(fake, nil).do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/results", "", "Accept", "text/csv")
		quoted := regexp.MustCompile(`^"([^"]|"")*"(,"([^"]|"")*"){14}$`)
		for line := range strings.Lines(answer) {
			if line = strings.TrimSuffix(line, "\n"); !quoted.MatchString(line) {
				t.Errorf("not all fields are quoted: %s", line)
			}
		}
		if !strings.Contains(answer, `,"x	=1+1, ""b""","a;=1+1",`) {
			t.Errorf("the values are not as submitted: %s", answer)
		}
	})

	t.Run("CSV has the metadata", func(t *testing.T) {
		t.Parallel()
		fake := fakeWith(inquiry.StatusCompleted, inquiry.StatusFailed)
		want := map[string]string{"team": "north, \"east\"", "a": "=1+1", "é": "\u2028", "b": "A&B <1>"}
		fake.entries[0].Inquiry.Metadata = want
		cells := csvOf(t, fake)
		var got map[string]string
		if err := json.Unmarshal([]byte(cells[0]["metadata"]), &got); err != nil {
			t.Fatalf("%v: %v", err, cells[0])
		}
		if !strings.Contains(cells[0]["metadata"], `"b":"A&B <1>"`) {
			t.Errorf("HTML escapes in %s", cells[0]["metadata"])
		}
		if diff := cmp.Diff(want, got); diff != "" || cells[1]["metadata"] != "" {
			t.Errorf("metadata (-want +got):\n%s\nwithout any: %q", diff, cells[1]["metadata"])
		}
	})

	t.Run("results of a running batch are incomplete", func(t *testing.T) {
		t.Parallel()
		fake := fakeWith(inquiry.StatusFailed, inquiry.StatusRunning)
		path := "/v1/batch-inquiries/" + fake.batches[0].ID.String() + "/results"
		resp, answer := resultsClient(fake, nil).do(t, "GET", path, "")
		if resp.Header.Get("Results-Complete") != "false" || !strings.Contains(answer, `"complete":false`) {
			t.Errorf("%v %s", resp.Header, answer)
		}
		resp, answer = resultsClient(fake, nil).do(t, "GET", path+"?scope=succeeded", "", "Accept", "text/csv")
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(answer, `"index","inquiryId",`) || strings.Count(answer, "\n") != 1 {
			t.Errorf("without rows: %d %q", resp.StatusCode, answer)
		}
	})

	t.Run("the Accept header selects the format", func(t *testing.T) {
		t.Parallel()
		const csvType, ndjsonType = "text/csv; charset=utf-8; header=present", "application/x-ndjson"
		fake := fakeWith(inquiry.StatusCompleted)
		for accept, want := range map[string]string{
			"application/json": ndjsonType, // a gateway's own, for a caller who sends none
			"*/*":              ndjsonType, "text/csv": csvType, "text/*": csvType, "application/*": ndjsonType, "TEXT/CSV": csvType,
			"application/x-ndjson, text/csv":              ndjsonType,
			"text/csv;q=0.5, application/json":            csvType,
			"application/x-ndjson;q=0.1, text/csv":        csvType, // the greatest weight
			"text/csv;q=0.5, application/x-ndjson":        ndjsonType,
			"text/csv; charset=utf-8; q=0.9, */*; q=0.8":  csvType,
			"text/csv, */*":                               csvType, // among equal weights, the named type
			"text/*, */*":                                 csvType,
			"text/*;q=0.3, text/csv;q=0.7, */*;q=0.5":     csvType, // the most specific range counts
			"text/*, text/csv;q=0.2, application/*;q=0.5": ndjsonType,
			"*/*, application/x-ndjson;q=0":               csvType,
			"text/csv;q=high, application/x-ndjson;q=0.1": ndjsonType, // an unreadable range is ignored
			"image/png":                     "",
			"text/csv;q=0":                  "",
			"text/csv;q=0.0":                "",
			"text/csv;q=0.000, */*;q=0":     "",
			"text/*, text/csv;q=0":          "",
			"text/html, application/json,;": "",
		} {
			resp, answer := resultsClient(fake, nil).do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/results", "", "Accept", accept)
			if want == "" {
				if p := problem(t, resp, answer); p.Status != http.StatusNotAcceptable {
					t.Errorf("%s: %s", accept, answer)
				}
			} else if got := resp.Header.Get("Content-Type"); got != want {
				t.Errorf("%s: %s, want %s", accept, got, want)
			}
		}
	})

	t.Run("large results are exported", func(t *testing.T) {
		t.Parallel()
		fake, exports := big(), &fakeExports{}
		resp, answer := resultsClient(fake, exports).do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/results", "")
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "https://files.example/1" || answer != "" ||
			resp.Header.Get("Results-Complete") != "true" || exports.lender != acme {
			t.Errorf("%d %v, %d bytes, of %s", resp.StatusCode, resp.Header, len(answer), exports.lender)
		}
		if want := fmt.Sprintf(`attachment; filename="%s.ndjson"`, fake.batches[0].ID); exports.disposition != want || exports.contentType != "application/x-ndjson" {
			t.Errorf("the file is served as %q, %q, want %q", exports.contentType, exports.disposition, want)
		}
		if lines := strings.Count(exports.String(), "\n"); lines != 4 || !strings.Contains(exports.String(), `"rows":3`) || exports.aborts != 0 {
			t.Errorf("the file has %d lines, aborted %d times", lines, exports.aborts)
		}
	})

	t.Run("a failed export is discarded", func(t *testing.T) {
		t.Parallel()
		fake, exports := big(), &fakeExports{err: errors.New("no room")}
		resp, answer := resultsClient(fake, exports).do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/results", "")
		if p := problem(t, resp, answer); p.Status != http.StatusInternalServerError || exports.aborts != 1 {
			t.Errorf("%s, aborted %d times", answer, exports.aborts)
		}
	})

	t.Run("an unknown batch is a 404", func(t *testing.T) {
		t.Parallel()
		resp, answer := resultsClient(fakeWith(), nil).do(t, "GET", "/v1/batch-inquiries/"+inquiry.NewBatchID(noon).String()+"/results", "")
		if p := problem(t, resp, answer); p.Status != http.StatusNotFound {
			t.Errorf("%s", answer)
		}
	})
}

// csvOf returns a batch's results in CSV as rows by column name.
func csvOf(t *testing.T, fake *fakeBatches) []map[string]string {
	t.Helper()
	resp, answer := resultsClient(fake, nil).do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/results", "", "Accept", "text/csv")
	rows, err := csv.NewReader(strings.NewReader(answer)).ReadAll()
	if err != nil || len(rows) == 0 || resp.Header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
		t.Fatalf("%v %v: %s", err, resp.Header, answer)
	}
	var cells []map[string]string
	for _, row := range rows[1:] {
		byName := map[string]string{}
		for i, name := range rows[0] {
			byName[name] = row[i]
		}
		cells = append(cells, byName)
	}
	return cells
}

// big has inquiries that are too large for one response.
func big() *fakeBatches {
	fake := fakeWith(inquiry.StatusCompleted, inquiry.StatusCompleted, inquiry.StatusFailed)
	for i := range fake.entries {
		fake.entries[i].Inquiry.Website = strings.Repeat("x", 1_000_000)
	}
	return fake
}

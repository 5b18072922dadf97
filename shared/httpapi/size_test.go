package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// wireSize returns the size in bytes of a body in a function's response, where it is a
// JSON string (aws-lambda-go does not escape HTML in it).
func wireSize(t testing.TB, body string) int {
	t.Helper()
	var wire bytes.Buffer
	encoder := json.NewEncoder(&wire)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		t.Fatal(err)
	}
	return wire.Len()
}

// quotes returns the text that grows most: one byte becomes two in JSON and four in a
// function's response.
func quotes(n int) string { return strings.Repeat(`"`, n) }

// fullMetadata returns as much metadata as the rules allow.
func fullMetadata() map[string]string {
	metadata := map[string]string{}
	for i := range 16 {
		metadata[fmt.Sprintf("%02d%s", i, quotes(38))] = quotes(250)
	}
	return metadata
}

// fullInquiry returns an inquiry as large as the schema allows. All are about the same business.
func fullInquiry(i int) inquiry.Inquiry {
	in := inquiry.Inquiry{
		BusinessName: quotes(250), DBA: quotes(250), EIN: "123456789", Phone: strings.Repeat("1", 40),
		Email: quotes(125) + "@" + quotes(128), Website: quotes(2048), ExternalID: quotes(120) + fmt.Sprintf("%05d", i), Metadata: fullMetadata(),
		Address: &inquiry.Address{Line1: quotes(250), Line2: quotes(250), City: quotes(100), State: quotes(50), PostalCode: quotes(20), Country: "US"},
	}
	for range 20 {
		in.Principals = append(in.Principals, inquiry.Principal{FirstName: quotes(100), LastName: quotes(100), Title: quotes(100), DateOfBirth: "1980-02-29"})
	}
	return in
}

// fullFake has n batches, the first with n full inquiries. All are final, and those at
// odd positions are rejected for as many reasons as are stored.
func fullFake(n int) *fakeBatches {
	statuses := make([]inquiry.Status, n)
	for i := range statuses {
		statuses[i] = inquiry.StatusCompleted
	}
	fake := fakeWith(statuses...)
	fake.lender.BatchMax = 65535
	var rejected []inquiry.Rejection
	for range 10 {
		rejected = append(rejected, inquiry.Rejection{Pointer: "/" + quotes(199), Code: "unknown-field", Message: "there is no such field; remove it or correct its name"})
	}
	for i := range fake.entries {
		if fake.entries[i].Inquiry = fullInquiry(i); i%2 == 1 {
			fake.entries[i].Inquiry.Rejected = rejected
		}
	}
	one := fake.batches[0]
	one.Name, one.Metadata = quotes(250), fullMetadata()
	for len(one.Children) < inquiry.MaxChildren {
		one.Children = append(one.Children, one.ID)
	}
	fake.batches = nil
	for i := range n {
		b := one
		if i > 0 {
			b.ID = inquiry.NewBatchID(noon)
		}
		b.Ordinal = n - i
		fake.batches = append(fake.batches, b)
	}
	return fake
}

// faulty returns n inquiries with faults that are as long as possible, a few MB in all.
func faulty(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"businessName":"B","externalId":"%s%05d","%s":1}`, strings.Repeat(`\"`, 120), i, strings.Repeat(`\"`, 200)))
	}
	return strings.Join(append(list, `{"businessName":"B"}`), ",")
}

// encoded returns n full inquiries as JSON for a request.
func encoded(n int) string {
	var list []string
	for i := range n {
		in := fullInquiry(i)
		list = append(list, string(must(json.Marshal(map[string]any{"businessName": in.BusinessName, "externalId": in.ExternalID, "metadata": in.Metadata}))))
	}
	return strings.Join(list, ",")
}

func TestSize(t *testing.T) {
	t.Parallel()

	// A function's response has at most 6 MB, in which the body is a string. Each response
	// that grows with the request or the stored data is made as large as possible. most is
	// the largest size allowed for that string, in kB.
	t.Run("no response exceeds the limit", func(t *testing.T) {
		t.Parallel()
		const (
			post      = "/v1/batch-inquiries/"
			all       = 5_100 // leaves more than a megabyte of the 6,291,556 bytes
			body      = `{"name":"A","validateOnly":%t,"onInvalid":"%s","inquiries":[%s]}`
			duplicate = `{"businessName":"B"},`
		)
		fake := fullFake(500)
		id := fake.batches[0].ID
		rep := report.Report{InquiryID: id.Inquiry(0), Notes: []string{quotes(report.MaxEncoded / 2)}} // compresses worse than any real report
		fake.entries[0].Record.Report = must(report.Encode(rep))
		wrongIDs := `{"inquiryIds":["` + strings.Repeat(`x","`, 65_000) + `x"]}`
		tests := map[string]struct {
			method, path, body string
			status             int
			most               int // kB
		}{
			"500 inquiries":                 {"GET", post + id.String() + "/inquiries?limit=500", "", 200, all},
			"500 batches":                   {"GET", post + "?limit=500", "", 200, all},
			"one batch":                     {"GET", post + id.String(), "", 200, 25},
			"one inquiry with its report":   {"GET", "/v1/inquiries/" + id.Inquiry(0).String(), "", 200, 800},
			"one rejected inquiry":          {"GET", "/v1/inquiries/" + id.Inquiry(1).String(), "", 200, 100},
			"a preview":                     {"POST", post, fmt.Sprintf(body, true, "reject", encoded(500)), 200, 2_100},
			"a dry run's duplicates":        {"POST", post, fmt.Sprintf(body, true, "reject", strings.Repeat(duplicate, 65_534)+duplicate[:len(duplicate)-1]), 200, 600},
			"a dry run's faults":            {"POST", post, fmt.Sprintf(body, true, "reject", strings.Repeat(duplicate, 30_000)+faulty(5000)), 200, all},
			"a submission's faults":         {"POST", post, fmt.Sprintf(body, false, "reject", faulty(6000)), 422, 2_100},
			"a submission's skipped faults": {"POST", post, fmt.Sprintf(body, false, "skip", faulty(6000)), 200, 2_100},
			"a rerun's faults":              {"POST", post + id.String() + "/rerun", wrongIDs, 422, 1_000},
			"the document":                  {"GET", "/v1/openapi.json", "", 200, 1_000},
			"the page":                      {"GET", "/v1/docs", "", 200, 1_000},
			"results that just fit":         {"GET", post + id.String() + "/results?scope=failed", "", 200, all},
			"results that do not fit":       {"GET", post + id.String() + "/results", "", 303, 1},
			"an unknown parameter":          {"GET", post + "?" + strings.Repeat("x", 8000) + "=1", "", 422, 10},
			"a cursor of 10 kilobytes":      {"GET", post + "?cursor=" + strings.Repeat("x", 8000), "", 422, 1},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				made := fullFakeLike(fake)
				if strings.Contains(name, "just fit") {
					made.entries = justFit(made.batches[0].ID)
				}
				api := httpapi.API{
					Batches: made, Keys: fakeKeys{}, Access: trusting{}, Exports: &fakeExports{}, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
				}
				c := client{api.Handler(), auth.Caller{LenderID: acme, UserID: "user-1", Role: auth.RoleMember}}
				resp, answer := c.do(t, tt.method, tt.path, tt.body)
				size := wireSize(t, answer)
				t.Logf("%d: %d bytes, travelling as %d", resp.StatusCode, len(answer), size)
				if resp.StatusCode != tt.status || size > tt.most*1000 || size > 2*len(answer)+10 {
					t.Errorf("%d, %d bytes that travel as %d; want %d and at most %d kB: %.200s", resp.StatusCode, len(answer), size, tt.status, tt.most, answer)
				}
			})
		}
	})

	// What ends early goes on where it ended, by cursor and by offset.
	t.Run("a page that ends early loses nothing", func(t *testing.T) {
		t.Parallel()
		fake := fullFake(500)
		lists := map[string]string{"inquiries": "/v1/batch-inquiries/" + fake.batches[0].ID.String() + "/inquiries", "batches": "/v1/batch-inquiries"}
		for list, path := range lists {
			for _, by := range []string{"cursor", "offset"} {
				t.Run(list+" by "+by, func(t *testing.T) {
					t.Parallel()
					c := newClient(t, fullFakeLike(fake), io.Discard)
					var got []string
					next := ""
					for pages := 1; ; pages++ {
						_, answer := c.do(t, http.MethodGet, path+"?limit=500"+next, "")
						var page struct {
							Batches    []httpapi.BatchBody
							Inquiries  []httpapi.InquirySummary
							NextCursor *string
						}
						if err := json.Unmarshal([]byte(answer), &page); err != nil {
							t.Fatal(err)
						}
						for _, b := range page.Batches {
							got = append(got, b.BatchID.String())
						}
						for _, in := range page.Inquiries {
							got = append(got, in.InquiryID.String())
						}
						if page.NextCursor == nil {
							if pages < 2 {
								t.Error("one page has it all: nothing was shown")
							}
							break
						}
						if next = "&cursor=" + *page.NextCursor; by == "offset" {
							next = fmt.Sprintf("&offset=%d", len(got))
						}
					}
					seen := map[string]bool{}
					for _, id := range got {
						seen[id] = true
					}
					if len(got) != 500 || len(seen) != 500 {
						t.Errorf("%d rows, %d different ones, want 500", len(got), len(seen))
					}
				})
			}
		}
	})

	t.Run("a dry run says when it is truncated", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			inquiries string
			truncated bool
		}{
			"nothing":    {`{"businessName":"B"},{"businessName":"B"}`, false},
			"faults":     {faulty(5000), true},
			"duplicates": {strings.Repeat(`{"businessName":"B"},`, 30_000) + `{"businessName":"B"}`, true},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := newFake()
				fake.lender.BatchMax = 65535
				_, answer := newClient(t, fake, io.Discard).do(t, http.MethodPost, "/v1/batch-inquiries", `{"name":"A","validateOnly":true,"inquiries":[`+tt.inquiries+`]}`)
				var got httpapi.ValidatedBody
				if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Truncated != tt.truncated {
					t.Errorf("%v, truncated %t: %.300s", err, got.Truncated, answer)
				}
			})
		}
	})
}

// justFit are results of little less than an answer may have.
func justFit(id inquiry.BatchID) []inquiry.Entry {
	var entries []inquiry.Entry
	for i := range 8 {
		entries = append(entries, inquiry.Entry{
			ID: id.Inquiry(i), Inquiry: inquiry.Inquiry{BusinessName: "B", Website: quotes(155_000)},
			Record: inquiry.Record{ID: id.Inquiry(i), Status: inquiry.StatusFailed},
		})
	}
	return entries
}

// fullFakeLike returns another fake with the same batches.
func fullFakeLike(fake *fakeBatches) *fakeBatches {
	return &fakeBatches{lender: fake.lender, batches: slices.Clone(fake.batches), entries: fake.entries}
}

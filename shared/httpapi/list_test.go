package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// fakeWithOne has one batch with one inquiry.
func fakeWithOne() *fakeBatches {
	fake := newFake()
	id := inquiry.NewBatchID(noon)
	fake.batches = []inquiry.Batch{{ID: id, LenderID: acme, Name: "A", Operation: inquiry.OperationSubmit, Tally: inquiry.NewTally(1)}}
	fake.entries = []inquiry.Entry{{ID: id.Inquiry(0), Record: inquiry.Record{Status: inquiry.StatusPlanning}}}
	return fake
}

func TestPaging(t *testing.T) {
	t.Parallel()

	t.Run("a cursor leads to the next page", func(t *testing.T) {
		t.Parallel()
		fake := fakeWithOne()
		c := newClient(t, fake, io.Discard)
		rows := "/v1/batch-inquiries/" + fake.batches[0].ID.String() + "/inquiries"
		for path, from := range map[string]func() int{
			"/v1/batch-inquiries": func() int { return fake.batchQuery.From },
			rows:                  func() int { return fake.entryQuery.From },
		} {
			for _, next := range []int{1, 35, 36, 65_535} {
				fake.next = next
				var page struct{ NextCursor *string }
				if _, body := c.do(t, "GET", path, ""); json.Unmarshal([]byte(body), &page) != nil || page.NextCursor == nil {
					t.Fatalf("%s: no cursor in %s", path, body)
				}
				fake.next = 0
				_, body := c.do(t, "GET", path+"?cursor="+*page.NextCursor, "")
				if err := json.Unmarshal([]byte(body), &page); err != nil || page.NextCursor != nil || from() != next {
					t.Errorf("%s: %s leads to %d, want %d; the cursor of the last page is %v", path, body, from(), next, page.NextCursor)
				}
			}
		}
	})

	t.Run("filters are passed on", func(t *testing.T) {
		t.Parallel()
		fake := fakeWithOne()
		c := newClient(t, fake, io.Discard)
		c.do(t, "GET", "/v1/batch-inquiries?status=FAILED&operationType=SUBMIT&createdFrom=2026-11-01T00:00:00Z&createdTo=2026-11-02T12:00:00%2B02:00&namePrefix=Nov", "")
		want := inquiry.BatchQuery{Limit: 100, Filter: inquiry.BatchFilter{
			Status: inquiry.BatchFailed, Operation: inquiry.OperationSubmit, NamePrefix: "Nov",
			CreatedFrom: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), CreatedTo: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
		}}
		if diff := cmp.Diff(want, fake.batchQuery); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		c.do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/inquiries?status=PARTIAL_SUCCESS&externalId=L-1&offset=3&limit=7", "")
		wantRows := inquiry.EntryQuery{Limit: 7, Offset: 3, Status: inquiry.StatusPartialSuccess, ExternalID: "L-1"}
		if diff := cmp.Diff(wantRows, fake.entryQuery); diff != "" {
			t.Errorf("inquiries (-want +got):\n%s", diff)
		}
	})

	t.Run("invalid cursors and filters are rejected", func(t *testing.T) {
		t.Parallel()
		fake := fakeWithOne()
		rows := "/v1/batch-inquiries/" + fake.batches[0].ID.String() + "/inquiries"
		tests := map[string]struct{ path, parameter string }{
			"a malformed cursor":                {"/v1/batch-inquiries?cursor=12", "cursor"},
			"a cursor without a number":         {"/v1/batch-inquiries?cursor=c", "cursor"},
			"a cursor of 0":                     {"/v1/batch-inquiries?cursor=c0", "cursor"},
			"a negative cursor":                 {"/v1/batch-inquiries?cursor=c-5", "cursor"},
			"a cursor beyond the largest list":  {"/v1/batch-inquiries?cursor=czzzzzzzz", "cursor"},
			"a cursor beyond all integers":      {"/v1/batch-inquiries?cursor=czzzzzzzzzzzzzz", "cursor"},
			"a cursor beyond the largest batch": {rows + "?cursor=c1ekh", "cursor"},
			"a table key as cursor":             {rows + "?cursor=LENDER%23x", "cursor"},
			"a cursor and an offset":            {"/v1/batch-inquiries?cursor=c5&offset=5", "offset"},
			"a filter and an offset":            {"/v1/batch-inquiries?status=FAILED&offset=5", "offset"},
			"an unknown status":                 {"/v1/batch-inquiries?status=DONE", "status"},
			"an inquiry status for batches":     {"/v1/batch-inquiries?status=PLANNING", "status"},
			"a batch status for inquiries":      {rows + "?status=PENDING", "status"},
			"a word instead of a time":          {"/v1/batch-inquiries?createdFrom=yesterday", "createdFrom"},
			"an empty time":                     {"/v1/batch-inquiries?namePrefix=&createdTo=", "createdTo"},
			"an empty status":                   {rows + "?status=", "status"},
			"an empty limit":                    {rows + "?limit=", "limit"},
			"an unknown operation":              {"/v1/batch-inquiries?operationType=DELETE", "operationType"},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				resp, body := newClient(t, fakeWithOne(), io.Discard).do(t, "GET", tt.path, "")
				p := problem(t, resp, body)
				if p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Parameter != tt.parameter {
					t.Errorf("%s", body)
				}
			})
		}
	})
}

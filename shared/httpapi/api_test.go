package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fakeBatches stores one lender's batches in the order of submission. If err is set,
// every call returns it.
type fakeBatches struct {
	lender  inquiry.Lender
	batches []inquiry.Batch
	entries []inquiry.Entry
	stored  []inquiry.Submission
	cancels map[string]inquiry.BatchID // by idempotency key
	err     error
	waits   int   // places taken
	endErr  error // of the end of a wait

	next       int // the start of the next page
	batchQuery inquiry.BatchQuery
	entryQuery inquiry.EntryQuery
}

func (f *fakeBatches) Lender(context.Context, inquiry.LenderID) (inquiry.Lender, error) {
	return f.lender, f.err
}

func (f *fakeBatches) Submit(_ context.Context, l inquiry.Lender, sub inquiry.Submission) (inquiry.BatchID, bool, error) {
	for i, earlier := range f.stored {
		if sub.IdempotencyKey != "" && earlier.IdempotencyKey == sub.IdempotencyKey {
			if earlier.Fingerprint != sub.Fingerprint {
				return inquiry.BatchID{}, false, inquiry.ErrIdempotencyMismatch
			}
			return f.batches[i].ID, true, nil
		}
	}
	b := inquiry.Batch{
		ID: inquiry.NewBatchID(noon), LenderID: l.ID, Name: sub.Name, Operation: operationOf(sub),
		Tally: inquiry.NewTally(len(sub.Inquiries)),
	}
	if sub.Parent != nil {
		b.Parent = sub.Parent.ID
	}
	f.stored, f.batches = append(f.stored, sub), append(f.batches, b)
	return b.ID, false, f.err
}

func (f *fakeBatches) Batch(_ context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	for _, b := range f.batches {
		if b.LenderID == lender && b.ID == id {
			return b, f.err
		}
	}
	return inquiry.Batch{}, errors.Join(inquiry.ErrNotFound, f.err)
}

func (f *fakeBatches) ListBatches(_ context.Context, _ inquiry.LenderID, q inquiry.BatchQuery) (inquiry.BatchPage, error) {
	f.batchQuery = q
	offset := min(q.Offset, len(f.batches))
	if i := slices.IndexFunc(f.batches, func(b inquiry.Batch) bool { return b.Ordinal <= q.From }); q.From > 0 && i > 0 {
		offset = i
	}
	return inquiry.BatchPage{Batches: f.batches[offset:min(offset+q.Limit, len(f.batches))], Total: len(f.batches), Next: f.next}, f.err
}

func (f *fakeBatches) ListEntries(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, q inquiry.EntryQuery) (inquiry.EntryPage, error) {
	f.entryQuery = q
	b, err := f.Batch(ctx, lender, id)
	offset := min(max(q.Offset, q.From), len(f.entries))
	return inquiry.EntryPage{Batch: b, Entries: f.entries[offset:min(offset+q.Limit, len(f.entries))], Total: len(f.entries), Next: f.next}, err
}

func (f *fakeBatches) Entry(_ context.Context, _ inquiry.LenderID, id inquiry.ID) (inquiry.Entry, error) {
	for _, e := range f.entries {
		if e.ID == id {
			return e, f.err
		}
	}
	return inquiry.Entry{}, inquiry.ErrNotFound
}

// BeginWait takes a place of the only lender.
func (f *fakeBatches) BeginWait(_ context.Context, _ inquiry.LenderID, places int, _ time.Duration) (func(context.Context) error, int, error) {
	if f.waits >= places {
		return nil, 0, inquiry.ErrTooManyWaits
	}
	f.waits++
	return func(context.Context) error { f.waits--; return f.endErr }, places - f.waits, f.err
}

type fakeKeys struct{}

func (fakeKeys) Show(_ context.Context, c auth.Caller) (string, error) {
	return "vd__" + c.UserID, nil
}

func (fakeKeys) Rotate(_ context.Context, c auth.Caller, _ string) (key string, replayed bool, err error) {
	return "vd__" + c.UserID + "2", false, nil
}

func (fakeKeys) Revoke(context.Context, auth.Caller) error { return nil }

// trusting takes every caller at their word.
type trusting struct{}

func (trusting) RoleNow(_ context.Context, c auth.Caller) (auth.Role, error) { return c.Role, nil }

// client calls the API as one caller.
type client struct {
	handler http.Handler
	caller  auth.Caller
}

const acme inquiry.LenderID = "acme-capital"

func newClient(t testing.TB, batches httpapi.Batches, log io.Writer) client {
	t.Helper()
	api := httpapi.API{
		Batches: batches, Keys: fakeKeys{}, Access: trusting{}, Now: func() time.Time { return noon },
		Log: slog.New(slog.NewJSONHandler(log, nil)),
	}
	return client{api.Handler(), auth.Caller{LenderID: acme, UserID: "user-1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey}}
}

func newFake() *fakeBatches {
	return &fakeBatches{cancels: map[string]inquiry.BatchID{}, lender: inquiry.Lender{ID: acme, Status: inquiry.AccessActive, BatchMax: 250, OpenMax: 10_000}}
}

// do sends one request and returns the response and its body.
func (c client) do(t testing.TB, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r = r.WithContext(httpapi.WithRequest(t.Context(), httpapi.Request{ID: "req-1", Caller: c.caller, Prefix: "/dev"}))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

// problem parses a response that must be a problem document.
func problem(t testing.TB, resp *http.Response, body string) httpapi.Problem {
	t.Helper()
	var p httpapi.Problem
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("not a problem document: %v\n%s", err, body)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if p.Status != resp.StatusCode || p.Title == "" || p.Detail == "" || p.RequestID != "req-1" ||
		!strings.HasPrefix(p.Type, "/dev/v1/docs#problem-") {
		t.Errorf("incomplete problem %+v for status %d", p, resp.StatusCode)
	}
	return p
}

func TestSubmit(t *testing.T) {
	t.Parallel()

	t.Run("the response is as the reference says", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/v1/batch-inquiries/", "/v1/batch-inquiries"} {
			fake := newFake()
			resp, body := newClient(t, fake, io.Discard).do(t, "POST", path, `{
			"name": " Renewals ",
			"inquiries": [
				{"businessName": "Kylderon LLC", "ein": "12-3456789", "externalId": "L-1", "dba": null,
				 "address": {"line1": "1 Main Street", "state": "co", "country": "us"},
				 "principals": [{"firstName": "Mira", "lastName": "Kylder", "dateOfBirth": "1980-02-29", "ownershipPercentage": 60.5}],
				 "metadata": {"loan.type": "term"}},
				{"businessName": "Second Inc."}
			]}`)
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			id := fake.batches[0].ID.String()
			want := map[string]any{
				"batchId": id, "batchName": "Renewals", "total": 2.0, "accepted": 2.0, "rejected": 0.0,
				"message": "Accepted 2 inquiries. Poll the URL in the Location header.",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: body (-want +got):\n%s", path, diff)
			}
			if location := resp.Header.Get("Location"); location != "/dev/v1/batch-inquiries/"+id {
				t.Errorf("%s: Location %q", path, location)
			}
			share := 60.5
			wantStored := []inquiry.Inquiry{
				{
					BusinessName: "Kylderon LLC", EIN: "123456789", ExternalID: "L-1",
					Address:    &inquiry.Address{Line1: "1 Main Street", State: "CO", Country: "US"},
					Principals: []inquiry.Principal{{FirstName: "Mira", LastName: "Kylder", DateOfBirth: "1980-02-29", OwnershipPercentage: &share}},
					Metadata:   map[string]string{"loan.type": "term"},
				},
				{BusinessName: "Second Inc."},
			}
			if diff := cmp.Diff(wantStored, fake.stored[0].Inquiries); diff != "" {
				t.Errorf("%s: stored (-want +got):\n%s", path, diff)
			}
		}
	})

	t.Run("a repeated key returns the same batch", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		const body = `{"name":"A","inquiries":[{"businessName":"B","ein":"12-3456789"}]}`
		first, firstBody := c.do(t, "POST", "/v1/batch-inquiries/", body, "Idempotency-Key", "k1")
		// The same content in a different form.
		again, againBody := c.do(t, "POST", "/v1/batch-inquiries/", `{"inquiries":[{"ein":"123456789", "businessName":"B "}],"name":"A"}`, "Idempotency-Key", "k1")
		if again.StatusCode != http.StatusOK {
			t.Errorf("status %d: %s", again.StatusCode, againBody)
		}
		if againBody != firstBody {
			t.Errorf("the replay differs: %s, then %s", firstBody, againBody)
		}
		if want, got := first.Header.Get("Location"), again.Header.Get("Location"); got != want {
			t.Errorf("Location %q, then %q", want, got)
		}
		if first.Header.Get("Idempotent-Replayed") != "" || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("Idempotent-Replayed is %q, then %q", first.Header.Get("Idempotent-Replayed"), again.Header.Get("Idempotent-Replayed"))
		}
		// The name in the response comes from the request: the batch has lost its own.
		fake.batches[0].Name, fake.batches[0].DeletedAt = "", noon
		if _, deletedBody := c.do(t, "POST", "/v1/batch-inquiries/", body, "Idempotency-Key", "k1"); deletedBody != firstBody {
			t.Errorf("the replay after a deletion differs: %s", deletedBody)
		}
		other, otherBody := c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"C"}]}`, "Idempotency-Key", "k1")
		if p := problem(t, other, otherBody); p.Status != http.StatusUnprocessableEntity || !strings.HasSuffix(p.Type, "#problem-idempotency-mismatch") {
			t.Errorf("a different body with the same key: %+v", p)
		}
	})

	t.Run("a viewer may not submit", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		c.caller.Role = auth.RoleViewer
		resp, body := c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B"}]}`)
		if p := problem(t, resp, body); p.Status != http.StatusForbidden || len(fake.stored) != 0 {
			t.Errorf("%+v, %d stored", p, len(fake.stored))
		}
	})
}

func TestBatch(t *testing.T) {
	t.Parallel()

	t.Run("the status has every field of the reference", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B"},{"businessName":"C"},{"businessName":"D"}]}`)
		started := fake.batches[0].ID.CreatedAt().Add(2 * time.Second)
		fake.batches[0].Tally, _ = fake.batches[0].Merge(
			inquiry.Change{Index: 1, Status: inquiry.StatusRunning, Figures: inquiry.Figures{StartedAt: started}},
			inquiry.Change{Index: 2, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{
				StartedAt: started, FinishedAt: started.Add(500 * time.Millisecond), Attempts: 1,
				Sources: map[string]inquiry.SourceFigures{"ofac": {Outcome: inquiry.OutcomeFound, Records: 2, Elapsed: 250 * time.Millisecond}},
			}},
		)
		_, body := c.do(t, "GET", "/v1/batch-inquiries/"+fake.batches[0].ID.String(), "")
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"batchId": fake.batches[0].ID.String(), "batchName": "A", "operationType": "SUBMIT",
			"status": "RUNNING", "isTerminal": false,
			"total": 3.0, "planning": 1.0, "running": 1.0, "completed": 1.0, "partialSuccess": 0.0, "failed": 0.0, "cancelled": 0.0,
			"progressPercentage": 33.3, "createdAt": "2026-11-23T12:00:00Z", "finishedAt": nil, "cancelRequestedAt": nil,
			"deletedAt": nil, "parentBatchId": nil, "childBatchIds": []any{}, "latestChildBatchId": nil,
			"statusReason": "2 of 3 inquiries are not finished yet.", "estimatedCompletionAt": nil, "resultsExpireAt": "2026-12-23T12:00:00Z",
			"phaseProgress": map[string]any{
				"validate": map[string]any{"total": 3.0, "done": 3.0, "startedAt": "2026-11-23T12:00:00Z", "endedAt": "2026-11-23T12:00:00Z"},
				"plan":     map[string]any{"total": 3.0, "done": 2.0, "startedAt": "2026-11-23T12:00:00Z", "endedAt": nil},
				"gather":   map[string]any{"total": 3.0, "done": 1.0, "startedAt": "2026-11-23T12:00:02Z", "endedAt": nil},
			},
			"sourceRecordTotals": map[string]any{"total": 2.0, "bySource": map[string]any{"ofac": map[string]any{
				"records": 2.0, "found": 1.0, "notFound": 0.0, "ambiguous": 0.0, "notApplicable": 0.0, "failed": 0.0,
			}}},
			"timingSummary": map[string]any{
				"firstStartedAt": "2026-11-23T12:00:02Z", "lastFinishedAt": "2026-11-23T12:00:02.5Z",
				"queuedSeconds": 2.0, "wallSeconds": 2.5, "meanSeconds": 0.5, "p50Seconds": 0.5, "p95Seconds": 0.5, "longestSeconds": 0.5, "attempts": 1.0,
				"bySource": map[string]any{"ofac": map[string]any{"meanSeconds": 0.25, "longestSeconds": 0.25}},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

func TestLists(t *testing.T) {
	t.Parallel()

	t.Run("a list has its array and its page", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B","externalId":"x"}]}`)
		id := fake.batches[0].ID
		fake.entries = []inquiry.Entry{{
			ID: id.Inquiry(0), Inquiry: inquiry.Inquiry{BusinessName: "B", ExternalID: "x"},
			Record: inquiry.Record{ID: id.Inquiry(0), Status: inquiry.StatusPlanning},
		}}
		tests := map[string]struct {
			path, array string
			limit       float64
			offset      float64
			rows        int
		}{
			"batches":                       {"/v1/batch-inquiries/", "batches", 100, 0, 1},
			"batches, paged":                {"/v1/batch-inquiries?limit=500&offset=1", "batches", 500, 1, 0},
			"inquiries":                     {"/v1/batch-inquiries/" + id.String() + "/inquiries", "inquiries", 100, 0, 1},
			"inquiries, far beyond the end": {"/v1/batch-inquiries/" + id.String() + "/inquiries/?limit=1&offset=100000", "inquiries", 1, 100000, 0},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				resp, body := c.do(t, "GET", tt.path, "")
				var got map[string]any
				if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
					t.Fatalf("%d, %v: %s", resp.StatusCode, err, body)
				}
				rows, isArray := got[tt.array].([]any)
				if !isArray || len(rows) != tt.rows {
					t.Errorf("%s: want %d rows: %s", tt.array, tt.rows, body)
				}
				if got["total"] != 1.0 || got["limit"] != tt.limit || got["offset"] != tt.offset {
					t.Errorf("total %v, limit %v, offset %v; want 1, %v, %v", got["total"], got["limit"], got["offset"], tt.limit, tt.offset)
				}
			})
		}
	})
}

func TestAPI(t *testing.T) {
	t.Parallel()

	t.Run("a request that matches no route is rejected", func(t *testing.T) {
		t.Parallel()
		id := inquiry.NewBatchID(noon)
		tests := map[string]struct {
			method, path string
			status       int
			parameter    string
		}{
			"an unknown batch":                 {"GET", "/v1/batch-inquiries/" + id.String(), 404, ""},
			"a malformed id":                   {"GET", "/v1/batch-inquiries/latest", 404, ""},
			"an inquiry id as batch id":        {"GET", "/v1/batch-inquiries/" + id.Inquiry(0).String(), 404, ""},
			"inquiries of an unknown batch":    {"GET", "/v1/batch-inquiries/" + id.String() + "/inquiries", 404, ""},
			"an unknown inquiry":               {"GET", "/v1/inquiries/" + id.Inquiry(3).String(), 404, ""},
			"a batch id as inquiry id":         {"GET", "/v1/inquiries/" + id.String(), 404, ""},
			"an unknown route":                 {"GET", "/v2/batch-inquiries", 404, ""},
			"a key in the path":                {"GET", "/v1/batch-inquiries/LENDER%23x%23BATCH%23y", 404, ""},
			"a limit of 0":                     {"GET", "/v1/batch-inquiries?limit=0", 422, "limit"},
			"a limit of 501":                   {"GET", "/v1/batch-inquiries?limit=501", 422, "limit"},
			"a limit that is text":             {"GET", "/v1/batch-inquiries?limit=many", 422, "limit"},
			"a negative offset":                {"GET", "/v1/batch-inquiries?offset=-1", 422, "offset"},
			"an offset beyond all integers":    {"GET", "/v1/batch-inquiries?offset=99999999999999999999", 422, "offset"},
			"an unknown parameter":             {"GET", "/v1/batch-inquiries?lender=other", 422, "lender"},
			"a parameter twice":                {"GET", "/v1/batch-inquiries?status=RUNNING&limit=5&status=FAILED", 422, "status"},
			"a parameter twice with one value": {"GET", "/v1/batch-inquiries?limit=5&limit=5", 422, "limit"},
			"a limit twice, of inquiries":      {"GET", "/v1/batch-inquiries/" + id.String() + "/inquiries?limit=5&limit=", 422, "limit"},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				resp, body := newClient(t, newFake(), io.Discard).do(t, tt.method, tt.path, "")
				p := problem(t, resp, body)
				if p.Status != tt.status {
					t.Errorf("status %d, want %d: %s", p.Status, tt.status, body)
				}
				if tt.parameter != "" && (len(p.Errors) != 1 || p.Errors[0].Parameter != tt.parameter || p.Errors[0].Message == "") {
					t.Errorf("errors %+v, want one for parameter %s", p.Errors, tt.parameter)
				}
			})
		}
	})
}

func TestProblem(t *testing.T) {
	t.Parallel()

	t.Run("an unknown error has a fixed text and its cause is logged", func(t *testing.T) {
		t.Parallel()
		fake, log := newFake(), &bytes.Buffer{}
		fake.err = errors.New("the table said: Secret Name LLC")
		resp, body := newClient(t, fake, log).do(t, "GET", "/v1/batch-inquiries", "")
		if p := problem(t, resp, body); p.Status != http.StatusInternalServerError || strings.Contains(body, "Secret") {
			t.Errorf("%s", body)
		}
		if !strings.Contains(log.String(), "the table said") || !strings.Contains(log.String(), "req-1") {
			t.Errorf("the cause is not in the log: %s", log)
		}
	})

	// The request may have been carried out, so the response says how to repeat it.
	t.Run("an unavailable table is a 503", func(t *testing.T) {
		t.Parallel()
		fake, log := newFake(), &bytes.Buffer{}
		c := newClient(t, lenderOnly{fake}, log)
		fake.err = fmt.Errorf("submitting: %w: throttled", inquiry.ErrUnavailable)
		resp, body := c.do(t, "POST", "/v1/batch-inquiries", `{"name":"A","inquiries":[{"businessName":"B"}]}`, "Idempotency-Key", "k")
		p := problem(t, resp, body)
		if p.Status != http.StatusServiceUnavailable || !strings.HasSuffix(p.Type, "#problem-unavailable") {
			t.Errorf("want a 503 unavailable: %s", body)
		}
		if got := resp.Header.Get("Retry-After"); got != "2" {
			t.Errorf("Retry-After %q, want 2", got)
		}
		if strings.Contains(p.Detail, "othing was stored") || !strings.Contains(p.Detail, "Idempotency-Key") {
			t.Errorf("detail: %s", p.Detail)
		}
		if !strings.Contains(log.String(), "throttled") || !strings.Contains(log.String(), `"level":"ERROR"`) {
			t.Errorf("the cause is not in the log: %s", log)
		}
	})

	t.Run("a panic is a 500", func(t *testing.T) {
		t.Parallel()
		log := &bytes.Buffer{}
		c := newClient(t, nil, log) // Batches is nil: every call panics
		resp, body := c.do(t, "GET", "/v1/batch-inquiries", "")
		if p := problem(t, resp, body); p.Status != http.StatusInternalServerError || !strings.Contains(log.String(), "api_test.go") {
			t.Errorf("%s\n%s", body, log)
		}
	})
}

func TestShowKey(t *testing.T) {
	t.Parallel()

	t.Run("it shows the caller's key", func(t *testing.T) {
		t.Parallel()
		resp, body := newClient(t, newFake(), io.Discard).do(t, "GET", "/users/me/api-key", "")
		if resp.StatusCode != http.StatusOK || strings.TrimSpace(body) != `{"apiKey":"vd__user-1"}` {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control %q", got)
		}
	})
}

func operationOf(sub inquiry.Submission) inquiry.Operation {
	if sub.Operation == "" {
		return inquiry.OperationSubmit
	}
	return sub.Operation
}

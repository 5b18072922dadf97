package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func (f *fakeBatches) Submitted(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error) {
	b, err := f.Batch(ctx, lender, id)
	if err == nil && !b.DeletedAt.IsZero() {
		err = inquiry.ErrDeleted
	}
	var asked []inquiry.Inquiry
	for _, e := range f.entries {
		asked = append(asked, e.Inquiry)
	}
	return b, asked, err
}

func (f *fakeBatches) Recall(_ context.Context, _ inquiry.LenderID, key string, fingerprint [32]byte) (inquiry.BatchID, error) {
	for i, earlier := range f.stored {
		if earlier.IdempotencyKey == key && earlier.Fingerprint == fingerprint {
			return f.batches[i].ID, nil
		}
		if earlier.IdempotencyKey == key {
			return inquiry.BatchID{}, inquiry.ErrIdempotencyMismatch
		}
	}
	return inquiry.BatchID{}, inquiry.ErrNotFound
}

// fakeWith has a batch whose inquiries have these statuses; "" means rejected.
func fakeWith(statuses ...inquiry.Status) *fakeBatches {
	fake, id := newFake(), inquiry.NewBatchID(noon)
	b := inquiry.Batch{ID: id, LenderID: acme, Name: "Renewals", Metadata: map[string]string{"team": "north"}, Operation: inquiry.OperationSubmit, Tally: inquiry.NewTally(len(statuses))}
	for i, status := range statuses {
		e := inquiry.Entry{ID: id.Inquiry(i), Inquiry: inquiry.Inquiry{BusinessName: fmt.Sprintf("Business %d", i), ExternalID: fmt.Sprintf("L-%d", i)}}
		if status == "" {
			e.Inquiry.Rejected, status = []inquiry.Rejection{{Code: "form"}}, inquiry.StatusFailed
		}
		e.Record = inquiry.Record{ID: e.ID, Status: status}
		b.Tally, _ = b.Merge(inquiry.Change{Index: i, Status: status})
		fake.entries = append(fake.entries, e)
	}
	fake.batches, fake.stored = []inquiry.Batch{b}, []inquiry.Submission{{}}
	return fake
}

func TestRerun(t *testing.T) {
	t.Parallel()

	t.Run("it takes the selected inquiries", func(t *testing.T) {
		t.Parallel()
		newBatch := func() *fakeBatches {
			return fakeWith(inquiry.StatusCompleted, inquiry.StatusFailed, "", inquiry.StatusPartialSuccess, inquiry.StatusCancelled, inquiry.StatusFailed)
		}
		tests := map[string]struct {
			body string
			want []int
		}{
			"no body":           {"", []int{1, 5}},
			"an empty body":     {"{}", []int{1, 5}},
			"failed":            {`{"scope":"failed"}`, []int{1, 5}},
			"partial":           {`{"scope":"partial"}`, []int{3}},
			"unsuccessful":      {`{"scope":"unsuccessful"}`, []int{1, 3, 4, 5}},
			"listed, one twice": {`{"inquiryIds":["ID4","ID0","ID4"]}`, []int{0, 4}},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := newBatch()
				parent := fake.batches[0].ID
				resp, answer := newClient(t, fake, io.Discard).do(t, "POST", "/v1/batch-inquiries/"+parent.String()+"/rerun", withIDs(parent, tt.body))
				var got httpapi.SubmittedBody
				if err := json.Unmarshal([]byte(answer), &got); err != nil || resp.StatusCode != http.StatusOK || len(fake.batches) != 2 {
					t.Fatalf("%d, %v: %s", resp.StatusCode, err, answer)
				}
				stored := fake.stored[1]
				var indexes []int
				for _, in := range stored.Inquiries {
					indexes = append(indexes, in.RerunOf.Index())
					if in.ExternalID != fmt.Sprintf("L-%d", in.RerunOf.Index()) || in.RerunOf.Batch() != parent {
						t.Errorf("inquiry %s reruns %s", in.ExternalID, in.RerunOf)
					}
				}
				if diff := cmp.Diff(tt.want, indexes); diff != "" {
					t.Errorf("rerun (-want +got):\n%s", diff)
				}
				if got.ParentBatchID == nil || *got.ParentBatchID != parent || got.Total != len(tt.want) || got.BatchName != "Renewals" {
					t.Errorf("response %s", answer)
				}
				if stored.Operation != inquiry.OperationRerun || stored.Parent.ID != parent {
					t.Errorf("stored as %s of %s, want a RERUN of %s", stored.Operation, stored.Parent.ID, parent)
				}
				if stored.Metadata["team"] != "north" {
					t.Errorf("stored metadata %v", stored.Metadata)
				}
				if location := resp.Header.Get("Location"); location != "/dev/v1/batch-inquiries/"+got.BatchID.String() {
					t.Errorf("Location %q", location)
				}
			})
		}
	})

	t.Run("some requests cannot be rerun", func(t *testing.T) {
		t.Parallel()
		done := fakeWith(inquiry.StatusCompleted, "", inquiry.StatusCompleted)
		viewer := newClient(t, done, io.Discard)
		viewer.caller.Role = auth.RoleViewer
		running := fakeWith(inquiry.StatusFailed, inquiry.StatusRunning)
		big := fakeWith(inquiry.StatusFailed, inquiry.StatusFailed)
		big.lender.BatchMax = 1
		tests := map[string]struct {
			fake   *fakeBatches
			body   string
			status int
			kind   string
			fault  string
		}{
			"nothing failed":              {done, "", 422, "nothing-to-rerun", ""},
			"an empty list":               {done, `{"inquiryIds":[]}`, 422, "nothing-to-rerun", ""},
			"a running batch":             {running, "", 409, "not-finished", ""},
			"a rejected inquiry":          {done, `{"inquiryIds":["ID0","ID1"]}`, 422, "validation", "/inquiryIds/1"},
			"an inquiry beyond the end":   {done, `{"inquiryIds":["ID5"]}`, 422, "validation", "/inquiryIds/0"},
			"an inquiry of another batch": {done, `{"inquiryIds":["` + inquiry.NewBatchID(noon).Inquiry(0).String() + `"]}`, 422, "validation", "/inquiryIds/0"},
			"not an id":                   {done, `{"inquiryIds":["x"]}`, 422, "validation", "/inquiryIds/0"},
			"a scope and a list":          {done, `{"scope":"failed","inquiryIds":["ID0"]}`, 422, "validation", "/inquiryIds"},
			"an unknown scope":            {done, `{"scope":"all"}`, 422, "validation", "/scope"},
			"an unknown field":            {done, `{"ids":[]}`, 422, "validation", "/ids"},
			"a list of numbers":           {done, `{"inquiryIds":[1]}`, 422, "validation", "/inquiryIds/0"},
			"not JSON":                    {done, `failed`, 400, "malformed", ""},
			"too many for one batch":      {big, "", 422, "validation", ""},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				id := tt.fake.batches[0].ID
				resp, answer := newClient(t, tt.fake, io.Discard).do(t, "POST", "/v1/batch-inquiries/"+id.String()+"/rerun", withIDs(id, tt.body))
				p := problem(t, resp, answer)
				if p.Status != tt.status || !strings.HasSuffix(p.Type, "#problem-"+tt.kind) || tt.fault != "" && (len(p.Errors) == 0 || p.Errors[0].Pointer != tt.fault) {
					t.Errorf("%s", answer)
				}
				if len(tt.fake.batches) != 1 {
					t.Error("a batch was created")
				}
			})
		}
		resp, answer := viewer.do(t, "POST", "/v1/batch-inquiries/"+done.batches[0].ID.String()+"/rerun", "")
		if p := problem(t, resp, answer); p.Status != http.StatusForbidden {
			t.Errorf("a viewer: %s", answer)
		}
	})

	t.Run("a repeated key makes one batch", func(t *testing.T) {
		t.Parallel()
		fake := fakeWith(inquiry.StatusFailed, inquiry.StatusPartialSuccess)
		c := newClient(t, fake, io.Discard)
		path := "/v1/batch-inquiries/" + fake.batches[0].ID.String() + "/rerun"
		_, first := c.do(t, "POST", path, "", "Idempotency-Key", "again-1")
		resp, second := c.do(t, "POST", path, `{"scope":"failed"}`, "Idempotency-Key", "again-1")
		if first != second {
			t.Errorf("the bodies differ: %s, then %s", first, second)
		}
		if resp.Header.Get("Idempotent-Replayed") != "true" {
			t.Error("Idempotent-Replayed is not true")
		}
		if len(fake.batches) != 2 {
			t.Errorf("%d batches, want the old one and one rerun", len(fake.batches))
		}
		listed := func(id, name string) string { return `{"name":"` + name + `","inquiryIds":["` + id + `"]}` }
		id := fake.batches[0].ID.Inquiry(0).String()
		_, first = c.do(t, "POST", path, listed(id, "Again"), "Idempotency-Key", "again-2")
		if _, second = c.do(t, "POST", path, listed(strings.ToUpper(id), " Again "), "Idempotency-Key", "again-2"); first != second {
			t.Errorf("the same content in a different form: %s then %s", first, second)
		}
		resp, answer := c.do(t, "POST", path, `{"scope":"partial"}`, "Idempotency-Key", "again-1")
		if p := problem(t, resp, answer); p.Status != http.StatusUnprocessableEntity || !strings.HasSuffix(p.Type, "#problem-idempotency-mismatch") {
			t.Errorf("a different scope: %s", answer)
		}
	})

	// The key comes first: the batch may have changed since it was used.
	t.Run("a used key is checked before the batch", func(t *testing.T) {
		t.Parallel()
		none := func(*fakeBatches) {}
		deleted := func(f *fakeBatches) { f.batches[0].Name, f.batches[0].DeletedAt = "", noon }
		const both = `{"inquiryIds":["ID0","ID1"]}`
		tests := map[string]struct {
			first, then string
			key         string
			meanwhile   func(*fakeBatches)
			kind        string // "" is a replay
		}{
			"the same request":                {"", "", "k", none, ""},
			"the same request, deleted batch": {"", "", "k", deleted, ""},
			"the same list, deleted batch":    {both, both, "k", deleted, ""},
			"the same list, lower limit":      {both, both, "k", func(f *fakeBatches) { f.lender.BatchMax = 1 }, ""},
			"another key, deleted batch":      {"", "", "l", deleted, "deleted"},
			"no key, deleted batch":           {"", "", "", deleted, "deleted"},
			"a scope without inquiries":       {"", `{"scope":"partial"}`, "k", none, "idempotency-mismatch"},
			"an empty list":                   {"", `{"inquiryIds":[]}`, "k", none, "idempotency-mismatch"},
			"another body, deleted batch":     {"", both, "k", deleted, "idempotency-mismatch"},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := fakeWith(inquiry.StatusFailed, inquiry.StatusCompleted)
				c, id := newClient(t, fake, io.Discard), fake.batches[0].ID
				path := "/v1/batch-inquiries/" + id.String() + "/rerun"
				first, want := c.do(t, "POST", path, withIDs(id, tt.first), "Idempotency-Key", "k")
				tt.meanwhile(fake)
				var header []string
				if tt.key != "" {
					header = []string{"Idempotency-Key", tt.key}
				}
				resp, got := c.do(t, "POST", path, withIDs(id, tt.then), header...)
				if len(fake.batches) != 2 {
					t.Fatalf("%d batches; %s then %s", len(fake.batches), want, got)
				}
				if tt.kind == "" {
					if got != want || resp.Header.Get("Idempotent-Replayed") != "true" || resp.Header.Get("Location") != first.Header.Get("Location") {
						t.Errorf("%s then %s", want, got)
					}
					return
				}
				if p := problem(t, resp, got); !strings.HasSuffix(p.Type, "#problem-"+tt.kind) {
					t.Errorf("%s", got)
				}
			})
		}
	})

	// A single inquiry is not in the list of batches, but its rerun is, so the rerun has a
	// name that says what it is.
	t.Run("a rerun of a single inquiry has its own name", func(t *testing.T) {
		t.Parallel()
		for body, want := range map[string]string{"": "Rerun of a single inquiry", `{"name":" Again "}`: "Again"} {
			fake := fakeWith(inquiry.StatusFailed)
			fake.batches[0].Operation, fake.batches[0].Name = inquiry.OperationSingle, "Single inquiry"
			_, answer := newClient(t, fake, io.Discard).do(t, "POST", "/v1/batch-inquiries/"+fake.batches[0].ID.String()+"/rerun", body)
			var got httpapi.SubmittedBody
			if err := json.Unmarshal([]byte(answer), &got); err != nil || got.BatchName != want || fake.stored[1].Name != want {
				t.Errorf("%v, want %s: %s", err, want, answer)
			}
		}
	})
}

// withIDs replaces ID0, ID1 and so on with the ids of a batch's inquiries.
func withIDs(id inquiry.BatchID, body string) string {
	for i := range 6 {
		body = strings.ReplaceAll(body, fmt.Sprintf("ID%d", i), id.Inquiry(i).String())
	}
	return body
}

func TestSubmitConflict(t *testing.T) {
	t.Parallel()

	t.Run("a conflict with a key is in flight", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		fake.err = inquiry.ErrConflict
		c := newClient(t, lenderOnly{fake}, io.Discard)
		const body = `{"name":"A","inquiries":[{"businessName":"B"}]}`
		resp, answer := c.do(t, "POST", "/v1/batch-inquiries", body, "Idempotency-Key", "k")
		if p := problem(t, resp, answer); p.Status != http.StatusConflict || !strings.HasSuffix(p.Type, "#problem-idempotency-in-flight") || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("%v %s", resp.Header, answer)
		}
		resp, answer = c.do(t, "POST", "/v1/batch-inquiries", body)
		if p := problem(t, resp, answer); p.Status != http.StatusServiceUnavailable {
			t.Errorf("without a key: %s", answer)
		}
	})
}

// lenderOnly fails at everything except reading the lender.
type lenderOnly struct{ *fakeBatches }

func (l lenderOnly) Lender(context.Context, inquiry.LenderID) (inquiry.Lender, error) {
	return l.lender, nil
}

func TestSubmitSingle(t *testing.T) {
	t.Parallel()

	t.Run("it makes a batch of one", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		for _, path := range []string{"/v1/inquiries/", "/v1/inquiries"} {
			resp, answer := c.do(t, "POST", path, `{"businessName":" Kylderon LLC ","ein":"12-3456789","externalId":"L-1"}`, "Idempotency-Key", "one")
			var got httpapi.SubmittedInquiryBody
			if err := json.Unmarshal([]byte(answer), &got); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%d, %v: %s", resp.StatusCode, err, answer)
			}
			want := httpapi.SubmittedInquiryBody{
				InquiryID: fake.batches[0].ID.Inquiry(0), BatchID: fake.batches[0].ID, Status: "PLANNING",
				Message: "Accepted. Poll the URL in the Location header.",
			}
			if diff := cmp.Diff(want, got); diff != "" || resp.Header.Get("Location") != "/dev/v1/inquiries/"+got.InquiryID.String() {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		}
		if len(fake.stored) != 1 || fake.stored[0].Operation != inquiry.OperationSingle {
			t.Fatalf("stored %d", len(fake.stored))
		}
		if diff := cmp.Diff([]inquiry.Inquiry{{BusinessName: "Kylderon LLC", EIN: "123456789", ExternalID: "L-1"}}, fake.stored[0].Inquiries); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})

	t.Run("faults point into the inquiry", func(t *testing.T) {
		t.Parallel()
		tests := map[string]struct {
			body   string
			status int
			faults []string
		}{
			"nothing":          {``, 400, nil},
			"two inquiries":    {`{"businessName":"A"},{"businessName":"B"}`, 400, nil},
			"more than one":    {`{"businessName":"A"}],"inquiries":[{"businessName":"B"}`, 400, nil},
			"an array":         {`[{"businessName":"A"}]`, 422, []string{" type"}},
			"an empty object":  {`{}`, 422, []string{"/businessName required"}},
			"several":          {`{"businessName":"A","ein":"1","principals":[{}],"color":"red"}`, 422, []string{"/color unknown-field", "/ein form", "/principals/0/lastName required"}},
			"a batch's fields": {`{"name":"A","inquiries":[]}`, 422, []string{"/businessName required", "/inquiries unknown-field", "/name unknown-field"}},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := newFake()
				resp, answer := newClient(t, fake, io.Discard).do(t, "POST", "/v1/inquiries", tt.body)
				p := problem(t, resp, answer)
				var got []string
				for _, f := range p.Errors {
					got = append(got, f.Pointer+" "+f.Code)
				}
				if diff := cmp.Diff(tt.faults, got); diff != "" || p.Status != tt.status || len(fake.stored) != 0 {
					t.Errorf("%d; faults (-want +got):\n%s", p.Status, diff)
				}
			})
		}
	})
}

func TestFirstPoll(t *testing.T) {
	t.Parallel()

	// Retry-After is that of a young batch.
	t.Run("every submission has a Retry-After", func(t *testing.T) {
		t.Parallel()
		failed := fakeWith(inquiry.StatusFailed)
		for name, tt := range map[string]struct {
			fake             *fakeBatches
			path, body, want string
		}{
			"a batch":   {newFake(), "/v1/batch-inquiries", `{"name":"A","inquiries":[{"businessName":"B"}]}`, "2"},
			"one":       {newFake(), "/v1/inquiries", `{"businessName":"B"}`, "2"},
			"a rerun":   {failed, "/v1/batch-inquiries/" + failed.batches[0].ID.String() + "/rerun", "", "2"},
			"a dry run": {newFake(), "/v1/batch-inquiries", `{"name":"A","validateOnly":true,"inquiries":[{"businessName":"B"}]}`, ""},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				resp, body := newClient(t, tt.fake, io.Discard).do(t, "POST", tt.path, tt.body)
				if got := resp.Header.Get("Retry-After"); resp.StatusCode != http.StatusOK || got != tt.want {
					t.Errorf("%s, Retry-After %q, want %q: %s", resp.Status, got, tt.want, body)
				}
			})
		}
	})
}

package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func (f *fakeBatches) RequestCancel(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	if _, err := f.Batch(ctx, lender, id); err != nil {
		return inquiry.Batch{}, err
	}
	for i := range f.batches {
		b := &f.batches[i]
		if b.ID != id {
			continue
		}
		if b.Status().Final() && b.CancelRequestedAt.IsZero() {
			return *b, inquiry.ErrFinished
		}
		b.CancelRequestedAt = noon
	}
	return f.Batch(ctx, lender, id)
}

func (f *fakeBatches) RequestCancelOnce(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, key string) (inquiry.Batch, bool, error) {
	first, replayed := f.cancels[key]
	if replayed && first != id {
		return inquiry.Batch{}, false, inquiry.ErrIdempotencyMismatch
	}
	b, err := f.RequestCancel(ctx, lender, id)
	if err == nil {
		f.cancels[key] = id
	}
	return b, replayed, err
}

func TestCancel(t *testing.T) {
	t.Parallel()

	t.Run("the response shows the progress of the cancel", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B"},{"businessName":"C"}]}`)
		path := "/v1/batch-inquiries/" + fake.batches[0].ID.String() + "/cancel"
		ask := func(status int) httpapi.BatchBody {
			t.Helper()
			resp, body := c.do(t, "POST", path, "")
			var got httpapi.BatchBody
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if resp.StatusCode != status {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, status, body)
			}
			if got.CancelRequestedAt == nil {
				t.Errorf("cancelRequestedAt is null: %s", body)
			}
			return got
		}
		ask(http.StatusAccepted)
		ask(http.StatusAccepted)
		fake.batches[0].Tally, _ = fake.batches[0].Merge(
			inquiry.Change{Index: 0, Status: inquiry.StatusCompleted}, inquiry.Change{Index: 1, Status: inquiry.StatusCancelled},
		)
		if got := ask(http.StatusOK); got.Status != "CANCELLED" || got.Cancelled != 1 || got.Completed != 1 {
			t.Errorf("after all inquiries are final: %+v", got)
		}
	})

	t.Run("some batches cannot be canceled", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B"}]}`)
		id := fake.batches[0].ID
		fake.batches[0].Tally, _ = fake.batches[0].Merge(inquiry.Change{Index: 0, Status: inquiry.StatusCompleted})
		viewer := c
		viewer.caller.Role = auth.RoleViewer
		tests := map[string]struct {
			who    client
			id     string
			status int
			kind   string
		}{
			"a finished batch":          {c, id.String(), 409, "not-cancellable"},
			"an unknown batch":          {c, inquiry.NewBatchID(noon).String(), 404, "not-found"},
			"an inquiry id as batch id": {c, id.Inquiry(0).String(), 404, "not-found"},
			"by a viewer":               {viewer, id.String(), 403, "forbidden"},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				resp, body := tt.who.do(t, "POST", "/v1/batch-inquiries/"+tt.id+"/cancel", "")
				if p := problem(t, resp, body); p.Status != tt.status || !strings.HasSuffix(p.Type, "#problem-"+tt.kind) {
					t.Errorf("%s", body)
				}
			})
		}
		if !fake.batches[0].CancelRequestedAt.IsZero() {
			t.Error("one of the requests canceled the batch")
		}
	})

	// A replay returns the current state of the batch.
	t.Run("a repeated key replays the cancel", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		path := func(i int) string { return "/v1/batch-inquiries/" + fake.batches[i].ID.String() + "/cancel" }
		for range 2 {
			c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B"}]}`)
		}
		first, firstBody := c.do(t, "POST", path(0), "", "Idempotency-Key", "k")
		again, againBody := c.do(t, "POST", path(0), "", "Idempotency-Key", "k")
		if first.StatusCode != http.StatusAccepted || again.StatusCode != http.StatusAccepted {
			t.Errorf("status %d, then %d; want 202 both times", first.StatusCode, again.StatusCode)
		}
		if firstBody != againBody {
			t.Errorf("the bodies differ: %s, then %s", firstBody, againBody)
		}
		if first.Header.Get("Idempotent-Replayed") != "" || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("Idempotent-Replayed is %q, then %q", first.Header.Get("Idempotent-Replayed"), again.Header.Get("Idempotent-Replayed"))
		}
		fake.batches[0].Tally, _ = fake.batches[0].Merge(inquiry.Change{Index: 0, Status: inquiry.StatusCancelled})
		if drained, body := c.do(t, "POST", path(0), "", "Idempotency-Key", "k"); drained.StatusCode != http.StatusOK || drained.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("after all inquiries are final: %d %s", drained.StatusCode, body)
		}
		resp, body := c.do(t, "POST", path(1), "", "Idempotency-Key", "k")
		if p := problem(t, resp, body); !strings.HasSuffix(p.Type, "#problem-idempotency-mismatch") || !fake.batches[1].CancelRequestedAt.IsZero() {
			t.Errorf("for a different batch: %s", body)
		}
		for name, key := range map[string]string{"too long": strings.Repeat("k", 256), "not ASCII": "Schlüssel", "empty": ""} {
			resp, body := c.do(t, "POST", path(1), "", "Idempotency-Key", key)
			if p := problem(t, resp, body); p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Parameter != "Idempotency-Key" || !fake.batches[1].CancelRequestedAt.IsZero() {
				t.Errorf("a key that is %s: %s", name, body)
			}
		}
		fake.err = inquiry.ErrConflict
		resp, body = c.do(t, "POST", path(1), "", "Idempotency-Key", "l")
		if p := problem(t, resp, body); p.Status != http.StatusConflict || !strings.HasSuffix(p.Type, "#problem-idempotency-in-flight") || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("while another request is in progress: %v %s", resp.Header, body)
		}
	})
}

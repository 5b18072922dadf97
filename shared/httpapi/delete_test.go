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

func (f *fakeBatches) Delete(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	b, err := f.Batch(ctx, lender, id)
	if err == nil && !b.Status().Final() {
		err = inquiry.ErrUnfinished
	}
	if err != nil {
		return inquiry.Batch{}, err
	}
	f.batches[0].Name, f.batches[0].DeletedAt = "", noon
	return f.batches[0], nil
}

func TestDelete(t *testing.T) {
	t.Parallel()

	t.Run("a deleted batch says so", func(t *testing.T) {
		t.Parallel()
		fake := fakeWith(inquiry.StatusCompleted, inquiry.StatusFailed)
		c := newClient(t, fake, io.Discard)
		path := "/v1/batch-inquiries/" + fake.batches[0].ID.String()
		for _, method := range []string{"DELETE", "DELETE", "GET"} {
			resp, answer := c.do(t, method, path, "")
			var got httpapi.BatchBody
			if err := json.Unmarshal([]byte(answer), &got); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d, %v: %s", method, resp.StatusCode, err, answer)
			}
			if got.DeletedAt == nil || !strings.Contains(got.StatusReason, "deleted") {
				t.Errorf("%s: deletedAt %v, statusReason %q", method, got.DeletedAt, got.StatusReason)
			}
			if got.BatchName != "" {
				t.Errorf("%s: the name is still %q", method, got.BatchName)
			}
			if got.Completed != 1 || got.Failed != 1 {
				t.Errorf("%s: %d completed, %d failed; want the counts unchanged", method, got.Completed, got.Failed)
			}
		}
		fake.err = inquiry.ErrDeleted
		resp, answer := c.do(t, "GET", path+"/inquiries", "")
		if p := problem(t, resp, answer); p.Status != http.StatusGone || !strings.HasSuffix(p.Type, "#problem-deleted") {
			t.Errorf("its inquiries: %s", answer)
		}
	})

	t.Run("some batches cannot be deleted", func(t *testing.T) {
		t.Parallel()
		running, done := fakeWith(inquiry.StatusRunning), fakeWith(inquiry.StatusCompleted)
		viewer := newClient(t, done, io.Discard)
		viewer.caller.Role = auth.RoleViewer
		for name, tt := range map[string]struct {
			who    client
			id     string
			status int
		}{
			"a running batch":  {newClient(t, running, io.Discard), running.batches[0].ID.String(), http.StatusConflict},
			"an unknown batch": {newClient(t, done, io.Discard), inquiry.NewBatchID(noon).String(), http.StatusNotFound},
			"an inquiry id":    {newClient(t, done, io.Discard), done.batches[0].ID.Inquiry(0).String(), http.StatusNotFound},
			"by a viewer":      {viewer, done.batches[0].ID.String(), http.StatusForbidden},
		} {
			resp, answer := tt.who.do(t, "DELETE", "/v1/batch-inquiries/"+tt.id, "")
			if p := problem(t, resp, answer); p.Status != tt.status {
				t.Errorf("%s: %s", name, answer)
			}
		}
		if !done.batches[0].DeletedAt.IsZero() {
			t.Error("the batch was deleted")
		}
	})
}

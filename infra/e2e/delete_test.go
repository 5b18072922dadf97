package e2e

import (
	"net/http"
	"testing"
)

// A deleted batch keeps its counts and nothing else.
func TestDelete(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	id := s.submit(t, businesses("Delete me", 3)).BatchID
	path := "/v1/batch-inquiries/" + id
	s.wait(t, id)
	inquiry := s.rows(t, id, 10)[0].InquiryID
	var deleted struct {
		batch
		BatchName, DeletedAt string
	}
	for range 2 {
		resp, data := s.do(t, http.MethodDelete, path, "")
		decode(t, resp, data, http.StatusOK, &deleted)
		if deleted.DeletedAt == "" {
			t.Errorf("the deleted batch has no deletedAt: %s", data)
		}
		if deleted.BatchName != "" {
			t.Errorf("the deleted batch still has its name %q", deleted.BatchName)
		}
		if deleted.Completed != 3 {
			t.Errorf("the deleted batch has %d completed inquiries, want 3", deleted.Completed)
		}
	}
	s.get(t, path, http.StatusOK, &deleted)
	for _, below := range []string{path + "/inquiries", "/v1/inquiries/" + inquiry} {
		if resp, data := s.do(t, http.MethodGet, below, ""); resp.StatusCode != http.StatusGone {
			t.Errorf("%s after the deletion: %s %s, want 410", below, resp.Status, data)
		}
	}
	running := s.submit(t, businesses("Keep me", 50)).BatchID
	if resp, data := s.do(t, http.MethodDelete, "/v1/batch-inquiries/"+running, ""); resp.StatusCode != http.StatusConflict {
		t.Errorf("deleting a running batch: %s %s, want 409", resp.Status, data)
	}
}

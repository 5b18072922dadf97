package e2e

import (
	"net/http"
	"testing"
)

func TestADeletedBatchKeepsItsCountsOnly(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	id := s.submit(t, businesses("Delete me", 3)).BatchID
	path := "/v1/batch-inquiries/" + id
	s.follow(t, id)
	inquiry := s.rows(t, id, 10)[0].InquiryID
	var gone struct {
		batch
		BatchName, DeletedAt string
	}
	for range 2 {
		resp, data := s.do(t, http.MethodDelete, path, "")
		decode(t, resp, data, http.StatusOK, &gone)
		if gone.DeletedAt == "" || gone.BatchName != "" || gone.Completed != 3 {
			t.Errorf("deleted: %s", data)
		}
	}
	s.get(t, path, http.StatusOK, &gone)
	for _, below := range []string{path + "/inquiries", "/v1/inquiries/" + inquiry} {
		if resp, data := s.do(t, http.MethodGet, below, ""); resp.StatusCode != http.StatusGone {
			t.Errorf("%s: %s %s", below, resp.Status, data)
		}
	}
	running := s.submit(t, businesses("Keep me", 50)).BatchID
	if resp, data := s.do(t, http.MethodDelete, "/v1/batch-inquiries/"+running, ""); resp.StatusCode != http.StatusConflict {
		t.Errorf("a running batch: %s %s", resp.Status, data)
	}
}

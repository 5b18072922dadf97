package e2e

import (
	"net/http"
	"testing"
)

func TestWhatDidNotSucceedIsRunAgain(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	parent := s.submit(t, businesses("First", 3)).BatchID
	s.follow(t, parent)
	path := "/v1/batch-inquiries/" + parent + "/rerun"
	if resp, data := s.do(t, http.MethodPost, path, ""); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("nothing failed: %s %s", resp.Status, data)
	}
	rows := s.rows(t, parent, 10)
	body := `{"inquiryIds":["` + rows[2].InquiryID + `","` + rows[0].InquiryID + `"],"name":"Second"}`
	var child struct {
		submitted
		ParentBatchID string
	}
	for i, replayed := range []string{"", "true"} {
		resp, data := s.do(t, http.MethodPost, path, body, "Idempotency-Key", "again-1")
		decode(t, resp, data, http.StatusOK, &child)
		// The local engine, when busy, may hand one request over twice.
		if child.Total != 2 || child.ParentBatchID != parent || i > 0 && resp.Header.Get("Idempotent-Replayed") != replayed {
			t.Errorf("answer %d: %s, replayed %q", i, data, resp.Header.Get("Idempotent-Replayed"))
		}
	}
	if done := s.follow(t, child.BatchID); done.Completed != 2 {
		t.Errorf("it ended as %+v", done)
	}
	var lineage struct {
		OperationType, ParentBatchID, LatestChildBatchID string
		ChildBatchIDs                                    []string
	}
	s.get(t, "/v1/batch-inquiries/"+parent, http.StatusOK, &lineage)
	if lineage.LatestChildBatchID != child.BatchID || len(lineage.ChildBatchIDs) != 1 {
		t.Errorf("the parent says %+v", lineage)
	}
	s.get(t, "/v1/batch-inquiries/"+child.BatchID, http.StatusOK, &lineage)
	if lineage.OperationType != "RERUN" || lineage.ParentBatchID != parent {
		t.Errorf("the child says %+v", lineage)
	}

	// The key knows of the rerun when the batch no longer does.
	if resp, data := s.do(t, http.MethodDelete, "/v1/batch-inquiries/"+parent, ""); resp.StatusCode != http.StatusOK {
		t.Fatalf("deleting the parent: %s %s", resp.Status, data)
	}
	first := child.BatchID
	resp, data := s.do(t, http.MethodPost, path, body, "Idempotency-Key", "again-1")
	decode(t, resp, data, http.StatusOK, &child)
	if child.BatchID != first || child.Total != 2 || child.ParentBatchID != parent || resp.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after the deletion: %s, replayed %q", data, resp.Header.Get("Idempotent-Replayed"))
	}
	if resp, data := s.do(t, http.MethodPost, path, "", "Idempotency-Key", "again-1"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another body after the deletion: %s %s", resp.Status, data)
	}
}

func TestOneInquiryOnItsOwn(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	var one struct{ InquiryID, BatchID string }
	resp, data := s.do(t, http.MethodPost, "/v1/inquiries/", `{"businessName":"Quiet Meadow LLC","externalId":"L-1"}`, "Idempotency-Key", "one")
	decode(t, resp, data, http.StatusOK, &one)
	s.follow(t, one.BatchID)
	var detail struct {
		Status  string
		Inquiry struct{ ExternalID string }
		Report  *struct{ Status string }
	}
	s.get(t, "/v1/inquiries/"+one.InquiryID, http.StatusOK, &detail)
	if detail.Status != "COMPLETED" || detail.Inquiry.ExternalID != "L-1" || detail.Report == nil {
		t.Errorf("%+v", detail)
	}
	var list struct{ Total int }
	if s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list); list.Total != 0 {
		t.Errorf("the list has %d batches", list.Total)
	}
}

package e2e

import (
	"net/http"
	"testing"
)

func TestRerun(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	parent := s.submit(t, businesses("First", 3)).BatchID
	s.wait(t, parent)
	path := "/v1/batch-inquiries/" + parent + "/rerun"
	if resp, data := s.do(t, http.MethodPost, path, ""); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("rerunning a batch without failures: %s %s, want 422", resp.Status, data)
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
		if child.Total != 2 {
			t.Errorf("rerun %d has %d inquiries, want 2", i, child.Total)
		}
		if child.ParentBatchID != parent {
			t.Errorf("rerun %d has the parent %s, want %s", i, child.ParentBatchID, parent)
		}
		// A busy local engine may give the first request to the function twice.
		if got := resp.Header.Get("Idempotent-Replayed"); i > 0 && got != replayed {
			t.Errorf("rerun %d: Idempotent-Replayed is %q, want %q", i, got, replayed)
		}
	}
	if done := s.wait(t, child.BatchID); done.Completed != 2 {
		t.Errorf("the rerun ended as %+v, want 2 completed inquiries", done)
	}
	var lineage struct {
		OperationType, ParentBatchID, LatestChildBatchID string
		ChildBatchIDs                                    []string
	}
	s.get(t, "/v1/batch-inquiries/"+parent, http.StatusOK, &lineage)
	if lineage.LatestChildBatchID != child.BatchID || len(lineage.ChildBatchIDs) != 1 {
		t.Errorf("the parent has the lineage %+v, want its one child %s", lineage, child.BatchID)
	}
	s.get(t, "/v1/batch-inquiries/"+child.BatchID, http.StatusOK, &lineage)
	if lineage.OperationType != "RERUN" || lineage.ParentBatchID != parent {
		t.Errorf("the child has the lineage %+v, want RERUN of %s", lineage, parent)
	}

	// The idempotency key still finds the rerun after the parent is deleted.
	if resp, data := s.do(t, http.MethodDelete, "/v1/batch-inquiries/"+parent, ""); resp.StatusCode != http.StatusOK {
		t.Fatalf("deleting the parent: %s %s", resp.Status, data)
	}
	first := child.BatchID
	resp, data := s.do(t, http.MethodPost, path, body, "Idempotency-Key", "again-1")
	decode(t, resp, data, http.StatusOK, &child)
	if child.BatchID != first || child.Total != 2 || child.ParentBatchID != parent {
		t.Errorf("repeating the rerun after the deletion: %s, want the same rerun %s", data, first)
	}
	if got := resp.Header.Get("Idempotent-Replayed"); got != "true" {
		t.Errorf("repeating the rerun after the deletion: Idempotent-Replayed is %q, want true", got)
	}
	if resp, data := s.do(t, http.MethodPost, path, "", "Idempotency-Key", "again-1"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another body with the same key after the deletion: %s %s, want 422", resp.Status, data)
	}
}

func TestSingleInquiry(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	var one struct{ InquiryID, BatchID string }
	resp, data := s.do(t, http.MethodPost, "/v1/inquiries/", `{"businessName":"Quiet Meadow LLC","externalId":"L-1"}`, "Idempotency-Key", "one")
	decode(t, resp, data, http.StatusOK, &one)
	s.wait(t, one.BatchID)
	var detail struct {
		Status  string
		Inquiry struct{ ExternalID string }
		Report  *struct{ Status string }
	}
	s.get(t, "/v1/inquiries/"+one.InquiryID, http.StatusOK, &detail)
	if detail.Status != "COMPLETED" || detail.Inquiry.ExternalID != "L-1" || detail.Report == nil {
		t.Errorf("the inquiry is %+v, want COMPLETED, L-1 and a report", detail)
	}
	var list struct{ Total int }
	if s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list); list.Total != 0 {
		t.Errorf("the list has %d batches, want none for a single inquiry", list.Total)
	}
}

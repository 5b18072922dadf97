package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestABatchOf250RunsToItsEnd(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	const total = 250
	accepted := s.submit(t, businesses("Portfolio", total))
	if accepted.Total != total || accepted.BatchName != "Portfolio" || accepted.Message == "" {
		t.Errorf("submitted: %+v", accepted)
	}
	// The batch is there, whole, from the moment that it was accepted.
	if rows := s.rows(t, accepted.BatchID, 500); len(rows) != total {
		t.Errorf("right after the submission there are %d inquiries", len(rows))
	}

	done := s.follow(t, accepted.BatchID)
	if done.Status != "COMPLETED" || done.Completed != total {
		t.Errorf("the batch ended as %+v", done)
	}
	// The counters equal a recount of the inquiries, and so do the sums.
	records, ids := 0, map[string]bool{}
	for i, r := range s.rows(t, accepted.BatchID, 100) {
		if r.Index != i || r.ExternalID != fmt.Sprintf("LOAN-%d", i) || r.Status != "COMPLETED" {
			t.Fatalf("row %d is %+v", i, r)
		}
		records += r.SourceRecordCount
		ids[r.InquiryID] = true
	}
	if len(ids) != total || done.SourceRecordTotals == nil || done.SourceRecordTotals.Total != records {
		t.Errorf("%d different inquiries with %d records; the batch says %+v", len(ids), records, done.SourceRecordTotals)
	}
	if got := done.SourceRecordTotals.BySource["ofac"]; got.NotFound != total {
		t.Errorf("ofac answered %+v", got)
	}
	if done.TimingSummary == nil || done.TimingSummary.Attempts < total {
		t.Errorf("timing %+v", done.TimingSummary)
	}
}

func TestTheSampleBatchHitsWhatItMust(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	accepted := s.submit(t, string(sample(t, "sample-batch.json")))
	s.follow(t, accepted.BatchID)

	want := map[string]string{
		"LOAN-1001": "FOUND", "LOAN-1002": "FOUND", "LOAN-1003": "FOUND", "LOAN-1004": "FOUND",
		"LOAN-1005": "AMBIGUOUS", "LOAN-1006": "AMBIGUOUS",
	}
	for _, r := range s.rows(t, accepted.BatchID, 10) {
		outcome := want[r.ExternalID]
		if outcome == "" {
			outcome = "NO_RECORD" // the near misses, and those that are near nothing
		}
		if r.Sources["ofac"] != outcome {
			t.Errorf("%s: ofac %s, want %s", r.ExternalID, r.Sources["ofac"], outcome)
		}
		var detail struct {
			Inquiry struct{ BusinessName, ExternalID string }
			Report  *struct {
				Status        string
				SourceRecords []struct {
					Outcome string
					Match   *struct {
						Score       float64
						MatchedName string
					}
					Properties map[string]string
				}
			}
		}
		s.get(t, "/v1/inquiries/"+r.InquiryID, http.StatusOK, &detail)
		if detail.Inquiry.ExternalID != r.ExternalID || detail.Report == nil || len(detail.Report.SourceRecords) != r.SourceRecordCount {
			t.Fatalf("%s: %+v", r.ExternalID, detail)
		}
		hits := 0
		for _, record := range detail.Report.SourceRecords {
			if record.Properties["listDate"] == "" {
				t.Errorf("%s: a record without its list's date", r.ExternalID)
			}
			if record.Outcome == outcome && record.Match != nil && record.Match.Score >= 0.75 && record.Match.MatchedName != "" {
				hits++
			}
		}
		if (hits > 0) != (outcome != "NO_RECORD") {
			t.Errorf("%s: %d records with a match", r.ExternalID, hits)
		}
	}
}

func TestTwoLendersCannotSeeEachOther(t *testing.T) {
	t.Parallel()
	one, other := newUser(t, "-one", "member"), newUser(t, "-other", "member")
	accepted := one.key().submit(t, businesses("Secret plans", 3))
	one.key().follow(t, accepted.BatchID)
	inquiry := one.key().rows(t, accepted.BatchID, 1)[0].InquiryID

	unknown := strings.Replace(accepted.BatchID, accepted.BatchID[:8], "01900000", 1)
	for _, credential := range []string{other.apiKey, other.token} {
		s := other.bearer(credential)
		for _, paths := range [][2]string{
			{"/v1/batch-inquiries/" + accepted.BatchID, "/v1/batch-inquiries/" + unknown},
			{"/v1/batch-inquiries/" + accepted.BatchID + "/inquiries", "/v1/batch-inquiries/" + unknown + "/inquiries"},
			{"/v1/inquiries/" + inquiry, "/v1/inquiries/" + unknown[:32] + "0001"},
		} {
			resp, foreign := s.do(t, http.MethodGet, paths[0], "")
			_, absent := s.do(t, http.MethodGet, paths[1], "")
			if resp.StatusCode != http.StatusNotFound || withoutRequestID(t, foreign) != withoutRequestID(t, absent) {
				t.Errorf("%s: %s %s; an unknown id answers %s", paths[0], resp.Status, foreign, absent)
			}
		}
		var list struct {
			Batches []batch
			Total   int
		}
		s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
		if list.Total != 0 || len(list.Batches) != 0 {
			t.Errorf("the other lender's list: %+v", list)
		}
	}
}

// withoutRequestID is a problem document but for what names the request.
func withoutRequestID(t testing.TB, body []byte) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "requestId")
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A client that lost the reply, or never waited for it, sends the same again.
func TestALostReplyRetriedWithTheSameKeyIsOneBatch(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	body := businesses("Once", 5)
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		ids = map[string]int{}
	)
	for range 6 {
		wg.Go(func() {
			accepted := s.submit(t, body, "Idempotency-Key", "nightly-2026-11-23")
			mu.Lock()
			defer mu.Unlock()
			ids[accepted.BatchID]++
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("six tries made the batches %v", ids)
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body, "Idempotency-Key", "nightly-2026-11-23")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a seventh: %s, replayed %q, %s", resp.Status, resp.Header.Get("Idempotent-Replayed"), data)
	}
	resp, data = s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("Another", 5), "Idempotency-Key", "nightly-2026-11-23")
	if resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another body under the key: %s %s", resp.Status, data)
	}
	var list struct{ Total int }
	s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
	if list.Total != 1 {
		t.Errorf("the list has %d batches", list.Total)
	}
}

func TestBatchesAreListedWithBothFormsOfThePath(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	var ids []string
	for i := range 3 {
		ids = append(ids, s.submit(t, businesses(fmt.Sprintf("Batch %d", i), 1)).BatchID)
	}
	for _, path := range []string{"/v1/batch-inquiries/", "/v1/batch-inquiries"} {
		var list struct {
			Batches              []batch
			Total, Limit, Offset int
		}
		s.get(t, path+"?limit=2&offset=1", http.StatusOK, &list)
		if list.Total != 3 || list.Limit != 2 || list.Offset != 1 || len(list.Batches) != 2 ||
			list.Batches[0].BatchID != ids[1] || list.Batches[1].BatchID != ids[0] {
			t.Errorf("%s: %+v, want the second and the first of %v", path, list, ids)
		}
	}
}

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestPipeline(t *testing.T) {
	t.Parallel()

	t.Run("a batch of 250 is completed", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "member").key()
		const total = 250
		accepted := s.submit(t, businesses("Portfolio", total))
		if accepted.Total != total || accepted.BatchName != "Portfolio" || accepted.Message == "" {
			t.Errorf("the response to the submission is %+v, want the total, the name and a message", accepted)
		}
		// The whole batch can be read as soon as it is accepted.
		if rows := s.rows(t, accepted.BatchID, 500); len(rows) != total {
			t.Errorf("right after the submission, %d inquiries are listed, want %d", len(rows), total)
		}

		done := s.wait(t, accepted.BatchID)
		if done.Status != "COMPLETED" || done.Completed != total {
			t.Errorf("the batch ended as %+v, want COMPLETED with all %d inquiries", done, total)
		}
		// The counters and sums must equal a recount of the inquiries.
		records, ids := 0, map[string]bool{}
		for i, r := range s.rows(t, accepted.BatchID, 100) {
			if r.Index != i || r.ExternalID != fmt.Sprintf("LOAN-%d", i) || r.Status != "COMPLETED" {
				t.Fatalf("inquiry %d is listed as %+v", i, r)
			}
			records += r.SourceRecordCount
			ids[r.InquiryID] = true
		}
		if len(ids) != total {
			t.Errorf("%d different inquiries are listed, want %d", len(ids), total)
		}
		if done.SourceRecordTotals == nil {
			t.Fatal("the finished batch has no sourceRecordTotals")
		}
		if done.SourceRecordTotals.Total != records {
			t.Errorf("the batch has %d source records, but its inquiries have %d", done.SourceRecordTotals.Total, records)
		}
		if got := done.SourceRecordTotals.BySource["ofac"]; got.NotFound != total {
			t.Errorf("the totals of ofac are %+v, want notFound %d", got, total)
		}
		if done.TimingSummary == nil || done.TimingSummary.Attempts < total {
			t.Errorf("the timing summary is %+v, want at least %d attempts", done.TimingSummary, total)
		}
	})

	t.Run("the sample batch has the expected matches", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "member").key()
		accepted := s.submit(t, string(sample(t, "sample-batch.json")))
		s.wait(t, accepted.BatchID)

		want := map[string]string{
			"LOAN-1001": "FOUND", "LOAN-1002": "FOUND", "LOAN-1003": "FOUND", "LOAN-1004": "FOUND",
			"LOAN-1005": "AMBIGUOUS", "LOAN-1006": "AMBIGUOUS",
		}
		for _, r := range s.rows(t, accepted.BatchID, 10) {
			outcome := want[r.ExternalID]
			if outcome == "" {
				outcome = "NO_RECORD" // near misses and names without any similarity
			}
			if r.Sources["ofac"] != outcome {
				t.Errorf("%s: the outcome of ofac is %s, want %s", r.ExternalID, r.Sources["ofac"], outcome)
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
			if detail.Inquiry.ExternalID != r.ExternalID {
				t.Fatalf("%s: the inquiry has the external ID %q", r.ExternalID, detail.Inquiry.ExternalID)
			}
			if detail.Report == nil || len(detail.Report.SourceRecords) != r.SourceRecordCount {
				t.Fatalf("%s: the report is %+v, want one with %d source records", r.ExternalID, detail.Report, r.SourceRecordCount)
			}
			matches := 0
			for _, record := range detail.Report.SourceRecords {
				if record.Properties["listDate"] == "" {
					t.Errorf("%s: a source record has no listDate", r.ExternalID)
				}
				if record.Outcome == outcome && record.Match != nil && record.Match.Score >= 0.75 && record.Match.MatchedName != "" {
					matches++
				}
			}
			if (matches > 0) != (outcome != "NO_RECORD") {
				t.Errorf("%s: %d source records have a match, but the outcome is %s", r.ExternalID, matches, outcome)
			}
		}
	})
}

// A lender cannot see another lender's data, and cannot even find out that it exists.
func TestLenderIsolation(t *testing.T) {
	t.Parallel()
	one, other := newUser(t, "-one", "member"), newUser(t, "-other", "member")
	accepted := one.key().submit(t, businesses("Secret plans", 3))
	one.key().wait(t, accepted.BatchID)
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
			if resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s of another lender: %s %s, want 404", paths[0], resp.Status, foreign)
			}
			if withoutRequestID(t, foreign) != withoutRequestID(t, absent) {
				t.Errorf("%s of another lender: %s, but an unknown ID gets %s", paths[0], foreign, absent)
			}
		}
		var list struct {
			Batches []batch
			Total   int
		}
		s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
		if list.Total != 0 || len(list.Batches) != 0 {
			t.Errorf("the other lender's list is %+v, want an empty one", list)
		}
	}
}

// withoutRequestID returns a problem document without its request ID.
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

// A client that lost the reply, or did not wait for it, repeats its submission with
// the same key. All repeats are one batch.
func TestIdempotency(t *testing.T) {
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
		t.Errorf("six submissions with the same key created the batches %v, want one", ids)
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body, "Idempotency-Key", "nightly-2026-11-23")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("repeating the submission: %s %s, want 200", resp.Status, data)
	}
	if got := resp.Header.Get("Idempotent-Replayed"); got != "true" {
		t.Errorf("repeating the submission: Idempotent-Replayed is %q, want true", got)
	}
	resp, data = s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("Another", 5), "Idempotency-Key", "nightly-2026-11-23")
	if resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another body with the same key: %s %s, want 422", resp.Status, data)
	}
	var list struct{ Total int }
	s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
	if list.Total != 1 {
		t.Errorf("the list has %d batches, want 1", list.Total)
	}
}

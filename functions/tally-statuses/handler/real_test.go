package handler

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// table is a new table in a real engine. It is used through DynamoDB's JSON protocol,
// because GetItem returns an item in exactly the form that a stream record has.
type table struct{ endpoint, name string }

func newTable(tb testing.TB) table {
	tb.Helper()
	t := table{enginetest.Table(tb), "tally-statuses-" + rand.Text()}
	t.call(tb, "CreateTable", `"BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}]`)
	return t
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// call sends one request and returns the item in the reply.
func (t table) call(tb failer, operation, members string) json.RawMessage {
	tb.Helper()
	body := fmt.Sprintf(`{"TableName":%q,%s}`, t.name, members)
	req, err := http.NewRequest(http.MethodPost, t.endpoint, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0", "X-Amz-Date": "20260101T000000Z",
		"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct{ Item json.RawMessage }
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(raw, &reply) != nil {
		tb.Fatal(operation, resp.Status, string(raw), err)
	}
	return reply.Item
}

func (t table) get(tb failer, pk, sk string) json.RawMessage {
	tb.Helper()
	return t.call(tb, "GetItem", fmt.Sprintf(`"ConsistentRead":true,"Key":{"PK":{"S":%q},"SK":{"S":%q}}`, pk, sk))
}

// story is the history of two lenders' batches, as stream records.
type story struct {
	table   table
	store   *store.Store
	batches map[inquiry.LenderID]inquiry.BatchID
	headers map[inquiry.LenderID]json.RawMessage // as submitted
	records []events.DynamoDBEventRecord         // in the order of the writes
}

// record adds the stream record of the last write of an inquiry.
func (s *story) record(tb testing.TB, lender inquiry.LenderID, index int) {
	tb.Helper()
	item := s.table.get(tb, fmt.Sprintf("%s#0", partitionOf(lender, s.batches[lender])), fmt.Sprintf("%s%05d", store.InquiryPrefix, index))
	r := events.DynamoDBEventRecord{EventName: "MODIFY"}
	if err := json.Unmarshal(item, &r.Change.NewImage); err != nil {
		tb.Fatal(err)
	}
	s.records = append(s.records, r)
}

// newStory plays a batch that finishes with different statuses and a batch that does
// not finish. The first inquiry of each takes two attempts.
func newStory(t *testing.T) *story {
	t.Helper()
	now := noon
	s := &story{table: newTable(t), batches: map[inquiry.LenderID]inquiry.BatchID{}, headers: map[inquiry.LenderID]json.RawMessage{}}
	s.store = store.New(dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(s.table.endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), s.table.name, func() time.Time { return now })

	finals := map[inquiry.LenderID][]inquiry.Status{
		"acme":   {inquiry.StatusCompleted, inquiry.StatusFailed, inquiry.StatusCompleted, inquiry.StatusPartialSuccess},
		"globex": {inquiry.StatusCompleted, inquiry.StatusRunning, inquiry.StatusPlanning},
	}
	for _, lender := range []inquiry.LenderID{"acme", "globex"} {
		profile, _, err := s.store.CreateLender(t.Context(), inquiry.Lender{ID: lender, Name: "A Lender"})
		if err != nil {
			t.Fatal(err)
		}
		by := inquiry.Submitter{UserID: "user of " + string(lender), Role: "member"}
		if _, _, err := s.store.AddUser(t.Context(), store.User{ID: by.UserID, LenderID: lender, Role: by.Role}); err != nil {
			t.Fatal(err)
		}
		id, _, err := s.store.Submit(t.Context(), profile, inquiry.Submission{Submitter: by, Inquiries: make([]inquiry.Inquiry, len(finals[lender]))})
		if err != nil {
			t.Fatal(err)
		}
		s.batches[lender], s.headers[lender] = id, s.table.get(t, partitionOf(lender, id), store.HeaderSK)
		for i, final := range finals[lender] {
			attempts := 1
			if i == 0 {
				attempts = 2
			}
			s.play(t, lender, i, attempts, final, &now)
		}
	}
	return s
}

// play takes one inquiry through its attempts to its last status.
func (s *story) play(t *testing.T, lender inquiry.LenderID, index, attempts int, final inquiry.Status, now *time.Time) {
	t.Helper()
	if final == inquiry.StatusPlanning {
		return
	}
	var claim store.Claim
	for range attempts {
		*now = now.Add(1500 * time.Millisecond)
		var err error
		if claim, err = s.store.Claim(t.Context(), lender, s.batches[lender].Inquiry(index), rand.Text(), now.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		s.record(t, lender, index)
	}
	if !final.Final() {
		return
	}
	*now = now.Add(time.Duration(index+1) * 7 * time.Millisecond)
	err := s.store.Finish(t.Context(), claim, store.Result{Status: final, Sources: map[string]inquiry.SourceFigures{
		"ofac": {Outcome: inquiry.OutcomeFound, Records: index + 1, Elapsed: time.Duration(index+3) * time.Microsecond},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.record(t, lender, index)
}

func partitionOf(lender inquiry.LenderID, id inquiry.BatchID) string {
	return store.LenderPrefix + string(lender) + store.BatchInfix + id.String()
}

// tell resets the headers, handles one event after another, and returns the headers.
func (s *story) tell(t *testing.T, tb failer, tellings ...[]events.DynamoDBEventRecord) map[inquiry.LenderID]map[string]any {
	tb.Helper()
	for _, header := range s.headers {
		s.table.call(tb, "PutItem", `"Item":`+string(header))
	}
	h := &Handler{Counters: s.store, Log: slog.New(slog.DiscardHandler)}
	for _, records := range tellings {
		resp, err := h.Handle(t.Context(), events.DynamoDBEvent{Records: records})
		if err != nil || len(resp.BatchItemFailures) > 0 {
			tb.Fatal("the event failed:", resp, err)
		}
	}
	return s.counted(tb)
}

// counted returns the current headers without their versions.
func (s *story) counted(tb failer) map[inquiry.LenderID]map[string]any {
	tb.Helper()
	headers := map[inquiry.LenderID]map[string]any{}
	for lender, id := range s.batches {
		var header map[string]any
		if err := json.Unmarshal(s.table.get(tb, partitionOf(lender, id), store.HeaderSK), &header); err != nil {
			tb.Fatal(err)
		}
		delete(header, "version")
		headers[lender] = header
	}
	return headers
}

func TestHandleWithTable(t *testing.T) {
	t.Parallel()

	// This is the law of the counters, on a real table: a header depends only on which
	// records were seen, not on their order or number.
	t.Run("the counters depend only on the set of records", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		want := s.tell(t, t, s.records)

		batch, err := s.store.Batch(t.Context(), "acme", s.batches["acme"])
		if err != nil {
			t.Fatal(err)
		}
		if batch.Counts() != (inquiry.Counts{Completed: 2, Failed: 1, PartialSuccess: 1}) || batch.Status() != inquiry.BatchPartialSuccess ||
			batch.Sums.Attempts != 5 || batch.Sums.SourceRecords != 1+2+3+4 || batch.FinishedAt.IsZero() {
			t.Fatalf("once and in order: counts %+v, sums %+v, finished at %s", batch.Counts(), batch.Sums, batch.FinishedAt)
		}

		rapid.Check(t, func(rt *rapid.T) {
			shuffled := rapid.Permutation(s.records).Draw(rt, "order")
			repeated := rapid.SliceOfN(rapid.SampledFrom(s.records), 0, 8).Draw(rt, "repeated")
			all := append(append(shuffled[:4:4], repeated...), shuffled[4:]...)
			var tellings [][]events.DynamoDBEventRecord
			for len(all) > 0 {
				n := rapid.IntRange(1, len(all)).Draw(rt, "records in the event")
				tellings, all = append(tellings, all[:n]), all[n:]
			}
			if diff := cmp.Diff(want, s.tell(t, rt, tellings...)); diff != "" {
				rt.Fatalf("headers (-in order +this way):\n%s", diff)
			}
		})
	})

	// Several readers read the stream at once while its event source mapping is changed.
	t.Run("concurrent readers agree", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		want := s.tell(t, t, s.records)
		s.tell(t, t) // as submitted

		h := &Handler{Counters: s.store, Log: slog.New(slog.DiscardHandler)}
		done := make(chan string)
		for i := range 4 {
			go func() {
				resp, err := h.Handle(t.Context(), events.DynamoDBEvent{Records: s.records[i:]})
				done <- fmt.Sprint(len(resp.BatchItemFailures), err)
			}()
		}
		for range 4 {
			if outcome := <-done; outcome != "0 <nil>" {
				t.Error("failures and error of a reader:", outcome)
			}
		}
		if diff := cmp.Diff(want, s.counted(t)); diff != "" {
			t.Errorf("headers (-one reader +four readers):\n%s", diff)
		}
	})
}

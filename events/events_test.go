// Package events_test reads every sample event in this folder as the function
// does that gets it. But for the sample batch, they tell of one batch of two
// inquiries: submitted, dispatched, its first inquiry looked up, and counted, its
// second one given up; and of the schedule that looks after it.
package events_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// The batch that the samples tell of, and whose it is.
const batchID = "019cae6b-6600-7b37-a164-c8c9edcf0000"

const lender inquiry.LenderID = "acme"

func TestEverySampleIsRead(t *testing.T) {
	t.Parallel()
	readers := map[string]func(*testing.T, string){
		"api-get-batch.json":             checkGetBatch,
		"api-submit-batch.json":          checkSubmitBatch,
		"authorize-request-request.json": checkAuthorizeByRequest,
		"authorize-request-token.json":   checkAuthorizeByToken,
		"dispatch-batch.json":            checkSubmittedHeader,
		"fail-exhausted.json":            checkDeadLetter,
		"process-inquiry.json":           checkMessages,
		"sample-batch.csv":               checkSampleSpreadsheet,
		"sample-batch.json":              checkSampleBatch,
		"sweep-open-batches.json":        checkSchedule,
		"tally-statuses.json":            checkTransitions,
	}
	var files []string
	for _, kind := range []string{"*.json", "*.csv"} {
		found, err := filepath.Glob(kind)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(readers)), files); diff != "" {
		t.Errorf("each sample needs a test, and the test its sample (-tests +samples):\n%s", diff)
	}
	for name, check := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, name)
		})
	}
}

// read decodes a sample and refuses what the type does not know.
func read[T any](tb testing.TB, name string) (v T) {
	tb.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return v
}

func checkSubmittedHeader(t *testing.T, name string) {
	ev := read[events.DynamoDBEvent](t, name)
	if len(ev.Records) != 1 {
		t.Fatalf("%d records, want 1", len(ev.Records))
	}
	checkRecords(t, ev)
	occasion, batch, err := store.ReadHeader(ev.Records[0])
	if batch.LenderID != lender || batch.ID.String() != batchID || occasion != store.Submitted || err != nil {
		t.Errorf("occasion %d, batch %s of lender %s, %v", occasion, batch.ID, batch.LenderID, err)
	}
	image := ev.Records[0].Change.NewImage
	var ledger inquiry.Ledger = image["ledger"].Binary()
	if diff := cmp.Diff(inquiry.NewLedger(2), ledger); diff != "" || image["total"].Number() != "2" {
		t.Errorf("total %s; ledger (-want +got):\n%s", image["total"].Number(), diff)
	}
}

// checkRecords checks what DynamoDB makes true of every record.
func checkRecords(t *testing.T, ev events.DynamoDBEvent) {
	t.Helper()
	last := ""
	for i, r := range ev.Records {
		for _, key := range []string{"PK", "SK"} {
			if got, want := r.Change.Keys[key].String(), r.Change.NewImage[key].String(); got != want {
				t.Errorf("record %d: the key %s is %q and in the image %q", i, key, got, want)
			}
		}
		if r.Change.SequenceNumber <= last || r.Change.StreamViewType != "NEW_IMAGE" || r.EventSource != "aws:dynamodb" {
			t.Errorf("record %d: sequence number %q, view %s, from %s", i, r.Change.SequenceNumber, r.Change.StreamViewType, r.EventSource)
		}
		last = r.Change.SequenceNumber
	}
}

func checkTransitions(t *testing.T, name string) {
	ev := read[events.DynamoDBEvent](t, name)
	checkRecords(t, ev)
	var told []string
	for _, r := range ev.Records {
		transition, ok, err := store.ReadTransition(r)
		if transition.Lender != lender || transition.Batch.String() != batchID || !ok || err != nil {
			t.Fatalf("batch %s of lender %s, %t, %v", transition.Batch, transition.Lender, ok, err)
		}
		told = append(told, r.EventName+" "+string(transition.Change.Status))
		if !transition.Change.Status.Final() {
			continue
		}
		rep, err := report.Decode(r.Change.NewImage["report"].Binary())
		if err != nil {
			t.Fatal(err)
		}
		if rep.InquiryID != transition.Batch.Inquiry(transition.Change.Index) || rep.Status != transition.Change.Status {
			t.Errorf("the report is of inquiry %s, status %s", rep.InquiryID, rep.Status)
		}
		if diff := cmp.Diff(rep.Figures(), transition.Change.Figures.Sources); diff != "" {
			t.Errorf("figures (-report's +record's):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{"INSERT RUNNING", "MODIFY COMPLETED"}, told); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func checkMessages(t *testing.T, name string) {
	if n := len(messages(t, name)); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

// A dead letter is the message as it was sent, in another queue.
func checkDeadLetter(t *testing.T, name string) {
	letters, sent := read[events.SQSEvent](t, name).Records, read[events.SQSEvent](t, "process-inquiry.json").Records
	if len(letters) != 1 {
		t.Fatalf("%d letters, want 1", len(letters))
	}
	letter, message := letters[0], sent[1]
	if letter.Body != message.Body || letter.MessageId != message.MessageId || letter.Md5OfBody != message.Md5OfBody ||
		letter.Attributes["DeadLetterQueueSourceArn"] != message.EventSourceARN || letter.EventSourceARN == message.EventSourceARN {
		t.Errorf("letter %s from %s is not message %s", letter.MessageId, letter.Attributes["DeadLetterQueueSourceArn"], message.MessageId)
	}
}

func checkSchedule(t *testing.T, name string) {
	ev := read[events.EventBridgeEvent](t, name)
	if ev.DetailType != "Scheduled Event" || ev.Source != "aws.events" || len(ev.Resources) != 1 {
		t.Errorf("%s from %s about %v", ev.DetailType, ev.Source, ev.Resources)
	}
}

// messages reads the inquiries of an SQS event.
func messages(t *testing.T, name string) []inquiry.Inquiry {
	t.Helper()
	var inquiries []inquiry.Inquiry
	for i, m := range read[events.SQSEvent](t, name).Records {
		msg, err := queue.Parse(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		if msg.LenderID != lender || msg.ID.Batch().String() != batchID || msg.ID.Index() != i || m.Attributes["ApproximateReceiveCount"] != "1" {
			t.Errorf("message %d is of lender %s, inquiry %s, received %s times", i, msg.LenderID, msg.ID, m.Attributes["ApproximateReceiveCount"])
		}
		if sum := md5.Sum([]byte(m.Body)); m.Md5OfBody != hex.EncodeToString(sum[:]) {
			t.Errorf("message %d has another body than its MD5 says", i)
		}
		inquiries = append(inquiries, msg.Inquiry)
	}
	return inquiries
}

func checkSubmitBatch(t *testing.T, name string) {
	ev := readRequest(t, name)
	if ev.HTTPMethod != http.MethodPost {
		t.Errorf("method %s", ev.HTTPMethod)
	}
	sub := accept(t, []byte(ev.Body))
	if diff := cmp.Diff(messages(t, "process-inquiry.json"), sub.Inquiries); diff != "" {
		t.Errorf("inquiries (-on the queue +submitted):\n%s", diff)
	}
}

func checkGetBatch(t *testing.T, name string) {
	ev := readRequest(t, name)
	if ev.HTTPMethod != http.MethodGet || ev.PathParameters["batch_id"] != batchID || !strings.HasSuffix(ev.Path, "/"+batchID) {
		t.Errorf("%s %s, parameters %v", ev.HTTPMethod, ev.Path, ev.PathParameters)
	}
}

// readRequest reads a request that our authorizer has let through.
func readRequest(t *testing.T, name string) events.APIGatewayProxyRequest {
	t.Helper()
	ev := read[events.APIGatewayProxyRequest](t, name)
	caller, err := auth.CallerFromContext(ev.RequestContext.Authorizer)
	want := auth.Caller{LenderID: lender, UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "k1", KeyVersion: 2}
	if diff := cmp.Diff(want, caller); diff != "" || err != nil {
		t.Errorf("%v; caller (-want +got):\n%s", err, diff)
	}
	if ev.RequestContext.Path != "/"+ev.RequestContext.Stage+ev.Path || ev.RequestContext.HTTPMethod != ev.HTTPMethod {
		t.Errorf("%s %s at stage %s, in its context %s %s",
			ev.HTTPMethod, ev.Path, ev.RequestContext.Stage, ev.RequestContext.HTTPMethod, ev.RequestContext.Path)
	}
	for header, value := range ev.Headers {
		if diff := cmp.Diff([]string{value}, ev.MultiValueHeaders[header]); diff != "" {
			t.Errorf("header %s (-single +multi):\n%s", header, diff)
		}
	}
	return ev
}

func checkSampleBatch(t *testing.T, name string) {
	body := read[httpapi.SubmitBody](t, name)
	seen := map[string]bool{}
	for i, in := range body.Inquiries {
		if in.ExternalID == "" || seen[in.ExternalID] {
			t.Errorf("inquiry %d: externalId %q is missing or stands for another one too", i, in.ExternalID)
		}
		seen[in.ExternalID] = true
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if sub := accept(t, raw); len(sub.Inquiries) != 25 {
		t.Errorf("%d inquiries, want 25", len(sub.Inquiries))
	}
}

// The spreadsheet has some of the sample batch's inquiries, and a part of what
// that says of them.
func checkSampleSpreadsheet(t *testing.T, name string) {
	file, err := batchfile.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("sample-batch.json")
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]inquiry.Inquiry{}
	for _, in := range accept(t, whole).Inquiries {
		in.Phone, in.Email, in.Website, in.Metadata = "", "", "", nil
		in.Principals = in.Principals[:1]
		in.Principals[0].Title, in.Principals[0].OwnershipPercentage = "", nil
		byID[in.ExternalID] = in
	}
	sub := accept(t, rows)
	for i, in := range sub.Inquiries {
		if diff := cmp.Diff(byID[in.ExternalID], in); diff != "" {
			t.Errorf("row %d (-sample-batch.json +here):\n%s", i+2, diff)
		}
	}
	if len(sub.Inquiries) != 5 || file.Name() != "sample-batch" {
		t.Errorf("%d inquiries as %q", len(sub.Inquiries), file.Name())
	}
}

type batches = httpapi.Batches // for embedding under a name that is not one of its methods

// intake is a table that takes any submission, and remembers it.
type intake struct {
	batches
	taken inquiry.Submission
}

func (i *intake) Lender(_ context.Context, id inquiry.LenderID) (inquiry.Lender, error) {
	return inquiry.Lender{ID: id, Status: inquiry.AccessActive, BatchMax: inquiry.DefaultBatchMax}, nil
}

func (i *intake) Submit(_ context.Context, _ inquiry.Lender, sub inquiry.Submission) (inquiry.BatchID, bool, error) {
	i.taken = sub
	return inquiry.BatchID{}, false, nil
}

// accept submits the body to the API and returns what it accepted.
func accept(tb testing.TB, body []byte) inquiry.Submission {
	tb.Helper()
	table := &intake{}
	api := httpapi.API{Batches: table, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	req := httptest.NewRequestWithContext(
		httpapi.WithRequest(tb.Context(), httpapi.Request{Caller: auth.Caller{LenderID: lender, Role: auth.RoleMember}}),
		http.MethodPost, "/v1/batch-inquiries", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	api.Handler().ServeHTTP(answer, req)
	if answer.Code != http.StatusOK {
		tb.Fatalf("the API answers %d %s", answer.Code, answer.Body)
	}
	return table.taken
}

func checkAuthorizeByToken(t *testing.T, name string) {
	ev := read[events.APIGatewayCustomAuthorizerRequest](t, name)
	if ev.Type != "TOKEN" || !strings.HasPrefix(ev.MethodArn, "arn:aws:execute-api:") || auth.FromHeader(ev.AuthorizationToken) == "" {
		t.Errorf("type %s, method %s", ev.Type, ev.MethodArn)
	}
}

// The library's type leaves out half of what API Gateway sends, so this one is
// not read strictly.
func checkAuthorizeByRequest(t *testing.T, name string) {
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var ev events.APIGatewayCustomAuthorizerRequestTypeRequest
	if err := json.Unmarshal(raw, &ev); err != nil {
		t.Fatal(err)
	}
	at := ev.RequestContext
	want := ":" + at.APIID + "/" + at.Stage + "/" + ev.HTTPMethod + strings.TrimSuffix(ev.Path, "/")
	if ev.Type != "REQUEST" || !strings.HasSuffix(ev.MethodArn, want) || at.Path != "/"+at.Stage+ev.Path || auth.FromHeader(ev.Headers["authorization"]) == "" {
		t.Errorf("type %s, method %s, path %s", ev.Type, ev.MethodArn, at.Path)
	}
}

// Package events_test reads each sample in this folder the way the function that
// receives it does. Except for the sample batch and the schedule, the samples follow
// one batch of two inquiries: it is submitted and dispatched, its first inquiry is
// looked up and counted, and its second one ends up in the dead letters.
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

// The batch in the samples, and its lender.
const batchID = "019cae6b-6600-7b37-a164-c8c9edcf0000"

const lender inquiry.LenderID = "acme"

func TestSamples(t *testing.T) {
	t.Parallel()
	readers := map[string]func(*testing.T, string){
		"api-get-batch.json":             checkGetBatch,
		"api-submit-batch.json":          checkSubmitBatch,
		"authorize-request-request.json": checkAuthorizeByRequest,
		"authorize-request-token.json":   checkAuthorizeByToken,
		"dispatch-batch.json":            checkSubmittedHeader,
		"fail-exhausted.json":            checkDeadLetter,
		"manage-api-keys-show.json":      checkShowKey,
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
		t.Errorf("every sample needs a test, and every test a sample (-tests +samples):\n%s", diff)
	}
	for name, check := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, name)
		})
	}
}

// read decodes a sample. An unknown field is an error.
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
		t.Fatalf("the event has %d records, want 1", len(ev.Records))
	}
	checkRecords(t, ev)
	occasion, batch, err := store.ReadHeader(ev.Records[0])
	if err != nil {
		t.Fatal(err)
	}
	if occasion != store.Submitted {
		t.Errorf("the occasion is %d, want Submitted", occasion)
	}
	if batch.LenderID != lender || batch.ID.String() != batchID {
		t.Errorf("the header is of batch %s of lender %s", batch.ID, batch.LenderID)
	}
	image := ev.Records[0].Change.NewImage
	var ledger inquiry.Ledger = image["ledger"].Binary()
	if diff := cmp.Diff(inquiry.NewLedger(2), ledger); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if total := image["total"].Number(); total != "2" {
		t.Errorf("the total is %s, want 2", total)
	}
}

// checkRecords checks the properties that DynamoDB guarantees for every record.
func checkRecords(t *testing.T, ev events.DynamoDBEvent) {
	t.Helper()
	last := ""
	for i, r := range ev.Records {
		for _, key := range []string{store.PKAttribute, store.SKAttribute} {
			if got, want := r.Change.Keys[key].String(), r.Change.NewImage[key].String(); got != want {
				t.Errorf("record %d: the key %s is %q, but it is %q in the image", i, key, got, want)
			}
		}
		if r.Change.SequenceNumber <= last {
			t.Errorf("record %d: the sequence number %q is not above %q", i, r.Change.SequenceNumber, last)
		}
		if r.Change.StreamViewType != "NEW_IMAGE" || r.EventSource != "aws:dynamodb" {
			t.Errorf("record %d: view %s from %s", i, r.Change.StreamViewType, r.EventSource)
		}
		last = r.Change.SequenceNumber
	}
}

func checkTransitions(t *testing.T, name string) {
	ev := read[events.DynamoDBEvent](t, name)
	checkRecords(t, ev)
	var transitions []string
	for _, r := range ev.Records {
		transition, ok, err := store.ReadTransition(r)
		if err != nil || !ok {
			t.Fatalf("the record is not a transition: %t, %v", ok, err)
		}
		if transition.Lender != lender || transition.Batch.String() != batchID {
			t.Fatalf("the transition is of batch %s of lender %s", transition.Batch, transition.Lender)
		}
		transitions = append(transitions, r.EventName+" "+string(transition.Change.Status))
		if !transition.Change.Status.Final() {
			continue
		}
		rep, err := report.Decode(r.Change.NewImage["report"].Binary())
		if err != nil {
			t.Fatal(err)
		}
		if rep.InquiryID != transition.Batch.Inquiry(transition.Change.Index) || rep.Status != transition.Change.Status {
			t.Errorf("the report is of inquiry %s with status %s", rep.InquiryID, rep.Status)
		}
		if diff := cmp.Diff(rep.Figures(), transition.Change.Figures.Sources); diff != "" {
			t.Errorf("figures (-report +record):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{"INSERT RUNNING", "MODIFY COMPLETED"}, transitions); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func checkMessages(t *testing.T, name string) {
	if n := len(messages(t, name)); n != 2 {
		t.Errorf("the event has %d messages, want 2", n)
	}
}

// checkDeadLetter checks that the dead letter is the second message of
// process-inquiry.json in another queue.
func checkDeadLetter(t *testing.T, name string) {
	letters, sent := read[events.SQSEvent](t, name).Records, read[events.SQSEvent](t, "process-inquiry.json").Records
	if len(letters) != 1 {
		t.Fatalf("the event has %d letters, want 1", len(letters))
	}
	letter, message := letters[0], sent[1]
	if letter.Body != message.Body || letter.MessageId != message.MessageId || letter.Md5OfBody != message.Md5OfBody {
		t.Errorf("the dead letter is not message %s: %+v", message.MessageId, letter)
	}
	if from := letter.Attributes["DeadLetterQueueSourceArn"]; from != message.EventSourceARN || letter.EventSourceARN == message.EventSourceARN {
		t.Errorf("the dead letter moved from %s to %s, want a move from %s", from, letter.EventSourceARN, message.EventSourceARN)
	}
}

func checkSchedule(t *testing.T, name string) {
	ev := read[events.EventBridgeEvent](t, name)
	if ev.DetailType != "Scheduled Event" || ev.Source != "aws.events" || len(ev.Resources) != 1 {
		t.Errorf("the event is a %s from %s with the resources %v", ev.DetailType, ev.Source, ev.Resources)
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
		if msg.LenderID != lender || msg.ID.Batch().String() != batchID || msg.ID.Index() != i {
			t.Errorf("message %d is about inquiry %s of lender %s", i, msg.ID, msg.LenderID)
		}
		if receives := m.Attributes["ApproximateReceiveCount"]; receives != "1" {
			t.Errorf("message %d was received %s times, want once", i, receives)
		}
		if sum := md5.Sum([]byte(m.Body)); m.Md5OfBody != hex.EncodeToString(sum[:]) {
			t.Errorf("message %d: the MD5 is not that of the body", i)
		}
		inquiries = append(inquiries, msg.Inquiry)
	}
	return inquiries
}

func checkSubmitBatch(t *testing.T, name string) {
	ev := readRequest(t, name)
	if ev.HTTPMethod != http.MethodPost {
		t.Errorf("the method is %s, want POST", ev.HTTPMethod)
	}
	sub := accept(t, []byte(ev.Body))
	if diff := cmp.Diff(messages(t, "process-inquiry.json"), sub.Inquiries); diff != "" {
		t.Errorf("inquiries (-queue +submission):\n%s", diff)
	}
}

func checkGetBatch(t *testing.T, name string) {
	ev := readRequest(t, name)
	if ev.HTTPMethod != http.MethodGet || ev.PathParameters["batch_id"] != batchID || !strings.HasSuffix(ev.Path, "/"+batchID) {
		t.Errorf("the request is %s %s with the parameters %v", ev.HTTPMethod, ev.Path, ev.PathParameters)
	}
}

func checkShowKey(t *testing.T, name string) {
	ev := readRequest(t, name)
	if ev.HTTPMethod != http.MethodGet || ev.Path != "/v1/users/me/api-key" || ev.Resource != ev.Path {
		t.Errorf("the request is %s %s of resource %s", ev.HTTPMethod, ev.Path, ev.Resource)
	}
}

// readRequest reads a request that the authorizer has allowed.
func readRequest(t *testing.T, name string) events.APIGatewayProxyRequest {
	t.Helper()
	ev := read[events.APIGatewayProxyRequest](t, name)
	caller, err := auth.CallerFromContext(ev.RequestContext.Authorizer)
	want := auth.Caller{LenderID: lender, UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "k1", KeyVersion: 2}
	if err != nil {
		t.Errorf("reading the caller: %v", err)
	}
	if diff := cmp.Diff(want, caller); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	if ev.RequestContext.Path != "/"+ev.RequestContext.Stage+ev.Path || ev.RequestContext.HTTPMethod != ev.HTTPMethod {
		t.Errorf("the request is %s %s at stage %s, but %s %s in its context",
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
			t.Errorf("inquiry %d: externalId %q is empty or not unique", i, in.ExternalID)
		}
		seen[in.ExternalID] = true
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if sub := accept(t, raw); len(sub.Inquiries) != 25 {
		t.Errorf("the batch has %d inquiries, want 25", len(sub.Inquiries))
	}
}

// checkSampleSpreadsheet checks that the spreadsheet has some inquiries of the sample
// batch, with some of their fields.
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
			t.Errorf("row %d (-sample-batch.json +sample-batch.csv):\n%s", i+2, diff)
		}
	}
	if len(sub.Inquiries) != 5 || file.Name() != "sample-batch" {
		t.Errorf("the file has %d inquiries and the name %q", len(sub.Inquiries), file.Name())
	}
}

type batches = httpapi.Batches // a name for embedding that none of its methods has

// intake stands in for the table: it accepts any submission and remembers it.
type intake struct {
	batches
	accepted inquiry.Submission
}

func (i *intake) Lender(_ context.Context, id inquiry.LenderID) (inquiry.Lender, error) {
	return inquiry.Lender{ID: id, Status: inquiry.AccessActive, BatchMax: inquiry.DefaultBatchMax}, nil
}

func (i *intake) Submit(_ context.Context, _ inquiry.Lender, sub inquiry.Submission) (inquiry.BatchID, bool, error) {
	i.accepted = sub
	return inquiry.BatchID{}, false, nil
}

// accept submits the body to the API and returns the submission that it accepted.
func accept(tb testing.TB, body []byte) inquiry.Submission {
	tb.Helper()
	table := &intake{}
	api := httpapi.API{Batches: table, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	req := httptest.NewRequestWithContext(
		httpapi.WithRequest(tb.Context(), httpapi.Request{Caller: auth.Caller{LenderID: lender, Role: auth.RoleMember}}),
		http.MethodPost, "/v1/batch-inquiries", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	api.Handler().ServeHTTP(recorder, req)
	if recorder.Code != http.StatusOK {
		tb.Fatalf("the API responds %d %s", recorder.Code, recorder.Body)
	}
	return table.accepted
}

func checkAuthorizeByToken(t *testing.T, name string) {
	ev := read[events.APIGatewayCustomAuthorizerRequest](t, name)
	if ev.Type != "TOKEN" || !strings.HasPrefix(ev.MethodArn, "arn:aws:execute-api:") || auth.FromHeader(ev.AuthorizationToken) == "" {
		t.Errorf("the type is %s and the method %s", ev.Type, ev.MethodArn)
	}
}

// checkAuthorizeByRequest allows unknown fields, because the library's type lacks
// half of the fields that API Gateway sends.
func checkAuthorizeByRequest(t *testing.T, name string) {
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var ev events.APIGatewayCustomAuthorizerRequestTypeRequest
	if err := json.Unmarshal(raw, &ev); err != nil {
		t.Fatal(err)
	}
	rc := ev.RequestContext
	want := ":" + rc.APIID + "/" + rc.Stage + "/" + ev.HTTPMethod + strings.TrimSuffix(ev.Path, "/")
	if ev.Type != "REQUEST" || !strings.HasSuffix(ev.MethodArn, want) || rc.Path != "/"+rc.Stage+ev.Path {
		t.Errorf("the type is %s, the method %s and the path %s", ev.Type, ev.MethodArn, rc.Path)
	}
	if auth.FromHeader(ev.Headers["authorization"]) == "" {
		t.Error("the event has no credential")
	}
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	authorize "github.com/batch-inquiries/batch-inquiries/functions/authorize-request/handler"
	dispatch "github.com/batch-inquiries/batch-inquiries/functions/dispatch-batch/handler"
	process "github.com/batch-inquiries/batch-inquiries/functions/process-inquiry/handler"
	tally "github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/gateway"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/source/ofac"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// batchDeadline is the deadline of batches here, which no measurement reaches.
const batchDeadline = 24 * time.Hour

// bill is what a batch used from its submission until it was final. Reads are not
// included.
type bill struct {
	inquiries   int
	functions   map[string]functionUse
	queue       queueUse
	reportBytes int // compressed
	logBytes    int // logged by the functions' own code
	stored      int // bytes that its items add to the table
}

// functionUse is what all invocations of one function used.
type functionUse struct {
	invocations int
	table       usages
}

func (b bill) table() (sum usage) {
	for _, f := range b.functions {
		sum = sum.plus(f.table.total())
	}
	return sum
}

func (b bill) invocations() (n int) {
	for _, f := range b.functions {
		n += f.invocations
	}
	return n
}

// each divides a total by the number of inquiries.
func (b bill) each(total float64) float64 { return total / float64(b.inquiries) }

// queueUse counts requests to SQS. Lambda's poller makes the receives and deletes,
// one of each per delivery.
type queueUse struct {
	sends, receives, deletes int
	chunks                   int // of 64 KB or less in the sends, each billed as a request
}

func (q queueUse) requests() int { return q.sends + q.receives + q.deletes }

// sentMessages is a queue that accepts every message and counts the sends.
type sentMessages struct {
	mu     sync.Mutex
	use    queueUse
	bodies []string
}

func (s *sentMessages) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := 0
	for _, e := range in.Entries {
		size += len(*e.MessageBody)
		s.bodies = append(s.bodies, *e.MessageBody)
	}
	s.use.sends++
	s.use.chunks += (size + 64<<10 - 1) / (64 << 10)
	return &sqs.SendMessageBatchOutput{}, nil
}

// results is where the worker writes. It adds up the bytes of the reports and can
// leave the reports out, to show what those bytes cost.
type results struct {
	process.Inquiries
	withoutReport bool
	bytes         atomic.Int64
}

func (r *results) Finish(ctx context.Context, c store.Claim, found store.Result) error {
	r.bytes.Add(int64(len(found.Report)))
	if r.withoutReport {
		found.Report = nil
	}
	return r.Inquiries.Finish(ctx, c, found)
}

// service has the real handlers on one table, each with its own meter.
type service struct {
	table   *benchTable
	meters  map[string]*meter
	invoked map[string]int
	sent    *sentMessages
	lanes   int // of tally-statuses in a shard
	results *results
	logged  *byteCount
	caller  auth.Caller
	key     string
	store   *store.Store // not counted

	authorizer lambda.Handler
	api        *gateway.Handler
	dispatcher *dispatch.Handler
	worker     *process.Handler
	tallier    *tally.Handler
}

type byteCount struct{ n atomic.Int64 }

func (b *byteCount) Write(p []byte) (int, error) {
	b.n.Add(int64(len(p)))
	return len(p), nil
}

// masterKey is a fake Secrets Manager with one secret.
type masterKey string

func (k masterKey) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(string(k))}, nil
}

// newSources returns the runner of all sources, as process-inquiry has it.
func newSources(list fs.FS) (*source.Runner, error) {
	names, err := ofac.Load(list)
	if err != nil {
		return nil, err
	}
	return source.NewRunner(ofac.New(names)), nil
}

// newService wires the functions as their main packages do, on a new table with
// one lender and one user.
func newService(ctx context.Context, endpoint string, list fs.FS) (*service, error) {
	t, err := newTable(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	sources, err := newSources(list)
	if err != nil {
		return nil, err
	}
	s := &service{
		table: t, meters: map[string]*meter{}, invoked: map[string]int{}, sent: &sentMessages{}, lanes: deployment.TallyLanes, logged: &byteCount{},
		store: store.New(t.client(nil), t.name, time.Now),
	}
	log := func(function string) *slog.Logger {
		return slog.New(slog.NewJSONHandler(s.logged, nil)).With("function", function)
	}
	metered := func(function string) *store.Store {
		s.meters[function] = &meter{}
		return store.New(t.client(s.meters[function]), t.name, time.Now)
	}
	master := auth.NewMasterKeys(masterKey(strings.Repeat("k", 64)), []string{"arn"})
	keys, err := master.Keys(ctx, master.Current())
	if err != nil {
		return nil, err
	}
	if err := s.addCaller(ctx, keys); err != nil {
		return nil, err
	}
	authorizer := &authorize.Handler{Access: metered(deployment.AuthorizeRequest), Master: master, Log: log(deployment.AuthorizeRequest)}
	s.authorizer = lambda.NewHandler(authorizer.Handle)
	measured := metrics.New("batch-inquiries-prod", s.logged, time.Now)
	batches := metered(deployment.API)
	contract := httpapi.API{Batches: batches, Access: access.Checker{Members: batches}, Now: time.Now, Metrics: measured, Log: log(deployment.API)}
	s.api = gateway.New(contract.Handler(), log(deployment.API))
	s.dispatcher = &dispatch.Handler{Batches: metered(deployment.DispatchBatch), Queue: queue.New(s.sent, "queue"), Log: log(deployment.DispatchBatch)}
	s.results = &results{Inquiries: metered(deployment.ProcessInquiry)}
	s.worker = &process.Handler{
		Inquiries: s.results, Sources: sources, MaxReceives: deployment.MaxReceives, Deadline: batchDeadline,
		Now: time.Now, Metrics: measured, Log: log(deployment.ProcessInquiry),
	}
	s.tallier = &tally.Handler{Counters: metered(deployment.TallyStatuses), Log: log(deployment.TallyStatuses)}
	return s, nil
}

// addCaller creates the lender, its user and the user's key, as an operator does.
func (s *service) addCaller(ctx context.Context, keys auth.Keys) error {
	s.caller = auth.Caller{LenderID: "demo-lender", UserID: "6f1c2f5e-0000-4000-8000-5d1b3f6d2c11", Role: auth.RoleMember, Credential: auth.CredentialAPIKey}
	_, _, err := s.store.CreateLender(ctx, inquiry.Lender{ID: s.caller.LenderID, Name: "Demo Lender", BatchMax: 5000})
	if err != nil {
		return err
	}
	if _, err := s.store.SetOpenMax(ctx, s.caller.LenderID, interleavedBatches*costBatch+5000); err != nil {
		return err
	}
	if _, _, err = s.store.AddUser(ctx, store.User{ID: s.caller.UserID, LenderID: s.caller.LenderID, Role: string(s.caller.Role)}); err != nil {
		return err
	}
	key, err := s.store.EnsureAPIKey(ctx, s.caller.UserID, 1)
	s.key = keys.Issue(key.ID, key.Version)
	s.caller.KeyID, s.caller.KeyVersion = key.ID, key.Version
	return err
}

// screen takes one batch through all functions until it is final. perTally is the
// number of inquiries that finish before each invocation of tally-statuses.
func (s *service) screen(ctx context.Context, inquiries []inquiry.Inquiry, perTally int) (bill, inquiry.BatchID, error) {
	s.reset()
	b := bill{inquiries: len(inquiries)}
	before := s.table.journal.stored()
	id, err := s.submit(ctx, inquiries)
	if err != nil {
		return b, id, fmt.Errorf("submitting: %w", err)
	}
	if err := s.dispatch(ctx); err != nil {
		return b, id, fmt.Errorf("dispatching: %w", err)
	}
	untallied := 0
	for from := 0; from < len(s.sent.bodies); from += deployment.MessageBatch {
		to := min(from+deployment.MessageBatch, len(s.sent.bodies))
		if err := s.process(ctx, s.sent.bodies[from:to]); err != nil {
			return b, id, fmt.Errorf("processing: %w", err)
		}
		if untallied += to - from; untallied >= perTally || to == len(s.sent.bodies) {
			if err := s.tally(ctx); err != nil {
				return b, id, fmt.Errorf("tallying: %w", err)
			}
			untallied = 0
		}
	}
	batch, err := s.store.Batch(ctx, s.caller.LenderID, id)
	if err != nil {
		return b, id, err
	}
	if batch.Status() != inquiry.BatchCompleted {
		return b, id, fmt.Errorf("batch %s ended as %s, want %s", id, batch.Status(), inquiry.BatchCompleted)
	}
	b.stored = s.table.journal.stored() - before
	b.functions, b.queue = s.takeUse(), s.sent.use
	b.reportBytes, b.logBytes = int(s.results.bytes.Load()), int(s.logged.n.Load())
	return b, id, nil
}

// reset starts a new bill.
func (s *service) reset() {
	s.takeUse()
	s.sent.use, s.sent.bodies = queueUse{}, nil
	s.results.bytes.Store(0)
	s.logged.n.Store(0)
}

// takeUse returns what the functions used since the last call of takeUse.
func (s *service) takeUse() map[string]functionUse {
	functions := map[string]functionUse{}
	for name, m := range s.meters {
		functions[name] = functionUse{s.invoked[name], m.take()}
	}
	clear(s.invoked)
	return functions
}

func (s *service) submit(ctx context.Context, inquiries []inquiry.Inquiry) (inquiry.BatchID, error) {
	if err := s.authorize(ctx); err != nil {
		return inquiry.BatchID{}, err
	}
	body, err := json.Marshal(map[string]any{"name": "Weekly renewals", "inquiries": inquiries})
	if err != nil {
		return inquiry.BatchID{}, err
	}
	var accepted struct{ BatchID inquiry.BatchID }
	_, err = s.call(ctx, http.MethodPost, "/v1/batch-inquiries/", nil, string(body), &accepted)
	return accepted.BatchID, err
}

// authorize calls the authorizer, as API Gateway does every minute for each
// credential.
func (s *service) authorize(ctx context.Context) error {
	s.invoked[deployment.AuthorizeRequest]++
	request, err := json.Marshal(map[string]any{
		"methodArn": "arn:aws:execute-api:us-east-1:000000000000:api/dev/POST/v1/batch-inquiries",
		"headers":   map[string]string{"Authorization": "Bearer " + s.key},
	})
	if err != nil {
		return err
	}
	_, err = s.authorizer.Invoke(ctx, request)
	return err
}

// call makes one request to the API and returns the size of the response body.
func (s *service) call(ctx context.Context, method, path string, query map[string]string, body string, out any) (size int, err error) {
	s.invoked[deployment.API]++
	resp, err := s.api.Handle(ctx, events.APIGatewayProxyRequest{
		HTTPMethod: method, Path: path, QueryStringParameters: query, Body: body,
		Headers: map[string]string{"Content-Type": "application/json", "Idempotency-Key": "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36)},
		RequestContext: events.APIGatewayProxyRequestContext{
			RequestID: "request", Path: "/dev" + path, Authorizer: s.caller.Context(),
		},
	})
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, resp.Body)
	}
	return len(resp.Body), json.Unmarshal([]byte(resp.Body), out)
}

// dispatch gives dispatch-batch the headers of new submissions. The deployed
// filter passes more events, but none of them occurs here.
func (s *service) dispatch(ctx context.Context) error {
	records := s.filtered(func(r events.DynamoDBEventRecord) bool {
		return r.Change.Keys[store.SKAttribute].String() == store.HeaderSK &&
			r.Change.NewImage[store.EventAttribute].String() == string(store.EventSubmitted)
	})
	for len(records) > 0 {
		n := min(len(records), deployment.DispatchRecords)
		s.invoked[deployment.DispatchBatch]++
		resp, err := s.dispatcher.Handle(ctx, events.DynamoDBEvent{Records: records[:n]})
		if err := cmp.Or(err, failed(len(resp.BatchItemFailures))); err != nil {
			return err
		}
		records = records[n:]
	}
	slices.Sort(s.sent.bodies) // they were sent side by side, and start with their ids
	return nil
}

func (s *service) process(ctx context.Context, bodies []string) error {
	ev := events.SQSEvent{}
	for i, body := range bodies {
		ev.Records = append(ev.Records, events.SQSMessage{
			MessageId: strconv.Itoa(i), Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	s.sent.use.receives++
	s.sent.use.deletes++
	s.invoked[deployment.ProcessInquiry]++
	resp, err := s.worker.Handle(ctx, ev)
	return cmp.Or(err, failed(len(resp.BatchItemFailures)))
}

// tally gives tally-statuses the new stream records of inquiries, in lanes that run at
// the same time.
func (s *service) tally(ctx context.Context) error {
	lanes := make([][]events.DynamoDBEventRecord, s.lanes)
	for _, r := range s.inquiryRecords() {
		h := fnv.New32a()
		_, _ = h.Write([]byte(r.Change.Keys[store.PKAttribute].String() + r.Change.Keys[store.SKAttribute].String()))
		lane := int(h.Sum32()>>8) % s.lanes
		lanes[lane] = append(lanes[lane], r)
	}
	var g errgroup.Group
	for _, records := range lanes {
		s.invoked[deployment.TallyStatuses] += (len(records) + deployment.TallyRecords - 1) / deployment.TallyRecords
		g.Go(func() error { return s.tallyLane(ctx, records) })
	}
	return g.Wait()
}

// inquiryRecords takes the new records of inquiries.
func (s *service) inquiryRecords() []events.DynamoDBEventRecord {
	return s.filtered(func(r events.DynamoDBEventRecord) bool {
		return strings.HasPrefix(r.Change.Keys[store.SKAttribute].String(), store.InquiryPrefix)
	})
}

func (s *service) tallyLane(ctx context.Context, records []events.DynamoDBEventRecord) error {
	for len(records) > 0 {
		n := min(len(records), deployment.TallyRecords)
		resp, err := s.tallier.Handle(ctx, events.DynamoDBEvent{Records: records[:n]})
		if err := cmp.Or(err, failed(len(resp.BatchItemFailures))); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// filtered takes the new records from the journal and returns those that pass.
func (s *service) filtered(passes func(events.DynamoDBEventRecord) bool) []events.DynamoDBEventRecord {
	var passed []events.DynamoDBEventRecord
	for _, r := range s.table.journal.take() {
		if passes(r) {
			passed = append(passed, r)
		}
	}
	return passed
}

// failed returns an error if a handler reported failed items, because nothing here
// delivers them again.
func failed(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("the handler reported %d failed records or messages", n)
}

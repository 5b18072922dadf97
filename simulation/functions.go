package simulation

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	dispatch "github.com/batch-inquiries/batch-inquiries/functions/dispatch-batch/handler"
	fail "github.com/batch-inquiries/batch-inquiries/functions/fail-exhausted/handler"
	process "github.com/batch-inquiries/batch-inquiries/functions/process-inquiry/handler"
	sweep "github.com/batch-inquiries/batch-inquiries/functions/sweep-open-batches/handler"
	tally "github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// Hooks change what the functions do, for tests that show that the simulator notices
// mistakes. Every field may be nil.
type Hooks struct {
	// Each wraps what a function calls.
	Table     func(function string, db store.DB) store.DB
	Queue     func(function string, q queue.Client) queue.Client
	Inquiries func(process.Inquiries) process.Inquiries
	Counters  func(*Invocation, tally.Counters) tally.Counters
	Batches   func(sweep.Batches) sweep.Batches
	Failed    func(failedRecords) failedRecords

	// MessagesReply changes process-inquiry's reply to its event source,
	// RecordsReply that of a stream's reader.
	MessagesReply func(events.SQSEvent, events.SQSEventResponse, error) (events.SQSEventResponse, error)
	RecordsReply  func(function string, ev events.DynamoDBEvent, resp events.DynamoDBEventResponse) events.DynamoDBEventResponse

	// StreamAttempts replaces the number of times that a mapping retries a record.
	StreamAttempts int
}

// store returns the store as an invocation sees it.
func (i *Invocation) store() *store.Store {
	db := store.DB(tableClient{i})
	if i.w.shortReplies {
		db = table.ShortReplies{Client: db}
	}
	if wrap := i.w.hooks.Table; wrap != nil {
		db = wrap(i.Function, db)
	}
	return store.New(db, tableName, i.now)
}

func (i *Invocation) queue() *queue.Queue {
	client := queue.Client(queueClient{i})
	if wrap := i.w.hooks.Queue; wrap != nil {
		client = wrap(i.Function, client)
	}
	return queue.New(client, "queue")
}

func (w *World) dispatchMapping(lanes int) *mapping {
	m := &mapping{name: "dispatch-batch", maxRecords: deployment.DispatchRecords, lanes: lanes}
	m.filter = func(r record) bool {
		event := store.Event(imageText(r, store.EventAttribute))
		return sortKey(r) == store.HeaderSK && (event == store.EventSubmitted || event == store.EventCancelRequested)
	}
	m.start = func(l *lane, batch []record) *Invocation {
		return w.startRecords(m, l, batch, deployment.DispatchBatchTimeout, func(ctx context.Context, i *Invocation, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
			h := dispatch.Handler{Batches: i.store(), Queue: i.queue(), Failed: i.failed(), Log: w.log}
			return h.Handle(ctx, ev)
		})
	}
	return m
}

func (w *World) tallyMapping(lanes int) *mapping {
	m := &mapping{name: "tally-statuses", maxRecords: deployment.TallyRecords, lanes: lanes}
	m.filter = func(r record) bool {
		return strings.HasPrefix(sortKey(r), store.InquiryPrefix) && imageText(r, store.StatusAttribute) != ""
	}
	m.start = func(l *lane, batch []record) *Invocation {
		return w.startRecords(m, l, batch, deployment.TallyStatusesTimeout, func(ctx context.Context, i *Invocation, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
			counters := tally.Counters(i.store())
			if w.hooks.Counters != nil {
				counters = w.hooks.Counters(i, counters)
			}
			h := tally.Handler{Counters: counters, Failed: i.failed(), Log: w.log}
			return h.Handle(ctx, ev)
		})
	}
	return m
}

func (w *World) startRecords(m *mapping, l *lane, batch []record, limit time.Duration, handle func(context.Context, *Invocation, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)) *Invocation {
	var resp events.DynamoDBEventResponse
	var self *Invocation
	self = w.start(m.name, limit, func(ctx context.Context, i *Invocation) (err error) {
		ev := events.DynamoDBEvent{Records: batch}
		resp, err = handle(ctx, i, ev)
		if err == nil && w.hooks.RecordsReply != nil {
			resp = w.hooks.RecordsReply(m.name, ev, resp)
		}
		return err
	}, func(err error) { w.finishRecords(l, self, batch, resp.BatchItemFailures, err) })
	w.traceStep("%s#%d gets %d records from %s", m.name, self.ID, len(batch), l.name)
	return self
}

// claims reports every claim to the checker.
type claims struct {
	*store.Store
	in *Invocation
}

func (c claims) Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error) {
	claim, err := c.Store.Claim(ctx, lender, id, token, lease)
	c.in.w.check.claimTried(c.in, id, token, err)
	return claim, err
}

func (w *World) startWork() {
	list := w.deliver(w.queue, 1+w.rng.IntN(deployment.MessageBatch), deployment.MaxReceives)
	if len(list) == 0 {
		return
	}
	ev, handles := sqsEvent(list)
	var resp events.SQSEventResponse
	var self *Invocation
	self = w.start("process-inquiry", deployment.ProcessInquiryTimeout, func(ctx context.Context, i *Invocation) (err error) {
		inquiries := process.Inquiries(claims{i.store(), i})
		if w.hooks.Inquiries != nil {
			inquiries = w.hooks.Inquiries(inquiries)
		}
		h := process.Handler{
			Inquiries: inquiries, Sources: sources{i}, MaxReceives: deployment.MaxReceives, Deadline: deadline, Now: i.now, Log: w.log,
		}
		resp, err = h.Handle(ctx, ev)
		if w.hooks.MessagesReply != nil {
			resp, err = w.hooks.MessagesReply(ev, resp, err)
		}
		return err
	}, func(err error) {
		w.check.workDone(self, list, err)
		w.deleteDelivered(w.queue, list, handles, resp.BatchItemFailures, err)
	})
	w.traceStep("process-inquiry#%d gets %v", self.ID, list)
}

func (w *World) startFail() {
	list := w.deliver(w.dead, deployment.MessageBatch, 0)
	if len(list) == 0 {
		return
	}
	ev, handles := sqsEvent(list)
	var resp events.SQSEventResponse
	i := w.start("fail-exhausted", deployment.FailExhaustedTimeout, func(ctx context.Context, i *Invocation) (err error) {
		h := fail.Handler{Inquiries: i.store(), Log: w.log}
		resp, err = h.Handle(ctx, ev)
		return err
	}, func(err error) { w.deleteDelivered(w.dead, list, handles, resp.BatchItemFailures, err) })
	w.traceStep("fail-exhausted#%d gets %v", i.ID, list)
}

func (w *World) startSweep() {
	i := w.start("sweep-open-batches", deployment.SweepOpenBatchesTimeout, func(ctx context.Context, i *Invocation) error {
		batches := sweep.Batches(i.store())
		if w.hooks.Batches != nil {
			batches = w.hooks.Batches(batches)
		}
		h := sweep.Handler{Batches: batches, Queue: i.queue(), Deadline: deadline, Now: i.now, Log: w.log}
		return h.Handle(ctx)
	}, func(error) {})
	w.traceStep("sweep-open-batches#%d", i.ID)
}

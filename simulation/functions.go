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
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// The functions' time limits, as in infra.
const (
	apiLimit      = 20 * time.Second
	dispatchLimit = 60 * time.Second
	processLimit  = 60 * time.Second
	tallyLimit    = 30 * time.Second
	failLimit     = 30 * time.Second
	sweepLimit    = 300 * time.Second
)

type record = events.DynamoDBEventRecord

// Alteration changes what the functions do, for the tests that show that the
// simulator notices. Every field may be nil.
type Alteration struct {
	Table    func(function string, db store.DB) store.DB
	Queue    func(function string, q queue.Client) queue.Client
	Claims   func(process.Inquiries) process.Inquiries
	Counters func(*Invocation, tally.Counters) tally.Counters
	Repairs  func(sweep.Batches) sweep.Batches
	Messages func(events.SQSEvent, events.SQSEventResponse, error) (events.SQSEventResponse, error)
	Records  func(function string, ev events.DynamoDBEvent, resp events.DynamoDBEventResponse) events.DynamoDBEventResponse
	Submit   func(*inquiry.Submission)
}

// store is the store as an invocation has it.
func (i *Invocation) store() *store.Store {
	db := store.DB(tableClient{i})
	if alter := i.w.alter.Table; alter != nil {
		db = alter(i.Function, db)
	}
	return store.New(db, tableName, i.now)
}

func (i *Invocation) queue() *queue.Queue {
	client := queue.Client(queueClient{i})
	if alter := i.w.alter.Queue; alter != nil {
		client = alter(i.Function, client)
	}
	return queue.New(client, "queue")
}

func imageText(r record, name string) string {
	if v, ok := r.Change.NewImage[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}

func (w *World) dispatchMapping(lanes int) *mapping {
	m := &mapping{name: "dispatch-batch", most: 10, lanes: lanes}
	m.filter = func(r record) bool {
		event := imageText(r, "event")
		return r.Change.Keys["SK"].String() == "HEADER" && (event == "SUBMITTED" || event == "CANCEL_REQUESTED")
	}
	m.start = func(l *lane, batch []record) *Invocation {
		return w.startRecords(m, l, batch, dispatchLimit, func(ctx context.Context, i *Invocation, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
			h := dispatch.Handler{Batches: i.store(), Queue: i.queue(), Log: w.log}
			return h.Handle(ctx, ev)
		})
	}
	return m
}

func (w *World) tallyMapping(lanes int) *mapping {
	m := &mapping{name: "tally-statuses", most: 500, lanes: lanes}
	m.filter = func(r record) bool {
		return strings.HasPrefix(r.Change.Keys["SK"].String(), "INQUIRY#") && imageText(r, "status") != ""
	}
	m.start = func(l *lane, batch []record) *Invocation {
		return w.startRecords(m, l, batch, tallyLimit, func(ctx context.Context, i *Invocation, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
			counters := tally.Counters(i.store())
			if w.alter.Counters != nil {
				counters = w.alter.Counters(i, counters)
			}
			h := tally.Handler{Counters: counters, Log: w.log}
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
		if err == nil && w.alter.Records != nil {
			resp = w.alter.Records(m.name, ev, resp)
		}
		return err
	}, func(err error) { w.finishRecords(l, self, batch, resp.BatchItemFailures, err) })
	w.tracef("%5d %s %s#%d gets %d records from %s", w.steps, w.now.Format("15:04:05.000"), m.name, self.ID, len(batch), l.name)
	return self
}

// claims watches that an attempt knows its own claim again.
type claims struct {
	*store.Store
	in *Invocation
}

func (c claims) Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error) {
	claim, err := c.Store.Claim(ctx, lender, id, token, lease)
	c.in.w.check.claimed(c.in, id, token, err)
	return claim, err
}

func (w *World) startWork() {
	list := w.deliver(w.queue, 1+w.rng.IntN(eventSize), maxReceives)
	if len(list) == 0 {
		return
	}
	ev, handles := sqsEvent(list)
	var resp events.SQSEventResponse
	i := w.start("process-inquiry", processLimit, func(ctx context.Context, i *Invocation) (err error) {
		inquiries := process.Inquiries(claims{i.store(), i})
		if w.alter.Claims != nil {
			inquiries = w.alter.Claims(inquiries)
		}
		h := process.Handler{
			Inquiries: inquiries, Sources: sources{i}, MaxReceives: maxReceives, Deadline: deadline, Now: i.now, Log: w.log,
		}
		resp, err = h.Handle(ctx, ev)
		if w.alter.Messages != nil {
			resp, err = w.alter.Messages(ev, resp, err)
		}
		return err
	}, func(err error) { w.deleteDelivered(w.queue, list, handles, resp.BatchItemFailures, err) })
	w.tracef("%5d %s process-inquiry#%d gets %v", w.steps, w.now.Format("15:04:05.000"), i.ID, list)
}

func (w *World) startFail() {
	list := w.deliver(w.dead, eventSize, 0)
	if len(list) == 0 {
		return
	}
	ev, handles := sqsEvent(list)
	var resp events.SQSEventResponse
	i := w.start("fail-exhausted", failLimit, func(ctx context.Context, i *Invocation) (err error) {
		h := fail.Handler{Inquiries: i.store(), Log: w.log}
		resp, err = h.Handle(ctx, ev)
		return err
	}, func(err error) { w.deleteDelivered(w.dead, list, handles, resp.BatchItemFailures, err) })
	w.tracef("%5d %s fail-exhausted#%d gets %v", w.steps, w.now.Format("15:04:05.000"), i.ID, list)
}

func (w *World) startSweep() {
	i := w.start("sweep-open-batches", sweepLimit, func(ctx context.Context, i *Invocation) error {
		batches := sweep.Batches(i.store())
		if w.alter.Repairs != nil {
			batches = w.alter.Repairs(batches)
		}
		h := sweep.Handler{Batches: batches, Queue: i.queue(), Deadline: deadline, Now: i.now, Log: w.log}
		return h.Handle(ctx)
	}, func(error) {})
	w.tracef("%5d %s sweep-open-batches#%d", w.steps, w.now.Format("15:04:05.000"), i.ID)
}

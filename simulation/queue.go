package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	sharedqueue "github.com/batch-inquiries/batch-inquiries/shared/queue"
)

// What the deployment sets, in infra.
const (
	visibility     = 360 * time.Second
	deadVisibility = 180 * time.Second
	maxReceives    = 8
	eventSize      = 10

	fastReturn = 5 * time.Second

	// When a fair queue takes a lender for a noisy one, as AWS describes it.
	noisyMessages = 30 // in flight at least
	noisyShare    = 10 // and more than so many in a hundred of all that are
)

// message is one message of a queue.
type message struct {
	id        int
	group     string
	body      string
	inquiry   sharedqueue.Message
	receives  int
	visibleAt time.Time
	handle    int // of the latest delivery
}

func (m *message) String() string {
	return fmt.Sprintf("m%d", m.id)
}

// messageQueue is a standard queue: at least once, in no order.
type messageQueue struct {
	messages   []*message
	visibility time.Duration
}

// visible are the messages that may be delivered now.
func (q *messageQueue) visible(now time.Time) int {
	n := 0
	for _, m := range q.messages {
		if !m.visibleAt.After(now) {
			n++
		}
	}
	return n
}

func (q *messageQueue) remove(m *message) {
	q.messages = slices.DeleteFunc(q.messages, func(o *message) bool { return o == m })
}

// next is when a message that is hidden now comes back.
func (q *messageQueue) next(now time.Time) (at time.Time) {
	for _, m := range q.messages {
		if m.visibleAt.After(now) {
			at = earlier(at, m.visibleAt)
		}
	}
	return at
}

// send is the queue's part of SendMessageBatch.
func (w *World) send(in *sqs.SendMessageBatchInput) *sqs.SendMessageBatchOutput {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		parsed, err := sharedqueue.Parse(*e.MessageBody)
		if err != nil {
			w.violate("I1", "a message that nobody can read was sent: %v", err)
			continue
		}
		if w.refuseMessage(parsed.ID) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("ServiceUnavailable")})
			w.tracef("      message %s is not taken", *e.Id)
			continue
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
		w.messageCount++
		w.check.sent(parsed)
		m := &message{id: w.messageCount, group: aws.ToString(e.MessageGroupId), body: *e.MessageBody, inquiry: parsed}
		if w.loseMessage(parsed.ID) {
			w.tracef("      %v of inquiry %s is lost", m, w.shortID(parsed.ID))
			continue
		}
		w.queue.messages = append(w.queue.messages, m)
	}
	return out
}

// deliver takes up to n visible messages for one event, no inquiry twice. What
// has been received too often goes to the dead letters instead.
func (w *World) deliver(q *messageQueue, n int, most int) []*message {
	var taken []*message
	for _, m := range w.inTurn(q) {
		if len(taken) == n {
			break
		}
		if m.visibleAt.After(w.now) || slices.ContainsFunc(taken, func(o *message) bool { return o.inquiry.ID == m.inquiry.ID }) {
			continue
		}
		taken = append(taken, m)
	}
	delivered := taken[:0]
	for _, m := range taken {
		if most > 0 && m.receives >= most {
			q.remove(m)
			w.dead.messages = append(w.dead.messages, &message{id: m.id, group: m.group, body: m.body, inquiry: m.inquiry, visibleAt: w.now})
			w.tracef("      %v of inquiry %s goes to the dead letters", m, w.shortID(m.inquiry.ID))
			continue
		}
		m.receives++
		w.check.received(m.inquiry.ID)
		m.handle++
		m.visibleAt = w.now.Add(q.visibility)
		if w.chance(w.faults.Duplicate) {
			m.visibleAt = w.now // it will be delivered again although this delivery is under way
			w.tracef("      %v will be delivered twice", m)
		}
		delivered = append(delivered, m)
	}
	return delivered
}

// inTurn is the queue's messages in the order in which it would deliver them: any,
// but that a fair queue serves lenders who make the others wait last.
func (w *World) inTurn(q *messageQueue) []*message {
	list := make([]*message, len(q.messages))
	for i, at := range w.order(len(q.messages)) {
		list[i] = q.messages[at]
	}
	if !w.fair {
		return list
	}
	inFlight, all := map[string]int{}, 0
	for _, m := range q.messages {
		if m.visibleAt.After(w.now) {
			inFlight[m.group]++
			all++
		}
	}
	noisy := func(m *message) int {
		if n := inFlight[m.group]; n >= noisyMessages && n*100 > all*noisyShare {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(list, func(a, b *message) int { return noisy(a) - noisy(b) })
	return list
}

// event is the delivery of messages as a function sees it.
func sqsEvent(list []*message) (events.SQSEvent, []int) {
	ev := events.SQSEvent{Records: make([]events.SQSMessage, len(list))}
	handles := make([]int, len(list))
	for i, m := range list {
		handles[i] = m.handle
		ev.Records[i] = events.SQSMessage{
			MessageId:  m.String(),
			Body:       m.body,
			Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives), "MessageGroupId": m.group},
		}
	}
	return ev, handles
}

// deleteDelivered does with a delivery's messages what the event source does with
// the function's answer: all but the failed ones are deleted.
func (w *World) deleteDelivered(q *messageQueue, list []*message, handles []int, failures []events.SQSBatchItemFailure, err error) {
	if err != nil {
		return // they come back when their time is over
	}
	failed := map[string]bool{}
	for _, f := range failures {
		failed[f.ItemIdentifier] = true
	}
	for id := range failed {
		if !slices.ContainsFunc(list, func(m *message) bool { return m.String() == id }) {
			return // a name that nobody knows fails the whole event
		}
	}
	for n, m := range list {
		if failed[m.String()] {
			if w.faults.FastReturn && q == w.queue {
				m.visibleAt = w.now.Add(fastReturn)
			}
			continue
		}
		w.check.acknowledged(m)
		if handles[n] == m.handle || w.chance(0.5) { // an older handle may still work
			q.remove(m)
		}
	}
}

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

const (
	// fastReturn is how soon a failed message is visible again with FastReturn.
	fastReturn = 5 * time.Second

	// A lender is noisy to a fair queue, as AWS describes it, with at least
	// noisyMessages and more than noisyShare percent of all messages in flight.
	noisyMessages = 30
	noisyShare    = 10
)

// message is one message in a queue.
type message struct {
	id        int
	group     string
	body      string
	inquiry   sharedqueue.Message
	receives  int
	visibleAt time.Time
	handle    int // of the most recent delivery
}

func (m *message) String() string {
	return fmt.Sprintf("m%d", m.id)
}

// messageQueue is a standard queue: it delivers at least once, in no order.
type messageQueue struct {
	messages   []*message
	visibility time.Duration
}

// visible counts the messages that may be delivered now.
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

// next returns when the next hidden message becomes visible.
func (q *messageQueue) next(now time.Time) (at time.Time) {
	for _, m := range q.messages {
		if m.visibleAt.After(now) {
			at = earlier(at, m.visibleAt)
		}
	}
	return at
}

// send does the work of SendMessageBatch.
func (w *World) send(in *sqs.SendMessageBatchInput) *sqs.SendMessageBatchOutput {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		parsed, err := sharedqueue.Parse(*e.MessageBody)
		if err != nil {
			w.violate("I1", "a message was sent that cannot be read: %v", err)
			continue
		}
		if w.rejectsMessage(parsed.ID) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("ServiceUnavailable")})
			w.tracef("      message %s is rejected", *e.Id)
			continue
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
		w.messageCount++
		w.check.messageSent(parsed)
		m := &message{id: w.messageCount, group: aws.ToString(e.MessageGroupId), body: *e.MessageBody, inquiry: parsed}
		if w.losesMessage(parsed.ID) {
			w.tracef("      %v for inquiry %s is lost", m, w.shortID(parsed.ID))
			continue
		}
		w.queue.messages = append(w.queue.messages, m)
	}
	return out
}

// deliver takes up to n visible messages for one event. With maxReceives set, messages
// that were received that often go to the dead letters.
func (w *World) deliver(q *messageQueue, n, maxReceives int) []*message {
	var taken []*message
	for _, m := range w.deliveryOrder(q) {
		if len(taken) == n {
			break
		}
		if m.visibleAt.After(w.now) || slices.ContainsFunc(taken, func(o *message) bool { return w.ambiguous(o, m) }) {
			continue
		}
		taken = append(taken, m)
	}
	delivered := taken[:0]
	for _, m := range taken {
		if maxReceives > 0 && m.receives >= maxReceives {
			q.remove(m)
			w.dead.messages = append(w.dead.messages, &message{id: m.id, group: m.group, body: m.body, inquiry: m.inquiry, visibleAt: w.now})
			w.tracef("      %v for inquiry %s goes to the dead letters", m, w.shortID(m.inquiry.ID))
			continue
		}
		m.receives++
		w.check.messageReceived(m.inquiry.ID)
		m.handle++
		m.visibleAt = w.now.Add(q.visibility)
		if w.chance(w.faults.Duplicate) {
			m.visibleAt = w.now // again, while this delivery is still in progress
			w.tracef("      %v will be delivered twice", m)
		}
		delivered = append(delivered, m)
	}
	return delivered
}

// ambiguous reports whether two messages are of one inquiry and must not be in one
// event. The goroutines of such messages make the same calls, and nothing says which
// call is whose. That makes no difference while the two messages are alike: with the
// same number of deliveries, and before leases end at once, so that only one of them
// gets a claim.
func (w *World) ambiguous(a, b *message) bool {
	same := a.inquiry.ID == b.inquiry.ID
	return same && (a.receives != b.receives || w.now.After(a.inquiry.ID.Batch().CreatedAt().Add(deadline-2*maxSkew)))
}

// deliveryOrder returns the messages in the order of delivery. It is random, except
// that a fair queue puts noisy lenders last.
func (w *World) deliveryOrder(q *messageQueue) []*message {
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

// sqsEvent returns the event of a delivery, and the handle of each message.
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

// firstOf returns the first message of the same inquiry that has not failed: of two
// in one event, which one failed depends on the order of goroutines.
func firstOf(list []*message, id string, failed map[string]bool) string {
	at := slices.IndexFunc(list, func(m *message) bool { return m.String() == id })
	if at < 0 {
		return id
	}
	for _, m := range list {
		if m.inquiry.ID == list[at].inquiry.ID && !failed[m.String()] {
			return m.String()
		}
	}
	return id
}

// deleteDelivered does what the event source does after the function's reply: it
// deletes all messages except the failed ones.
func (w *World) deleteDelivered(q *messageQueue, list []*message, handles []int, failures []events.SQSBatchItemFailure, err error) {
	if err != nil {
		return // the messages become visible again after their timeout
	}
	failed := map[string]bool{}
	for _, f := range failures {
		failed[firstOf(list, f.ItemIdentifier, failed)] = true
	}
	for id := range failed {
		if !slices.ContainsFunc(list, func(m *message) bool { return m.String() == id }) {
			return // an unknown id fails the whole event
		}
	}
	for n, m := range list {
		if failed[m.String()] {
			if w.faults.FastReturn && q == w.queue {
				m.visibleAt = w.now.Add(fastReturn)
			}
			continue
		}
		w.check.messageDeleted(m)
		if handles[n] == m.handle || w.chance(0.5) { // an older handle may still work
			q.remove(m)
		}
	}
}

package e2e

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// The tests of this file break the stack that all tests share, and mend it. They
// are not parallel: go test runs them while the parallel ones wait.

// Whatever function runs is killed, again and again, while a batch is on its way.
// What a dead worker held comes back by a sweep, once its lease is over.
func TestFunctionsThatAreKilledLoseNothing(t *testing.T) {
	in, u := lookInside(), newUser(t, "", "member")
	const total, kills = 100, 15
	p := place(t, u, u.key().submit(t, businesses("Killed", total)))

	killing, stop := context.WithCancel(t.Context())
	killed := make(chan int, 1)
	go func() {
		n := 0
		for n < kills && killing.Err() == nil {
			more, err := local.KillFunctions(killing)
			if err != nil && killing.Err() == nil {
				t.Error(err)
				break
			}
			n += more
			// Now and then one is to get through, or its work is never half done.
			select {
			case <-killing.Done():
			case <-time.After(rand.N(20 * time.Millisecond)):
			}
		}
		killed <- n
	}()
	sweeps, settled, since := 0, 0, time.Now()
	await(t, "the batch is over", func() bool {
		b := in.batch(t, p)
		if n := b.Counts().Settled(); n > settled {
			settled, since = n, time.Now()
		}
		if b.Status().Final() || time.Since(since) < 2*time.Second {
			return b.Status().Final()
		}
		// Nothing moves any more: what is missing was in dead hands.
		in.letTimePass(t, p)
		if err := in.sweep(t); err == nil {
			sweeps++
		} else if !strings.Contains(err.Error(), "Runtime.ExitError") {
			t.Error(err)
		}
		since = time.Now()
		return false
	})
	stop()
	n := <-killed
	in.checkBooks(t, p, inquiry.Counts{Completed: total})
	// What dead workers had received would come back six minutes later.
	if _, err := in.queues.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &stack.QueueURL}); err != nil {
		t.Error(err)
	}
	t.Logf("%d function processes were killed; %d sweeps got through; %d attempts for %d inquiries",
		n, sweeps, in.batch(t, p).Sums.Attempts, total)
	if n < kills/2 {
		t.Errorf("only %d processes were killed", n)
	}
}

// A caller whose function dies is answered by the gateway, with a problem document
// like any other.
func TestAFunctionThatIsKilledIsAProblem(t *testing.T) {
	in, u := lookInside(), newUser(t, "", "member")
	release := in.hold(t, stack.Functions[deployment.ProcessInquiry])
	defer release()
	p := place(t, u, u.key().submit(t, businesses("Waited for", 1)))
	path := "/v1/batch-inquiries/" + p.id.String()
	await(t, "the batch is on its way", func() bool { return in.waiting(t) == 1 })
	first, _ := u.key().do(t, http.MethodGet, path, "")

	killing, answered := context.WithCancel(t.Context())
	killed := make(chan error, 1)
	go func() {
		for killing.Err() == nil {
			if _, err := local.KillFunctions(killing); err != nil && killing.Err() == nil {
				killed <- err
				return
			}
		}
		killed <- nil
	}()
	// Nothing will change, so the function waits with its answer.
	resp, body := u.key().do(t, http.MethodGet, path+"?waitSeconds=20", "", "If-None-Match", first.Header.Get("ETag"), "X-Request-Id", "mine-2")
	answered()
	if err := <-killed; err != nil {
		t.Error(err)
	}
	refused(t, "a function that is killed", resp, body, http.StatusInternalServerError)
	if !strings.Contains(string(body), "#problem-internal") || resp.Header.Get("X-Request-Id") != "mine-2" {
		t.Errorf("X-Request-Id %q: %s", resp.Header.Get("X-Request-Id"), body)
	}
}

// The mappings are off and the test is the stream and the queue: it tells
// everything several times, in any order, and old news after new.
func TestEventsInAnyOrderAndAgainChangeNothing(t *testing.T) {
	in, u := lookInside(), newUser(t, "", "member")
	release := in.hold(t, stack.Functions[deployment.DispatchBatch], stack.Functions[deployment.ProcessInquiry], stack.Functions[deployment.TallyStatuses])
	defer release()
	const total = 30
	p := place(t, u, u.key().submit(t, businesses("Told again", total)))
	submittedHeader := change(t, in.items(t, p)["HEADER"], 1)
	dispatch := func() {
		t.Helper()
		in.mustInvoke(t, stack.Functions[deployment.DispatchBatch], events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{submittedHeader, submittedHeader}})
	}
	var told []events.DynamoDBEventRecord // all that the stream ever said of inquiries
	look := func() {
		t.Helper()
		for sort, it := range in.items(t, p) {
			if strings.HasPrefix(sort, "INQUIRY#") {
				told = append(told, change(t, it, len(told)+1))
			}
		}
	}
	tell := func() {
		t.Helper()
		again := append(slices.Clone(told), told[:len(told)/2]...)
		rand.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		for part := range slices.Chunk(again, 17) {
			in.mustInvoke(t, stack.Functions[deployment.TallyStatuses], events.DynamoDBEvent{Records: part})
		}
	}

	dispatch()
	// Two workers that died after their claim: seen as RUNNING, before anything
	// else is.
	for _, index := range []int{3, 4} {
		if _, err := in.store.Claim(t.Context(), p.lender, p.id.Inquiry(index), "a dead worker", time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	look()
	tell()
	if c := in.batch(t, p).Counts(); c != (inquiry.Counts{Planning: total - 2, Running: 2}) {
		t.Errorf("two are running, and the counters say %+v", c)
	}
	// Every message twice, not in order, some of the copies in one event; the
	// last inquiry's never.
	order := append(rand.Perm(total-1), rand.Perm(total-1)...)
	for part := range slices.Chunk(order, 10) {
		answer, err := in.invoke(t, stack.Functions[deployment.ProcessInquiry], delivery(t, p, part...))
		if err != nil || strings.Contains(string(answer), `"itemIdentifier":""`) {
			t.Fatalf("%s, %v", answer, err)
		}
	}
	look()
	dispatch()
	tell()
	if c := in.batch(t, p).Counts(); c != (inquiry.Counts{Planning: 1, Completed: total - 1}) {
		t.Errorf("one is left, and the counters say %+v", c)
	}
	all := rand.Perm(total)
	for part := range slices.Chunk(all, 10) { // given up, though all but one are finished
		in.mustInvoke(t, stack.Functions[deployment.FailExhausted], delivery(t, p, part...))
	}
	look()
	tell()
	want := inquiry.Counts{Completed: total - 1, Failed: 1}
	in.checkBooks(t, p, want)

	// The batch is over. Whatever is told now is old.
	over := in.text(t, p)
	dispatch()
	in.mustInvoke(t, stack.Functions[deployment.ProcessInquiry], delivery(t, p, all[:10]...))
	in.mustInvoke(t, stack.Functions[deployment.FailExhausted], delivery(t, p, all[:10]...))
	tell()
	if err := in.sweep(t); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(over, in.text(t, p)); diff != "" {
		t.Errorf("old news changed the batch (-before +after):\n%s", diff)
	}
	release() // the stream tells all of it once more, and the queue has 4 messages for each
	await(t, "the queue is empty", func() bool { return in.waiting(t) == 0 })
	in.checkBooks(t, p, want)
}

// waiting is how many messages are in the queue, those in delivery included.
func (in inside) waiting(t testing.TB) int {
	t.Helper()
	out, err := in.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &stack.QueueURL, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, text := range out.Attributes {
		var part int
		if err := json.Unmarshal([]byte(text), &part); err != nil {
			t.Fatal(err)
		}
		n += part
	}
	return n
}

// Messages are deleted behind everybody's back.
func TestMessagesThatAreLostAreSentAgain(t *testing.T) {
	in, u := lookInside(), newUser(t, "", "member")
	release := in.hold(t, stack.Functions[deployment.ProcessInquiry])
	defer release()
	const total = 60
	p := place(t, u, u.key().submit(t, businesses("Lost", total)))
	await(t, "all are on the queue", func() bool { return in.waiting(t) == total })
	lost := 0
	for lost < total/2 {
		out, err := in.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &stack.QueueURL, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if _, err := in.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &stack.QueueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
			lost++
		}
	}
	release()
	await(t, "what is left is done", func() bool { return in.batch(t, p).Counts().Completed == total-lost })
	if c := in.batch(t, p).Counts(); c.Planning != lost {
		t.Errorf("%d messages were lost, and the counters say %+v", lost, c)
	}
	in.letTimePass(t, p)
	if err := in.sweep(t); err != nil {
		t.Fatal(err)
	}
	await(t, "the batch is over", func() bool { return in.batch(t, p).Status().Final() })
	in.checkBooks(t, p, inquiry.Counts{Completed: total})
}

// A stream mapping is made anew at LATEST and has missed all that was written
// meanwhile: first a submission, then every status.
func TestStreamRecordsThatAreLostAreMadeUpFor(t *testing.T) {
	in, u := lookInside(), newUser(t, "", "member")
	const total = 40
	var p placed
	in.reread(t, stack.Functions[deployment.TallyStatuses], lambdatypes.EventSourcePositionLatest, func() {
		in.reread(t, stack.Functions[deployment.DispatchBatch], lambdatypes.EventSourcePositionLatest, func() {
			p = place(t, u, u.key().submit(t, businesses("Never dispatched", total)))
		})
		in.letTimePass(t, p)
		if err := in.sweep(t); err != nil { // dispatches it
			t.Fatal(err)
		}
		await(t, "the workers are done", func() bool {
			records, err := in.store.Records(t.Context(), in.batch(t, p))
			return err == nil && len(records) == total && !slices.ContainsFunc(records, func(r inquiry.Record) bool { return !r.Status.Final() })
		})
	})
	if c := in.batch(t, p).Counts(); c.Planning != total {
		t.Errorf("nobody has counted, and the counters say %+v", c)
	}
	in.letTimePass(t, p)
	if err := in.sweep(t); err != nil { // counts it
		t.Fatal(err)
	}
	in.checkBooks(t, p, inquiry.Counts{Completed: total})

	// Both mappings tell everything that was ever written once more.
	over := in.text(t, p)
	for _, function := range []string{stack.Functions[deployment.DispatchBatch], stack.Functions[deployment.TallyStatuses]} {
		in.reread(t, function, lambdatypes.EventSourcePositionTrimHorizon, func() {})
	}
	last := place(t, u, u.key().submit(t, businesses("After all that", 10)))
	await(t, "a batch behind all that is over", func() bool { return in.batch(t, last).Status().Final() })
	in.checkBooks(t, last, inquiry.Counts{Completed: 10})
	if diff := cmp.Diff(over, in.text(t, p)); diff != "" {
		t.Errorf("the stream from its beginning changed a batch that was over (-before +after):\n%s", diff)
	}
}

func TestADeadLetterFailsItsInquiry(t *testing.T) {
	in, u := lookInside(), newUser(t, "", "member")
	release := in.hold(t, stack.Functions[deployment.ProcessInquiry])
	defer release()
	p := place(t, u, u.key().submit(t, businesses("Unlucky", 5)))
	if _, err := in.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &stack.DeadLetterQueueURL, MessageBody: aws.String(message(t, p, 2))}); err != nil {
		t.Fatal(err)
	}
	await(t, "the inquiry is given up", func() bool { return in.batch(t, p).Counts().Failed == 1 })
	release()
	done := u.key().follow(t, p.id.String())
	if done.Status != "PARTIAL_SUCCESS" || done.Completed != 4 || done.Failed != 1 {
		t.Errorf("the batch ended as %+v", done)
	}
	in.checkBooks(t, p, inquiry.Counts{Completed: 4, Failed: 1})
	checkFailure(t, u, p, 2, inquiry.FailureExhausted)
}

func TestABatchPastItsDeadlineIsOver(t *testing.T) {
	in, u := lookInside(), newUser(t, "", "member")
	release := in.hold(t, stack.Functions[deployment.ProcessInquiry])
	defer release()
	const total = 20
	p := place(t, u, u.key().submit(t, businesses("Too late", total)))
	in.mustInvoke(t, stack.Functions[deployment.ProcessInquiry], delivery(t, p, 0, 1, 2))
	if _, err := in.store.Claim(t.Context(), p.lender, p.id.Inquiry(3), "a dead worker", time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	in.setDeadline(t, "1ms")
	if err := in.store.Postpone(t.Context(), store.BatchRef{Lender: p.lender, ID: p.id}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := in.sweep(t); err != nil {
		t.Fatal(err)
	}
	want := inquiry.Counts{Completed: 3, Failed: total - 3}
	in.checkBooks(t, p, want) // after this one sweep, whatever the stream does
	checkFailure(t, u, p, 3, inquiry.FailureDeadline)
	checkFailure(t, u, p, total-1, inquiry.FailureDeadline)
	release() // the messages are still there, and come too late
	await(t, "the queue is empty", func() bool { return in.waiting(t) == 0 })
	in.checkBooks(t, p, want)
}

// checkFailure looks at an inquiry that was given up as its lender does.
func checkFailure(t testing.TB, u user, p placed, index int, code string) {
	t.Helper()
	resp, data := u.key().do(t, http.MethodGet, "/v1/inquiries/"+p.id.Inquiry(index).String(), "")
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(data), `"FAILED"`) || !strings.Contains(string(data), `"`+code+`"`) {
		t.Errorf("inquiry %d: %s %s, want FAILED with %s", index, resp.Status, data, code)
	}
}

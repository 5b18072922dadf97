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

// The tests in this file break the shared stack and repair it. They are not parallel,
// so that go test runs them before the parallel tests.

func TestFaults(t *testing.T) {

	// Every running function is killed, again and again, while a batch is processed. A
	// sweep sends the inquiries of dead workers again when their leases have ended.
	t.Run("killed functions lose nothing", func(t *testing.T) {
		in, u := newInternals(), newUser(t, "", "member")
		const total, kills = 250, 15
		ref := refOf(t, u, u.key().submit(t, businesses("Killed", total)))

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
				// Pause, so that some functions get far enough to leave work half done.
				select {
				case <-killing.Done():
				case <-time.After(rand.N(20 * time.Millisecond)):
				}
			}
			killed <- n
		}()
		sweeps, settled, since := 0, 0, time.Now()
		await(t, "the batch is final", func() bool {
			b := in.batch(t, ref)
			if n := b.Counts().Settled(); n > settled {
				settled, since = n, time.Now()
			}
			if b.Status().Final() || time.Since(since) < 2*time.Second {
				return b.Status().Final()
			}
			// There is no progress: the rest is claimed by dead workers.
			in.expireLeases(t, ref)
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
		in.checkCounters(t, ref, inquiry.Counts{Completed: total})
		// Messages that dead workers had received would be delivered again after six
		// minutes, during other tests.
		if _, err := in.queues.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &stack.QueueURL}); err != nil {
			t.Error(err)
		}
		t.Logf("%d function processes were killed; %d sweeps succeeded; %d attempts for %d inquiries",
			n, sweeps, in.batch(t, ref).Sums.Attempts, total)
		if n < kills/2 {
			t.Errorf("only %d processes were killed, want at least %d", n, kills/2)
		}
	})

	// If the function dies, the gateway answers its caller with a problem document.
	t.Run("a killed function is a problem document for its caller", func(t *testing.T) {
		in, u := newInternals(), newUser(t, "", "member")
		resume := in.pause(t, stack.Functions[deployment.ProcessInquiry])
		defer resume()
		ref := refOf(t, u, u.key().submit(t, businesses("Waited for", 1)))
		path := "/v1/batch-inquiries/" + ref.id.String()
		await(t, "the batch is dispatched", func() bool { return in.waiting(t) == 1 })
		first, _ := u.key().do(t, http.MethodGet, path, "")

		killing, stop := context.WithCancel(t.Context())
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
		// Nothing changes, so the function waits before it responds.
		resp, body := u.key().do(t, http.MethodGet, path+"?waitSeconds=20", "", "If-None-Match", first.Header.Get("ETag"), "X-Request-Id", "mine-2")
		stop()
		if err := <-killed; err != nil {
			t.Error(err)
		}
		checkProblem(t, "a killed function", resp, body, http.StatusInternalServerError)
		if !strings.Contains(string(body), "#problem-internal") {
			t.Errorf("the problem is %s, want internal", body)
		}
		if got := resp.Header.Get("X-Request-Id"); got != "mine-2" {
			t.Errorf("X-Request-Id is %q, want the caller's mine-2", got)
		}
	})

	// The mappings are paused, and the test acts as the stream and the queue. It delivers
	// everything several times, in random order, and old records after new ones.
	t.Run("repeated and reordered events change nothing", func(t *testing.T) {
		in, u := newInternals(), newUser(t, "", "member")
		resume := in.pause(t, stack.Functions[deployment.DispatchBatch], stack.Functions[deployment.ProcessInquiry], stack.Functions[deployment.TallyStatuses])
		defer resume()
		const total = 30
		ref := refOf(t, u, u.key().submit(t, businesses("Delivered again", total)))
		submittedHeader := streamRecord(t, in.items(t, ref)[store.HeaderSK], 1)
		dispatch := func() {
			t.Helper()
			in.mustInvoke(t, stack.Functions[deployment.DispatchBatch], events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{submittedHeader, submittedHeader}})
		}
		var records []events.DynamoDBEventRecord // all stream records of inquiries so far
		record := func() {
			t.Helper()
			for sort, it := range in.items(t, ref) {
				if strings.HasPrefix(sort, store.InquiryPrefix) {
					records = append(records, streamRecord(t, it, len(records)+1))
				}
			}
		}
		tally := func() {
			t.Helper()
			again := append(slices.Clone(records), records[:len(records)/2]...)
			rand.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
			for part := range slices.Chunk(again, 17) {
				in.mustInvoke(t, stack.Functions[deployment.TallyStatuses], events.DynamoDBEvent{Records: part})
			}
		}

		dispatch()
		// Two workers died after their claim. The stream reports RUNNING for their
		// inquiries first.
		for _, index := range []int{3, 4} {
			if _, err := in.store.Claim(t.Context(), ref.lender, ref.id.Inquiry(index), "a dead worker", time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}
		record()
		tally()
		if c := in.batch(t, ref).Counts(); c != (inquiry.Counts{Planning: total - 2, Running: 2}) {
			t.Errorf("two inquiries are running, but the counters are %+v", c)
		}
		// Deliver every message twice, in random order and some copies in one event, but
		// never that of the last inquiry.
		order := append(rand.Perm(total-1), rand.Perm(total-1)...)
		for part := range slices.Chunk(order, deployment.MessageBatch) {
			response, err := in.invoke(t, stack.Functions[deployment.ProcessInquiry], queueEvent(t, ref, part...))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(response), `"itemIdentifier":""`) {
				t.Fatalf("process-inquiry failed a message without naming it: %s", response)
			}
		}
		record()
		dispatch()
		tally()
		if c := in.batch(t, ref).Counts(); c != (inquiry.Counts{Planning: 1, Completed: total - 1}) {
			t.Errorf("one inquiry is not started and the others are completed, but the counters are %+v", c)
		}
		all := rand.Perm(total)
		for part := range slices.Chunk(all, deployment.MessageBatch) { // as dead letters, although all but one inquiry are final
			in.mustInvoke(t, stack.Functions[deployment.FailExhausted], queueEvent(t, ref, part...))
		}
		record()
		tally()
		want := inquiry.Counts{Completed: total - 1, Failed: 1}
		in.checkCounters(t, ref, want)

		// The batch is final. Everything delivered now is old.
		final := in.snapshot(t, ref)
		dispatch()
		in.mustInvoke(t, stack.Functions[deployment.ProcessInquiry], queueEvent(t, ref, all[:deployment.MessageBatch]...))
		in.mustInvoke(t, stack.Functions[deployment.FailExhausted], queueEvent(t, ref, all[:deployment.MessageBatch]...))
		tally()
		if err := in.sweep(t); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(final, in.snapshot(t, ref)); diff != "" {
			t.Errorf("old events changed the final batch (-before +after):\n%s", diff)
		}
		resume() // the stream delivers everything again, and the queue has four messages per inquiry
		last := refOf(t, u, u.key().submit(t, businesses("After the replay", 1)))
		await(t, "a batch submitted after the replay is final", func() bool { return in.batch(t, last).Status().Final() })
		await(t, "the queue is empty", func() bool { return in.waiting(t) == 0 })
		in.checkCounters(t, ref, want)
	})

	// The test deletes messages from the queue. A sweep sends them again.
	t.Run("a sweep sends lost messages again", func(t *testing.T) {
		in, u := newInternals(), newUser(t, "", "member")
		resume := in.pause(t, stack.Functions[deployment.ProcessInquiry])
		defer resume()
		const total = 60
		ref := refOf(t, u, u.key().submit(t, businesses("Lost", total)))
		await(t, "all messages are in the queue", func() bool { return in.waiting(t) == total })
		lost := 0
		for lost < total/2 {
			out, err := in.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &stack.QueueURL, MaxNumberOfMessages: deployment.MessageBatch})
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
		resume()
		await(t, "the inquiries with messages are completed", func() bool { return in.batch(t, ref).Counts().Completed == total-lost })
		if c := in.batch(t, ref).Counts(); c.Planning != lost {
			t.Errorf("%d messages were lost, but the counters are %+v", lost, c)
		}
		in.expireLeases(t, ref)
		if err := in.sweep(t); err != nil {
			t.Fatal(err)
		}
		await(t, "the batch is final", func() bool { return in.batch(t, ref).Status().Final() })
		in.checkCounters(t, ref, inquiry.Counts{Completed: total})
	})

	// The stream mappings are replaced at LATEST and miss everything that was written in
	// the meantime: first a submission, then every status. Sweeps make up for that.
	t.Run("sweeps make up for lost stream records", func(t *testing.T) {
		in, u := newInternals(), newUser(t, "", "member")
		const total = 40
		var ref batchRef
		in.replaceMapping(t, stack.Functions[deployment.TallyStatuses], lambdatypes.EventSourcePositionLatest, func() {
			in.replaceMapping(t, stack.Functions[deployment.DispatchBatch], lambdatypes.EventSourcePositionLatest, func() {
				ref = refOf(t, u, u.key().submit(t, businesses("Never dispatched", total)))
			})
			in.expireLeases(t, ref)
			if err := in.sweep(t); err != nil { // this sweep dispatches it
				t.Fatal(err)
			}
			await(t, "all inquiries are final", func() bool {
				records, err := in.store.Records(t.Context(), in.batch(t, ref))
				return err == nil && len(records) == total && !slices.ContainsFunc(records, func(r inquiry.Record) bool { return !r.Status.Final() })
			})
		})
		if c := in.batch(t, ref).Counts(); c.Planning != total {
			t.Errorf("no status was tallied, but the counters are %+v", c)
		}
		in.expireLeases(t, ref)
		if err := in.sweep(t); err != nil { // this sweep counts it
			t.Fatal(err)
		}
		in.checkCounters(t, ref, inquiry.Counts{Completed: total})

		// Both mappings deliver everything that was ever written again.
		final := in.snapshot(t, ref)
		for _, function := range []string{stack.Functions[deployment.DispatchBatch], stack.Functions[deployment.TallyStatuses]} {
			in.replaceMapping(t, function, lambdatypes.EventSourcePositionTrimHorizon, func() {})
		}
		last := refOf(t, u, u.key().submit(t, businesses("After the replay", 10)))
		await(t, "a batch submitted after the replay is final", func() bool { return in.batch(t, last).Status().Final() })
		in.checkCounters(t, last, inquiry.Counts{Completed: 10})
		if diff := cmp.Diff(final, in.snapshot(t, ref)); diff != "" {
			t.Errorf("replaying the whole stream changed a final batch (-before +after):\n%s", diff)
		}
	})

	t.Run("a dead letter fails its inquiry", func(t *testing.T) {
		in, u := newInternals(), newUser(t, "", "member")
		resume := in.pause(t, stack.Functions[deployment.ProcessInquiry])
		defer resume()
		ref := refOf(t, u, u.key().submit(t, businesses("Unlucky", 5)))
		if _, err := in.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &stack.DeadLetterQueueURL, MessageBody: aws.String(message(t, ref, 2))}); err != nil {
			t.Fatal(err)
		}
		await(t, "the inquiry has failed", func() bool { return in.batch(t, ref).Counts().Failed == 1 })
		resume()
		done := u.key().wait(t, ref.id.String())
		if done.Status != "PARTIAL_SUCCESS" {
			t.Errorf("the batch ended as %s, want PARTIAL_SUCCESS", done.Status)
		}
		if done.Completed != 4 || done.Failed != 1 {
			t.Errorf("%d inquiries completed and %d failed, want 4 and 1", done.Completed, done.Failed)
		}
		in.checkCounters(t, ref, inquiry.Counts{Completed: 4, Failed: 1})
		checkFailure(t, u, ref, 2, inquiry.FailureExhausted)
	})

	t.Run("a sweep finishes a batch after its deadline", func(t *testing.T) {
		in, u := newInternals(), newUser(t, "", "member")
		resume := in.pause(t, stack.Functions[deployment.ProcessInquiry])
		defer resume()
		const total = 20
		ref := refOf(t, u, u.key().submit(t, businesses("Too late", total)))
		in.mustInvoke(t, stack.Functions[deployment.ProcessInquiry], queueEvent(t, ref, 0, 1, 2))
		if _, err := in.store.Claim(t.Context(), ref.lender, ref.id.Inquiry(3), "a dead worker", time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		in.setDeadline(t, "1ms")
		in.makeDue(t, ref)
		if err := in.sweep(t); err != nil {
			t.Fatal(err)
		}
		want := inquiry.Counts{Completed: 3, Failed: total - 3}
		in.checkCounters(t, ref, want) // the one sweep is enough, whatever the stream does
		checkFailure(t, u, ref, 3, inquiry.FailureDeadline)
		checkFailure(t, u, ref, total-1, inquiry.FailureDeadline)
		resume() // the messages are still in the queue, but too late
		await(t, "the queue is empty", func() bool { return in.waiting(t) == 0 })
		in.checkCounters(t, ref, want)
	})
}

// waiting returns the number of messages in the queue, including those in delivery.
func (in internals) waiting(t testing.TB) int {
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

// checkFailure checks that the lender sees the inquiry as failed with this code.
func checkFailure(t testing.TB, u user, ref batchRef, index int, code string) {
	t.Helper()
	resp, data := u.key().do(t, http.MethodGet, "/v1/inquiries/"+ref.id.Inquiry(index).String(), "")
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(data), `"FAILED"`) || !strings.Contains(string(data), `"`+code+`"`) {
		t.Errorf("inquiry %d: %s %s, want the status FAILED and the code %s", index, resp.Status, data, code)
	}
}

package simulation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// leased counts claims that were rejected because of a lease.
func leased(w *World) {
	w.onStep = func() { seen["leased"] += w.check.leased; w.check.leased = 0 }
}

var workerFaults = []faultCase{
	{fault: "13a", name: "a duplicate arrives during the lease, then the first worker dies", seeds: 40,
		faults: Faults{Until: 5 * time.Minute, Duplicate: 1}, setup: func(_ *testing.T, w *World) {
			submit(w, found)
			leased(w)
			count := w.onStep
			w.onStep = func() {
				count()
				for _, m := range w.queue.messages {
					if m.receives > 0 {
						w.faults.Duplicate = 0 // one is enough
					}
				}
			}
			inject(w, &rule{function: "process-inquiry", operation: "LookUp", times: 1, verdict: CrashBefore})
		}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 2, 2); sentAtMost(t, w, 1) }, total: happened("leased")},

	{fault: "13b", name: "two messages of one inquiry are in one event", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found)
		w.faults.Until, w.faults.Blocked, w.workers = time.Minute, time.Minute, 1
		w.do(30*time.Second, "the record of the submission is delivered again", func() {
			w.redeliver(w.mappings[0], w.mappings[0].filter)
		})
		leased(w)
	}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 1, 1) }, total: happened("leased")},

	{fault: "14a", name: "a worker dies before its claim", setup: func(_ *testing.T, w *World) {
		submit(w, found, found, found)
		inject(w, &rule{function: "process-inquiry", operation: "UpdateItem", times: 1, verdict: CrashBefore})
	}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 1, 2) }},
	{fault: "14b", name: "a worker dies after its claim", setup: func(_ *testing.T, w *World) {
		submit(w, found, found, found)
		inject(w, &rule{function: "process-inquiry", operation: "UpdateItem", times: 1, verdict: CrashAfter})
	}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 1, 2) }},
	{fault: "14c", name: "a worker dies after it has asked the sources", setup: func(_ *testing.T, w *World) {
		submit(w, found)
		inject(w, &rule{function: "process-inquiry", operation: "UpdateItem", skip: 1, times: 1, verdict: CrashBefore})
	}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 2, 2) }},
	{fault: "14d", name: "a worker dies after it has written its result", setup: func(_ *testing.T, w *World) {
		submit(w, found)
		inject(w, &rule{function: "process-inquiry", operation: "UpdateItem", skip: 1, times: 1, verdict: CrashAfter})
	}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 1, 1) }},

	{fault: "15", name: "the reply to a claim is lost and the SDK sends it again", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, part)
		inject(w, &rule{function: "process-inquiry", operation: "UpdateItem", verdict: Resend, times: 6})
	}, check: func(t *testing.T, w *World) {
		attempts(t, w, 1, 1)
		for i, in := range only(t, w).items {
			if in.receives != 1 {
				t.Errorf("inquiry %d was delivered %d times", i, in.receives)
			}
		}
	}},

	{fault: "16", name: "a worker freezes past its lease, another finishes, the first wakes and writes", setup: func(_ *testing.T, w *World) {
		submit(w, found)
		w.freeze = func(*Call) time.Duration { return 20 * time.Minute }
		inject(w, &rule{function: "process-inquiry", operation: "UpdateItem", skip: 1, times: 1, verdict: Freeze})
		w.do(19*time.Minute, "the second attempt is done", func() {
			if b := w.check.batches[0]; b.status != inquiry.BatchCompleted {
				w.violate("I1", "the batch is %s while the first worker sleeps", b.status)
			}
		})
	}, check: func(t *testing.T, w *World) {
		completed(t, w)
		attempts(t, w, 2, 2)
		if w.now.Sub(noon) < 20*time.Minute || only(t, w).items[0].writes != 3 {
			t.Errorf("at rest after %v with %d writes", w.now.Sub(noon), only(t, w).items[0].writes)
		}
	}},

	{fault: "17", name: "the invocation times out with 6 of 10 messages done", faults: Faults{Until: 3 * time.Minute}, setup: func(_ *testing.T, w *World) {
		submit(w, slices.Concat(many(6, found), many(4, slow))...)
	}, check: func(t *testing.T, w *World) {
		completed(t, w)
		for i, in := range only(t, w).items {
			if i < 6 && in.attempt > 2 || i >= 6 && in.attempt < 2 {
				t.Errorf("inquiry %d was claimed %d times", i, in.attempt)
			}
		}
	}},

	{fault: "18a", name: "an empty reply although messages failed loses them, and a law notices", broken: "I1", setup: func(_ *testing.T, w *World) {
		submit(w, found, poison)
		w.hooks = &Hooks{MessagesReply: func(_ events.SQSEvent, _ events.SQSEventResponse, _ error) (events.SQSEventResponse, error) {
			return events.SQSEventResponse{}, nil
		}}
	}},
	{fault: "18b", name: "a reply with an unknown id fails the whole event", setup: func(_ *testing.T, w *World) {
		submit(w, found, found, none)
		wrong := 3
		w.hooks = &Hooks{MessagesReply: func(_ events.SQSEvent, resp events.SQSEventResponse, err error) (events.SQSEventResponse, error) {
			if wrong--; wrong >= 0 {
				resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: "nobody"})
			}
			return resp, err
		}}
	}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 1, 1) }},
	{fault: "18c", name: "one of ten goroutines panics", setup: func(_ *testing.T, w *World) {
		submit(w, slices.Concat(many(9, found), []string{poison})...)
	}, check: func(t *testing.T, w *World) {
		for i, in := range only(t, w).items {
			if i < 9 && (in.status != inquiry.StatusCompleted || in.attempt != 1) {
				t.Errorf("inquiry %d is %s after %d attempts", i, in.status, in.attempt)
			}
		}
	}},

	{fault: "19", name: "all sources are down for two hours", faults: Faults{Until: 2 * time.Hour}, setup: func(_ *testing.T, w *World) {
		submit(w, many(20, outage)...)
	}, check: func(t *testing.T, w *World) {
		// Eight deliveries take 48 minutes, then the inquiries fail as retryable.
		// Two sweeps send the waiting ones again.
		b := only(t, w)
		if b.status != inquiry.BatchFailed || b.finalAt.Sub(noon) > 2*time.Hour {
			t.Errorf("the batch is %s after %v", b.status, b.finalAt.Sub(noon))
		}
		sentAtMost(t, w, 3)
		attempts(t, w, 1, 3*deployment.MaxReceives)
	}},

	{fault: "19b", name: "a source computes too long for some inquiries", setup: func(_ *testing.T, w *World) {
		submit(w, heavy, heavy, found, heavy)
	}, check: func(t *testing.T, w *World) {
		// Three attempts are 12 minutes apart at most, before the first sweep sends again.
		b := only(t, w)
		if b.status != inquiry.BatchPartialSuccess || b.finalAt.Sub(noon) > 15*time.Minute {
			t.Errorf("the batch is %s after %v", b.status, b.finalAt.Sub(noon))
		}
		for i, in := range b.items {
			want := 3
			if i == 2 {
				want = 1
			}
			if in.attempt != want || in.failure == inquiry.FailureExhausted {
				t.Errorf("inquiry %d is %s %s after %d attempts, want %d", i, in.status, in.failure, in.attempt, want)
			}
		}
	}},

	{fault: "20", name: "one poison inquiry among 250", seeds: 2, setup: func(_ *testing.T, w *World) {
		names := many(250, found)
		names[77] = poison
		submit(w, names...)
	}, check: func(t *testing.T, w *World) {
		b := only(t, w)
		if b.status != inquiry.BatchPartialSuccess || b.items[77].failure != inquiry.FailureExhausted {
			t.Errorf("the batch is %s, the inquiry %s", b.status, b.items[77].failure)
		}
		if b.finalAt.Sub(noon) > 2*time.Hour {
			t.Errorf("the batch was final after %v, want at most 2 hours", b.finalAt.Sub(noon))
		}
	}},

	{fault: "21", name: "two workers for 1,000 messages", seeds: 1, setup: func(_ *testing.T, w *World) {
		w.workers = 2
		w.lookTime = 10 * time.Second
		for n := range 4 {
			w.at(time.Duration(n)*time.Second, "submit", acme, newSubmission(acme, fmt.Sprint("key", n), many(250, found)...))
		}
	}, check: func(t *testing.T, w *World) {
		for _, b := range w.check.batches {
			if b.status != inquiry.BatchCompleted {
				t.Errorf("B%d is %s, want COMPLETED", b.number, b.status)
			}
		}
		if w.byFunction["fail-exhausted"] > 0 {
			t.Error("there are dead letters")
		}
		sentAtMost(t, w, 4) // few sweeps resend a backlog, because they are spaced
		attempts(t, w, 1, 1)
	}},

	{fault: "22", name: "fail-exhausted dies and a dead letter is delivered twice", faults: Faults{Until: 90 * time.Minute, Duplicate: 0.5}, setup: func(_ *testing.T, w *World) {
		submit(w, poison, found, poison)
		inject(w, &rule{function: "fail-exhausted", operation: "UpdateItem", times: 1, verdict: CrashBefore},
			&rule{function: "fail-exhausted", operation: "UpdateItem", times: 1, verdict: CrashAfter},
			&rule{function: "fail-exhausted", operation: "UpdateItem", times: 1, verdict: Lose})
	}, check: func(t *testing.T, w *World) {
		if b := only(t, w); b.status != inquiry.BatchPartialSuccess {
			t.Errorf("the batch is %s, want PARTIAL_SUCCESS", b.status)
		}
	}, total: happened(CrashAfter.String())},

	{fault: "23", name: "a message is lost", setup: func(_ *testing.T, w *World) {
		submit(w, found, found, found)
		lost := map[inquiry.ID]bool{}
		w.lose = func(id inquiry.ID) bool {
			first := !lost[id] && id.Index() != 1
			lost[id] = true
			return first
		}
	}, check: func(t *testing.T, w *World) {
		completed(t, w)
		if took := only(t, w).finalAt.Sub(noon); took > 22*time.Minute {
			t.Errorf("the batch was repaired after %v, want at most 22 minutes", took)
		}
	}},
}

package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	tally "github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// faultCase makes one of the 42 known faults happen in a world that has no other
// faults. The laws are checked as always.
type faultCase struct {
	fault  string // its number, and a letter if it has several cases
	name   string
	faults Faults
	seeds  uint64                              // how many orders of events are tried; 0 means 15
	setup  func(t *testing.T, w *World)        // what clients do and what goes wrong
	check  func(t *testing.T, w *World)        // called at rest, in addition to the laws
	total  func(t *testing.T, seen *sightings) // called after all seeds; checks that the fault happened
	broken string                              // the law that must be broken; "" means none
}

// sightings counts what a case has seen.
type sightings map[string]int

func TestFaults(t *testing.T) {
	covered := map[string]bool{}
	for name, run := range edgeFaults {
		covered[name[:2]] = true
		t.Run(name, run)
	}
	for _, c := range slices.Concat(submissionFaults, dispatchFaults, workerFaults, countingFaults, otherFaults) {
		covered[c.fault[:2]] = true
		t.Run(c.fault+" "+c.name, func(t *testing.T) {
			seeds := c.seeds
			if seeds == 0 {
				seeds = 15
			}
			seen = sightings{}
			for seed := uint64(1); seed <= seeds && !t.Failed(); seed++ {
				c.run(t, seed)
			}
			if c.total != nil {
				c.total(t, &seen)
			}
		})
	}
	for n := 1; n <= 42; n++ {
		if number := fmt.Sprintf("%02d", n); !covered[number] {
			t.Errorf("fault %s has no test case", number)
		}
	}
}

// seen belongs to the running case. Cases run one after another.
var seen sightings

func (c *faultCase) run(t *testing.T, seed uint64) {
	t.Helper()
	trace := &strings.Builder{}
	inBubble(t, seed, func() {
		w := newWorld(seed, c.faults, trace)
		c.setup(t, w)
		w.run()
		broken, _, _ := strings.Cut(w.check.broken, ":")
		if broken != c.broken {
			t.Errorf("seed %d: broken law %q, want %q", seed, w.check.broken, c.broken)
		} else if c.check != nil {
			c.check(t, w)
		}
	})
	if t.Failed() {
		lines := strings.Split(trace.String(), "\n")
		t.Logf("seed %d, last steps:\n%s", seed, strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}

// rule decides calls that match its fields. An empty field matches every call.
type rule struct {
	function, operation, sk string
	invocation              int // number among those of the function, from 1; 0 matches any
	skip, times             int // ignores skip calls, then decides times calls, or all if 0
	until                   time.Duration
	verdict                 Verdict
}

// inject decides each call by the first rule that matches.
func inject(w *World, rules ...*rule) {
	w.onCall = func(c *Call) Verdict {
		for _, r := range rules {
			if r.function != "" && r.function != c.In.Function || r.operation != "" && r.operation != c.Operation ||
				!strings.HasPrefix(c.SK, r.sk) || r.invocation != 0 && r.invocation != c.In.Nth ||
				r.until != 0 && !w.now.Before(noon.Add(r.until)) || r.times < 0 {
				continue
			}
			if r.skip > 0 {
				r.skip--
				continue
			}
			if r.times--; r.times == 0 {
				r.times = -1
			} else if r.times < 0 {
				r.times = 0
			}
			seen[r.verdict.String()]++
			return r.verdict
		}
		return Proceed
	}
}

// many returns n businesses of one kind.
func many(n int, kind string) []string { return slices.Repeat([]string{kind}, n) }

// submit has acme submit a batch at noon with an idempotency key.
func submit(w *World, names ...string) *submission {
	s := newSubmission(acme, "key", names...)
	w.at(0, "submit", acme, s)
	return s
}

// only returns the single batch of the world.
func only(t *testing.T, w *World) *batchState {
	t.Helper()
	if len(w.check.batches) != 1 {
		t.Fatalf("there are %d batches", len(w.check.batches))
	}
	return w.check.batches[0]
}

// completed fails the test unless the single batch is completed.
func completed(t *testing.T, w *World) {
	t.Helper()
	if b := only(t, w); b.status != inquiry.BatchCompleted {
		t.Errorf("the batch is %s", b.status)
	}
}

// sentAtMost fails the test if an inquiry was sent more than n times.
func sentAtMost(t *testing.T, w *World, n int) {
	t.Helper()
	for _, b := range w.check.batches {
		for i, in := range b.items {
			if in.sends > n {
				t.Errorf("B%d/%d was sent %d times", b.number, i, in.sends)
			}
		}
	}
}

// attempts fails the test unless each inquiry was claimed from..to times.
func attempts(t *testing.T, w *World, from, to int) {
	t.Helper()
	for _, b := range w.check.batches {
		for i, in := range b.items {
			if in.attempt < from || in.attempt > to {
				t.Errorf("B%d/%d was claimed %d times, want %d to %d", b.number, i, in.attempt, from, to)
			}
		}
	}
}

// happened returns a check that something was seen in at least one history.
func happened(what string) func(*testing.T, *sightings) {
	return func(t *testing.T, s *sightings) {
		t.Helper()
		if (*s)[what] == 0 {
			t.Errorf("no history had it: %s", what)
		}
	}
}

// items counts the table's items by the beginning of their sort key.
func items(w *World) map[string]int {
	n := map[string]int{}
	for _, it := range w.table.Items() {
		_, sk := keyOf(it)
		if at := strings.Index(sk, "#"); at >= 0 {
			sk = sk[:at+1]
		}
		n[sk]++
	}
	return n
}

// complete fails the test unless the table has exactly the items of its batches.
func complete(t *testing.T, w *World, batches, pages int) {
	t.Helper()
	n := items(w)
	if n[store.HeaderSK] != batches || n[store.PlacePrefix] != batches || n[store.PagePrefix] != pages || n[store.IdempotencyPrefix] > batches {
		t.Errorf("want %d batches and %d pages, got items %v", batches, pages, n)
	}
}

// bulky returns a submission that fills two pages.
func bulky() *submission {
	s := newSubmission(acme, "key", many(300, found)...)
	for i := range s.body.Inquiries {
		s.body.Inquiries[i].Metadata = map[string]string{"note": strings.Repeat(strconv.Itoa(i*7919)+" ", 230)}
	}
	return s
}

var submissionFaults = []faultCase{
	{fault: "01", name: "the API dies before or after each of its calls", seeds: 4, setup: func(_ *testing.T, w *World) {
		w.at(0, "submit", acme, bulky())
		inject(w, &rule{function: "api", operation: "GetItem", times: 1, verdict: CrashBefore},
			&rule{function: "api", operation: "GetItem", times: 1, verdict: CrashAfter},
			&rule{function: "api", operation: "TransactWriteItems", times: 1, verdict: CrashBefore})
		w.onStep = func() {
			if w.steps > 40 {
				return
			}
			if n := items(w); n[store.PagePrefix] > 0 != (n[store.HeaderSK] == 1 && n[store.PagePrefix] == 2) {
				w.violate("I9", "part of a submission is stored: %v", n)
			}
		}
	}, check: func(t *testing.T, w *World) { completed(t, w); complete(t, w, 1, 2); sentAtMost(t, w, 1) },
		total: happened(CrashBefore.String())},

	{fault: "02", name: "the API dies between the commit and the reply, and the client tries again", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		inject(w, &rule{function: "api", operation: "TransactWriteItems", times: 1, verdict: CrashAfter})
	}, check: func(t *testing.T, w *World) { completed(t, w); complete(t, w, 1, 1) }, total: happened(CrashAfter.String())},

	{fault: "03", name: "50 requests with one key at the same time", seeds: 5, setup: func(_ *testing.T, w *World) {
		s := submit(w, found, none)
		for range 49 {
			w.at(0, "submit", acme, s)
		}
		w.do(10*time.Minute, "all requests are answered", func() {
			if len(s.answers) != 50 {
				w.violate("I7", "%d of 50 requests were answered with the batch", len(s.answers))
			}
		})
	}, check: func(t *testing.T, w *World) { completed(t, w); complete(t, w, 1, 1) }},

	{fault: "04", name: "one key is used with another body and by another lender", setup: func(_ *testing.T, w *World) {
		same, other := submit(w, found, none), newSubmission(acme, "key", found)
		theirs := newSubmission(zenith, "key", found, none)
		w.at(0, "submit", acme, other)
		w.at(0, "submit", zenith, theirs)
		w.at(time.Minute, "read", zenith, same)
		w.at(time.Minute, "read", acme, theirs)
		w.do(time.Minute, "one of the bodies is rejected", func() {
			if same.mismatch == other.mismatch {
				w.violate("I7", "the first body is rejected: %t, the second: %t", same.mismatch, other.mismatch)
			}
		})
	}, check: func(t *testing.T, w *World) { complete(t, w, 2, 2) }},

	{fault: "05", name: "the reply to the transaction is lost and the SDK sends it again", setup: func(_ *testing.T, w *World) {
		submit(w, found)
		w.at(0, "submit", acme, newSubmission(acme, "", found))
		w.at(0, "submit", zenith, newSubmission(zenith, "other", found))
		inject(w, &rule{function: "api", operation: "TransactWriteItems", times: 3, verdict: Resend})
	}, check: func(t *testing.T, w *World) { complete(t, w, 3, 3) }, total: happened(Resend.String())},

	{fault: "06", name: "the record of a key has expired but is still stored", setup: func(_ *testing.T, w *World) {
		first := submit(w, found)
		within, after := newSubmission(acme, "key", found), newSubmission(acme, "key", found)
		w.at(24*time.Hour-time.Minute, "submit", acme, within)
		w.at(24*time.Hour+time.Minute, "submit", acme, after)
		w.do(25*time.Hour, "the key returns the first batch for a day", func() {
			a, _ := first.batch()
			b, _ := within.batch()
			c, ok := after.batch()
			if a != b || a == c || !ok {
				w.violate("I7", "batches %v, %v and %v", w.check.name(a), w.check.name(b), w.check.name(c))
			}
		})
	}, check: func(t *testing.T, w *World) { complete(t, w, 2, 2) }},

	{fault: "07a", name: "the table throttles, and transactions conflict", setup: func(_ *testing.T, w *World) {
		submit(w, found, found)
		inject(w, &rule{function: "api", operation: "TransactWriteItems", times: 3, verdict: Conflict},
			&rule{function: "api", until: 20 * time.Second, verdict: Refuse},
			&rule{function: "dispatch-batch", operation: "Query", times: 2, verdict: Refuse})
	}, check: func(t *testing.T, w *World) { completed(t, w); complete(t, w, 1, 1) }, total: happened(Conflict.String())},

	// The fault itself breaks I9: the batch can no longer be read whole.
	{fault: "07b", name: "a page is missing: no inquiry is sent, every sweep fails, and the deadline ends the batch", seeds: 3, broken: "I9", setup: func(_ *testing.T, w *World) {
		w.at(0, "submit", acme, bulky())
		w.onStep = func() {
			for _, b := range w.check.batches {
				w.table.Remove(table.Key{PK: store.LenderPrefix + string(acme) + store.BatchInfix + b.id.String(), SK: store.PagePrefix + "001"})
			}
		}
	}, check: func(t *testing.T, w *World) {
		if w.messageCount > 0 || w.mappings[0].dropped == 0 || w.failures["sweep-open-batches"] == 0 {
			t.Errorf("%d messages were sent, %d records set aside, %d sweeps failed", w.messageCount, w.mappings[0].dropped, w.failures["sweep-open-batches"])
		}
		if b := only(t, w); b.status != inquiry.BatchFailed {
			t.Errorf("the batch ended as %s", b.status)
		}
	}},
}

var dispatchFaults = []faultCase{
	{fault: "08", name: "dispatch-batch dies after each of its three sends", setup: func(_ *testing.T, w *World) {
		submit(w, many(25, found)...)
		inject(w, &rule{function: "dispatch-batch", operation: "SendMessageBatch", times: 1, verdict: CrashAfter},
			&rule{function: "dispatch-batch", operation: "SendMessageBatch", skip: 1, times: 1, verdict: CrashAfter},
			&rule{function: "dispatch-batch", operation: "SendMessageBatch", skip: 2, times: 1, verdict: CrashAfter})
	}, check: func(t *testing.T, w *World) { completed(t, w); sentAtMost(t, w, 4); attempts(t, w, 1, 1) }},

	{fault: "09", name: "the queue rejects messages in a call that succeeds", setup: func(_ *testing.T, w *World) {
		submit(w, many(25, found)...)
		refused := map[inquiry.ID]int{}
		w.reject = func(id inquiry.ID) bool {
			refused[id]++
			return id.Index()%3 == 0 && refused[id] <= 1+id.Index()%9 // up to seven times, more often than Send tries
		}
	}, check: func(t *testing.T, w *World) { completed(t, w); sentAtMost(t, w, 4) }},

	{fault: "10", name: "the record for dispatch-batch is set aside", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found)
		inject(w, &rule{function: "dispatch-batch", until: 14 * time.Minute, verdict: Refuse})
	}, check: func(t *testing.T, w *World) {
		completed(t, w)
		if w.mappings[0].dropped != 1 {
			t.Errorf("%d records were set aside, want 1", w.mappings[0].dropped)
		}
		if b := only(t, w); b.finalAt.Sub(noon) > 22*time.Minute {
			t.Errorf("the batch was repaired after %v", b.finalAt.Sub(noon))
		}
	}},

	{fault: "11", name: "the record of the submission is delivered five more times, up to 20 hours late", setup: func(_ *testing.T, w *World) {
		submit(w, found, poison, part)
		for n, after := range []time.Duration{time.Second, time.Second, 10 * time.Minute, 20 * time.Hour, 20 * time.Hour} {
			w.do(after, fmt.Sprint("redelivery ", n), func() {
				w.redeliver(w.mappings[0], w.mappings[0].filter)
			})
		}
	}, check: func(t *testing.T, w *World) { sentAtMost(t, w, 6+4); attempts(t, w, 1, 3*deployment.MaxReceives) }}, // four sweeps treat the poison inquiry as idle

	{fault: "12", name: "every replica is as far behind as possible", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found)
		w.table.Lag = func(_ string, choices int) int {
			seen["lag"]++
			return choices - 1
		}
	}, check: func(t *testing.T, w *World) { completed(t, w); attempts(t, w, 1, 1) }, total: happened("lag")},
}

// leased counts claims that were rejected because of a lease.
func leased(w *World) {
	w.onStep = func() { seen["leased"] += w.check.leased; w.check.leased = 0 }
}

var workerFaults = []faultCase{
	{fault: "13", name: "a duplicate arrives during the lease, then the first worker dies", seeds: 40,
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

	{fault: "17", name: "the invocation's time is over with 6 of 10 messages done", faults: Faults{Until: 3 * time.Minute}, setup: func(_ *testing.T, w *World) {
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
			t.Errorf("the batch was final after %v", b.finalAt.Sub(noon))
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
				t.Errorf("B%d is %s", b.number, b.status)
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
			t.Errorf("the batch is %s", b.status)
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
			t.Errorf("the batch was repaired after %v", took)
		}
	}},
}

// headerWrites fails the test if counting wrote a header more than most times.
func headerWrites(t *testing.T, w *World, most int) {
	t.Helper()
	for _, b := range w.check.batches {
		if b.tallies > most {
			t.Errorf("counting wrote the header of B%d %d times", b.number, b.tallies)
		}
	}
}

var countingFaults = []faultCase{
	{fault: "24", name: "every event of the stream is delivered twice", faults: Faults{Until: 3 * time.Hour, Redeliver: 1}, setup: func(_ *testing.T, w *World) {
		submit(w, found, none, part, poison, bad)
	}, check: func(t *testing.T, w *World) { headerWrites(t, w, 10) }},

	{fault: "25", name: "ten lanes and no order between inquiries", setup: func(_ *testing.T, w *World) {
		w.stream.bySortKey = true
		w.mappings = []*mapping{w.dispatchMapping(10), w.tallyMapping(10)}
		submit(w, many(30, found)...)
	}, check: completed},

	{fault: "26", name: "shards split and roll over in the middle of a batch", seeds: 6, setup: func(_ *testing.T, w *World) {
		submit(w, many(300, found)...)
		w.stream.bySortKey = w.rng.IntN(2) == 0
		next := 40
		w.onStep = func() {
			if w.stream.read < next || len(w.stream.shards) > 12 {
				return
			}
			next += 40
			open := w.stream.open()
			parent := open[w.rng.IntN(len(open))]
			parent.base += 1 << 40 // so that its children have lower numbers
			w.split(parent, w.rng.IntN(3) == 0)
			seen["split"]++
		}
	}, check: completed, total: happened("split")},

	{fault: "27a", name: "both mappings are recreated at the oldest record", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found, found)
		for n := range 4 {
			w.do(time.Duration(n*n)*400*time.Millisecond, "mappings are recreated", func() {
				w.recreate(w.mappings[0])
				w.recreate(w.mappings[1])
			})
		}
	}, check: func(t *testing.T, w *World) { completed(t, w); sentAtMost(t, w, 5); headerWrites(t, w, 8) }},
	{fault: "27b", name: "the stream is replaced by one with other sequence numbers", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found, found)
		w.do(300*time.Millisecond, "the stream is replaced", func() {
			w.recreate(w.mappings[0])
			w.recreate(w.mappings[1])
			w.stream.shards = nil // unread records are lost
			w.newShard(0, 1<<32-1, nil)
		})
	}, check: func(t *testing.T, w *World) { completed(t, w); headerWrites(t, w, 8) }},

	{fault: "28a", name: "one in twenty records is lost", faults: Faults{Until: 3 * time.Hour, DropRecord: 0.05}, setup: func(_ *testing.T, w *World) {
		submit(w, many(30, found)...)
	}, check: completed},
	{fault: "28b", name: "every record for counting is lost", setup: func(_ *testing.T, w *World) {
		w.mappings[1].filter = func(record) bool { return false }
		submit(w, found, none, part)
	}, check: func(t *testing.T, w *World) {
		if took := only(t, w).finalAt.Sub(noon); took > 16*time.Minute {
			t.Errorf("the first sweep did not count: final after %v", took)
		}
	}},

	poisonRecord("the first record", 0), poisonRecord("a record in the middle", 5), poisonRecord("the last record", 9),

	{fault: "30", name: "several tally-statuses race for one header", seeds: 20, setup: func(_ *testing.T, w *World) {
		w.stream.bySortKey = true
		w.mappings = []*mapping{w.dispatchMapping(1), w.tallyMapping(10)}
		submit(w, many(40, found)...)
		w.workers = 4
		w.onCall = func(c *Call) Verdict {
			if c.In.Function == "tally-statuses" && c.Operation == "UpdateItem" {
				seen["writes tried"]++
			}
			return Proceed
		}
	}, check: func(t *testing.T, w *World) { completed(t, w); seen["writes done"] += only(t, w).tallies },
		total: func(t *testing.T, s *sightings) {
			t.Helper()
			if lost := (*s)["writes tried"] - (*s)["writes done"]; lost < 20*20 {
				t.Errorf("%d races were lost in 20 histories", lost)
			}
		}},

	{fault: "31", name: "sweeps count while workers and tally-statuses run", faults: Faults{Until: 15 * time.Minute, Blocked: 15 * time.Minute}, seeds: 30, setup: func(_ *testing.T, w *World) {
		submit(w, many(12, found)...)
		w.onCall = func(c *Call) Verdict {
			if c.In.Function == "sweep-open-batches" && w.busy("process-inquiry") > 0 && w.busy("tally-statuses") > 0 {
				seen["all at once"]++
			}
			return Proceed
		}
	}, check: completed, total: happened("all at once")},

	{fault: "32", name: "the reply to a write of a header is lost, with and without a retry", setup: func(_ *testing.T, w *World) {
		submit(w, found, none, found)
		inject(w, &rule{function: "tally-statuses", operation: "UpdateItem", times: 2, verdict: Resend},
			&rule{function: "tally-statuses", operation: "UpdateItem", times: 2, verdict: Lose},
			&rule{function: "tally-statuses", operation: "UpdateItem", times: 2, verdict: Resend})
	}, check: func(t *testing.T, w *World) { completed(t, w); headerWrites(t, w, 6) }, total: happened(Resend.String())},

	{fault: "33", name: "two cancels race claims and results, and one dies half-way", seeds: 60, setup: func(_ *testing.T, w *World) {
		s := submit(w, many(12, found)...)
		w.workers = 1
		for range 2 {
			w.at(time.Duration(100+w.rng.IntN(700))*time.Millisecond, "cancel", acme, s)
		}
		inject(w, &rule{function: "dispatch-batch", operation: "PutItem", skip: 2, times: 1, verdict: CrashAfter},
			&rule{function: "dispatch-batch", operation: "PutItem", skip: 1, times: 1, verdict: Resend})
	}, check: func(t *testing.T, w *World) {
		for _, in := range only(t, w).items {
			seen[string(in.status)]++
		}
	}, total: func(t *testing.T, s *sightings) {
		t.Helper()
		if (*s)[string(inquiry.StatusCancelled)] == 0 || (*s)[string(inquiry.StatusCompleted)] == 0 {
			t.Errorf("one side always wins: %v", *s)
		}
	}},

	{fault: "34", name: "records arrive late for a batch that has expired", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.do(inquiry.Retention+time.Hour, "the batch expires", func() {
			for _, k := range w.table.Expired(w.now) {
				w.table.Remove(k)
			}
			for _, m := range w.mappings {
				w.redeliver(m, m.filter)
			}
		})
	}, check: func(t *testing.T, w *World) {
		if n := items(w); n[store.HeaderSK]+n[store.InquiryPrefix]+n[store.PagePrefix] > 0 {
			t.Errorf("items came back: %v", n)
		}
	}},

	{fault: "35", name: "the record of the end of a batch is delivered twice, and its reader dies", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.do(10*time.Minute, "the final header record is delivered to dispatch-batch", func() {
			ends := func(r record) bool { return imageText(r, store.EventAttribute) == string(store.EventFinished) }
			w.redeliver(w.mappings[0], ends)
			w.redeliver(w.mappings[0], ends)
			for _, s := range w.replays {
				seen["finished records"] += len(s.batch)
			}
			inject(w, &rule{function: "dispatch-batch", times: 1, verdict: CrashBefore})
		})
	}, check: func(t *testing.T, w *World) { completed(t, w); sentAtMost(t, w, 1) },
		total: func(t *testing.T, s *sightings) {
			t.Helper()
			if n := (*s)["finished records"]; n != 2*15 {
				t.Errorf("15 batches delivered %d records of their end, want two each", n)
			}
		}},
}

// poisonRecord returns a case in which tally-statuses fails on one of ten records.
func poisonRecord(where string, index int) faultCase {
	return faultCase{fault: "29", name: "bisects and partial replies when " + where + " cannot be counted", setup: func(_ *testing.T, w *World) {
		submit(w, many(10, found)...)
		w.at(time.Second, "submit", zenith, newSubmission(zenith, "", found, none))
		w.hooks = &Hooks{Counters: func(_ *Invocation, inner tally.Counters) tally.Counters { return failsOn{inner, w, index} }}
	}, check: func(t *testing.T, w *World) {
		for _, b := range w.check.batches {
			if b.status != inquiry.BatchCompleted {
				t.Errorf("B%d is %s", b.number, b.status)
			}
		}
		seen["set aside"] += w.mappings[1].dropped
	}, total: happened("set aside")}
}

var otherFaults = []faultCase{
	{fault: "36", name: "clocks differ by up to five minutes", seeds: 60,
		faults: Faults{Until: time.Hour, Skew: true, Duplicate: 0.5, CrashAfter: 0.1, Freeze: 0.05, CrashBefore: 0.05}, setup: func(_ *testing.T, w *World) {
			submit(w, found, none, part, slow)
			leased(w)
		}, total: happened("leased")},

	{fault: "42a", name: "a record has an unknown status", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.do(time.Minute, "a newer worker writes a record", func() {
			for _, s := range w.stream.shards {
				at := slices.IndexFunc(s.records, w.mappings[1].filter)
				if at < 0 {
					continue
				}
				forged := s.records[at]
				forged.Change.NewImage = map[string]events.DynamoDBAttributeValue{}
				for name, v := range s.records[at].Change.NewImage {
					forged.Change.NewImage[name] = v
				}
				forged.Change.NewImage[store.StatusAttribute] = events.NewStringAttribute("ARCHIVED")
				forged.Change.SequenceNumber = fmt.Sprintf("%021d", s.base+uint64(len(s.records)))
				s.records = append(s.records, forged)
			}
		})
		w.at(time.Minute, "submit", zenith, newSubmission(zenith, "", found, found))
	}, check: func(t *testing.T, w *World) {
		for _, b := range w.check.batches {
			if b.status != inquiry.BatchCompleted || b.finalAt.Sub(noon) > 10*time.Minute {
				t.Errorf("B%d is %s after %v", b.number, b.status, b.finalAt.Sub(noon))
			}
		}
		if w.mappings[1].dropped != 1 {
			t.Errorf("%d records were set aside, want 1", w.mappings[1].dropped)
		}
	}},
	{fault: "42b", name: "old workers read the messages and items of a newer version", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.onStep = func() {
			for _, m := range w.queue.messages {
				if !strings.Contains(m.body, "newField") {
					m.body = `{"newField":{"a":[1]},` + m.body[1:]
					seen["newer"]++
				}
			}
		}
		w.hooks = &Hooks{Table: newerWriter}
	}, check: completed, total: happened("newer")},
}

// newerWriter adds an attribute that this version does not know.
func newerWriter(_ string, db store.DB) store.DB {
	return mutantTable{DB: db, update: func(in *dynamodb.UpdateItemInput) {
		if in.UpdateExpression != nil && strings.HasPrefix(in.Key[store.SKAttribute].(*types.AttributeValueMemberS).Value, store.InquiryPrefix) {
			replace(in.UpdateExpression, "SET ", "SET newAttribute = :newer, ")
			in.ExpressionAttributeValues[":newer"] = &types.AttributeValueMemberS{Value: "yes"}
		}
	}}
}

// failsOn fails for ten minutes to count one of acme's inquiries.
type failsOn struct {
	tally.Counters
	w     *World
	index int
}

func (f failsOn) Merge(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, changes []inquiry.Change) (inquiry.Batch, error) {
	if lender == acme && f.w.now.Before(noon.Add(10*time.Minute)) &&
		slices.ContainsFunc(changes, func(c inquiry.Change) bool { return c.Index == f.index }) {
		return inquiry.Batch{}, errors.New("a poison record")
	}
	return f.Counters.Merge(ctx, lender, id, changes)
}

package simulation

import (
	"fmt"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

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

	{fault: "10", name: "the record for dispatch-batch cannot be read", setup: func(_ *testing.T, w *World) {
		w.faults = Faults{Until: time.Minute, Unreadable: 1}
		submit(w, found, none, found)
	}, check: func(t *testing.T, w *World) {
		completed(t, w)
		if len(w.aside) != 1 {
			t.Errorf("%d records were set aside, want 1", len(w.aside))
		}
		if b := only(t, w); b.finalAt.Sub(noon) > 22*time.Minute {
			t.Errorf("the batch was repaired after %v, want at most 22 minutes", b.finalAt.Sub(noon))
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

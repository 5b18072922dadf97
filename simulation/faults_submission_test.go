package simulation

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

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
		inject(w, &rule{function: "api", operation: "BatchGetItem", times: 1, verdict: CrashBefore},
			&rule{function: "api", operation: "BatchGetItem", times: 1, verdict: CrashAfter},
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
			w.submissions = nil // nobody reads the batch, which would be noticed first
			for _, b := range w.check.batches {
				w.table.Remove(table.Key{PK: store.LenderPrefix + string(acme) + store.BatchInfix + b.id.String(), SK: store.PagePrefix + "001"})
			}
		}
	}, check: func(t *testing.T, w *World) {
		if w.messageCount > 0 || len(w.aside) != 1 || w.failures["sweep-open-batches"] == 0 {
			t.Errorf("%d messages were sent, %d records set aside, %d sweeps failed", w.messageCount, len(w.aside), w.failures["sweep-open-batches"])
		}
		if b := only(t, w); b.status != inquiry.BatchFailed {
			t.Errorf("the batch ended as %s, want FAILED", b.status)
		}
	}},
}

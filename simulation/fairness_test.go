package simulation

import (
	"fmt"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// flood has acme submit 2,000 inquiries and zenith ten a minute later. A lookup
// takes 20 seconds, and 100 run at a time. It returns how long zenith's batch took.
func flood(t *testing.T, fair bool) (took time.Duration) {
	t.Helper()
	inBubble(t, 1, func() {
		w := newWorld(1, Faults{}, nil)
		w.fair, w.workers, w.lookTime = fair, 10, 20*time.Second
		for n := range 8 {
			w.at(0, "submit", acme, newSubmission(acme, fmt.Sprint("flood-", n), many(250, found)...))
		}
		w.at(time.Minute, "submit", zenith, newSubmission(zenith, "", many(10, found)...))
		w.run()
		if w.check.broken != "" {
			t.Fatal(w.check.broken)
		}
		for _, b := range w.check.batches {
			if b.status != inquiry.BatchCompleted {
				t.Errorf("B%d is %s, want COMPLETED", b.number, b.status)
			}
			if b.lender == zenith {
				took = b.finalAt.Sub(b.id.CreatedAt())
			}
		}
		if w.byFunction["fail-exhausted"] > 0 {
			t.Error("waiting messages became dead letters")
		}
	})
	return took
}

// quietBesideFlood checks that the quiet lender waits for a free worker but not for
// the flood, because every message has its lender as its group.
func quietBesideFlood(t *testing.T) {
	fair, unfair := flood(t, true), flood(t, false)
	t.Logf("ten inquiries next to 2,000 take %v with a fair queue and %v without", fair, unfair)
	if fair > 90*time.Second {
		t.Errorf("the quiet lender's batch took %v, want at most 90 seconds", fair)
	}
	if unfair < 2*fair {
		t.Errorf("without a fair queue it takes only %v, so the test shows nothing", unfair)
	}
}

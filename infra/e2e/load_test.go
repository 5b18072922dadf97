package e2e

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

var load = flag.Bool("load", false, "run the load test, which takes minutes (make load)")

// Four lenders submit forty batches of 250 at once, one of them 25 batches. All
// batches must complete. The times say more about this machine and its engine than
// about the service. On AWS, workers run in parallel and the queue serves lenders
// evenly. Here, workers run one after another, in the order of the messages.
func TestLoad(t *testing.T) {
	if !*load {
		t.Skip("runs only on demand: make load")
	}
	const total = 250
	in := newInternals()
	lenders := map[string]int{"flood": 25, "two": 5, "three": 5, "four": 5}
	users := map[string]user{}
	for name := range lenders {
		users[name] = newUser(t, "-"+name, "member")
	}

	begun := time.Now()
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		batches = map[string][]batchRef{}
	)
	for name, count := range lenders {
		for i := range count {
			wg.Go(func() {
				ref := refOf(t, users[name], users[name].key().submit(t, businesses(fmt.Sprintf("Batch %d", i), total)))
				mu.Lock()
				defer mu.Unlock()
				batches[name] = append(batches[name], ref)
			})
		}
	}
	wg.Wait()
	t.Logf("%5.0f s: all 40 batches were accepted", time.Since(begun).Seconds())

	finished := map[string]time.Duration{} // time of each lender's last batch
	for printed := time.Now(); len(finished) < len(lenders); {
		var line strings.Builder
		for _, name := range slices.Sorted(maps.Keys(lenders)) {
			settled, open := 0, 0
			for _, ref := range batches[name] {
				b := in.batch(t, ref)
				settled += b.Counts().Settled()
				if !b.Status().Final() {
					open++
				}
			}
			fmt.Fprintf(&line, "  %s %d/%d", name, settled, lenders[name]*total)
			if _, known := finished[name]; open == 0 && !known {
				finished[name] = time.Since(begun)
			}
		}
		if time.Since(printed) > 10*time.Second || len(finished) == len(lenders) {
			t.Logf("%5.0f s:%s", time.Since(begun).Seconds(), &line)
			printed = time.Now()
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(time.Second):
		}
	}
	for name, refs := range batches {
		var first time.Duration
		for _, ref := range refs {
			b := in.batch(t, ref)
			if b.Counts() != (inquiry.Counts{Completed: total}) || b.Status() != inquiry.BatchCompleted {
				t.Errorf("batch %s of %s ended as %s with %+v, want all %d completed", ref.id, name, b.Status(), b.Counts(), total)
			}
			if took := b.FinishedAt.Sub(begun); first == 0 || took < first {
				first = took
			}
		}
		t.Logf("%s: the first of %d batches finished after %.0f s, the last after %.0f s", name, len(refs), first.Seconds(), finished[name].Seconds())
	}
	for function, n := range local.Invocations() {
		t.Logf("%5d invocations of %s by its queue or stream", n, function)
	}
	in.checkCounters(t, batches["flood"][0], inquiry.Counts{Completed: total})
}

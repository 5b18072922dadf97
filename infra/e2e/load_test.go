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

// Forty batches of 250 come at once from four lenders; 25 of them from one. All
// end complete. What it measures is this machine and its engine more than the
// service: on AWS workers run side by side, and the queue serves lenders fairly;
// here workers run one after the other, in the order of what was sent.
func TestLoad(t *testing.T) {
	if !*load {
		t.Skip("only on demand: make load")
	}
	const total = 250
	in := lookInside()
	lenders := map[string]int{"flood": 25, "two": 5, "three": 5, "four": 5}
	users := map[string]user{}
	for name := range lenders {
		users[name] = newUser(t, "-"+name, "member")
	}

	begun := time.Now()
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		batches = map[string][]placed{}
	)
	for name, count := range lenders {
		for i := range count {
			wg.Go(func() {
				p := place(t, users[name], users[name].key().submit(t, businesses(fmt.Sprintf("Batch %d", i), total)))
				mu.Lock()
				defer mu.Unlock()
				batches[name] = append(batches[name], p)
			})
		}
	}
	wg.Wait()
	t.Logf("%5.0f s: all 40 batches are accepted", time.Since(begun).Seconds())

	finished := map[string]time.Duration{} // when a lender's last batch was
	for printed := time.Now(); len(finished) < len(lenders); {
		var line strings.Builder
		for _, name := range slices.Sorted(maps.Keys(lenders)) {
			settled, open := 0, 0
			for _, p := range batches[name] {
				b := in.batch(t, p)
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
	for name, placed := range batches {
		var first time.Duration
		for _, p := range placed {
			b := in.batch(t, p)
			if b.Counts() != (inquiry.Counts{Completed: total}) || b.Status() != inquiry.BatchCompleted {
				t.Errorf("batch %s of %s is %s, %+v", p.id, name, b.Status(), b.Counts())
			}
			if took := b.FinishedAt.Sub(begun); first == 0 || took < first {
				first = took
			}
		}
		t.Logf("%s: first of %d batches after %.0f s, last after %.0f s", name, len(placed), first.Seconds(), finished[name].Seconds())
	}
	for function, n := range local.Invocations() {
		t.Logf("%5d invocations of %s by a queue or stream", n, function)
	}
	in.checkBooks(t, batches["flood"][0], inquiry.Counts{Completed: total})
}

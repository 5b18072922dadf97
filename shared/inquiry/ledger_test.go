package inquiry_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// history draws what happened to a batch: every inquiry is planning, running or final,
// with the changes that led there. Each inquiry has one set of figures, so a repeated
// change has the same figures.
func history(t *rapid.T) (total int, changes []inquiry.Change) {
	total = rapid.IntRange(1, 40).Draw(t, "total")
	finals := []inquiry.Status{
		inquiry.StatusCompleted, inquiry.StatusPartialSuccess, inquiry.StatusFailed, inquiry.StatusCancelled,
	}
	for i := range total {
		stage := rapid.IntRange(0, 2).Draw(t, "stage")
		started := noon.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "started")) * time.Millisecond)
		if stage >= 1 {
			changes = append(changes, inquiry.Change{
				Index: i, Status: inquiry.StatusRunning, Figures: inquiry.Figures{StartedAt: started},
			})
		}
		if stage == 2 {
			changes = append(changes, inquiry.Change{
				Index: i, Status: rapid.SampledFrom(finals).Draw(t, "final"),
				Figures: inquiry.Figures{
					StartedAt:  started,
					FinishedAt: started.Add(time.Duration(rapid.IntRange(1, 900).Draw(t, "worked")) * time.Millisecond),
					Attempts:   rapid.IntRange(1, 8).Draw(t, "attempts"),
					Sources: map[string]inquiry.SourceFigures{"ofac": {
						Outcome: rapid.SampledFrom([]inquiry.SourceOutcome{
							inquiry.OutcomeFound, inquiry.OutcomeNoRecord, inquiry.OutcomeStale,
						}).Draw(t, "outcome"),
						Records: rapid.IntRange(0, 3).Draw(t, "records"),
						Elapsed: time.Millisecond,
					}},
				},
			})
		}
	}
	return total, changes
}

func merge(tally inquiry.Tally, changes ...inquiry.Change) inquiry.Tally {
	merged, _ := tally.Merge(changes...)
	return merged
}

func TestMerge(t *testing.T) {
	t.Parallel()

	t.Run("is associative", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			total, changes := history(t)
			cut := rapid.IntRange(0, len(changes)).Draw(t, "cut")

			whole := merge(inquiry.NewTally(total), changes...)
			parts := merge(merge(inquiry.NewTally(total), changes[:cut]...), changes[cut:]...)
			if diff := cmp.Diff(whole, parts); diff != "" {
				t.Fatalf("merging in two parts differs (-whole +parts):\n%s", diff)
			}
		})
	})

	t.Run("is commutative", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			total, changes := history(t)
			cut := rapid.IntRange(0, len(changes)).Draw(t, "cut")

			forth := merge(merge(inquiry.NewTally(total), changes[:cut]...), changes[cut:]...)
			back := merge(merge(inquiry.NewTally(total), changes[cut:]...), changes[:cut]...)
			if diff := cmp.Diff(forth, back); diff != "" {
				t.Fatalf("the order of two merges matters (-first order +second order):\n%s", diff)
			}
		})
	})

	t.Run("is idempotent", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			total, changes := history(t)
			once := merge(inquiry.NewTally(total), changes...)

			twice, changed := once.Merge(changes...)
			if changed {
				t.Fatal("a replay reports a change and would be written")
			}
			if diff := cmp.Diff(once, twice); diff != "" {
				t.Fatalf("a replay changed the tally (-once +twice):\n%s", diff)
			}
		})
	})

	// The stream may deliver records in any order, repeat any range of them and split them
	// into invocations anywhere.
	t.Run("any order and repetition gives the same counters", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			total, changes := history(t)
			want := merge(inquiry.NewTally(total), changes...)

			delivered := slices.Clone(changes)
			for range rapid.IntRange(0, 3).Draw(t, "replays") {
				from := rapid.IntRange(0, len(changes)).Draw(t, "from")
				delivered = append(delivered, changes[from:]...)
			}
			delivered = rapid.Permutation(delivered).Draw(t, "order")

			got, best := inquiry.NewTally(total), 0.0
			for len(delivered) > 0 {
				n := rapid.IntRange(1, len(delivered)).Draw(t, "invocation")
				got = merge(got, delivered[:n]...)
				delivered = delivered[n:]

				c := got.Counts()
				if sum := c.Planning + c.Running + c.Settled(); sum != total || min(c.Planning, c.Running, c.Settled()) < 0 {
					t.Fatalf("counters %+v sum to %d, want %d", c, sum, total)
				}
				if p := got.Progress(); p < best {
					t.Fatalf("progress fell from %v to %v", best, p)
				} else {
					best = p
				}
				if got.Status().Final() != (c.Settled() == total) || (best == 100) != (c.Settled() == total) {
					t.Fatalf("status %s, progress %v with %d of %d settled", got.Status(), best, c.Settled(), total)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("the order of delivery changed the result (-want +got):\n%s", diff)
			}
		})
	})

	t.Run("does not change the old tally", func(t *testing.T) {
		t.Parallel()
		old := merge(inquiry.NewTally(3), inquiry.Change{
			Index: 0, Status: inquiry.StatusCompleted,
			Figures: inquiry.Figures{Sources: map[string]inquiry.SourceFigures{"ofac": {Outcome: inquiry.OutcomeFound, Records: 1}}},
		})
		before := merge(old)

		merge(old, inquiry.Change{
			Index: 1, Status: inquiry.StatusCompleted,
			Figures: inquiry.Figures{Sources: map[string]inquiry.SourceFigures{"ofac": {Outcome: inquiry.OutcomeFound, Records: 1}}},
		})
		if diff := cmp.Diff(before, old); diff != "" {
			t.Errorf("Merge changed its receiver (-before +after):\n%s", diff)
		}
	})

	t.Run("a final status never changes", func(t *testing.T) {
		t.Parallel()
		tally := merge(inquiry.NewTally(1), inquiry.Change{Index: 0, Status: inquiry.StatusFailed})
		for _, late := range []inquiry.Status{
			inquiry.StatusPlanning, inquiry.StatusRunning, inquiry.StatusCompleted, inquiry.StatusCancelled, "INVENTED_LATER",
		} {
			if _, changed := tally.Merge(inquiry.Change{Index: 0, Status: late}); changed {
				t.Errorf("%s replaced FAILED", late)
			}
		}
	})

	t.Run("ignores an index outside the batch", func(t *testing.T) {
		t.Parallel()
		tally := inquiry.NewTally(3) // an odd total leaves half a byte unused
		for _, index := range []int{-1, 3, 4, 65535} {
			if _, changed := tally.Merge(inquiry.Change{Index: index, Status: inquiry.StatusRunning}); changed {
				t.Errorf("index %d changed a batch of 3", index)
			}
		}
	})
}

func TestTallyStatus(t *testing.T) {
	t.Parallel()

	t.Run("follows from the counters", func(t *testing.T) {
		t.Parallel()
		const (
			planning  = inquiry.StatusPlanning
			running   = inquiry.StatusRunning
			completed = inquiry.StatusCompleted
			partial   = inquiry.StatusPartialSuccess
			failed    = inquiry.StatusFailed
			cancelled = inquiry.StatusCancelled
		)
		tests := map[string]struct {
			inquiries []inquiry.Status
			want      inquiry.BatchStatus
			progress  float64
		}{
			"nothing claimed yet":                 {[]inquiry.Status{planning, planning}, inquiry.BatchPending, 0},
			"one claimed":                         {[]inquiry.Status{running, planning}, inquiry.BatchRunning, 0},
			"one finished, the rest still queued": {[]inquiry.Status{completed, planning, planning}, inquiry.BatchRunning, 33.3},
			"all completed":                       {[]inquiry.Status{completed, completed}, inquiry.BatchCompleted, 100},
			"all failed":                          {[]inquiry.Status{failed, failed}, inquiry.BatchFailed, 100},
			"some failed":                         {[]inquiry.Status{completed, failed}, inquiry.BatchPartialSuccess, 100},
			"all partial":                         {[]inquiry.Status{partial, partial}, inquiry.BatchPartialSuccess, 100},
			"partial beside failed":               {[]inquiry.Status{partial, failed}, inquiry.BatchPartialSuccess, 100},
			"a cancel left some undone":           {[]inquiry.Status{completed, cancelled}, inquiry.BatchCancelled, 100},
			"a cancel left all undone":            {[]inquiry.Status{cancelled, cancelled}, inquiry.BatchCancelled, 100},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tally := inquiry.NewTally(len(tt.inquiries))
				for i, status := range tt.inquiries {
					tally = merge(tally, inquiry.Change{Index: i, Status: status})
				}
				if got := tally.Status(); got != tt.want {
					t.Errorf("Status() = %s, want %s", got, tt.want)
				}
				if got := tally.Progress(); got != tt.progress {
					t.Errorf("Progress() = %v, want %v", got, tt.progress)
				}
			})
		}
	})
}

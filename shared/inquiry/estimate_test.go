package inquiry_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestHistogram(t *testing.T) {
	t.Parallel()

	t.Run("quantiles are at most a fifth too high", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			took := rapid.SliceOfN(rapid.IntRange(1, 800_000), 1, 200).Draw(t, "milliseconds")
			var h inquiry.Histogram
			for _, ms := range took {
				h.Add(time.Duration(ms) * time.Millisecond)
			}
			if h.Count() != len(took) {
				t.Fatalf("Count() = %d, want %d", h.Count(), len(took))
			}
			slices.Sort(took)
			for _, q := range []float64{0.5, 0.95, 1} {
				exact := time.Duration(took[max(int(q*float64(len(took))+0.9999)-1, 0)]) * time.Millisecond
				if got := h.Quantile(q); got < exact-time.Millisecond || got > exact+exact/5+time.Millisecond {
					t.Fatalf("quantile %v is %v, exactly it is %v", q, got, exact)
				}
			}
			if diff := cmp.Diff(h, inquiry.UnpackHistogram(h.Pack())); diff != "" || len(h.Pack()) > 161 {
				t.Fatalf("unpacked differs from packed (-want +got):\n%s", diff)
			}
		})
	})

	t.Run("extreme durations and damaged data", func(t *testing.T) {
		t.Parallel()
		var none, h inquiry.Histogram
		if none.Pack() != nil || none.Quantile(0.5) != 0 {
			t.Errorf("empty histogram: packed %v, median %v", none.Pack(), none.Quantile(0.5))
		}
		for _, d := range []time.Duration{-time.Second, 0, time.Nanosecond, 300 * time.Hour} {
			h.Add(d)
		}
		if h.Count() != 4 || h.Quantile(0.5) != time.Millisecond || h.Quantile(1) < 10*time.Minute {
			t.Errorf("count %v, median %v, longest %v", h.Count(), h.Quantile(0.5), h.Quantile(1))
		}
		for _, damaged := range [][]byte{{200, 1, 1}, {3, 1}, {79, 0, 1, 0, 1}} {
			inquiry.UnpackHistogram(damaged) // must not panic
		}
	})
}

// tallyAt returns a tally in which done of total inquiries are finished, one per second.
func tallyAt(total, done int) inquiry.Tally {
	var changes []inquiry.Change
	for i := range done {
		started := noon.Add(time.Duration(i) * time.Second)
		changes = append(changes, inquiry.Change{
			Index: i, Status: inquiry.StatusCompleted,
			Figures: inquiry.Figures{StartedAt: started, FinishedAt: started.Add(time.Second), Attempts: 1},
		})
	}
	return merge(inquiry.NewTally(total), changes...)
}

func TestEstimate(t *testing.T) {
	t.Parallel()

	t.Run("the range narrows around the real end", func(t *testing.T) {
		t.Parallel()
		const total = 400
		end, width := noon.Add(total*time.Second), time.Duration(1<<62)
		for _, done := range []int{50, 100, 200, 399} {
			earliest, latest, ok := tallyAt(total, done).Estimate()
			if !ok || earliest.After(end) || latest.Before(end) {
				t.Errorf("after %d: %v to %v, %t; the real end is %v", done, earliest, latest, ok, end)
			}
			if latest.Sub(earliest) >= width {
				t.Errorf("after %d: the range grew from %v to %v", done, width, latest.Sub(earliest))
			}
			width = latest.Sub(earliest)
		}
	})

	t.Run("none without enough observations", func(t *testing.T) {
		t.Parallel()
		canceled := inquiry.NewTally(100)
		for i := range 50 {
			canceled = merge(canceled, inquiry.Change{Index: i, Status: inquiry.StatusCancelled, Figures: inquiry.Figures{FinishedAt: noon}})
		}
		for name, tally := range map[string]inquiry.Tally{
			"none finished":    inquiry.NewTally(100),
			"too few finished": tallyAt(100, 49),
			"one delivery":     tallyAt(5000, 10),
			"all finished":     tallyAt(100, 100),
			"only canceled":    canceled,
			"a batch of one":   inquiry.NewTally(1),
			"no time passed":   merge(inquiry.NewTally(100), instantly(60)...),
			"only started":     merge(inquiry.NewTally(9), inquiry.Change{Status: inquiry.StatusRunning, Figures: inquiry.Figures{StartedAt: noon}}),
		} {
			if earliest, latest, ok := tally.Estimate(); ok {
				t.Errorf("%s: the estimate is %v to %v, want none", name, earliest, latest)
			}
		}
	})

	// Only inquiries that are already running are left in a batch that is being canceled.
	t.Run("none while the batch is being canceled", func(t *testing.T) {
		t.Parallel()
		b := inquiry.Batch{Tally: tallyAt(400, 100)}
		if _, _, ok := b.Estimate(); !ok {
			t.Error("there is no estimate before the cancel")
		}
		b.CancelRequestedAt = noon
		if earliest, latest, ok := b.Estimate(); ok {
			t.Errorf("the estimate is %v to %v, want none", earliest, latest)
		}
	})
}

// instantly returns the changes of n inquiries that end at the moment when they start.
func instantly(n int) (changes []inquiry.Change) {
	for i := range n {
		changes = append(changes, inquiry.Change{
			Index: i, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{StartedAt: noon, FinishedAt: noon},
		})
	}
	return changes
}

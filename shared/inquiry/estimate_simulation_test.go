package inquiry_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// service simulates workers that take up to deployment.MessageBatch messages at a time
// from one queue. Times are in seconds.
type service struct {
	workers int     // after the warm-up
	first   int     // workers at the start
	more    float64 // workers added per second until there are all
	median  float64 // time of one inquiry
	spread  float64 // standard deviation of the time's logarithm
	between float64 // time between two deliveries to one worker
	cold    float64 // extra time of a worker's first delivery
	fair    bool    // lenders take turns; otherwise first come, first served
	batches []submitted
}

type submitted struct {
	at    float64
	total int
}

// lookup is the work on one inquiry.
type lookup struct {
	index          int
	started, ended float64
}

// run returns each batch's lookups, in the order in which they end.
func (s service) run(r *rand.Rand) [][]lookup {
	next, results := make([]int, len(s.batches)), make([][]lookup, len(s.batches))
	free := make([]float64, s.workers) // when each worker can take a delivery
	for w := range free {
		if w >= s.first {
			free[w] = float64(w-s.first+1) / s.more
		}
	}
	used, turn := make([]bool, s.workers), 0
	for {
		worker := 0
		for w := range free {
			if free[w] < free[worker] {
				worker = w
			}
		}
		now, last := free[worker], 0.0
		taken, soonest := 0, math.Inf(1)
		for range deployment.MessageBatch {
			b := s.pick(next, now, &turn)
			if b < 0 {
				break
			}
			takes := min(s.median*math.Exp(s.spread*r.NormFloat64()), 30)
			if !used[worker] {
				takes += s.cold
			}
			results[b] = append(results[b], lookup{next[b], now, now + takes})
			last = max(last, takes)
			next[b]++
			taken++
		}
		if taken > 0 {
			used[worker] = true
			free[worker] = now + last + s.between
			continue
		}
		for b, one := range s.batches {
			if next[b] < one.total {
				soonest = min(soonest, one.at)
			}
		}
		if math.IsInf(soonest, 1) {
			break
		}
		free[worker] = soonest + 0.02*float64(worker+1) // workers poll one after the other
	}
	for b := range results {
		slices.SortFunc(results[b], func(x, y lookup) int { return cmp.Compare(x.ended, y.ended) })
	}
	return results
}

// pick returns the batch of the queue's next message at a time, or -1.
func (s service) pick(next []int, now float64, turn *int) int {
	for i := range s.batches {
		b := i
		if s.fair {
			b = (*turn + i) % len(s.batches)
		}
		if s.batches[b].at <= now && next[b] < s.batches[b].total {
			*turn = b + 1
			return b
		}
	}
	return -1
}

func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds*1000) * time.Millisecond)
}

// sample is one estimate for one batch.
type sample struct {
	done        float64 // share of the batch
	known, held bool    // there is a range; it contains the real end
	width       float64 // of the range, in units of the time that is left
}

// samples returns the estimates for one batch, one for each twentieth of it. The counters
// are written once per second.
func samples(total int, work []lookup) (list []sample) {
	truth := at(work[len(work)-1].ended)
	tally, counted, step := inquiry.NewTally(total), 0, 0
	for second := math.Ceil(work[0].ended); counted < total; second++ {
		var changes []inquiry.Change
		for ; counted < total && work[counted].ended <= second; counted++ {
			one := work[counted]
			changes = append(changes, inquiry.Change{Index: one.index, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{
				StartedAt: at(one.started), FinishedAt: at(one.ended), Attempts: 1,
			}})
		}
		tally, _ = tally.Merge(changes...)
		if len(changes) == 0 || counted == total || counted*20/total < step {
			continue
		}
		step = counted*20/total + 1
		earliest, latest, ok := tally.Estimate()
		left := max(truth.Sub(tally.Sums.LastFinishedAt).Seconds(), 1)
		list = append(list, sample{
			done: float64(counted) / float64(total), known: ok,
			held: !earliest.After(truth) && !latest.Before(truth), width: latest.Sub(earliest).Seconds() / left,
		})
	}
	return list
}

// services returns the simulated situations.
func services() map[string]service {
	aws := service{workers: deployment.MaxWorkers, first: 5, more: 5, median: 0.35, spread: 0.5, between: 0.05, cold: 0.6}
	with := func(s service, change func(*service)) service { change(&s); return s }
	here := service{workers: 1, first: 1, more: 1, median: 0.015, spread: 0.6, between: 0.05, cold: 0.2}
	list := map[string]service{}
	for _, total := range []int{25, 250, 1000, 5000} {
		alone := []submitted{{0, total}}
		list[fmt.Sprintf("%d alone, workers still starting", total)] = with(aws, func(s *service) { s.batches = alone })
		list[fmt.Sprintf("%d alone, all workers started", total)] = with(aws, func(s *service) { s.batches, s.first = alone, 50 })
		list[fmt.Sprintf("%d alone, a slow source", total)] = with(aws, func(s *service) { s.batches, s.median, s.spread = alone, 4, 0.6 })
		list[fmt.Sprintf("%d alone, one worker", total)] = with(here, func(s *service) { s.batches = alone })
	}
	four := []submitted{{0, 700}, {0.1, 700}, {0.2, 700}, {0.3, 700}}
	for name, base := range map[string]service{"many workers": with(aws, func(s *service) { s.median = 2 }), "one worker": here} {
		for _, fair := range []bool{true, false} {
			order := map[bool]string{true: "in turns", false: "one after the other"}[fair]
			list["four of 700 at once, "+name+", "+order] = with(base, func(s *service) { s.batches, s.fair = four, fair })
		}
		pace := map[string]float64{"many workers": 150, "one worker": 120}[name] // about, in inquiries per second
		list["another arrives half-way, "+name] = with(base, func(s *service) {
			s.batches, s.fair = []submitted{{0, 2000}, {1000 / pace, 600}}, true
		})
		list["another is nearly done, "+name] = with(base, func(s *service) {
			s.batches, s.fair = []submitted{{0, 1500}, {600 / pace, 2000}}, true
		})
		list["small ones all the time, "+name] = with(base, func(s *service) {
			s.batches, s.fair = []submitted{{0, 3000}}, true
			for i := range 20 {
				s.batches = append(s.batches, submitted{float64(i) * 200 / pace, 100})
			}
		})
	}
	return list
}

func TestEstimateSimulated(t *testing.T) {
	t.Parallel()

	// The range contains the real end about nine times in ten, in total and in each phase,
	// and at least three times in four in each situation. The range is usually twice as
	// wide as the time that is left, which here is mostly seconds. With ten minutes left at an even
	// pace, it is five to twenty minutes after 50 inquiries and six to sixteen after
	// thousands. In recorded runs of a busy local engine, it contained the end 94 times in
	// a hundred and was 1.4 times as wide as the time left. An earlier rule, which counted
	// inquiries as observations, reached 47 there and 41 here.
	t.Run("nine of ten ranges contain the real end", func(t *testing.T) {
		t.Parallel()
		const (
			inEach, inPhase = 0.75, 0.87
			widest          = 2.6
		)
		phases := map[string][2]float64{
			"all": {0, 1}, "up to a tenth": {0, 0.1}, "up to half": {0.1, 0.5}, "up to nine tenths": {0.5, 0.9}, "the rest": {0.9, 1},
		}
		byPhase := map[string][]sample{}
		for name, s := range services() {
			var here []sample
			for seed := range uint64(5) {
				for b, work := range s.run(rand.New(rand.NewPCG(seed, 1))) {
					here = append(here, samples(s.batches[b].total, work)...)
				}
			}
			if said, held, width := calibration(here); said > 0 && held < inEach {
				t.Errorf("%s: of %d ranges, a share of %.2f contains the real end; width %.1f times the time left", name, said, held, width)
			}
			for phase, bounds := range phases {
				for _, one := range here {
					if one.done >= bounds[0] && one.done < bounds[1] {
						byPhase[phase] = append(byPhase[phase], one)
					}
				}
			}
		}
		for phase := range phases {
			said, held, width := calibration(byPhase[phase])
			t.Logf("%s: of %d ranges, a share of %.2f contains the real end; width %.1f times the time left", phase, said, held, width)
			if said < 100 || held < inPhase || width > widest {
				t.Errorf("%s: of %d ranges, a share of %.2f contains the real end; width %.1f times the time left", phase, said, held, width)
			}
		}
	})

	// A lender who watches a batch of the usual size sees an estimate most of the time.
	t.Run("a batch of the usual size has one from 50 inquiries on", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			total, silent, known int
		}{
			"two deliveries":         {20, 19, 0},
			"three deliveries":       {25, 19, 20},
			"a hundred inquiries":    {100, 49, 50},
			"the usual size":         {250, 49, 50},
			"thousands of inquiries": {5000, 49, 50},
		} {
			if _, _, ok := tallyAt(tt.total, tt.silent).Estimate(); ok {
				t.Errorf("%s: there is an estimate after %d inquiries, want none", name, tt.silent)
			}
			if tt.known == 0 {
				continue
			}
			if _, _, ok := tallyAt(tt.total, tt.known).Estimate(); !ok {
				t.Errorf("%s: there is no estimate after %d inquiries", name, tt.known)
			}
		}
	})
}

// calibration returns how many of the samples are known, which share of those contains
// the real end, and their median width.
func calibration(list []sample) (said int, share, width float64) {
	held, widths := 0, []float64(nil)
	for _, s := range list {
		if !s.known {
			continue
		}
		if widths = append(widths, s.width); s.held {
			held++
		}
	}
	if len(widths) == 0 {
		return 0, 0, 0
	}
	slices.Sort(widths)
	return len(widths), float64(held) / float64(len(widths)), widths[len(widths)/2]
}

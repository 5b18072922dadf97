package main

import (
	"math"
	"testing"
)

// mostUsed is how much of a limit the typical load may need.
const mostUsed = 0.70

func TestLimits(t *testing.T) {
	t.Parallel()

	t.Run("ten million inquiries a day with a fourfold peak fit", func(t *testing.T) {
		t.Parallel()
		for _, l := range limits(typicalLoad) {
			t.Logf("%-45s %8.0f of %8.0f %-15s %5.1f %%", l.name, l.needed, l.most, l.unit, 100*l.used())
			if l.needed <= 0 {
				t.Errorf("%s: %v needed, so the model leaves it out", l.name, l.needed)
			}
			if l.used() > mostUsed && !l.onRequest {
				t.Errorf("%s: %.0f of %.0f %s is %.0f%%, more than %.0f%%", l.name, l.needed, l.most, l.unit, 100*l.used(), 100*mostUsed)
			}
		}
	})

	t.Run("the limit that is reached first comes first", func(t *testing.T) {
		t.Parallel()
		all := limits(typicalLoad)
		for i := range all[1:] {
			if all[i].used() < all[i+1].used() {
				t.Errorf("%s comes before %s", all[i].name, all[i+1].name)
			}
		}
	})

	t.Run("each limit is needed in proportion", func(t *testing.T) {
		t.Parallel()
		twice := typicalLoad
		twice.perDay *= 2
		twice.lenders *= 2
		needed := map[string]float64{}
		for _, l := range limits(typicalLoad) {
			needed[l.name] = l.needed
		}
		for _, l := range limits(twice) {
			if ratio := l.needed / needed[l.name]; ratio < 1.9 || ratio > 2.01 {
				t.Errorf("%s: twice the load needs %.2f times as much", l.name, ratio)
			}
		}
	})

	t.Run("singles need more than batches", func(t *testing.T) {
		t.Parallel()
		singles := typicalLoad
		singles.mix = []share{{1, 1}}
		over := 0
		for _, l := range limits(singles) {
			if l.used() > 1 {
				over++
			}
		}
		if over == 0 {
			t.Error("ten million singles a day are over no limit, although they take 18 write units each")
		}
	})
}

func TestParseMix(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"250:85,25:10,1:5": true, "1:100": true,
		"": false, "250": false, "250:": false, "0:100": false, "250:50": false, "250:-1,1:101": false, "x:100": false,
	} {
		if _, err := parseMix(text); (err == nil) != ok {
			t.Errorf("parseMix(%q): %v", text, err)
		}
	}
}

// closeTo reports whether two numbers of write units differ by less than a tenth.
func closeTo(a, b float64) bool { return math.Abs(a-b) < 0.1*b }

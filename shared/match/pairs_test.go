package match_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// labeledPair is a pair of names that a person has labeled as the same or
// different.
type labeledPair struct {
	person       bool
	name1, name2 string
	same         bool
}

// score compares the pair as people or as organizations.
func (l labeledPair) score() float64 {
	if l.person {
		return match.Person(l.name1, l.name2).Value
	}
	return match.Organization(l.name1, l.name2).Value
}

// TestLabeledPairs checks that the scores have not become worse on 410 labeled
// pairs. The pairs are not part of the repository; development machines have them
// beside it.
func TestLabeledPairs(t *testing.T) {
	t.Parallel()

	all := labeledPairs(t)
	organizations := func(l labeledPair) bool { return !l.person }
	tests := map[string]struct {
		only  func(labeledPair) bool
		minF1 float64 // of the best threshold
	}{
		"all":           {func(labeledPair) bool { return true }, 0.80},
		"organizations": {organizations, 0.87},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var pairs []labeledPair
			for _, l := range all {
				if tt.only(l) {
					pairs = append(pairs, l)
				}
			}
			f1, threshold := bestF1(pairs)
			t.Logf("%d pairs: best F1 %.3f at %.2f", len(pairs), f1, threshold)
			if f1 < tt.minF1 {
				t.Errorf("best F1 = %.3f, want at least %.3f", f1, tt.minF1)
			}
		})
	}
}

// bestF1 tries every threshold from 0.50 to 1.00 in steps of 0.01.
func bestF1(pairs []labeledPair) (best, at float64) {
	scores := make([]float64, len(pairs))
	for i, p := range pairs {
		scores[i] = p.score()
	}
	for percent := 50; percent <= 100; percent++ {
		threshold := float64(percent) / 100
		var hits, misses, falseAlarms float64
		for i, p := range pairs {
			switch predicted := scores[i] >= threshold; {
			case predicted && p.same:
				hits++
			case predicted:
				falseAlarms++
			case p.same:
				misses++
			}
		}
		if f1 := 2 * hits / (2*hits + misses + falseAlarms); f1 > best {
			best, at = f1, threshold
		}
	}
	return best, at
}

func labeledPairs(t testing.TB) []labeledPair {
	t.Helper()

	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "../../../shared/data/name-pairs/pairs.csv")
	f, err := os.Open(path)
	if err != nil {
		t.Skip("the labeled pairs are not beside the repository (../shared/data/name-pairs/pairs.csv)")
	}
	defer f.Close()

	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var pairs []labeledPair
	for _, row := range rows[1:] {
		pairs = append(pairs, labeledPair{person: row[1] == "Person", name1: row[2], name2: row[3], same: row[4] == "true"})
	}
	return pairs
}

package match_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// labelled is a pair of names that a person has judged.
type labelled struct {
	person       bool
	name1, name2 string
	same         bool
}

// score compares the pair the way its schema asks for.
func (l labelled) score() float64 {
	if l.person {
		return match.Person(l.name1, l.name2).Value
	}
	return match.Organization(l.name1, l.name2).Value
}

// TestLabelledPairs holds the scorer to what was measured on 410 pairs that lie
// beside the repository on development machines and are no part of it.
func TestLabelledPairs(t *testing.T) {
	t.Parallel()

	all := labelledPairs(t)
	organizations := func(l labelled) bool { return !l.person }
	tests := map[string]struct {
		only  func(labelled) bool
		floor float64 // of the best F1 over all thresholds
	}{
		"all":           {func(labelled) bool { return true }, 0.80},
		"organizations": {organizations, 0.87},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var pairs []labelled
			for _, l := range all {
				if tt.only(l) {
					pairs = append(pairs, l)
				}
			}
			f1, threshold := bestF1(pairs)
			t.Logf("%d pairs: best F1 %.3f at %.2f", len(pairs), f1, threshold)
			if f1 < tt.floor {
				t.Errorf("best F1 = %.3f, want at least %.3f", f1, tt.floor)
			}
		})
	}
}

// bestF1 tries every threshold in steps of a hundredth.
func bestF1(pairs []labelled) (best, at float64) {
	scores := make([]float64, len(pairs))
	for i, p := range pairs {
		scores[i] = p.score()
	}
	for percent := 50; percent <= 100; percent++ {
		threshold := float64(percent) / 100
		var hits, misses, falseAlarms float64
		for i, p := range pairs {
			switch said := scores[i] >= threshold; {
			case said && p.same:
				hits++
			case said:
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

func labelledPairs(t testing.TB) []labelled {
	t.Helper()

	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "../../../shared/data/name-pairs/pairs.csv")
	f, err := os.Open(path)
	if err != nil {
		t.Skip("the labelled pairs are not beside the repository (../shared/data/name-pairs/pairs.csv)")
	}
	defer f.Close()

	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var pairs []labelled
	for _, row := range rows[1:] {
		pairs = append(pairs, labelled{person: row[1] == "Person", name1: row[2], name2: row[3], same: row[4] == "true"})
	}
	return pairs
}

package match_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

func TestScore(t *testing.T) {
	t.Parallel()

	const (
		same      = 0.9
		similar   = 0.75
		different = 0.0
	)
	tests := map[string]struct {
		compare          func(query, candidate string) match.Score
		query, candidate string
		atLeast, below   float64
		method           match.Method
	}{
		"the same name":                 {match.Organization, "Karlova Shipping", "KARLOVA SHIPPING LLC", 1, 1.01, match.MethodExact},
		"a different order":             {match.Person, "Zorbax Viktor", "Viktor ZORBAX", 1, 1.01, match.MethodWords},
		"a different script":            {match.Person, "Виктор Зорбакс", "Viktor Zorbaks", 1, 1.01, match.MethodExact},
		"a typo":                        {match.Organization, "Karlova Shiping", "Karlova Shipping", same, 1, match.MethodWords},
		"two letters swapped":           {match.Organization, "Karlvoa Shipping", "Karlova Shipping", same, 1, match.MethodWords},
		"different spaces":              {match.Organization, "Aero Karlova", "Aerokarlova", same, 1, match.MethodJoined},
		"an initial":                    {match.Person, "V Zorbax", "Viktor Zorbax", similar, 1, match.MethodWords},
		"an extra middle name":          {match.Person, "Viktor Zorbax", "Viktor Ilyich Zorbax", similar, same, match.MethodWords},
		"a different number":            {match.Organization, "Karlova 21 Holdings", "Karlova 22 Holdings", similar, same, match.MethodWords},
		"digits for letters":            {match.Person, "ARKADY V0R0NTSEV", "Arkady Vorontsev", same, 1, match.MethodWords},
		"a typo and digits for letters": {match.Person, "ARKADY V0R0NTSV", "Arkady Vorontsev", similar, 1, match.MethodWords},
		"a number is not a word":        {match.Organization, "Karlova 101", "Karlova IOI", different, similar, match.MethodWords},
		"only the surname is the same":  {match.Person, "Maria Zorbax", "Viktor Zorbax", different, similar, match.MethodWords},
		"only the trade is the same":    {match.Organization, "Miller Shipping", "Karlova Shipping", different, similar, match.MethodWords},
		"the candidate lacks a word":    {match.Organization, "Karlova Bakery", "Karlova", different, similar, match.MethodWords},
		"nothing in common":             {match.Organization, "Blue Bottle", "Karlova Shipping", 0, 0.01, match.MethodWords},
		"an empty name":                 {match.Organization, "", "", 0, 0.01, match.MethodWords},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := tt.compare(tt.query, tt.candidate)
			if got.Value < tt.atLeast || got.Value >= tt.below || got.Method != tt.method {
				t.Errorf("score of %q and %q is %.3f by %s; want at least %v, below %v, by %s",
					tt.query, tt.candidate, got.Value, got.Method, tt.atLeast, tt.below, tt.method)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()

	t.Run("the paired words are returned", func(t *testing.T) {
		t.Parallel()

		got := match.Person("Zorbaks Viktor", "Viktor Ilyich Zorbax")
		want := []match.Pair{
			{Query: "viktor", Candidate: "viktor", Similarity: 1},
			{Query: "zorbaks", Candidate: "zorbax", Similarity: 1 - 2.0/7},
		}
		if diff := cmp.Diff(want, got.Pairs, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("pairs (-want +got):\n%s", diff)
		}
	})

	t.Run("the score is between 0 and 1", func(t *testing.T) {
		t.Parallel()

		rapid.Check(t, func(t *rapid.T) {
			a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
			for _, compare := range []func(query, candidate string) match.Score{match.Organization, match.Person} {
				if v := compare(a, b).Value; v < 0 || v > 1 {
					t.Fatalf("score of %q and %q is %v", a, b, v)
				}
			}
		})
	})

	t.Run("the order of the words does not matter", func(t *testing.T) {
		t.Parallel()

		rapid.Check(t, func(t *rapid.T) {
			name := anyName().Draw(t, "name")
			shuffled := match.Name{Words: rapid.Permutation(name.Words).Draw(t, "shuffled")}
			if v := match.Compare(name, shuffled).Value; v != 1 {
				t.Fatalf("score of %q and %q is %v, want 1", name, shuffled, v)
			}
		})
	})

	t.Run("an extra word of the candidate lowers the score", func(t *testing.T) {
		t.Parallel()

		rapid.Check(t, func(t *rapid.T) {
			name := anyName().Draw(t, "name")
			extra := match.Name{Words: append([]string{"zzzzzz"}, name.Words...)}
			if v := match.Compare(name, extra).Value; v >= 1 {
				t.Fatalf("score of %q and %q is %v, want below 1", name, extra, v)
			}
		})
	})

	t.Run("the similarity of two words is their optimal string alignment", func(t *testing.T) {
		t.Parallel()

		rapid.Check(t, func(t *rapid.T) {
			// At least two letters and no digit, so that no other rule applies.
			word := rapid.StringMatching(`[abc]{2,64}`)
			a, b := word.Draw(t, "a"), word.Draw(t, "b")
			similarity := 1 - float64(alignment(a, b))/float64(max(len(a), len(b)))
			got := match.Compare(match.Name{Words: []string{a}}, match.Name{Words: []string{b}})
			if similarity < 0.65 {
				if got.Value != 0 {
					t.Fatalf("score of %q and %q is %v, want 0 because their similarity is %.3f", a, b, got.Value, similarity)
				}
				return
			}
			if diff := cmp.Diff(similarity, got.Value, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Fatalf("%q and %q (-textbook +got):\n%s", a, b, diff)
			}
		})
	})

	t.Run("a very long word is similar only to itself", func(t *testing.T) {
		t.Parallel()

		long := strings.Repeat("karlova", 20)
		if v := match.Organization(long, long).Value; v != 1 {
			t.Errorf("score with itself is %v, want 1", v)
		}
		if v := match.Organization(long, long+"s").Value; v != 0 {
			t.Errorf("score with a different word is %v, want 0", v)
		}
	})
}

// alignment returns the optimal string alignment distance, computed as in
// textbooks.
func alignment(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func BenchmarkOrganization(b *testing.B) {
	for b.Loop() {
		match.Organization("Karlova Internatinal Shipping", "KARLOVA INTERNATIONAL SHIPPING & TRADING CO., LTD.")
	}
}

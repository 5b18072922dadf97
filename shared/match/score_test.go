package match_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

func TestOrganizationName(t *testing.T) {
	t.Parallel()

	tests := map[string]struct{ name, want string }{
		"legal form behind":            {"Karlova Shipping, L.L.C.", "karlova shipping"},
		"legal form in front":          {"OOO Karlova Shipping", "karlova shipping"},
		"legal form of many words":     {"Karlova Limited Liability Company", "karlova"},
		"several legal forms":          {"Karlova Trading Co., Ltd.", "karlova trading"},
		"nothing but legal forms":      {"The Company", "the"},
		"only a legal form":            {"Limited", "limited"},
		"ampersand":                    {"Karl & Ova", "karl and ova"},
		"ampersand without spaces":     {"K&O", "k and o"},
		"initials with dots":           {"K.L.M. Freight", "klm freight"},
		"apostrophes":                  {"O'Hara's Café", "oharas cafe"},
		"Cyrillic":                     {"ООО Карлова", "karlova"},
		"umlauts and accents":          {"Società Müller", "societa muller"},
		"hyphens and slashes":          {"Karl-Ova/Sons", "karl ova sons"},
		"shortened words":              {"Karlova Intl Mfg", "karlova international manufacturing"},
		"a spa is a trade, not a form": {"Karlova Nail Spa LLC", "karlova nail spa"},
		"no letters":                   {"--- ...", ""},
		"empty":                        {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := match.OrganizationName(tt.name).String(); got != tt.want {
				t.Errorf("OrganizationName(%q) = %q, want %q", tt.name, got, tt.want)
			}
		})
	}
}

func TestScore(t *testing.T) {
	t.Parallel()

	const (
		same      = 0.9
		alike     = 0.75
		different = 0.0
	)
	tests := map[string]struct {
		compare          func(query, candidate string) match.Score
		query, candidate string
		atLeast, below   float64
		method           match.Method
	}{
		"the same":                      {match.Organization, "Karlova Shipping", "KARLOVA SHIPPING LLC", 1, 1.01, match.MethodExact},
		"another order":                 {match.Person, "Zorbax Viktor", "Viktor ZORBAX", 1, 1.01, match.MethodWords},
		"another script":                {match.Person, "Виктор Зорбакс", "Viktor Zorbaks", 1, 1.01, match.MethodExact},
		"a typing error":                {match.Organization, "Karlova Shiping", "Karlova Shipping", same, 1, match.MethodWords},
		"letters swapped":               {match.Organization, "Karlvoa Shipping", "Karlova Shipping", same, 1, match.MethodWords},
		"other spaces":                  {match.Organization, "Aero Karlova", "Aerokarlova", same, 1, match.MethodJoined},
		"an initial":                    {match.Person, "V Zorbax", "Viktor Zorbax", alike, 1, match.MethodWords},
		"a middle name more":            {match.Person, "Viktor Zorbax", "Viktor Ilyich Zorbax", alike, same, match.MethodWords},
		"another number":                {match.Organization, "Karlova 21 Holdings", "Karlova 22 Holdings", alike, same, match.MethodWords},
		"only the surname is shared":    {match.Person, "Maria Zorbax", "Viktor Zorbax", different, alike, match.MethodWords},
		"only the trade is shared":      {match.Organization, "Miller Shipping", "Karlova Shipping", different, alike, match.MethodWords},
		"a word of the query is absent": {match.Organization, "Karlova Bakery", "Karlova", different, alike, match.MethodWords},
		"nothing is shared":             {match.Organization, "Blue Bottle", "Karlova Shipping", 0, 0.01, match.MethodWords},
		"an empty name":                 {match.Organization, "", "", 0, 0.01, match.MethodWords},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := tt.compare(tt.query, tt.candidate)
			if got.Value < tt.atLeast || got.Value >= tt.below || got.Method != tt.method {
				t.Errorf("%q and %q: %.3f by %s; want at least %v, below %v, by %s",
					tt.query, tt.candidate, got.Value, got.Method, tt.atLeast, tt.below, tt.method)
			}
		})
	}
}

func TestScoreSaysWhichWordsItPaired(t *testing.T) {
	t.Parallel()

	got := match.Person("Zorbaks Viktor", "Viktor Ilyich Zorbax")
	want := []match.Pair{
		{Query: "viktor", Candidate: "viktor", Similarity: 1},
		{Query: "zorbaks", Candidate: "zorbax", Similarity: 1 - 2.0/7},
	}
	if diff := cmp.Diff(want, got.Pairs, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
}

func TestScoreIsBetweenZeroAndOne(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		for _, compare := range []func(query, candidate string) match.Score{match.Organization, match.Person} {
			if v := compare(a, b).Value; v < 0 || v > 1 {
				t.Fatalf("score of %q and %q is %v", a, b, v)
			}
		}
	})
}

func TestANameIsItselfInAnyOrder(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		name := anyName().Draw(t, "name")
		shuffled := match.Name{Words: rapid.Permutation(name.Words).Draw(t, "shuffled")}
		if v := match.Compare(name, shuffled).Value; v != 1 {
			t.Fatalf("score of %q and %q is %v, want 1", name, shuffled, v)
		}
	})
}

func TestMoreWordsOnTheListNeverHelp(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		name := anyName().Draw(t, "name")
		extra := match.Name{Words: append([]string{"zzzzzz"}, name.Words...)}
		if v := match.Compare(name, extra).Value; v >= 1 {
			t.Fatalf("score of %q and %q is %v, want below 1", name, extra, v)
		}
	})
}

func TestWordLikenessIsOptimalStringAlignment(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		// Two letters at the least, and no digit: the other rules stay out of it.
		word := rapid.StringMatching(`[abc]{2,64}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		likeness := 1 - float64(alignment(a, b))/float64(max(len(a), len(b)))
		pairs := match.Compare(match.Name{Words: []string{a}}, match.Name{Words: []string{b}})
		if likeness < 0.65 {
			if pairs.Value != 0 {
				t.Fatalf("%q and %q are %.3f alike and scored %v", a, b, likeness, pairs.Value)
			}
			return
		}
		if diff := cmp.Diff(likeness, pairs.Value, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Fatalf("%q and %q (-textbook +ours):\n%s", a, b, diff)
		}
	})
}

// alignment is the optimal string alignment distance as textbooks give it.
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

func FuzzNames(f *testing.F) {
	for _, s := range []string{"Karlova & Sons, L.L.C.", "О'Хара", "...", strings.Repeat("a", 100), "\xff\x00'&."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range []match.Name{match.OrganizationName(s), match.PersonName(s)} {
			for _, w := range n.Words {
				if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
					t.Fatalf("word %q of %q", w, s)
				}
			}
		}
	})
}

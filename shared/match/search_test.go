package match_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// anyWord draws short words from few letters, so that words are often similar.
func anyWord() *rapid.Generator[string] {
	return rapid.StringMatching(`[abcd]{1,9}|[12]{1,2}|[abe38]{4,6}|a{62,66}`)
}

func anyName() *rapid.Generator[match.Name] {
	return rapid.Custom(func(t *rapid.T) match.Name {
		return match.Name{Words: rapid.SliceOfN(anyWord(), 1, 5).Draw(t, "words")}
	})
}

func mustSearch(t interface {
	Helper()
	Fatal(...any)
}, x *match.Index, query match.Name, minScore float64) []match.Hit {
	t.Helper()
	hits, err := x.Search(context.Background(), query, minScore)
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

func TestSearch(t *testing.T) {
	t.Parallel()

	t.Run("finds the same names as comparing with every name", func(t *testing.T) {
		t.Parallel()

		rapid.Check(t, func(t *rapid.T) {
			names := rapid.SliceOfN(anyName(), 0, 30).Draw(t, "names")
			query := anyName().Draw(t, "query")
			minScore := rapid.SampledFrom([]float64{0.7, 0.75, 0.8, 0.9, 0.99}).Draw(t, "minScore")

			want := map[int]float64{}
			for i, n := range names {
				if s := match.Compare(query, n); s.Value >= minScore {
					want[i] = s.Value
				}
			}
			index := match.NewIndex(names)
			for range 2 { // the second search must not depend on the first
				got := map[int]float64{}
				for _, h := range mustSearch(t, index, query, minScore) {
					got[h.At] = h.Value
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("hits for %q (-comparing with every name, +index):\n%s", query, diff)
				}
			}
		})
	})

	t.Run("the best name is first", func(t *testing.T) {
		t.Parallel()

		var names []match.Name
		for _, n := range []string{"Karlova Shiping", "Someone Else", "Karlova Shipping", "KARLOVA SHIPPING LLC", "Shipping Karlova"} {
			names = append(names, match.OrganizationName(n))
		}
		var got []int
		for _, h := range mustSearch(t, match.NewIndex(names), match.OrganizationName("Karlova Shipping"), 0.75) {
			got = append(got, h.At)
		}
		if diff := cmp.Diff([]int{2, 3, 4, 0}, got); diff != "" {
			t.Errorf("order of hits (-want +got):\n%s", diff)
		}
	})

	t.Run("an empty query finds nothing", func(t *testing.T) {
		t.Parallel()

		index := match.NewIndex([]match.Name{{}, match.OrganizationName("Karlova Shipping")})
		for _, s := range []string{"", " ", "...", "'"} {
			if hits := mustSearch(t, index, match.OrganizationName(s), 0); len(hits) != 0 {
				t.Errorf("Search(%q) found %d names, want 0", s, len(hits))
			}
		}
		if hits := mustSearch(t, match.NewIndex(nil), match.OrganizationName("Karlova"), 0.5); len(hits) != 0 {
			t.Errorf("Search in an empty index found %d names, want 0", len(hits))
		}
	})
}

func TestContained(t *testing.T) {
	t.Parallel()

	t.Run("finds the same names as looking at every name", func(t *testing.T) {
		t.Parallel()

		rapid.Check(t, func(t *rapid.T) {
			word := rapid.StringMatching(`[ab]{1,2}|[e3]{4}`)
			name := rapid.Custom(func(t *rapid.T) match.Name {
				return match.Name{Words: rapid.SliceOfN(word, 1, 4).Draw(t, "words")}
			})
			names := rapid.SliceOfN(name, 0, 100).Draw(t, "names")
			query := match.Name{Words: rapid.SliceOfN(word, 0, 40).Draw(t, "query")}

			occurrences := map[string]int{}
			for _, n := range names {
				for _, w := range n.Words {
					occurrences[w]++
				}
			}
			is := func(asked, w string) bool {
				return asked == w || strings.Contains(asked, "e") && w == "eeee" // "3e3e" is read as "eeee"
			}
			var want []int
			for i, n := range names {
				different, all, rare := map[string]bool{}, true, false
				for _, w := range n.Words {
					different[w] = true
					all = all && slices.ContainsFunc(query.Words, func(asked string) bool { return is(asked, w) })
					rare = rare || occurrences[w] < 20
				}
				together := false
				for at := 0; at+len(n.Words) <= len(query.Words); at++ {
					together = together || slices.EqualFunc(query.Words[at:at+len(n.Words)], n.Words, is)
				}
				if len(different) > 1 && all && (rare || together) {
					want = append(want, i)
				}
			}
			if diff := cmp.Diff(want, match.NewIndex(names).Contained(query)); diff != "" {
				t.Fatalf("names contained in %q (-want +got):\n%s", query, diff)
			}
		})
	})
}

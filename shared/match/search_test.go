package match_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// anyWord draws short words from few letters, so that words are often similar.
func anyWord() *rapid.Generator[string] { return rapid.StringMatching(`[abcd]{1,9}|[12]{1,2}`) }

func anyName() *rapid.Generator[match.Name] {
	return rapid.Custom(func(t *rapid.T) match.Name {
		return match.Name{Words: rapid.SliceOfN(anyWord(), 1, 5).Draw(t, "words")}
	})
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
				for _, h := range index.Search(query, minScore) {
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
		for _, h := range match.NewIndex(names).Search(match.OrganizationName("Karlova Shipping"), 0.75) {
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
			if hits := index.Search(match.OrganizationName(s), 0); len(hits) != 0 {
				t.Errorf("Search(%q) found %d names, want 0", s, len(hits))
			}
		}
		if hits := match.NewIndex(nil).Search(match.OrganizationName("Karlova"), 0.5); len(hits) != 0 {
			t.Errorf("Search in an empty index found %d names, want 0", len(hits))
		}
	})
}

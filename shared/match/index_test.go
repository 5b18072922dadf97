package match_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// anyWord draws short words over few letters, so that words are often alike.
func anyWord() *rapid.Generator[string] { return rapid.StringMatching(`[abcd]{1,9}|[12]{1,2}`) }

func anyName() *rapid.Generator[match.Name] {
	return rapid.Custom(func(t *rapid.T) match.Name {
		return match.Name{Words: rapid.SliceOfN(anyWord(), 1, 5).Draw(t, "words")}
	})
}

func TestIndexFindsWhatComparingWithEveryNameFinds(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(anyName(), 0, 30).Draw(t, "names")
		query := anyName().Draw(t, "query")
		least := rapid.SampledFrom([]float64{0.7, 0.75, 0.8, 0.9, 0.99}).Draw(t, "least")

		want := map[int]float64{}
		for i, n := range names {
			if s := match.Compare(query, n); s.Value >= least {
				want[i] = s.Value
			}
		}
		index := match.NewIndex(names)
		for range 2 { // the second search must not see the first
			got := map[int]float64{}
			for _, h := range index.Search(query, least) {
				got[h.At] = h.Value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("searching for %q (-every name, +index):\n%s", query, diff)
			}
		}
	})
}

func TestSearchPutsTheBestFirst(t *testing.T) {
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
}

func TestAnEmptyQueryFindsNothing(t *testing.T) {
	t.Parallel()

	index := match.NewIndex([]match.Name{{}, match.OrganizationName("Karlova Shipping")})
	for _, s := range []string{"", " ", "...", "'"} {
		if hits := index.Search(match.OrganizationName(s), 0); len(hits) != 0 {
			t.Errorf("Search(%q) found %d names", s, len(hits))
		}
	}
	if hits := match.NewIndex(nil).Search(match.OrganizationName("Karlova"), 0.5); len(hits) != 0 {
		t.Errorf("an empty index found %d names", len(hits))
	}
}

func TestALongWordMatchesOnlyItself(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("karlova", 20)
	if v := match.Organization(long, long).Value; v != 1 {
		t.Errorf("itself: %v, want 1", v)
	}
	if v := match.Organization(long, long+"s").Value; v != 0 {
		t.Errorf("another: %v, want 0", v)
	}
}

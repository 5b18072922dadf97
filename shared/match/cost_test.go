package match_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

// potential is the lowest score that callers search for.
const potential = 0.75

// ordinaryNames are names as loan files have them.
var ordinaryNames = []string{
	"Harbor Lights International Trading LLC", "Quiet Pines Bakery", "Mohammed Al Rahman", "Maria Gonzalez Lopez",
	"Acme Roofing & Sons, Inc.", "Blue Kettle Coffee Roasters LLC", "National Industrial Development Co.", "Kim",
}

// adversarialNames are names of up to 250 characters that could make a search
// expensive, by kind.
func adversarialNames() map[string]string {
	fill := func(text string) string {
		return string([]rune(strings.Repeat(text, 250))[:250])
	}
	// cycle returns the text of many different words.
	cycle := func(word func(i int) string) string {
		var b strings.Builder
		for i := 0; b.Len() < 300; i++ {
			b.WriteString(word(i) + " ")
		}
		return fill(b.String())
	}
	letter := func(i int) string { return string(rune('a' + i%26)) }
	pick := func(words ...string) func(int) string {
		return func(i int) string { return words[i%len(words)] }
	}
	return map[string]string{
		"fractions":                          fill("¼"),
		"fractions with spaces":              fill("¼ "),
		"letters":                            cycle(letter),
		"one letter":                         fill("a "),
		"digits":                             cycle(func(i int) string { return fmt.Sprint(i % 10) }),
		"initials with dots":                 fill("A. B. "),
		"three initials and a word":          cycle(pick("a", "b", "m", "al")),
		"initials and a long word":           cycle(pick("a", "m", "s", "mohammed")),
		"three initials":                     "a m s",
		"an initial":                         "a",
		"two letters":                        cycle(func(i int) string { return letter(i) + letter(i/26+i) }),
		"the commonest word":                 fill("al "),
		"spellings of one name":              cycle(pick("mohammed", "muhammad", "mohamed", "muhammed", "mohammad", "mohamad", "muhamed", "mahmoud", "hammed")),
		"common words":                       cycle(pick("international", "trading", "al", "shipping", "group", "general", "industrial", "investment")),
		"words that are nearly common words": cycle(pick("internationol", "tradimg", "shippimg", "groub", "genera", "industrail", "imvestment")),
		"one long word":                      fill("karlova"),
		"words of the longest length":        cycle(func(i int) string { return strings.Repeat(letter(i), 60) + "mnop" }),
		"ampersands":                         fill("a&"),
		"combining marks":                    fill("a\u0301\u0323\u0308 "),
		"ideographs":                         fill("北京上海大中国人民"),
		"Hangul":                             fill("김이박최정강조윤장임"),
		"squared words":                      fill("㌀㌁㌂㌃㌄㌅"),
		"digits for letters":                 cycle(pick("m0hammed", "1nternat1onal", "tr4ding", "5hipping", "gr0up", "g3neral")),
		"legal forms":                        fill("s a l l c co ltd "),
		"apostrophes and dots":               fill("a.b'c.d'"),
	}
}

// inventedList returns 20,000 names of the common and rare words of a sanctions list.
func inventedList() []match.Name {
	random := rand.New(rand.NewPCG(1, 2))
	common := strings.Fields("al mohammed international trading shipping group general industrial investment bin abu ali de company kim lopez ahmad " +
		"hassan abd iran services muhammad mohamed mohammad hussein bank development islamic foundation marine global energy national oil gas")
	syllables := strings.Fields("ka ro va mar lin sto ren ti zor bak an il em ush da ne ghi sha ri to wen xi ba lu per os")
	rare := make([]string, 16_000)
	for i := range rare {
		for range 2 + random.IntN(3) {
			rare[i] += syllables[random.IntN(len(syllables))]
		}
	}
	names := make([]match.Name, 20_000)
	for i := range names {
		var words []string
		for range 2 + random.IntN(4) {
			switch n := random.IntN(100); {
			case n < 2:
				words = append(words, string(rune('a'+random.IntN(26))))
			case n < 45: // the first words are the most common
				words = append(words, common[random.IntN(1+random.IntN(len(common)))])
			default:
				words = append(words, rare[random.IntN(len(rare))])
			}
		}
		names[i] = match.OrganizationName(strings.Join(words, " "))
	}
	return names
}

// realList returns the names of the real list, which development machines have beside
// the repository.
func realList(t testing.TB) []match.Name {
	t.Helper()

	var names []match.Name
	for file, column := range map[string]int{"sdn.csv": 1, "alt.csv": 3} {
		_, here, _, _ := runtime.Caller(0)
		f, err := os.Open(filepath.Join(filepath.Dir(here), "../../../shared/data/ofac", file))
		if err != nil {
			t.Skip("the real list is not beside the repository (../shared/data/ofac)")
		}
		defer f.Close()
		rows := csv.NewReader(f)
		rows.FieldsPerRecord = -1
		all, err := rows.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range all {
			if len(row) > column {
				names = append(names, match.OrganizationName(row[column]))
			}
		}
	}
	return names
}

func TestSearchCost(t *testing.T) {
	t.Parallel()

	for list, names := range map[string]func(testing.TB) []match.Name{
		"the invented list": func(testing.TB) []match.Name { return inventedList() },
		"the real list":     realList,
	} {
		t.Run("an adversarial name costs at most ten ordinary names on "+list, func(t *testing.T) {
			t.Parallel()

			index := match.NewIndex(names(t))
			ordinary := 0
			for _, name := range ordinaryNames {
				steps := index.Steps(match.OrganizationName(name), potential)
				t.Logf("%8d steps: %s", steps, name)
				ordinary += steps / len(ordinaryNames)
			}
			for kind, name := range adversarialNames() {
				for form, query := range map[string]match.Name{"business": match.OrganizationName(name), "person": match.PersonName(name)} {
					steps := index.Steps(query, potential)
					t.Logf("%8d steps, %4.1f ordinary names: %s, as a %s", steps, float64(steps)/float64(ordinary), kind, form)
					if steps > 10*ordinary {
						t.Errorf("%s, as a %s: %d steps, want at most ten times %d", kind, form, steps, ordinary)
					}
				}
			}
		})
	}
}

// endingContext ends when it is asked for the n-th time whether it has ended.
type endingContext struct {
	context.Context
	n int
}

func (c *endingContext) Err() error {
	if c.n--; c.n <= 0 {
		return context.Canceled
	}
	return nil
}

func TestSearchEnds(t *testing.T) {
	t.Parallel()

	// 1,000 names that the query has to be compared with.
	names := make([]match.Name, 1000)
	for i := range names {
		names[i] = match.OrganizationName(fmt.Sprintf("Karlova Shipping %d", i))
	}
	index, query := match.NewIndex(names), match.OrganizationName("Karlova Shipping")
	for n := 1; ; n++ {
		hits, err := index.Search(&endingContext{t.Context(), n}, query, potential)
		if err == nil {
			// Two words, every 256 of 1,000 comparisons, and the end.
			if len(hits) != len(names) || n-1 < 2+4+1 {
				t.Errorf("%d hits, and %d looks at the context", len(hits), n-1)
			}
			return
		}
		if !errors.Is(err, context.Canceled) || hits != nil {
			t.Fatalf("%d hits and %v although the context ended at look %d", len(hits), err, n)
		}
	}
}

func BenchmarkSearchAdversarial(b *testing.B) {
	index := match.NewIndex(inventedList())
	names := adversarialNames()
	names["an ordinary name"] = ordinaryNames[0]
	for kind, name := range names {
		query := match.OrganizationName(name)
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				index.Contained(query)
				if _, err := index.Search(b.Context(), query, potential); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package ofac

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// screeningNames returns the rows of a file of names to screen against the real list.
// The files are not part of the repository; development machines have them beside it.
func screeningNames(t testing.TB, file string) [][]string {
	t.Helper()

	_, here, _, _ := runtime.Caller(0)
	f, err := os.Open(filepath.Join(filepath.Dir(here), "../../../../shared/data/screening", file))
	if err != nil {
		t.Skip("the names to screen are not beside the repository (../shared/data/screening)")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// subjectNamed returns a business or a person with nothing but a name.
func subjectNamed(kind, name string) subject {
	if kind == "person" {
		return subjects(inquiry.Inquiry{Principals: []inquiry.Principal{{LastName: name}}})[1]
	}
	return subjects(inquiry.Inquiry{BusinessName: name})[0]
}

// TestScreeningQuality checks that listed names with some noise are still found, and
// that ordinary names are still not. An entity is found if it is among the candidates
// that a report shows.
func TestScreeningQuality(t *testing.T) {
	t.Parallel()

	positives, negatives := screeningNames(t, "positives.csv"), screeningNames(t, "negatives.csv")
	l, err := Load(os.DirFS(realList(t)))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]struct{ recall, falseAlarms float64 }{
		"business": {0.96, 26.75},
		"person":   {0.975, 2.5},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()

			asked, found, names, alarms := 0, 0, 0, 0
			for _, row := range positives {
				if row[0] != kind {
					continue
				}
				asked++
				number, err := strconv.Atoi(row[2])
				if err != nil {
					t.Fatal(err)
				}
				candidates, err := l.screen(t.Context(), subjectNamed(kind, row[4]))
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range candidates[:min(len(candidates), maxCandidates)] {
					if l.entities[c.entity].number == number {
						found++
						break
					}
				}
			}
			for _, row := range negatives {
				if row[0] != kind {
					continue
				}
				names++
				candidates, err := l.screen(t.Context(), subjectNamed(kind, row[1]))
				if err != nil {
					t.Fatal(err)
				}
				if len(candidates) > 0 {
					alarms++
				}
			}
			recall, falseAlarms := float64(found)/float64(asked), 1000*float64(alarms)/float64(names)
			t.Logf("%d of %d found, recall %.4f; %d of %d ordinary names alarm, %.2f per 1,000", found, asked, recall, alarms, names, falseAlarms)
			if recall < want.recall || falseAlarms > want.falseAlarms {
				t.Errorf("recall %.4f, %.2f false alarms per 1,000; want at least %v and at most %v", recall, falseAlarms, want.recall, want.falseAlarms)
			}
		})
	}
}

// TestHiddenNames hides each 20th listed name of two different words or more in several
// ways and checks that its entity is among all candidates.
func TestHiddenNames(t *testing.T) {
	t.Parallel()

	l, err := Load(os.DirFS(realList(t)))
	if err != nil {
		t.Fatal(err)
	}
	const filler = "blue kettle coffee roasters harbor lights bakery"
	words := strings.Fields(filler)
	ways := map[string]struct {
		hide   func(name []string) string
		recall float64
	}{
		"seven words before":       {func(name []string) string { return filler + " " + strings.Join(name, " ") }, 1},
		"eight words behind":       {func(name []string) string { return strings.Join(name, " ") + " " + filler + " shop" }, 1},
		"forty words before":       {func(name []string) string { return strings.Repeat(filler+" ", 6) + strings.Join(name, " ") }, 1},
		"a word between all words": {func(name []string) string { return strings.Join(name, " "+words[0]+" ") + " " + filler }, 0.95},
		"digits for letters": {func(name []string) string {
			return strings.NewReplacer("o", "0", "i", "1", "e", "3").Replace(strings.Join(name, " "))
		}, 1},
		"digits for letters and seven words before": {func(name []string) string {
			return filler + " " + strings.NewReplacer("o", "0").Replace(strings.Join(name, " "))
		}, 1},
	}
	for way, tt := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()

			x, asked, found := l.indexes(), 0, 0
			for i := 0; i < len(x.names); i += 20 {
				n := x.names[i]
				name := prepareName(n.name, l.entities[n.entity].kind).Words
				if len(name) < 2 || name[0] == name[1] {
					continue
				}
				asked++
				sub := subjectNamed("business", tt.hide(name))
				if l.entities[n.entity].kind == individual {
					sub = subjectNamed("person", tt.hide(name))
				}
				candidates, err := l.screen(t.Context(), sub)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range candidates {
					if c.entity == n.entity {
						found++
						break
					}
				}
			}
			recall := float64(found) / float64(asked)
			t.Logf("%d of %d found, recall %.4f", found, asked, recall)
			if recall < tt.recall {
				t.Errorf("recall %.4f, want at least %v", recall, tt.recall)
			}
		})
	}
}

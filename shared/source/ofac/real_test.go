package ofac

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// realList returns the directory of a real list. It is not part of the repository;
// development machines have it beside it.
func realList(t testing.TB) string {
	t.Helper()

	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(here), "../../../../shared/data/ofac")
	if _, err := os.Stat(filepath.Join(dir, "sdn.csv")); err != nil {
		t.Skip("the real list is not beside the repository (../shared/data/ofac)")
	}
	return dir
}

func TestRealList(t *testing.T) {
	t.Parallel()

	t.Run("is loaded completely", func(t *testing.T) {
		t.Parallel()

		l, err := Load(os.DirFS(realList(t)))
		if err != nil {
			t.Fatal(err)
		}
		kinds, weak := map[kind]int{}, 0
		for _, e := range l.entities {
			kinds[e.kind]++
			if strings.Contains(e.remarks, "a.k.a. '") {
				weak++
			}
		}
		counts := map[string]struct{ got, want int }{
			"entities":                   {l.Size(), 8976},
			"individuals":                {kinds[individual], 4620},
			"vessels":                    {kinds[vessel], 406},
			"aircraft":                   {kinds[aircraft], 277},
			"organizations":              {kinds[organization], 3673},
			"names":                      {len(l.indexes().names), 8976 + 11910},
			"addresses":                  {len(l.addresses), 13837 - 2397},
			"entities with a weak alias": {weak, 1255}, // 1,254 in sdn.csv's remarks, one only in the comments
			"weak aliases, at least":     {min(len(l.indexes().weakAliases), 1254), 1254},
		}
		for what, c := range counts {
			if c.got != c.want {
				t.Errorf("%s: %d, want %d", what, c.got, c.want)
			}
		}
		for _, e := range l.entities {
			if len(e.remarks) == 1000 {
				t.Errorf("entity %d: its remarks end where sdn.csv cuts them", e.number)
			}
		}
	})

	t.Run("every name finds itself", func(t *testing.T) {
		t.Parallel()

		l, err := Load(os.DirFS(realList(t)))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(l.indexes().names); i += 50 {
			n := l.indexes().names[i]
			name := prepareName(n.name, l.entities[n.entity].kind)
			found := false
			hits, err := l.indexes().byName.Search(t.Context(), name, 0.99)
			if err != nil {
				t.Fatal(err)
			}
			for _, hit := range hits {
				found = found || hit.At == i
			}
			if !found && len(name.Words) > 0 {
				t.Errorf("name %d does not find itself", i)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	dir := os.DirFS(realList(b))
	for b.Loop() {
		l, err := load(dir)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		l.indexes() // so that it does not slow down the next iteration
		b.StartTimer()
	}
}

// Loading includes waiting for the indexes here.
func BenchmarkLoadAndIndex(b *testing.B) {
	dir := os.DirFS(realList(b))
	for b.Loop() {
		l, err := Load(dir)
		if err != nil {
			b.Fatal(err)
		}
		l.indexes()
	}
}

// The inquiry is a business with a trade name and two principals.
func BenchmarkLookup(b *testing.B) {
	l, err := Load(os.DirFS(realList(b)))
	if err != nil {
		b.Fatal(err)
	}
	s := New(l)
	in := inquiry.Inquiry{
		BusinessName: "Harbor Lights International Trading LLC", DBA: "Harbor Lights Imports",
		Principals: []inquiry.Principal{
			{FirstName: "Maria", LastName: "Gonzalez", DateOfBirth: "1980-02-03"},
			{FirstName: "Mohammed", LastName: "Al Rahman", DateOfBirth: "1975-05-06"},
		},
	}
	l.indexes()
	for b.Loop() {
		if _, err := s.Lookup(b.Context(), source.Query{Inquiry: in}); err != nil {
			b.Fatal(err)
		}
	}
}

// The inquiries are businesses with three principals, with ordinary names. Besides the
// mean, the benchmark reports the 99th percentile.
func BenchmarkLookupThreePrincipals(b *testing.B) {
	l, err := Load(os.DirFS(realList(b)))
	if err != nil {
		b.Fatal(err)
	}
	var businesses, people []string
	for _, row := range screeningNames(b, "negatives.csv") {
		if row[0] == "business" {
			businesses = append(businesses, row[1])
		} else {
			people = append(people, row[1])
		}
	}
	s := New(l)
	l.indexes()
	var took []time.Duration
	for b.Loop() {
		i := len(took)
		in := inquiry.Inquiry{BusinessName: businesses[i%len(businesses)]}
		for p := range 3 {
			in.Principals = append(in.Principals, inquiry.Principal{LastName: people[(3*i+p)%len(people)]})
		}
		started := time.Now()
		if _, err := s.Lookup(b.Context(), source.Query{Inquiry: in}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(started))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms/p99")
}

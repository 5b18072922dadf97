package ofac

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// invented returns the repository's own list as a file system that a test may
// change.
func invented(t testing.TB) fstest.MapFS {
	t.Helper()

	dir := fstest.MapFS{}
	for _, name := range []string{"sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv", "manifest.json"} {
		data, err := os.ReadFile("list/" + name)
		if err != nil {
			t.Fatal(err)
		}
		dir[name] = &fstest.MapFile{Data: data, ModTime: time.Date(2026, 10, 30, 15, 4, 5, 0, time.UTC)}
	}
	return dir
}

func mustLoad(t testing.TB, dir fs.FS) *List {
	t.Helper()

	l, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// entity returns the entity with the number.
func (l *List) entity(t testing.TB, number int) *entity {
	t.Helper()

	i, ok := l.byNumber[number]
	if !ok {
		t.Fatalf("no entity %d", number)
	}
	return &l.entities[i]
}

// The invented list has all peculiarities of the real one.
func TestInventedList(t *testing.T) {
	t.Parallel()

	dir := invented(t)
	for name, file := range dir {
		if !strings.HasSuffix(name, ".csv") {
			continue
		}
		if bytes.Count(file.Data, []byte("\n")) != bytes.Count(file.Data, []byte("\r\n")) {
			t.Errorf("%s: not every line ends with CRLF; check list/.gitattributes", name)
		}
		if name != "sdn_comments.csv" && !bytes.HasSuffix(file.Data, []byte("\r\n\x1a")) {
			t.Errorf("%s: the last row is not a single 0x1A", name)
		}
	}
	l := mustLoad(t, dir)

	t.Run("long remarks continue in the comments, cut inside a word", func(t *testing.T) {
		t.Parallel()

		e := l.entity(t, 900103)
		if !strings.Contains(e.remarks, "Tax ID No. 91-0555103 (United States)") || len(e.remarks) <= 1000 {
			t.Errorf("remarks of %d bytes do not contain the tax id that is cut in two", len(e.remarks))
		}
		if got := l.indexes().taxIDs["910555103"]; len(got) != 1 {
			t.Errorf("%d entities have the tax id that is cut in two, want 1", len(got))
		}
	})
	t.Run("several programs", func(t *testing.T) {
		t.Parallel()

		got := programs(l.entity(t, 900103).programs)
		if diff := cmp.Diff([]string{"EXAMPLE1", "EXAMPLE-EO2", "EXAMPLE-NP3"}, got); diff != "" {
			t.Errorf("programs (-want +got):\n%s", diff)
		}
	})
	t.Run("a missing value with a space at the end", func(t *testing.T) {
		t.Parallel()

		if e := l.entity(t, 900115); e.remarks != "" || e.title != "" || e.kind != organization {
			t.Errorf("remarks %q, title %q, kind %q; want \"\", \"\" and entity", e.remarks, e.title, e.kind)
		}
	})
	t.Run("address rows without an address", func(t *testing.T) {
		t.Parallel()

		if e := l.entity(t, 900105); e.address != none {
			t.Error("a placeholder was kept as an address")
		}
		if got := l.addressText(l.entity(t, 900106)); got != "12 Apple Row, Zenda, Ruritania" {
			t.Errorf("addresses: %s", got)
		}
	})
	t.Run("given names come first, but commas of organizations stay", func(t *testing.T) {
		t.Parallel()

		want := map[string]bool{"SABLEFIN TRADING CO., LTD.": true, "Yusra AL-ZARNUQ": true, "Arkadiy VORONCEV": true, "EL CONDOR FICTICIO": true}
		for _, n := range l.indexes().names {
			delete(want, n.name)
		}
		if len(want) > 0 {
			t.Errorf("missing names: %v", want)
		}
	})
	t.Run("doubled quotes", func(t *testing.T) {
		t.Parallel()

		found := false
		for _, n := range l.indexes().names {
			found = found || n.name == `BUREAU "NORTH STAR" OF FREIGHT`
		}
		if !found {
			t.Error("the alias with quotes is missing")
		}
	})
	t.Run("all four types", func(t *testing.T) {
		t.Parallel()

		got := map[kind]int{}
		for _, e := range l.entities {
			got[e.kind]++
		}
		if diff := cmp.Diff(map[kind]int{organization: 15, individual: 10, vessel: 3, aircraft: 2}, got); diff != "" {
			t.Errorf("entities by type (-want +got):\n%s", diff)
		}
	})
	t.Run("weak aliases are not searched as names", func(t *testing.T) {
		t.Parallel()

		for _, key := range []string{"onfb", "the bureau", "gac", "al riyah", "paper moon", "umm hibr", "the librarian"} {
			if len(l.indexes().weakAliases[key]) != 1 {
				t.Errorf("%d entities have the weak alias %q, want 1", len(l.indexes().weakAliases[key]), key)
			}
		}
		for _, n := range l.indexes().names {
			if n.name == "ONFB" {
				t.Error("a weak alias is among the names")
			}
		}
	})
}

func TestLoad(t *testing.T) {
	t.Parallel()

	t.Run("line endings and the case of file names do not matter", func(t *testing.T) {
		t.Parallel()

		want := mustLoad(t, invented(t))
		dir := fstest.MapFS{}
		for name, file := range invented(t) {
			data := bytes.ReplaceAll(file.Data, []byte("\r\n"), []byte("\n"))
			dir[strings.ToUpper(name)] = &fstest.MapFile{Data: bytes.TrimSuffix(data, []byte("\x1a"))}
		}
		got := mustLoad(t, dir)
		if diff := cmp.Diff(want.entities, got.entities, cmp.AllowUnexported(entity{})); diff != "" {
			t.Errorf("entities (-CRLF +LF):\n%s", diff)
		}
		if diff := cmp.Diff(want.addresses, got.addresses, cmp.AllowUnexported(address{})); diff != "" {
			t.Errorf("addresses (-CRLF +LF):\n%s", diff)
		}
	})

	t.Run("a missing file is fs.ErrNotExist", func(t *testing.T) {
		t.Parallel()

		if _, err := Load(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load: %v, want fs.ErrNotExist", err)
		}
	})
}

func TestEdition(t *testing.T) {
	t.Parallel()

	without := invented(t)
	delete(without, "manifest.json")
	tests := map[string]struct {
		dir    fs.FS
		date   time.Time
		dateIs string
		origin string
	}{
		"with a manifest": {
			invented(t), time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), "list date in manifest.json",
			"invented for batch-inquiries; not OFAC data, holds no real person, company, vessel or aircraft",
		},
		"without a manifest": {without, time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC), "modification date of sdn.csv", "not stated"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := mustLoad(t, tt.dir).Edition()
			if !got.Date.Equal(tt.date) || got.DateIs != tt.dateIs || got.Origin != tt.origin {
				t.Errorf("edition: %s (%s) from %s", got.Date, got.DateIs, got.Origin)
			}
			if len(got.Evidence) != 4 || len(got.Evidence[0].SHA256) != 64 || got.Evidence[0].Bytes == 0 {
				t.Errorf("evidence: %+v", got.Evidence)
			}
		})
	}
}

func TestLoadError(t *testing.T) {
	t.Parallel()

	replace := func(file, old, new string) func(fstest.MapFS) {
		return func(dir fstest.MapFS) {
			dir[file].Data = bytes.Replace(dir[file].Data, []byte(old), []byte(new), 1)
		}
	}
	const row3 = "\r\n900103,"
	tests := map[string]struct {
		damage func(fstest.MapFS)
		want   string
	}{
		"a field too few":                 {replace("sdn.csv", `900102,"SABLEFIN TRADING CO., LTD.",`, "900102,"), "sdn.csv row 2: 11 fields, want 12"},
		"a field too many":                {replace("alt.csv", `"aka","KMH",`, `"aka","KMH",,`), "alt.csv row 2: 6 fields, want 5"},
		"a row of pipes at the end":       {replace("add.csv", "\r\n\x1a", "\r\n||||"), "add.csv row 35: 1 fields, want 6"},
		"an end mark in the middle":       {replace("sdn.csv", row3, "\r\n\x1a"+row3), "sdn.csv row 3: a stray quote or end-of-file mark"},
		"two end marks":                   {replace("alt.csv", "\r\n\x1a", "\r\n\x1a\r\n\x1a"), "alt.csv row 17: a stray quote or end-of-file mark"},
		"an empty line":                   {replace("sdn.csv", row3, "\r\n"+row3), "sdn.csv row 3: 1 fields, want 12"},
		"a quote is not closed":           {replace("sdn_comments.csv", "'THE BUREAU'.\"", "'THE BUREAU'."), "sdn_comments.csv row 1: a quote is not closed"},
		"text after a quote":              {replace("sdn.csv", `"GRAUSTARK AIR CARGO"`, `"GRAUSTARK" AIR`), "sdn.csv row 4: text after a closing quote"},
		"a number in words":               {replace("add.csv", "900102,", "nine,"), "add.csv row 3: field 1 is not a number above zero"},
		"an unknown type":                 {replace("sdn.csv", `"vessel"`, `"submarine"`), "sdn.csv row 26: an unknown type"},
		"an entity without a name":        {replace("sdn.csv", `"ZZ-EX1"`, "-0- "), "sdn.csv row 29: no name"},
		"the same entity twice":           {replace("sdn.csv", "900102,", "900101,"), "sdn.csv row 2: a second row for the same entity"},
		"an alias of an unknown entity":   {replace("sdn.csv", "900102,", "900999,"), "alt.csv: 1 rows belong to no entity of sdn.csv, the first is row 3"},
		"an address of an unknown entity": {replace("sdn.csv", "900114,", "900999,"), "add.csv: 1 rows belong to no entity of sdn.csv, the first is row 17"},
		"a truncated file":                {func(d fstest.MapFS) { d["sdn.csv"].Data = d["sdn.csv"].Data[:1000] }, "sdn.csv row 3: a quote is not closed"},
		"no entities":                     {func(d fstest.MapFS) { d["sdn.csv"].Data = []byte("\x1a") }, "sdn.csv: no entities"},
		"a file is missing":               {func(d fstest.MapFS) { delete(d, "add.csv") }, "add.csv: file does not exist"},
		"an invalid date":                 {replace("manifest.json", "2026-11-02", "last week"), "manifest.json: listDate is not a date of the form YYYY-MM-DD"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			dir := invented(t)
			tt.damage(dir)
			_, err := Load(dir)
			if want := "loading the OFAC list: " + tt.want; err == nil || err.Error() != want {
				t.Errorf("Load: %v, want %s", err, want)
			}
		})
	}
}

// Loading any text returns a list, or an error that does not quote the text.
func FuzzLoad(f *testing.F) {
	whole, err := os.ReadFile("list/sdn.csv")
	if err != nil {
		f.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += 97 {
		f.Add(string(whole[cut:]))
	}
	f.Add("1,\"A\"\"B\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Load(fstest.MapFS{
			"sdn.csv": {Data: []byte(text)}, "alt.csv": {}, "add.csv": {}, "sdn_comments.csv": {},
		})
		if err != nil {
			if len(err.Error()) > 120 {
				t.Errorf("the error has %d bytes, want at most 120", len(err.Error()))
			}
			return
		}
		if l.Size() == 0 {
			t.Error("loaded an empty list")
		}
		l.indexes()
	})
}

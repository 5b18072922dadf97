package ofac

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// List is one edition of the list, checked and ready for screening. It never
// changes and is safe for concurrent use.
type List struct {
	edition   Edition
	entities  []entity
	addresses []address
	byNumber  map[int]int32 // entity's own number to its place in entities
	aliases   []listed      // as written in alt.csv

	// lookup returns what names and numbers are found by. It is made in the
	// background; lookup waits for it.
	lookup func() *lookup
}

// lookup is how entities are found.
type lookup struct {
	names  []listed // whatever is screened for by likeness, in the order of speech
	index  *match.Index
	weak   map[string][]listed // weak aliases, by prepared name
	taxIDs map[string][]int32  // nine digits to entities
}

// Edition says which list this is.
type Edition struct {
	Date     time.Time         // the list's date
	DateIs   string            // what that date is, in words for the reader
	Origin   string            // where the files come from
	Evidence []source.Evidence // one for each file
}

// kind is what sort of thing is listed.
type kind string

const (
	individual kind = "individual"
	vessel     kind = "vessel"
	aircraft   kind = "aircraft"
	company    kind = "entity" // the list leaves it out
)

// entity is one row of sdn.csv, with the rest of its remarks. Its strings are
// parts of the files' text.
type entity struct {
	number   int
	name     string // as listed
	kind     kind
	programs string // as listed: "SDGT] [IFSR"
	title    string
	remarks  string
	address  int32 // the first of its addresses, or none
}

// address is one row of add.csv.
type address struct {
	line, city, country string // city is "Richardson, TX 75081"
	next                int32  // the same entity's next, or none
}

const none = -1

// listed is one name of an entity.
type listed struct {
	entity int32
	name   string
	alias  bool
}

// Columns of the files.
const (
	sdnColumns, altColumns, addColumns, commentColumns = 12, 5, 6, 2
)

// Load reads sdn.csv, alt.csv, add.csv and sdn_comments.csv, whatever the case of
// their names, and manifest.json if it is there. A list that is not whole is an
// error that names the file and the row: screening against half a list would
// clear people whom nobody looked for.
//
// The files are read and checked before Load returns; the index over their
// names may still be in the making, and then the first screening waits for it.
func Load(dir fs.FS) (*List, error) {
	l, err := load(dir)
	if err != nil {
		return nil, fmt.Errorf("loading the OFAC list: %w", err)
	}
	return l, nil
}

func load(dir fs.FS) (*List, error) {
	f, err := open(dir)
	if err != nil {
		return nil, err
	}
	l := &List{edition: f.edition}
	if err := l.readEntities(table{file: "sdn.csv", text: f.text["sdn.csv"]}); err != nil {
		return nil, err
	}
	if err := l.readComments(table{file: "sdn_comments.csv", text: f.text["sdn_comments.csv"]}); err != nil {
		return nil, err
	}
	if err := l.readAliases(table{file: "alt.csv", text: f.text["alt.csv"]}); err != nil {
		return nil, err
	}
	if err := l.readAddresses(table{file: "add.csv", text: f.text["add.csv"]}); err != nil {
		return nil, err
	}
	l.lookup = sync.OnceValue(l.prepareLookup)
	go l.lookup()
	return l, nil
}

// Size is how many entities are listed.
func (l *List) Size() int { return len(l.entities) }

// Edition says which list this is.
func (l *List) Edition() Edition { return l.edition }

func (l *List) readEntities(t table) error {
	const likely = 250 // bytes a row, to make room once
	l.entities = make([]entity, 0, len(t.text)/likely)
	l.byNumber = make(map[int]int32, len(t.text)/likely)
	for {
		ok, err := t.next(sdnColumns)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		number, err := t.number(0)
		if err != nil {
			return err
		}
		if _, twice := l.byNumber[number]; twice {
			return t.errorf("a second row for its entity")
		}
		e := entity{
			number: number, name: t.fields[1], kind: company,
			programs: t.fields[3], title: t.fields[4], remarks: t.fields[11], address: none,
		}
		switch k := kind(strings.ToLower(t.fields[2])); k {
		case "":
		case individual, vessel, aircraft:
			e.kind = k
		default:
			return t.errorf("an unknown type")
		}
		if e.name == "" {
			return t.errorf("no name")
		}
		l.byNumber[number] = int32(len(l.entities))
		l.entities = append(l.entities, e)
	}
	if len(l.entities) == 0 {
		return errors.New("sdn.csv: no entities")
	}
	return nil
}

// readComments appends what did not fit sdn.csv's remarks. They are cut in the
// middle of a word, so nothing goes between.
func (l *List) readComments(t table) error {
	return l.join(t, commentColumns, func(e int32, fields []string) {
		l.entities[e].remarks += fields[1]
	})
}

func (l *List) readAliases(t table) error {
	return l.join(t, altColumns, func(e int32, fields []string) {
		if fields[3] != "" {
			l.aliases = append(l.aliases, listed{entity: e, name: fields[3], alias: true})
		}
	})
}

func (l *List) readAddresses(t table) error {
	return l.join(t, addColumns, func(e int32, fields []string) {
		a := address{line: fields[2], city: fields[3], country: fields[4], next: none}
		if a.line == "" && a.city == "" && a.country == "" {
			return // a placeholder: the entity has no known address
		}
		link := &l.entities[e].address
		for *link != none {
			link = &l.addresses[*link].next
		}
		*link = int32(len(l.addresses))
		l.addresses = append(l.addresses, a)
	})
}

// join reads the rows of a file that belong to entities. Rows of no known
// entity mean that the files are of different editions.
func (l *List) join(t table, columns int, add func(e int32, fields []string)) error {
	orphans, first := 0, 0
	last, at := 0, int32(none)
	for {
		ok, err := t.next(columns)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		number, err := t.number(0)
		if err != nil {
			return err
		}
		if number != last {
			e, known := l.byNumber[number]
			if !known {
				e = none
			}
			last, at = number, e
		}
		if at == none {
			if orphans++; orphans == 1 {
				first = t.row
			}
			continue
		}
		add(at, t.fields)
	}
	if orphans > 0 {
		return fmt.Errorf("%s: %d rows belong to no entity of sdn.csv, the first is row %d", t.file, orphans, first)
	}
	return nil
}

// prepareLookup makes every name ready for being searched, and reads from the
// remarks what is looked up exactly. It is the longer half of loading.
func (l *List) prepareLookup() *lookup {
	k := &lookup{
		names:  make([]listed, 0, len(l.entities)+len(l.aliases)),
		weak:   map[string][]listed{},
		taxIDs: map[string][]int32{},
	}
	for i := range l.entities {
		at, e := int32(i), &l.entities[i]
		k.names = append(k.names, listed{entity: at, name: spoken(e.name, e.kind)})
		weakAliases(e.remarks, func(alias string) {
			alias = spoken(alias, e.kind)
			key := prepare(alias, e.kind).String()
			k.weak[key] = append(k.weak[key], listed{entity: at, name: alias, alias: true})
		})
		eachTaxID(e.remarks, func(id string) { k.taxIDs[id] = append(k.taxIDs[id], at) })
	}
	for _, a := range l.aliases {
		a.name = spoken(a.name, l.entities[a.entity].kind)
		k.names = append(k.names, a)
	}

	names := make([]match.Name, len(k.names))
	for i, n := range k.names {
		names[i] = prepare(n.name, l.entities[n.entity].kind)
	}
	k.index = match.NewIndex(names)
	return k
}

// spoken turns an individual's "SURNAME, Given" round. The commas of anything
// else are part of its name ("CO., LTD.").
func spoken(name string, k kind) string {
	if k != individual {
		return name
	}
	surname, given, ok := strings.Cut(name, ", ")
	if !ok {
		return name
	}
	return given + " " + surname
}

func prepare(name string, k kind) match.Name {
	if k == individual {
		return match.PersonName(name)
	}
	return match.OrganizationName(name)
}

// files are the texts of an edition, by lower-case name.
type files struct {
	text    map[string]string
	edition Edition
}

// manifest is what manifest.json holds.
type manifest struct {
	ListDate string `json:"listDate"` // YYYY-MM-DD
	Origin   string `json:"origin"`
}

func open(dir fs.FS) (files, error) {
	f := files{text: map[string]string{}}
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return files{}, err
	}
	named := map[string]fs.DirEntry{}
	for _, e := range entries {
		named[strings.ToLower(e.Name())] = e
	}
	var modified time.Time
	for _, name := range []string{"sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"} {
		entry, ok := named[name]
		if !ok {
			return files{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		info, err := entry.Info()
		if err != nil {
			return files{}, err
		}
		if name == "sdn.csv" {
			modified = info.ModTime().UTC()
		}
		text, sum, err := read(dir, entry.Name(), int(info.Size()))
		if err != nil {
			return files{}, err
		}
		f.text[name] = text
		f.edition.Evidence = append(f.edition.Evidence, source.Evidence{
			Name: name, SHA256: sum, Bytes: len(text), RetrievedAt: info.ModTime().UTC(),
		})
	}

	entry, ok := named["manifest.json"]
	if !ok {
		f.edition.Date, f.edition.DateIs = modified.Truncate(24*time.Hour), "modification date of sdn.csv"
		f.edition.Origin = "not stated"
		return f, nil
	}
	data, err := fs.ReadFile(dir, entry.Name())
	if err != nil {
		return files{}, err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return files{}, fmt.Errorf("manifest.json: %w", err)
	}
	f.edition.Date, err = time.Parse(time.DateOnly, m.ListDate)
	if err != nil {
		return files{}, errors.New("manifest.json: listDate is not a date of the form YYYY-MM-DD")
	}
	f.edition.DateIs, f.edition.Origin = "list date in manifest.json", m.Origin
	return f, nil
}

// read returns a file's text and its SHA-256, in one pass.
func read(dir fs.FS, name string, size int) (text, sum string, err error) {
	file, err := dir.Open(name)
	if err != nil {
		return "", "", err
	}
	defer file.Close() // read only: nothing can be lost
	var b strings.Builder
	b.Grow(size)
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(&b, hash), file); err != nil {
		return "", "", err
	}
	return b.String(), hex.EncodeToString(hash.Sum(nil)), nil
}

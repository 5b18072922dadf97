package ofac

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// The number of columns of each file.
const (
	sdnColumns, altColumns, addColumns, commentColumns = 12, 5, 6, 2
)

// Load reads sdn.csv, alt.csv, add.csv and sdn_comments.csv, and manifest.json if
// it exists. The case of the file names does not matter. An incomplete list is an
// error that names the file and the row: screening against half a list would
// clear people who were never checked.
//
// The files are read and checked before Load returns. The indexes of names may
// still be under construction; the first screening then waits for them.
func Load(dir fs.FS) (*List, error) {
	l, err := load(dir)
	if err != nil {
		return nil, fmt.Errorf("loading the OFAC list: %w", err)
	}
	return l, nil
}

func load(dir fs.FS) (*List, error) {
	f, err := readFiles(dir)
	if err != nil {
		return nil, err
	}
	l := &List{edition: f.edition}
	if err := l.readEntities(f.table(sdnFile)); err != nil {
		return nil, err
	}
	if err := l.readComments(f.table(commentsFile)); err != nil {
		return nil, err
	}
	if err := l.readAliases(f.table(altFile)); err != nil {
		return nil, err
	}
	if err := l.readAddresses(f.table(addFile)); err != nil {
		return nil, err
	}
	l.indexes = sync.OnceValue(l.buildIndexes)
	go l.indexes()
	return l, nil
}

func (l *List) readEntities(t table) error {
	const rowSize = 250 // typical bytes of a row, to allocate once
	l.entities = make([]entity, 0, len(t.text)/rowSize)
	l.byNumber = make(map[int]int32, len(t.text)/rowSize)
	for {
		ok, err := t.next(sdnColumns)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		e, err := readEntity(&t)
		if err != nil {
			return err
		}
		if _, twice := l.byNumber[e.number]; twice {
			return t.errorf("a second row for the same entity")
		}
		l.byNumber[e.number] = int32(len(l.entities))
		l.entities = append(l.entities, e)
	}
	if len(l.entities) == 0 {
		return errors.New("sdn.csv: no entities")
	}
	return nil
}

// readEntity converts the current row of sdn.csv.
func readEntity(t *table) (entity, error) {
	number, err := t.number(0)
	if err != nil {
		return entity{}, err
	}
	e := entity{
		number: number, name: t.fields[1], kind: organization,
		programs: t.fields[3], title: t.fields[4], remarks: t.fields[11], address: none,
	}
	switch k := kind(strings.ToLower(t.fields[2])); k {
	case "":
	case individual, vessel, aircraft:
		e.kind = k
	default:
		return entity{}, t.errorf("an unknown type")
	}
	if e.name == "" {
		return entity{}, t.errorf("no name")
	}
	return e, nil
}

// readComments appends the part of the remarks that did not fit into sdn.csv.
// Remarks are cut in the middle of a word, so no separator is added.
func (l *List) readComments(t table) error {
	return l.readDetails(t, commentColumns, func(e int32, fields []string) {
		l.entities[e].remarks += fields[1]
	})
}

func (l *List) readAliases(t table) error {
	return l.readDetails(t, altColumns, func(e int32, fields []string) {
		if fields[3] != "" {
			l.aliases = append(l.aliases, listedName{entity: e, name: fields[3], alias: true})
		}
	})
}

func (l *List) readAddresses(t table) error {
	return l.readDetails(t, addColumns, func(e int32, fields []string) {
		a := address{line: fields[2], city: fields[3], country: fields[4], next: none}
		if a.line == "" && a.city == "" && a.country == "" {
			return // a placeholder row: the entity has no known address
		}
		link := &l.entities[e].address
		for *link != none {
			link = &l.addresses[*link].next
		}
		*link = int32(len(l.addresses))
		l.addresses = append(l.addresses, a)
	})
}

// readDetails calls add for each row of a file whose rows belong to entities of
// sdn.csv. A row of an unknown entity is an error: it means that the files are
// from different editions.
func (l *List) readDetails(t table, columns int, add func(e int32, fields []string)) error {
	orphans, firstOrphan := 0, 0
	number, at := 0, int32(none) // the current entity; its rows are usually together
	for {
		ok, err := t.next(columns)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		n, err := t.number(0)
		if err != nil {
			return err
		}
		if n != number {
			e, known := l.byNumber[n]
			if !known {
				e = none
			}
			number, at = n, e
		}
		if at == none {
			if orphans++; orphans == 1 {
				firstOrphan = t.row
			}
			continue
		}
		add(at, t.fields)
	}
	if orphans > 0 {
		return fmt.Errorf("%s: %d rows belong to no entity of sdn.csv, the first is row %d", t.file, orphans, firstOrphan)
	}
	return nil
}

package ofac

import (
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// List is one edition of the SDN list, checked and ready for screening. It never
// changes and is safe for concurrent use.
type List struct {
	edition   Edition
	entities  []entity
	addresses []address
	byNumber  map[int]int32 // from an entity's number on the list to its index in entities
	aliases   []listedName  // as written in alt.csv

	// indexes returns what entities are found by. It is built in the background,
	// and a call waits until it is ready.
	indexes func() *indexes
}

// Size returns the number of listed entities.
func (l *List) Size() int { return len(l.entities) }

// Edition returns which list this is.
func (l *List) Edition() Edition { return l.edition }

// Edition identifies a list.
type Edition struct {
	Date     time.Time         // the list's date
	DateIs   string            // where that date comes from, in words for the reader
	Origin   string            // where the files come from
	Evidence []source.Evidence // one for each file
}

// entity is one person, organization, vessel or aircraft: one row of sdn.csv,
// with its complete remarks. The strings are parts of the files' text.
type entity struct {
	number   int // the list's own
	name     string
	kind     kind
	programs string // as listed: "SDGT] [IFSR"
	title    string
	remarks  string
	address  int32 // index of its first address, or none
}

// kind is the list's type of an entity.
type kind string

const (
	individual   kind = "individual"
	vessel       kind = "vessel"
	aircraft     kind = "aircraft"
	organization kind = "entity" // the list leaves the type of these empty
)

// address is one row of add.csv.
type address struct {
	line, city, country string // city is "Richardson, TX 75081"
	next                int32  // index of the same entity's next address, or none
}

// none is the index of an address or entity that does not exist.
const none = -1

// listedName is one name of an entity.
type listedName struct {
	entity int32 // index of the entity
	name   string
	alias  bool
}

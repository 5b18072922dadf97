package simulation

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// checker checks the laws. It reads every write from the table's stream before any
// function does, so it knows each item before and after the write.
// It spells keys, attributes and events itself instead of using the names of
// package store: it is an independent check, which must not change along with them.
type checker struct {
	w       *World
	broken  string // the first law that was broken, and how
	closed  bool   // the history is over
	batches []*batchState
	byID    map[inquiry.BatchID]*batchState
	ends    map[string]int               // final inquiries, by status and failure
	leased  int                          // claims that were rejected because of a lease
	keys    map[string]idempotencyRecord // idempotency records by partition and sort key
	room    map[inquiry.LenderID]*roomState
	shown   map[inquiry.LenderID]shown
	access  accessState
}

// roomState is how many inquiries a lender has open and may have open.
type roomState struct {
	allowed int // the most that the lender may have open
	stored  int // the number in its own item
	open    int // the number in its unfinished batches
}

// batchState is what the table contains of one batch.
type batchState struct {
	number      int
	id          inquiry.BatchID
	lender      inquiry.LenderID
	total       int
	ledger      []byte
	status      inquiry.BatchStatus
	nextCheckAt time.Time // zero when the batch is not in the open index
	cancelled   bool
	gone        bool
	deleted     bool        // its lender has deleted the data
	purged      bool        // and got the answer that all of it is gone
	by          *Invocation // who submitted it
	finalAt     time.Time
	finishes    int // FINISHED transitions
	tallies     int // writes that changed the ledger
	version     int
	items       []inquiryState
}

// inquiryState is what the table contains of one inquiry.
type inquiryState struct {
	status    inquiry.Status // "" without an item
	claim     string
	by        *Invocation // whose claim it is
	lease     time.Time
	attempt   int
	claimants []*Invocation // everyone who claimed it
	failure   string
	writes    int
	sends     int // messages that the queue accepted for it
	receives  int
	started   int64 // its startedAt, in milliseconds
	figures   figures
}

// idempotencyRecord is what an idempotency key is stored with.
type idempotencyRecord struct {
	batch       string
	fingerprint string
}

func newChecker(w *World) *checker {
	return &checker{w: w, ends: map[string]int{}, byID: map[inquiry.BatchID]*batchState{}, keys: map[string]idempotencyRecord{}, room: map[inquiry.LenderID]*roomState{}, shown: map[inquiry.LenderID]shown{acme: {}, zenith: {}}, access: newAccessState()}
}

// observe checks one write.
func (c *checker) observe(pk, sk string, r record) {
	lender, rest, below := strings.Cut(strings.TrimPrefix(pk, "LENDER#"), "#BATCH#")
	switch {
	case strings.HasPrefix(pk, "LENDERPROFILE#"):
		id := inquiry.LenderID(strings.TrimPrefix(pk, "LENDERPROFILE#"))
		c.roomOf(id).allowed = max(int(numberIn(r, "openMax")), int(numberIn(r, "batchMax")))
		c.access.lenders[id] = imageText(r, "status")
	case strings.HasPrefix(pk, "USER#"):
		c.access.users[strings.TrimPrefix(pk, "USER#")] = imageText(r, "status") + " " + imageText(r, "role")
	case strings.HasPrefix(pk, "APIKEY#"):
		c.access.keys[strings.TrimPrefix(pk, "APIKEY#")] = keyState{int(numberIn(r, "version")), numberIn(r, "revokedAt") != 0}
	case !below && sk == "COUNTS":
		c.roomOf(inquiry.LenderID(lender)).stored = int(numberIn(r, "open"))
	case !below && strings.HasPrefix(sk, "IDEMPOTENCY#"):
		if fingerprint, found := r.Change.NewImage["fingerprint"]; found {
			c.keys[pk+" "+sk] = idempotencyRecord{imageText(r, "batchId"), string(fingerprint.Binary())}
		}
	case below && sk == "HEADER":
		c.checkHeader(lender, idIn(rest), r)
	case below && strings.HasPrefix(sk, "PAGE#"):
		b := c.byID[idIn(rest)]
		if b == nil {
			b = &batchState{id: idIn(rest)} // its header comes later in the same commit
		}
		if r.EventName != string(events.DynamoDBOperationTypeRemove) {
			c.checkExpiry("page "+sk, b, r)
		}
	case below && strings.HasPrefix(sk, "INQUIRY#"):
		id := idIn(rest)
		index, err := strconv.Atoi(strings.TrimPrefix(sk, "INQUIRY#"))
		b := c.byID[id]
		switch {
		case b == nil || err != nil || index >= b.total:
			c.w.violate("I9", "item %s %s belongs to no batch", pk, sk)
		case string(b.lender) != lender:
			c.w.violate("I6", "batch %s of %s contains an item of %s", c.name(id), b.lender, lender)
		default:
			c.checkInquiry(b, index, r)
		}
	}
}

// idempotencyRecord returns what is stored under a lender's idempotency key.
func (c *checker) idempotencyRecord(lender inquiry.LenderID, key string) idempotencyRecord {
	hash := sha256.Sum256([]byte(key))
	return c.keys["LENDER#"+string(lender)+" IDEMPOTENCY#"+hex.EncodeToString(hash[:])]
}

func (c *checker) roomOf(lender inquiry.LenderID) *roomState {
	room := c.room[lender]
	if room == nil {
		room = &roomState{}
		c.room[lender] = room
	}
	return room
}

// checkRooms checks that each lender's item says how many inquiries its unfinished
// batches have. It runs when all records of a commit have been observed.
func (c *checker) checkRooms() {
	for lender, room := range c.room {
		if room.stored != room.open || room.open > room.allowed {
			c.w.violate("I11", "%s has %d open inquiries, its item says %d, and it may have %d", lender, room.open, room.stored, room.allowed)
		}
	}
}

func numberIn(r record, name string) int64 {
	v, found := r.Change.NewImage[name]
	if !found || v.DataType() != events.DataTypeNumber {
		return 0
	}
	n, _ := strconv.ParseInt(v.Number(), 10, 64)
	return n
}

// idIn returns the batch id in the part of a key that follows BATCH#, or zero if it
// is malformed.
func idIn(rest string) inquiry.BatchID {
	text, _, _ := strings.Cut(rest, "#")
	id, _ := inquiry.ParseBatchID(text)
	return id
}

// codes are the statuses by their code in the ledger.
var codes = [...]inquiry.Status{
	inquiry.StatusPlanning, inquiry.StatusRunning, inquiry.StatusCompleted,
	inquiry.StatusPartialSuccess, inquiry.StatusFailed, inquiry.StatusCancelled,
}

func codeIn(ledger []byte, index int) int { return int(ledger[index/2] >> (4 * (index % 2)) & 0x0f) }

func rank(code int) int { return min(code, 2) }

// unknown reports whether an item has a status that this version does not know.
func unknown(s inquiry.Status) bool { return s != "" && slices.Index(codes[:], s) < 0 }

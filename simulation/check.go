package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
)

// checker holds the laws. It reads every write from the table's stream, before
// any function does, and so knows each item as it is and as it was before.
type checker struct {
	w       *World
	broken  string // the first law that was broken, and how
	closed  bool   // the history is over
	batches []*batchState
	byID    map[inquiry.BatchID]*batchState
	ends    map[string]int      // inquiries by status and failure
	leased  int                 // claims that met another's lease
	keys    map[string]keyState // idempotency records by partition and sort key
	room    map[inquiry.LenderID]*roomState
}

// roomState is how many open inquiries a lender has.
type roomState struct {
	most   int // that the lender may have
	stored int // as its own item says
	open   int // in its unfinished batches
}

// batchState is what the table holds of one batch.
type batchState struct {
	number      int
	id          inquiry.BatchID
	lender      inquiry.LenderID
	total       int
	ledger      []byte
	event       string
	status      inquiry.BatchStatus
	nextCheckAt time.Time // zero when the batch is not in the index
	cancelled   bool
	gone        bool
	deleted     bool        // its lender has deleted what was asked and answered
	purged      bool        // and was told that all of it is gone
	by          *Invocation // who submitted it
	finalAt     time.Time
	finishes    int // FINISHED transitions
	tallies     int // writes that changed the ledger
	checks      int // sweeps
	items       []itemState
}

// itemState is what the table holds of one inquiry.
type itemState struct {
	status    inquiry.Status // "" while there is no item
	claim     string
	by        *Invocation // who made the claim
	lease     time.Time
	attempt   int
	claimants []*Invocation // who ever claimed it
	failure   string
	writes    int
	sends     int // messages that the queue took for it
	receives  int
}

type keyState struct {
	batch       string
	fingerprint string
}

func newChecker(w *World) *checker {
	return &checker{w: w, ends: map[string]int{}, byID: map[inquiry.BatchID]*batchState{}, keys: map[string]keyState{}, room: map[inquiry.LenderID]*roomState{}}
}

// name is a batch's short name.
func (c *checker) name(id inquiry.BatchID) string {
	if b := c.byID[id]; b != nil {
		return "B" + strconv.Itoa(b.number)
	}
	return "B?"
}

func numberIn(r record, name string) int64 {
	v, found := r.Change.NewImage[name]
	if !found || v.DataType() != events.DataTypeNumber {
		return 0
	}
	n, _ := strconv.ParseInt(v.Number(), 10, 64)
	return n
}

// observe takes one write in.
func (c *checker) observe(pk, sk string, r record) {
	lender, rest, below := strings.Cut(strings.TrimPrefix(pk, "LENDER#"), "#BATCH#")
	switch {
	case !below && sk == "PROFILE":
		room := c.roomOf(inquiry.LenderID(lender))
		room.stored, room.most = int(numberIn(r, "open")), max(int(numberIn(r, "openMax")), int(numberIn(r, "batchMax")))
	case !below && strings.HasPrefix(sk, "IDEMPOTENCY#"):
		if fingerprint, found := r.Change.NewImage["fingerprint"]; found {
			c.keys[pk+" "+sk] = keyState{imageText(r, "batchId"), string(fingerprint.Binary())}
		}
	case below && sk == "HEADER":
		c.header(lender, idIn(rest), r)
	case below && strings.HasPrefix(sk, "INQUIRY#"):
		id := idIn(rest)
		index, err := strconv.Atoi(strings.TrimPrefix(sk, "INQUIRY#"))
		b := c.byID[id]
		switch {
		case b == nil || err != nil || index >= b.total:
			c.w.violate("I9", "an item %s %s of no batch", pk, sk)
		case string(b.lender) != lender:
			c.w.violate("I6", "batch %s of %s has an item of %s", c.name(id), b.lender, lender)
		default:
			c.item(b, index, r)
		}
	}
}

func (c *checker) roomOf(lender inquiry.LenderID) *roomState {
	room := c.room[lender]
	if room == nil {
		room = &roomState{}
		c.room[lender] = room
	}
	return room
}

// rooms checks, after all that was written at once, that each lender's item says
// how many inquiries its unfinished batches have.
func (c *checker) rooms() {
	for lender, room := range c.room {
		if room.stored != room.open || room.open > room.most {
			c.w.violate("I11", "%s has %d open inquiries, its item says %d, and %d are allowed", lender, room.open, room.stored, room.most)
		}
	}
}

// idIn is the batch's id in the part of a key that follows BATCH#, zero if it is
// none.
func idIn(rest string) inquiry.BatchID {
	text, _, _ := strings.Cut(rest, "#")
	id, _ := inquiry.ParseBatchID(text)
	return id
}

// codes are the ledger's, in the order of inquiry's.
var codes = [...]inquiry.Status{
	inquiry.StatusPlanning, inquiry.StatusRunning, inquiry.StatusCompleted,
	inquiry.StatusPartialSuccess, inquiry.StatusFailed, inquiry.StatusCancelled,
}

func codeIn(ledger []byte, index int) int { return int(ledger[index/2] >> (4 * (index % 2)) & 0x0f) }

func rank(code int) int { return min(code, 2) }

func (c *checker) header(lender string, id inquiry.BatchID, r record) {
	b := c.byID[id]
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		if b != nil {
			b.gone, b.nextCheckAt = true, time.Time{}
		}
		return
	}
	event, total := imageText(r, "event"), int(numberIn(r, "total"))
	var ledger []byte
	if v, found := r.Change.NewImage["ledger"]; found {
		ledger = v.Binary()
	}
	if b == nil {
		if id == (inquiry.BatchID{}) || event != "SUBMITTED" || total < 1 || len(ledger) != (total+1)/2 {
			c.w.violate("I9", "a header %s that nobody submitted", id)
			return
		}
		b = &batchState{
			number: len(c.batches) + 1, id: id, lender: inquiry.LenderID(lender), total: total,
			status: inquiry.BatchPending, ledger: make([]byte, len(ledger)), by: c.w.acted, items: make([]itemState, total),
		}
		c.batches, c.byID[id] = append(c.batches, b), b
		c.roomOf(b.lender).open += total
		for i := range total {
			if codeIn(ledger, i) != 0 {
				b.items[i] = itemState{status: inquiry.StatusFailed, failure: inquiry.FailureInvalid}
			}
		}
	} else if event == "SUBMITTED" {
		c.w.violate("I8", "header of %s is written and its event still says SUBMITTED", c.name(id))
	}
	if b.gone {
		c.w.violate("I9", "header of %s is written after it was removed", c.name(id))
		return
	}
	if string(b.lender) != lender {
		c.w.violate("I6", "batch %s of %s has a header of %s", c.name(id), b.lender, lender)
	}
	if event == "CANCEL_REQUESTED" && b.cancelled {
		c.w.violate("I8", "batch %s has a second cancel request", c.name(id))
	}
	b.cancelled = b.cancelled || event == "CANCEL_REQUESTED"
	if event == "CHECKED" {
		b.checks++
	}
	b.deleted = b.deleted || event == "DELETED"
	c.ledger(b, ledger, r)

	status := inquiry.BatchStatus(imageText(r, "status"))
	if event == "FINISHED" {
		if b.finishes++; b.finishes > 1 {
			c.w.violate("I5", "batch %s finishes again", c.name(id))
		}
	}
	if b.status.Final() && status != b.status {
		c.w.violate("I4", "batch %s was %s and is %s", c.name(id), b.status, status)
	}
	if status.Final() && !b.status.Final() {
		b.finalAt = c.w.now
		c.roomOf(b.lender).open -= b.total
		if event != "FINISHED" {
			c.w.violate("I5", "batch %s becomes %s with event %s", c.name(id), status, event)
		}
	}
	b.status, b.event, b.nextCheckAt = status, event, time.Time{}
	if imageText(r, "openShard") != "" {
		b.nextCheckAt = time.Unix(numberIn(r, "nextCheckAt"), 0).UTC()
	}
	if status.Final() != b.nextCheckAt.IsZero() {
		c.w.violate("I3", "batch %s is %s and in the index of unfinished batches: %t", c.name(id), status, !b.nextCheckAt.IsZero())
	}
}

// ledger checks the counters of a header that is written.
func (c *checker) ledger(b *batchState, ledger []byte, r record) {
	name := "B" + strconv.Itoa(b.number)
	if len(ledger) != len(b.ledger) {
		c.w.violate("I2", "the ledger of %s has %d bytes", name, len(ledger))
		return
	}
	var histogram [6]int64
	for i := range b.total {
		was, is := codeIn(b.ledger, i), codeIn(ledger, i)
		if is >= len(codes) {
			c.w.violate("I2", "the ledger of %s has code %d", name, is)
			return
		}
		histogram[is]++
		if was == is {
			continue
		}
		item := b.items[i].status
		switch {
		case rank(is) <= rank(was):
			c.w.violate("I4", "the ledger's entry of %s/%d goes from %s to %s", name, i, codes[was], codes[is])
		case rank(is) == 2 && item != codes[is]:
			c.w.violate("I3", "the ledger's entry of %s/%d becomes %s and its item is %q", name, i, codes[is], item)
		case item == "":
			c.w.violate("I9", "the ledger's entry of %s/%d becomes %s and there is no item", name, i, codes[is])
		}
	}
	for code, attribute := range [...]string{"planning", "running", "completed", "partialSuccess", "failed", "cancelled"} {
		if n := numberIn(r, attribute); n != histogram[code] {
			c.w.violate("I2", "%s of %s is %d, and its ledger has %d", attribute, name, n, histogram[code])
		}
	}
	if !bytes.Equal(ledger, b.ledger) {
		if b.tallies++; b.tallies > 2*b.total {
			c.w.violate("I8", "the counters of %s have been written %d times for %d inquiries", name, b.tallies, b.total)
		}
	}
	b.ledger = ledger
}

func (c *checker) item(b *batchState, index int, r record) {
	name := fmt.Sprintf("B%d/%d", b.number, index)
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		return
	}
	was, by := b.items[index], c.w.acted
	is := itemState{
		status: inquiry.Status(imageText(r, "status")), claim: imageText(r, "claimId"),
		attempt: int(numberIn(r, "attempt")), failure: imageText(r, "failure"),
		by: was.by, claimants: was.claimants, writes: was.writes + 1, sends: was.sends, receives: was.receives,
	}
	if lease := numberIn(r, "leaseUntil"); lease != 0 {
		is.lease = time.UnixMilli(lease).UTC()
	}
	b.items[index] = is
	if by == nil {
		return // a test's own doing
	}
	held := was.status == inquiry.StatusRunning && was.lease.After(by.now())
	switch {
	case was.status.Final() && b.deleted && is.status == was.status && is.attempt == was.attempt && is.failure == was.failure:
		if _, found := r.Change.NewImage["report"]; found {
			c.w.violate("I4", "%s was %s and is written after it was deleted", name, was.status)
		}
	case was.status.Final():
		c.w.violate("I4", "%s was %s and is written again, as %s", name, was.status, is.status)
	case is.status == inquiry.StatusRunning:
		b.items[index].by = by
		if held {
			c.w.violate("I10", "%s is claimed while its lease lasts for %v", name, was.lease.Sub(by.now()))
		}
		// Past the batch's deadline a lease is over when it begins, and a claim
		// whose reply is lost and that is sent again is a second one.
		if !slices.Contains(was.claimants, by) {
			b.items[index].claimants = append(was.claimants, by)
		}
		if is.attempt != was.attempt+1 || len(b.items[index].claimants) > was.receives {
			c.w.violate("I8", "%s has attempt %d after attempt %d and %d deliveries", name, is.attempt, was.attempt, was.receives)
		}
	case is.status == inquiry.StatusCancelled:
		if was.status != "" {
			c.w.violate("I10", "%s was %s and is cancelled", name, was.status)
		}
	case by.Function == "process-inquiry":
		if was.status != inquiry.StatusRunning || was.by != by {
			c.w.violate("I10", "%s is finished by an attempt that does not hold it", name)
		}
	case held:
		c.w.violate("I10", "%s is given up while its lease lasts for %v", name, was.lease.Sub(by.now()))
	}
}

// sent takes in that the queue took a message.
func (c *checker) sent(m queue.Message) {
	b := c.byID[m.ID.Batch()]
	switch {
	case b == nil:
		c.w.violate("I9", "a message is sent of a batch that is not there")
	case b.lender != m.LenderID || m.ID.Index() >= b.total:
		c.w.violate("I6", "a message of B%d/%d is sent for %s", b.number, m.ID.Index(), m.LenderID)
	case b.items[m.ID.Index()].failure == inquiry.FailureInvalid:
		c.w.violate("I8", "a message of B%d/%d is sent, which was rejected", b.number, m.ID.Index())
	default:
		b.items[m.ID.Index()].sends++
	}
}

// acknowledged checks that a message is deleted only when its inquiry is final:
// it might be the only message left.
func (c *checker) acknowledged(m *message) {
	id := m.inquiry.ID
	if b := c.byID[id.Batch()]; b != nil && !b.gone && !b.items[id.Index()].status.Final() {
		c.w.violate("I1", "%v is acknowledged and its inquiry B%d/%d is %q", m, b.number, id.Index(), b.items[id.Index()].status)
	}
}

// counted checks that a stream record is done with only when its work is.
func (c *checker) counted(mapping string, r record) {
	_, rest, _ := strings.Cut(r.Change.Keys["PK"].String(), "#BATCH#")
	b := c.byID[idIn(rest)]
	if b == nil || b.gone || b.deleted || r.EventName == string(events.DynamoDBOperationTypeRemove) {
		return
	}
	if mapping == "tally-statuses" {
		index, _ := strconv.Atoi(strings.TrimPrefix(r.Change.Keys["SK"].String(), "INQUIRY#"))
		status := inquiry.Status(imageText(r, "status"))
		if code := slices.Index(codes[:], status); code >= 0 && rank(codeIn(b.ledger, index)) < rank(code) {
			c.w.violate("I2", "the record of B%d/%d as %s is done with and not counted", b.number, index, status)
		}
		return
	}
	for i, in := range b.items {
		switch event := imageText(r, "event"); {
		case event == "SUBMITTED" && in.sends == 0 && in.failure != inquiry.FailureInvalid:
			c.w.violate("I1", "batch B%d is done with and inquiry %d was not sent", b.number, i)
		case event == "CANCEL_REQUESTED" && in.status == "":
			c.w.violate("I1", "the cancel of B%d is done with and inquiry %d is neither claimed nor cancelled", b.number, i)
		}
	}
}

// claimed checks that an attempt recognises a claim of its own.
func (c *checker) claimed(i *Invocation, id inquiry.ID, token string, err error) {
	if !errors.Is(err, inquiry.ErrLeased) {
		return
	}
	b := c.byID[id.Batch()]
	if in := b.items[id.Index()]; in.status == inquiry.StatusRunning && in.claim == token {
		c.w.violate("I8", "%s#%d holds B%d/%d and takes it for another's", i.Function, i.ID, b.number, id.Index())
	}
	c.leased++
}

// received counts a delivery.
func (c *checker) received(id inquiry.ID) {
	if b := c.byID[id.Batch()]; b != nil {
		b.items[id.Index()].receives++
	}
}

// due reports whether a batch is due by then.
func (c *checker) due(at time.Time) bool {
	next, open := c.nextDue()
	return open && !next.After(at)
}

// nextDue is when the next unfinished batch is due.
func (c *checker) nextDue() (at time.Time, open bool) {
	for _, b := range c.batches {
		if !b.nextCheckAt.IsZero() {
			at, open = earlier(at, b.nextCheckAt), true
		}
	}
	return at, open
}

// atRest checks what has to hold once nothing is left to happen.
func (c *checker) atRest() {
	c.w.table.Lag = nil
	for _, b := range c.batches {
		if b.gone || c.broken != "" {
			continue
		}
		if !b.status.Final() {
			c.w.violate("I3", "batch B%d is %s for ever", b.number, b.status)
			continue
		}
		last := max(deadline, c.w.faults.Until-b.id.CreatedAt().Sub(noon)) + 2*interval + time.Minute
		if c.w.faults.Skew {
			last += 3 * maxSkew
		}
		if took := b.finalAt.Sub(b.id.CreatedAt()); took > last {
			c.w.violate("I3", "batch B%d was final %v after its submission", b.number, took)
		}
		if b.purged {
			c.purged(b)
		}
		if b.deleted {
			continue // nothing is left to compare with
		}
		_, asked, err := c.w.direct().Submitted(context.Background(), b.lender, b.id)
		if err != nil {
			c.w.violate("I9", "batch B%d cannot be read: %v", b.number, err)
			return
		}
		c.outcome(b, asked)
		c.recount(b, asked)
	}
}

// purged checks that nothing of a deleted batch has stayed or come back.
func (c *checker) purged(b *batchState) {
	prefix := "LENDER#" + string(b.lender) + "#BATCH#" + b.id.String()
	for _, it := range c.w.table.Items() {
		pk, sk := keyOf(it)
		if strings.HasPrefix(pk, prefix) && (it["data"] != nil || it["report"] != nil) {
			c.w.violate("I9", "batch B%d is deleted and its item %s still has what it held", b.number, sk)
		}
	}
}

// outcome compares each inquiry's end with what its sources answer.
func (c *checker) outcome(b *batchState, asked []inquiry.Inquiry) {
	for i, in := range b.items {
		kind := kindOf(asked[i])
		c.ends[strings.TrimSpace(string(in.status)+" "+in.failure)]++
		var ok bool
		switch in.status {
		case inquiry.StatusCompleted:
			ok = slices.Contains([]string{found, none, outage, flaky, slow}, kind)
		case inquiry.StatusPartialSuccess:
			ok = kind == part
		case inquiry.StatusCancelled:
			ok = b.cancelled
		case inquiry.StatusFailed:
			ok = in.failure == inquiry.FailureExhausted || kind == bad || kind == outage || kind == flaky
			if in.failure == inquiry.FailureDeadline {
				// A sweep comes between twice the faults' end and the deadline.
				ok = c.w.faults.Until > 2*time.Hour+b.id.CreatedAt().Sub(noon)
			}
			if kind == reject || in.failure == inquiry.FailureInvalid {
				ok = kind == reject && in.failure == inquiry.FailureInvalid
			}
		}
		if !ok {
			c.w.violate("I1", "B%d/%d, which is %s, ends as %s %s", b.number, i, kind, in.status, in.failure)
		}
	}
}

// recount compares a batch's tally with one that is made of its items anew.
func (c *checker) recount(b *batchState, asked []inquiry.Inquiry) {
	batch, err := c.w.direct().Batch(context.Background(), b.lender, b.id)
	if err != nil {
		c.w.violate("I2", "batch B%d cannot be read: %v", b.number, err)
		return
	}
	records, err := c.w.direct().Records(context.Background(), batch)
	if err != nil {
		c.w.violate("I2", "batch B%d cannot be recounted: %v", b.number, err)
		return
	}
	fresh := inquiry.Submission{Inquiries: asked}.Tally()
	for _, r := range records {
		fresh, _ = fresh.Merge(r.Change())
	}
	if !cmp.Equal(fresh, batch.Tally) {
		c.w.violate("I2", "the tally of B%d is not that of its items: %s", b.number, cmp.Diff(fresh, batch.Tally))
	}
}

// hash stands for the world as it is, times aside: items, headers, both queues
// and the readers' places in the stream.
func (c *checker) hash() uint64 {
	var sum uint64
	for _, b := range c.batches {
		h := uint64(b.number)
		for _, in := range b.items {
			held := uint64(0)
			if in.lease.After(c.w.now) {
				held = 1
			}
			h = mix(h<<8 ^ h>>56 ^ uint64(len(in.status))<<4 ^ uint64(min(in.attempt, 7))<<1 ^ held)
		}
		for _, code := range b.ledger {
			h = mix(h ^ uint64(code))
		}
		for _, letter := range []byte(b.event) {
			h = h*31 + uint64(letter)
		}
		sum += mix(h)
	}
	for n, q := range []*messageQueue{c.w.queue, c.w.dead} {
		for _, m := range q.messages {
			hidden := uint64(0)
			if m.visibleAt.After(c.w.now) {
				hidden = 1
			}
			number := 0
			if b := c.byID[m.inquiry.ID.Batch()]; b != nil {
				number = b.number
			}
			sum += mix(uint64(n+1)<<40 ^ uint64(number)<<32 ^ uint64(m.inquiry.ID.Index())<<16 ^ uint64(m.receives)<<1 ^ hidden)
		}
	}
	for n, m := range c.w.mappings {
		for _, r := range m.readers {
			for l, lane := range r.lanes {
				if len(lane.pending) > 0 || lane.busy != nil {
					sum += mix(uint64(n+1)<<56 ^ uint64(r.shard.id)<<48 ^ uint64(l)<<40 ^ uint64(r.read)<<16 ^ uint64(len(lane.pending)))
				}
			}
		}
	}
	return mix(sum)
}

// mix spreads a number's bits (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

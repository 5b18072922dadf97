package simulation

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// checkHeader checks one write of a header.
func (c *checker) checkHeader(lender string, id inquiry.BatchID, r record) {
	b := c.byID[id]
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		if b != nil {
			b.gone, b.nextCheckAt = true, time.Time{}
		}
		return
	}
	event := imageText(r, "event")
	var ledger []byte
	if v, found := r.Change.NewImage["ledger"]; found {
		ledger = v.Binary()
	}
	switch total := int(numberIn(r, "total")); {
	case b != nil && event == "SUBMITTED":
		c.w.violate("I8", "header of %s is written again with the event SUBMITTED", c.name(id))
	case b != nil:
	case id == (inquiry.BatchID{}) || event != "SUBMITTED" || total < 1 || len(ledger) != (total+1)/2:
		c.w.violate("I9", "header %s was never submitted", id)
		return
	default:
		b = c.addBatch(inquiry.LenderID(lender), id, total, ledger)
		c.checkSubmitter(b)
	}
	if b.gone {
		c.w.violate("I9", "header of %s is written after its removal", c.name(id))
		return
	}
	if string(b.lender) != lender {
		c.w.violate("I6", "batch %s of %s has a header of %s", c.name(id), b.lender, lender)
	}
	if event == "CANCEL_REQUESTED" && b.cancelled {
		c.w.violate("I8", "batch %s gets a second cancel request", c.name(id))
	}
	c.checkVersion(b, event, int(numberIn(r, "version")))
	c.checkExpiry("header", b, r)
	b.cancelled = b.cancelled || event == "CANCEL_REQUESTED"
	if event == "DELETED" && !b.deleted {
		b.deleted = true
		c.w.readAround(b)
	}
	c.checkLedger(b, ledger, r)
	c.checkBatchStatus(b, event, r)
}

// addBatch adds a batch with its first header. Inquiries whose entry in the ledger
// is not PLANNING were rejected when the batch was submitted.
func (c *checker) addBatch(lender inquiry.LenderID, id inquiry.BatchID, total int, ledger []byte) *batchState {
	b := &batchState{
		number: len(c.batches) + 1, id: id, lender: lender, total: total,
		status: inquiry.BatchPending, ledger: make([]byte, len(ledger)), by: c.w.acted, items: make([]inquiryState, total),
	}
	c.batches, c.byID[id] = append(c.batches, b), b
	c.roomOf(b.lender).open += total
	for i := range total {
		if codeIn(ledger, i) != 0 {
			b.items[i] = inquiryState{status: inquiry.StatusFailed, failure: inquiry.FailureInvalid}
		}
	}
	return b
}

// checkVersion checks that a write raises the header's version by one, unless only a
// sweep's schedule changes: a write that is conditional on the version must notice
// every other one.
func (c *checker) checkVersion(b *batchState, event string, version int) {
	want := b.version + 1
	if event == "CHECKED" {
		want = b.version
	}
	if version != want {
		c.w.violate("I5", "header of %s is written as %s with version %d after version %d", c.name(b.id), event, version, b.version)
	}
	b.version = version
}

// checkExpiry checks that an item expires 30 days after its batch was submitted, to
// the second.
func (c *checker) checkExpiry(what string, b *batchState, r record) {
	want := b.id.CreatedAt().Add(30 * 24 * time.Hour).Unix()
	if at := numberIn(r, "expiresAt"); at != want {
		c.w.violate("I13", "%s of %s expires at %d, not at %d like its batch", what, c.name(b.id), at, want)
	}
}

// checkBatchStatus checks the status of a header that is written, and its place in
// the index of unfinished batches.
func (c *checker) checkBatchStatus(b *batchState, event string, r record) {
	name, status := c.name(b.id), inquiry.BatchStatus(imageText(r, "status"))
	if event == "FINISHED" {
		if b.finishes++; b.finishes > 1 {
			c.w.violate("I5", "batch %s finishes a second time", name)
		}
	}
	if b.status.Final() && status != b.status {
		c.w.violate("I4", "batch %s changes from %s to %s", name, b.status, status)
	}
	if status.Final() && !b.status.Final() {
		b.finalAt = c.w.now
		c.roomOf(b.lender).open -= b.total
		if event != "FINISHED" {
			c.w.violate("I5", "batch %s becomes %s with the event %s", name, status, event)
		}
		c.w.becameFinal(b)
	}
	b.status, b.nextCheckAt = status, time.Time{}
	if shard := imageText(r, "openShard"); shard != "" {
		b.nextCheckAt = time.Unix(numberIn(r, "nextCheckAt"), 0).UTC()
		if !slices.Contains([]string{"0", "1", "2", "3", "4", "5", "6", "7", "begun"}, shard) {
			c.w.violate("I3", "batch %s is in partition %q of the index, which no sweep reads", name, shard)
		}
	}
	if event == "CANCEL_REQUESTED" && b.nextCheckAt.After(c.w.now.Add(maxSkew)) {
		c.w.violate("I1", "a cancel of batch %s that the stream loses is done only in %v", name, b.nextCheckAt.Sub(c.w.now))
	}
	switch indexed := !b.nextCheckAt.IsZero(); {
	case status.Final() && indexed:
		c.w.violate("I3", "batch %s is %s but still in the index of unfinished batches", name, status)
	case !status.Final() && !indexed:
		c.w.violate("I3", "batch %s is %s but not in the index of unfinished batches", name, status)
	}
}

// checkLedger checks the ledger and the counters of a header that is written.
func (c *checker) checkLedger(b *batchState, ledger []byte, r record) {
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
			c.w.violate("I4", "the ledger entry of %s/%d goes back from %s to %s", name, i, codes[was], codes[is])
		case codes[is] == inquiry.StatusFailed && unknown(item) && !c.w.now.Add(maxSkew).Before(b.id.CreatedAt().Add(deadline)):
			// A newer version wrote the item. At the deadline the ledger fails it.
		case rank(is) == 2 && item != codes[is]:
			c.w.violate("I3", "the ledger entry of %s/%d becomes %s but its item is %q", name, i, codes[is], item)
		case item == "":
			c.w.violate("I9", "the ledger entry of %s/%d becomes %s but there is no item", name, i, codes[is])
		}
	}
	for code, attribute := range [...]string{"planning", "running", "completed", "partialSuccess", "failed", "cancelled"} {
		if n := numberIn(r, attribute); n != histogram[code] {
			c.w.violate("I2", "counter %s of %s is %d but its ledger has %d", attribute, name, n, histogram[code])
		}
	}
	if !bytes.Equal(ledger, b.ledger) {
		if b.tallies++; b.tallies > 2*b.total {
			c.w.violate("I8", "the counters of %s were written %d times for %d inquiries", name, b.tallies, b.total)
		}
	}
	b.ledger = ledger
}

// due reports whether a batch is due at that time.
func (c *checker) due(at time.Time) bool {
	next, open := c.nextDue()
	return open && !next.After(at)
}

// nextDue returns when the next unfinished batch is due.
func (c *checker) nextDue() (at time.Time, open bool) {
	for _, b := range c.batches {
		if !b.nextCheckAt.IsZero() {
			at, open = earlier(at, b.nextCheckAt), true
		}
	}
	return at, open
}

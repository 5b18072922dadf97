package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
)

// checkInquiry checks one write of an inquiry.
func (c *checker) checkInquiry(b *batchState, index int, r record) {
	name := fmt.Sprintf("B%d/%d", b.number, index)
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		return
	}
	was, by := b.items[index], c.w.acted
	is := inquiryState{
		status: inquiry.Status(imageText(r, "status")), claim: imageText(r, "claimId"),
		attempt: int(numberIn(r, "attempt")), failure: imageText(r, "failure"),
		started: numberIn(r, "startedAt"), figures: figuresIn(r),
		by: was.by, claimants: was.claimants, writes: was.writes + 1, sends: was.sends, receives: was.receives,
	}
	if lease := numberIn(r, "leaseUntil"); lease != 0 {
		is.lease = time.UnixMilli(lease).UTC()
	}
	b.items[index] = is
	if by == nil {
		return // a test did it
	}
	if is.status.Final() && !was.status.Final() && c.w.rng.IntN(5) == 0 {
		c.w.readAround(b)
	}
	c.checkExpiry("item "+strconv.Itoa(index), b, r)
	c.checkFigures(name, b.id.Inquiry(index), was, is)
	held := was.status == inquiry.StatusRunning && was.lease.After(by.now())
	switch {
	case was.status.Final() && b.deleted && is.status == was.status && is.attempt == was.attempt && is.failure == was.failure:
		if _, found := r.Change.NewImage["report"]; found {
			c.w.violate("I4", "%s was %s and gets a report after its deletion", name, was.status)
		}
	case was.status.Final():
		c.w.violate("I4", "%s was %s and is written again as %s", name, was.status, is.status)
	case is.status == inquiry.StatusRunning:
		b.items[index].by = by
		if held {
			c.w.violate("I10", "%s is claimed although its lease lasts for another %v", name, was.lease.Sub(by.now()))
		}
		// Past the batch's deadline a lease ends at once, so a claim that is sent
		// again after a lost reply counts as a second one.
		if !slices.Contains(was.claimants, by) {
			b.items[index].claimants = append(was.claimants, by)
		}
		if is.attempt != was.attempt+1 || len(b.items[index].claimants) > was.receives {
			c.w.violate("I8", "%s has attempt %d after attempt %d and only %d deliveries", name, is.attempt, was.attempt, was.receives)
		}
	case is.status == inquiry.StatusCancelled:
		if was.status != "" {
			c.w.violate("I10", "%s is canceled although it was %s", name, was.status)
		}
	case by.Function == "process-inquiry":
		if was.status != inquiry.StatusRunning || was.by != by {
			c.w.violate("I10", "%s is finished by an attempt without its claim", name)
		}
	case held:
		c.w.violate("I10", "%s is failed although its lease lasts for another %v", name, was.lease.Sub(by.now()))
	}
}

// claimTried checks that an attempt recognizes its own claim.
func (c *checker) claimTried(i *Invocation, id inquiry.ID, token string, err error) {
	if !errors.Is(err, inquiry.ErrLeased) {
		return
	}
	b := c.byID[id.Batch()]
	if in := b.items[id.Index()]; in.status == inquiry.StatusRunning && in.claim == token {
		c.w.violate("I8", "%s#%d has claimed B%d/%d and takes the claim for another's", i.Function, i.ID, b.number, id.Index())
	}
	c.leased++
}

// workDone checks what an invocation of process-inquiry does about inquiries for which
// a source computes too long. It may not take them for an outage, which would slow
// down all lenders, and has to give up on the third attempt.
func (c *checker) workDone(i *Invocation, list []*message, err error) {
	if i.faulty {
		return
	}
	others := false
	for _, m := range list {
		if kindOf(m.inquiry.Inquiry) != heavy {
			others = true
			continue
		}
		id := m.inquiry.ID
		b := c.byID[id.Batch()]
		if in := b.items[id.Index()]; in.by == i && in.attempt >= 3 && !in.status.Final() && !b.deleted && !b.gone {
			c.w.violate("I8", "B%d/%d is tried again after attempt %d, although the source is too slow for it", b.number, id.Index(), in.attempt)
		}
	}
	if err != nil && !others {
		c.w.violate("I8", "%s#%d fails because of inquiries that a source is too slow for: %v", i.Function, i.ID, err)
	}
}

// messageSent counts a message that the queue has accepted.
func (c *checker) messageSent(m queue.Message) {
	b := c.byID[m.ID.Batch()]
	switch {
	case b == nil:
		c.w.violate("I9", "a message is sent for a batch that does not exist")
	case b.lender != m.LenderID || m.ID.Index() >= b.total:
		c.w.violate("I6", "a message for B%d/%d is sent in the name of %s", b.number, m.ID.Index(), m.LenderID)
	case b.items[m.ID.Index()].failure == inquiry.FailureInvalid:
		c.w.violate("I8", "a message is sent for B%d/%d, which was rejected", b.number, m.ID.Index())
	default:
		b.items[m.ID.Index()].sends++
	}
}

// messageReceived counts a delivery.
func (c *checker) messageReceived(id inquiry.ID) {
	if b := c.byID[id.Batch()]; b != nil {
		b.items[id.Index()].receives++
	}
}

// messageDeleted checks that a message is deleted only when its inquiry is final, or has
// an unknown status: it might be the last message.
func (c *checker) messageDeleted(m *message) {
	id := m.inquiry.ID
	if b := c.byID[id.Batch()]; b != nil && !b.gone && !b.items[id.Index()].status.Final() && !unknown(b.items[id.Index()].status) {
		c.w.violate("I1", "%v is deleted but its inquiry B%d/%d is %q", m, b.number, id.Index(), b.items[id.Index()].status)
	}
}

// recordDone checks that a mapping passes a record only when its work is done, or when
// the record is set aside because it cannot be read.
func (c *checker) recordDone(mapping string, event []record, r record) {
	_, rest, _ := strings.Cut(r.Change.Keys["PK"].String(), "#BATCH#")
	b := c.byID[idIn(rest)]
	if b == nil || b.gone || b.deleted || r.EventName == string(events.DynamoDBOperationTypeRemove) {
		return
	}
	if c.w.isAside(r) {
		return
	}
	if mapping == "tally-statuses" {
		index, _ := strconv.Atoi(strings.TrimPrefix(r.Change.Keys["SK"].String(), "INQUIRY#"))
		status := inquiry.Status(imageText(r, "status"))
		code := slices.Index(codes[:], status)
		if code < 0 {
			c.w.violate("I2", "the record that says B%d/%d is %s is passed but neither counted nor set aside", b.number, index, status)
			return
		}
		if rank(codeIn(b.ledger, index)) < rank(code) && !mayBeLeftOut(event, r) {
			c.w.violate("I2", "the record that says B%d/%d is %s is passed but not counted", b.number, index, status)
		}
		return
	}
	for i, in := range b.items {
		switch event := imageText(r, "event"); {
		case event == "SUBMITTED" && in.sends == 0 && in.failure != inquiry.FailureInvalid:
			c.w.violate("I1", "the submission of B%d is passed but inquiry %d was not sent", b.number, i)
		case event == "CANCEL_REQUESTED" && in.status == "":
			c.w.violate("I1", "the cancel of B%d is passed but inquiry %d is neither claimed nor canceled", b.number, i)
		}
	}
}

// mayBeLeftOut reports whether a record need not be counted: it is one of at most two
// of its batch in the event, both say RUNNING, and the event has more than 100 batches.
func mayBeLeftOut(event []record, r record) bool {
	batchOf := func(r record) inquiry.BatchID {
		_, rest, _ := strings.Cut(r.Change.Keys["PK"].String(), "#BATCH#")
		return idIn(rest)
	}
	batches, own := map[inquiry.BatchID]bool{}, 0
	for _, other := range event {
		id := batchOf(other)
		batches[id] = true
		if id != batchOf(r) {
			continue
		}
		if own++; own > 2 || imageText(other, "status") != "RUNNING" {
			return false
		}
	}
	return len(batches) > 100
}

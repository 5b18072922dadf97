package simulation

import (
	"maps"
	"slices"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// shown is what one lender's client has been shown, by batch. It only grows. A client
// compares an answer with what it had been shown when it sent the request, because
// answers to requests that overlap may come in any order.
type shown map[inquiry.BatchID]shownBatch

// shownBatch is the furthest state of one batch that its client has been shown.
type shownBatch struct {
	inList    bool // it was accepted, and belongs in the list
	seen      bool // its status was shown; otherwise the fields up to settled are zero
	status    inquiry.BatchStatus
	planning  int
	settled   [4]int // completed, partial success, failed, canceled
	cancelled bool
	deleted   bool
	inquiries map[int]inquiry.Status // final statuses of inquiries
}

// final reports whether the client was shown that the batch is final.
func (s shownBatch) final() bool { return s.seen && s.status.Final() }

// before returns what a lender's client has been shown so far.
func (c *checker) before(lender inquiry.LenderID) shown { return maps.Clone(c.shown[lender]) }

// showAccepted notes that a client has been told that its batch is accepted.
func (c *checker) showAccepted(lender inquiry.LenderID, id inquiry.BatchID, inList bool) {
	is := c.shown[lender][id]
	is.inList = is.inList || inList
	c.shown[lender][id] = is
}

// showBatch checks a batch that a client is shown, in itself and against what it was
// shown before.
func (c *checker) showBatch(before shown, b inquiry.Batch) {
	state, name, n := c.byID[b.ID], c.name(b.ID), b.Counts()
	if state == nil {
		c.w.violate("I9", "a batch is shown that does not exist")
		return
	}
	is := shownBatch{
		seen: true, status: b.Status(), planning: n.Planning, settled: [4]int{n.Completed, n.PartialSuccess, n.Failed, n.Cancelled},
		cancelled: !b.CancelRequestedAt.IsZero(), deleted: !b.DeletedAt.IsZero(),
	}
	if n.Planning < 0 || n.Planning+n.Running+n.Settled() != b.Total || b.Total != state.total {
		c.w.violate("I2", "batch %s is shown with the counters %+v of %d inquiries", name, n, b.Total)
	}
	if is.deleted != (b.Name == "") {
		c.w.violate("I9", "batch %s is shown with the name %q although deleted is %t", name, b.Name, is.deleted)
	}
	switch was := before[b.ID]; {
	case !was.seen:
	case was.final() && (is.status != was.status || is.settled != was.settled):
		c.w.violate("I12", "batch %s is shown as %s %v after it was shown as %s %v", name, is.status, is.settled, was.status, was.settled)
	case is.planning > was.planning || slices.ContainsFunc([]int{0, 1, 2, 3}, func(i int) bool { return is.settled[i] < was.settled[i] }):
		c.w.violate("I12", "batch %s is shown with %d planning, %v settled after %d and %v", name, is.planning, is.settled, was.planning, was.settled)
	case was.deleted && !is.deleted || was.cancelled && !is.cancelled:
		c.w.violate("I12", "batch %s is shown as neither deleted nor canceled after it was", name)
	}
	now := c.shown[b.LenderID][b.ID]
	if !now.seen || is.planning < now.planning {
		now.planning = is.planning
	}
	for i := range is.settled {
		now.settled[i] = max(now.settled[i], is.settled[i])
	}
	if !now.final() {
		now.status = is.status
	}
	now.seen, now.cancelled, now.deleted = true, now.cancelled || is.cancelled, now.deleted || is.deleted
	c.shown[b.LenderID][b.ID] = now
}

// showEntry checks an inquiry that a client is shown, in itself and against what it
// was shown before.
func (c *checker) showEntry(before shown, sub *submission, e inquiry.Entry) {
	id, index, status := e.ID.Batch(), e.ID.Index(), e.Record.Status
	state, name := c.byID[id], c.name(id)
	if index >= len(sub.body.Inquiries) || e.Inquiry.ExternalID != sub.body.Inquiries[index].ExternalID {
		c.w.violate("I9", "%s/%d is shown as another inquiry", name, index)
		return
	}
	if status == inquiry.StatusCompleted && e.Record.Report == nil && !state.deleted {
		c.w.violate("I9", "%s/%d is shown as completed without its report", name, index)
	}
	was := before[id]
	switch final := was.inquiries[index]; {
	case was.deleted:
		c.w.violate("I12", "%s/%d is shown after its batch was shown as deleted", name, index)
	case final != "" && status != final:
		c.w.violate("I12", "%s/%d is shown as %s after it was shown as %s", name, index, status, final)
	case was.final() && !status.Final():
		c.w.violate("I12", "%s/%d is shown as %s after its batch was shown as %s", name, index, status, was.status)
	}
	if status.Final() {
		now := c.shown[state.lender][id]
		now.inquiries = maps.Clone(now.inquiries)
		if now.inquiries == nil {
			now.inquiries = map[int]inquiry.Status{}
		}
		now.inquiries[index] = status
		c.shown[state.lender][id] = now
	}
}

// showList checks a lender's list: each batch in it, and that none is left out. The
// list is of one status, or of all for "".
func (c *checker) showList(before shown, lender inquiry.LenderID, status inquiry.BatchStatus, page inquiry.BatchPage) {
	listed := map[inquiry.BatchID]bool{}
	for _, b := range page.Batches {
		listed[b.ID] = true
		if b.LenderID != lender {
			c.w.violate("I6", "%s is shown batch %s of %s in its list", lender, c.name(b.ID), b.LenderID)
			return
		}
		if status != "" && b.Status() != status {
			c.w.violate("I9", "batch %s is %s in a list of those that are %s", c.name(b.ID), b.Status(), status)
		}
		c.showBatch(before, b)
	}
	for id, was := range before {
		// A list of one status must have the batches that were final with this status before.
		if belongs := was.inList && (status == "" || status.Final() && was.status == status); belongs && !listed[id] && !c.byID[id].gone {
			c.w.violate("I9", "batch %s is left out of its lender's list", c.name(id))
		}
	}
}

package simulation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// checkAtRest checks what must be true when nothing is left to happen.
func (c *checker) checkAtRest() {
	c.w.table.Lag = nil
	for _, b := range c.batches {
		if b.gone || c.broken != "" {
			continue
		}
		if !b.status.Final() {
			c.w.violate("I3", "batch B%d is %s forever", b.number, b.status)
			continue
		}
		last := max(deadline, c.w.faults.Until-b.id.CreatedAt().Sub(noon)) + 2*deployment.SweepInterval + time.Minute
		if c.w.faults.Skew {
			last += 3 * maxSkew
		}
		if took := b.finalAt.Sub(b.id.CreatedAt()); took > last {
			c.w.violate("I3", "batch B%d became final only %v after its submission", b.number, took)
		}
		if b.purged {
			c.checkPurged(b)
		}
		if b.deleted {
			continue // its data is gone
		}
		_, asked, err := c.w.direct().Submitted(context.Background(), b.lender, b.id)
		if err != nil {
			c.w.violate("I9", "batch B%d cannot be read: %v", b.number, err)
			return
		}
		c.checkOutcomes(b, asked)
		c.checkRecount(b, asked)
	}
}

// checkPurged checks that no data of a deleted batch is left or came back.
func (c *checker) checkPurged(b *batchState) {
	prefix := "LENDER#" + string(b.lender) + "#BATCH#" + b.id.String()
	for _, it := range c.w.table.Items() {
		pk, sk := keyOf(it)
		if strings.HasPrefix(pk, prefix) && (it["data"] != nil || it["report"] != nil) {
			c.w.violate("I9", "batch B%d is deleted but its item %s still has data", b.number, sk)
		}
	}
}

// checkOutcomes compares each inquiry's end with what its sources return.
func (c *checker) checkOutcomes(b *batchState, asked []inquiry.Inquiry) {
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
			ok = in.failure == inquiry.FailureExhausted || kind == bad || kind == outage || kind == flaky || kind == heavy
			if in.failure == inquiry.FailureDeadline {
				// Otherwise two sweeps run between the end of the faults and the deadline.
				ok = c.w.faults.Until > 2*time.Hour+b.id.CreatedAt().Sub(noon)
			}
			if kind == reject || in.failure == inquiry.FailureInvalid {
				ok = kind == reject && in.failure == inquiry.FailureInvalid
			}
		default:
			ok = unknown(in.status) && codes[codeIn(b.ledger, i)] == inquiry.StatusFailed
		}
		if !ok {
			c.w.violate("I1", "B%d/%d of kind %s ends as %s %s", b.number, i, kind, in.status, in.failure)
		}
	}
}

// checkRecount compares a batch's tally with a new count of its items.
func (c *checker) checkRecount(b *batchState, asked []inquiry.Inquiry) {
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
		change := r.Change()
		if unknown(r.Status) { // it failed at the deadline, in the ledger only
			change.Status, change.Figures.FinishedAt = inquiry.StatusFailed, batch.FinishedAt
		}
		fresh, _ = fresh.Merge(change)
	}
	if !cmp.Equal(fresh, batch.Tally) {
		c.w.violate("I2", "the tally of B%d differs from its items: %s", b.number, cmp.Diff(fresh, batch.Tally))
	}
}

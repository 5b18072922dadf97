package simulation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// checkOverdue checks that no batch is open for too long. It is called when time
// passes without anything that happens.
func (c *checker) checkOverdue() {
	for _, b := range c.batches {
		last := max(deadline, c.w.faults.Until-b.id.CreatedAt().Sub(noon)) + 2*deployment.SweepInterval + time.Minute
		if c.w.faults.Skew {
			last += 3 * maxSkew
		}
		if age := c.w.now.Sub(b.id.CreatedAt()); !b.nextCheckAt.IsZero() && age > last {
			c.w.violate("I3", "batch B%d is still %s %v after its submission", b.number, b.status, age)
		}
	}
}

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
		if b.purged {
			c.checkPurged(b)
		}
		c.checkRecount(b)
		if b.deleted {
			continue // its data is gone
		}
		_, asked, err := c.w.direct().Submitted(context.Background(), b.lender, b.id)
		if err != nil {
			c.w.violate("I9", "batch B%d cannot be read: %v", b.number, err)
			return
		}
		c.checkOutcomes(b, asked)
	}
	if c.broken == "" {
		c.checkReruns()
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

package simulation

import "github.com/batch-inquiries/batch-inquiries/shared/inquiry"

// accessState is what the table says about who may use the service.
type accessState struct {
	lenders map[inquiry.LenderID]string // their status
	users   map[string]string           // their status and role
	keys    map[string]keyState
}

type keyState struct {
	version int
	revoked bool
}

func newAccessState() accessState {
	return accessState{lenders: map[inquiry.LenderID]string{}, users: map[string]string{}, keys: map[string]keyState{}}
}

// checkSubmitter checks that the submitter of a new batch has access at the moment at
// which the batch is stored.
func (c *checker) checkSubmitter(b *batchState) {
	if b.by == nil {
		return
	}
	by := b.by.submitter
	switch {
	case c.access.lenders[b.lender] != "ACTIVE":
		c.w.violate("I15", "batch B%d is accepted from %s, whose status is %q", b.number, b.lender, c.access.lenders[b.lender])
	case c.access.users[by.UserID] != "ACTIVE member":
		c.w.violate("I15", "batch B%d is accepted from %s, whose status and role are %q", b.number, by.UserID, c.access.users[by.UserID])
	case by.KeyID != "" && c.access.keys[by.KeyID] != keyState{version: by.KeyVersion}:
		c.w.violate("I15", "batch B%d is accepted with version %d of an API key that is now %+v", b.number, by.KeyVersion, c.access.keys[by.KeyID])
	}
}

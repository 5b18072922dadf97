package main

import "time"

// The budgets of an inquiry in a batch of 250, from submission until the batch
// is final. Tests check the counts.
const (
	budgetWrites      = 2.8 // write units, without the bytes of its report
	budgetRequests    = 0.31
	budgetInvocations = 0.2
	budgetDollars     = 2.70 // for a million of them, without the sources' fees and the reports' bytes

	// The same where an event of tally-statuses has only one record of each batch, and
	// for a batch of one. Six of its units check that the submitter has access, see
	// docs/decisions/authorizer.md.
	budgetInterleavedWrites = 3.3
	budgetSingleWrites      = 24

	budgetSubmitCalls = 2 // table calls, one after the other
	budgetStatusReads = 1 // read units
	budgetZip         = 5_000_000
	budgetStart       = 30 * time.Millisecond // not checked, because times depend on the machine
)

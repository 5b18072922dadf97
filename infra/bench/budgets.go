package main

import "time"

// The budgets of an inquiry in a batch of 250, from submission until the batch
// is final. Tests check the counts.
const (
	budgetWrites      = 2.8 // write units, without the bytes of its report
	budgetRequests    = 0.31
	budgetInvocations = 0.2
	budgetDollars     = 2.70 // for a million of them, without the sources' fees and the reports' bytes

	budgetSubmitCalls = 2   // table calls, one after the other
	budgetStatusReads = 0.5 // read units
	budgetZip         = 5_000_000
	budgetStart       = 30 * time.Millisecond // not checked, because times depend on the machine
)

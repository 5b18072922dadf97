package main

// What an inquiry of a batch of 250 may take from its submission to its end. A
// test holds what is a count.
const (
	budgetWrites      = 2.8 // write units, its report's bytes aside
	budgetRequests    = 0.31
	budgetInvocations = 0.2
	budgetDollars     = 2.70 // for a million of them, the sources' fees and the reports' bytes aside

	budgetSubmitCalls = 2   // of the table, one after the other
	budgetStatusReads = 0.5 // read units
	budgetZip         = 5_000_000
)

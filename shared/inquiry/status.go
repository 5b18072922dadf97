package inquiry

// Status says how far one inquiry has come. It only moves forward: from planning
// to running to one of the four final statuses, which never change.
type Status string

const (
	// StatusPlanning is an accepted inquiry that no worker has claimed yet. It has no
	// item in the table: absent means planning. A claim or a cancel ends it.
	StatusPlanning Status = "PLANNING"

	// StatusRunning is an inquiry that a worker has claimed. If the worker dies, its
	// lease ends and another worker claims the inquiry: it is still running.
	StatusRunning Status = "RUNNING"

	// StatusCompleted means that every applicable source answered. Final.
	StatusCompleted Status = "COMPLETED"

	// StatusPartialSuccess means that every required source answered and another one
	// did not; the report names it. Final.
	StatusPartialSuccess Status = "PARTIAL_SUCCESS"

	// StatusFailed means that there is no useful report: a required source did not
	// answer, or all attempts were used up. Final.
	StatusFailed Status = "FAILED"

	// StatusCancelled means that the lender canceled before a worker claimed it. Final.
	StatusCancelled Status = "CANCELLED"
)

// statuses is the only list of all statuses. To add a status, add a constant above, a
// row at the end, a field in Counts and, unless the status is final, a rank. The
// ledger, the counters and the table's attributes follow. See CONTRIBUTING.md.
var statuses = statusTable{
	{StatusPlanning, rankPlanning, "planning", func(c *Counts) *int { return &c.Planning }},
	{StatusRunning, rankRunning, "running", func(c *Counts) *int { return &c.Running }},
	{StatusCompleted, rankFinal, "completed", func(c *Counts) *int { return &c.Completed }},
	{StatusPartialSuccess, rankFinal, "partialSuccess", func(c *Counts) *int { return &c.PartialSuccess }},
	{StatusFailed, rankFinal, "failed", func(c *Counts) *int { return &c.Failed }},
	{StatusCancelled, rankFinal, "cancelled", func(c *Counts) *int { return &c.Cancelled }},
}

// statusTable describes statuses. The position of a row is the status's code in the
// ledger, 4 bits. Codes are stored in the table, so a code never changes its meaning.
type statusTable []struct {
	status  Status
	rank    rank
	counter string             // name of its counter in the table and in the API
	count   func(*Counts) *int // its field
}

// maxStatuses is the number of codes that fit the ledger's 4 bits.
const maxStatuses = 16

// rank orders statuses. The ledger moves an inquiry only to a higher rank, never
// back and never between two statuses of one rank. Ranks are not stored; they have
// gaps, so that a new status can come between two others.
type rank int

const (
	rankPlanning rank = 0
	rankRunning  rank = 10
	rankUnknown  rank = 90  // a status that only a newer version knows
	rankFinal    rank = 100 // never changes again
)

// Statuses returns all statuses of an inquiry, in the order of their ledger codes.
func Statuses() []Status {
	list := make([]Status, len(statuses))
	for code, row := range statuses {
		list[code] = row.status
	}
	return list
}

// Known reports whether s is one of the statuses. A newer version of a worker may
// write another one.
func (s Status) Known() bool { _, ok := statuses.code(s); return ok }

// Final reports whether s never changes again.
func (s Status) Final() bool {
	code, ok := statuses.code(s)
	return ok && statuses.rank(code) == rankFinal
}

// Counter returns the name that the status's counter has in the table and in the
// API, such as "partialSuccess". It returns "" for an unknown status.
func (s Status) Counter() string {
	if code, ok := statuses.code(s); ok {
		return statuses[code].counter
	}
	return ""
}

// code returns the status's ledger code. ok is false for an unknown status.
func (table statusTable) code(s Status) (code byte, ok bool) {
	for i, row := range table {
		if row.status == s {
			return byte(i), true
		}
	}
	return 0, false
}

// status returns the status with the ledger code. A code that is not in the table was
// written by a newer version and counts as RUNNING.
func (table statusTable) status(code byte) Status {
	if int(code) < len(table) {
		return table[code].status
	}
	return StatusRunning
}

// rank returns the rank of a ledger code. Only a final status overwrites a code that is
// not in the table, so that the batch can end.
func (table statusTable) rank(code byte) rank {
	if int(code) < len(table) {
		return table[code].rank
	}
	return rankUnknown
}

// Counts is how many inquiries of a batch have each status. The counts are never
// negative and add up to the batch's total, because they are the histogram of one
// ledger.
type Counts struct {
	Planning, Running, Completed, PartialSuccess, Failed, Cancelled int
}

// Of returns the count of one status. It returns 0 for an unknown status.
func (c Counts) Of(s Status) int {
	if code, ok := statuses.code(s); ok {
		return *statuses[code].count(&c)
	}
	return 0
}

// Settled returns how many inquiries have a final status.
func (c Counts) Settled() int { return statuses.settled(c) }

func (table statusTable) settled(c Counts) int {
	settled := 0
	for _, row := range table {
		if row.rank == rankFinal {
			settled += *row.count(&c)
		}
	}
	return settled
}

// BatchStatus summarizes a batch in one word. It depends only on the counters.
type BatchStatus string

const (
	BatchPending        BatchStatus = "PENDING"         // no inquiry has been claimed yet
	BatchRunning        BatchStatus = "RUNNING"         // some have been claimed, and not all are final
	BatchCompleted      BatchStatus = "COMPLETED"       // all are final and completed
	BatchPartialSuccess BatchStatus = "PARTIAL_SUCCESS" // all are final, with different results
	BatchFailed         BatchStatus = "FAILED"          // all are final, and none has a useful report
	BatchCancelled      BatchStatus = "CANCELLED"       // all are final, and a cancel stopped some
)

// Final reports whether no inquiry of the batch can change anymore.
func (s BatchStatus) Final() bool { return s != BatchPending && s != BatchRunning }

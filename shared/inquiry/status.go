package inquiry

// Status says how far one inquiry has come. It only moves forward: from
// planning to running to one of the four final statuses, which never change.
type Status string

const (
	// StatusPlanning is an accepted inquiry that no worker has claimed yet. It
	// has no item of its own: absent means planning. A claim or a cancel ends it.
	StatusPlanning Status = "PLANNING"

	// StatusRunning is an inquiry that a worker has claimed. If the worker dies,
	// its lease ends and another worker claims the inquiry: still running.
	StatusRunning Status = "RUNNING"

	// StatusCompleted means that every applicable source answered. Final.
	StatusCompleted Status = "COMPLETED"

	// StatusPartialSuccess means that every required source answered and some
	// other did not; the report names it. Final.
	StatusPartialSuccess Status = "PARTIAL_SUCCESS"

	// StatusFailed means that there is no useful report: a required source did
	// not answer, or every attempt was used up. Final.
	StatusFailed Status = "FAILED"

	// StatusCancelled means that the lender's cancel came before a worker. Final.
	StatusCancelled Status = "CANCELLED"
)

// statusCodes are the values that the ledger stores, 4 bits each. They are
// written to the table, so a code never changes its meaning.
var statusCodes = [...]Status{
	StatusPlanning, StatusRunning, StatusCompleted, StatusPartialSuccess, StatusFailed, StatusCancelled,
}

// code returns the status's ledger code; ok is false for a word that is none of
// the six, such as one that a newer version of a worker writes.
func (s Status) code() (code byte, ok bool) {
	for i, known := range statusCodes {
		if s == known {
			return byte(i), true
		}
	}
	return 0, false
}

// Known reports whether s is one of the six statuses.
func (s Status) Known() bool { _, ok := s.code(); return ok }

// Final reports whether s never changes again.
func (s Status) Final() bool {
	code, ok := s.code()
	return ok && rank(code) == 2
}

// rank orders the ledger's codes: planning 0, running 1, final 2.
func rank(code byte) int { return min(int(code), 2) }

// BatchStatus sums a batch up in one word. It follows from the counters alone.
type BatchStatus string

const (
	BatchPending        BatchStatus = "PENDING"         // no inquiry has been claimed yet
	BatchRunning        BatchStatus = "RUNNING"         // some have, and not all are final
	BatchCompleted      BatchStatus = "COMPLETED"       // all final, all completed
	BatchPartialSuccess BatchStatus = "PARTIAL_SUCCESS" // all final, a mixture
	BatchFailed         BatchStatus = "FAILED"          // all final, none useful
	BatchCancelled      BatchStatus = "CANCELLED"       // all final, and a cancel left some undone
)

// Final reports whether no inquiry of the batch can change any more.
func (s BatchStatus) Final() bool { return s != BatchPending && s != BatchRunning }

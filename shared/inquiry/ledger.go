package inquiry

import (
	"maps"
	"slices"
	"time"
)

// Ledger stores, for every inquiry of a batch, the furthest status that it is known
// to have reached: the status's code in 4 bits, the even index in the low half of
// its byte. 250 inquiries take 125 bytes.
type Ledger []byte

// NewLedger returns a ledger in which all inquiries are planning.
func NewLedger(total int) Ledger { return make(Ledger, (total+1)/2) }

// code returns the ledger's code for the inquiry at index.
func (l Ledger) code(index int) byte {
	return l[index/2] >> (4 * (index % 2)) & 0x0f
}

// advance moves an entry of the ledger to a higher rank and reports whether it
// moved. An entry never goes back, and a final one never changes: a second,
// different final status of one inquiry is ignored.
func (table statusTable) advance(l Ledger, index int, to byte) bool {
	if table.rank(to) <= table.rank(l.code(index)) {
		return false
	}
	shift := 4 * (index % 2)
	l[index/2] = l[index/2]&^(0x0f<<shift) | to<<shift
	return true
}

// Sums are the totals of a batch that do not follow from the ledger. An inquiry adds
// its part exactly when its ledger entry moves, and therefore only once.
type Sums struct {
	SourceRecords  int
	Attempts       int                   // claims of the inquiries that are final
	FirstStartedAt time.Time             // zero until one inquiry has started
	LastStartedAt  time.Time             // when the most recent one started
	LastFinishedAt time.Time             // zero until one inquiry is final
	Worked         time.Duration         // from claim to final status, over all final inquiries
	LongestWork    time.Duration         // of the slowest one
	Work           Histogram             // of the same durations
	Sources        map[string]SourceSums // by source type
}

// SourceSums are the sums of one source's answers for a batch's final inquiries.
type SourceSums struct {
	Records       int
	Found         int // inquiries, like the next four
	NoRecord      int
	Ambiguous     int
	NotApplicable int
	Failed        int // the source did not answer
	Elapsed       time.Duration
	Longest       time.Duration
}

// Tally is what is known about a batch's progress. It is a pure value: a merge
// returns a new one and does not change the old one.
type Tally struct {
	Total  int
	Ledger Ledger
	Sums   Sums
}

// Change reports that an inquiry has reached a status. The same change may be
// reported any number of times, late and in any order.
type Change struct {
	Index   int // 0 to Total-1
	Status  Status
	Figures Figures // complete when the status is final; StartedAt alone while running
}

// NewTally returns the tally of a batch that has just been submitted.
func NewTally(total int) Tally { return Tally{Total: total, Ledger: NewLedger(total)} }

// Merge adds the changes and reports whether any of them was new.
//
// The result depends only on the set of changes ever merged, not on their order or
// repetition. This is true as long as an inquiry has only one final status, which
// the table's write conditions guarantee.
//
// Merge ignores a change whose index is outside the batch or whose status is
// unknown; callers reject such records first.
func (t Tally) Merge(changes ...Change) (merged Tally, changed bool) {
	return statuses.merge(t, changes)
}

func (table statusTable) merge(t Tally, changes []Change) (merged Tally, changed bool) {
	merged = Tally{Total: t.Total, Ledger: slices.Clone(t.Ledger), Sums: t.Sums.clone()}
	for _, c := range changes {
		code, known := table.code(c.Status)
		if !known || c.Index < 0 || c.Index >= t.Total {
			continue
		}
		if !table.advance(merged.Ledger, c.Index, code) {
			continue
		}
		changed = true
		merged.Sums.start(c.Figures.StartedAt)
		if table.rank(code) == rankFinal {
			merged.Sums.finish(c.Figures)
		}
	}
	return merged, changed
}

// Counts returns the histogram of the ledger. It counts a status that only a newer
// version knows as RUNNING, so that the counts still add up to the total.
func (t Tally) Counts() Counts { return statuses.counts(t) }

func (table statusTable) counts(t Tally) (c Counts) {
	var perCode [maxStatuses]int
	for i := range t.Total {
		perCode[t.Ledger.code(i)]++
	}
	for code, row := range table {
		*row.count(&c) = perCode[code]
	}
	for _, unknown := range perCode[len(table):] {
		c.Running += unknown
	}
	return c
}

// StatusOf returns the furthest status that the inquiry at index is known to have
// reached. It returns RUNNING for a status that only a newer version knows.
func (t Tally) StatusOf(index int) Status { return statuses.status(t.Ledger.code(index)) }

// Final reports whether the inquiry at index is known to have its final status.
func (t Tally) Final(index int) bool { return statuses.rank(t.Ledger.code(index)) == rankFinal }

// Unclaimed returns the indexes of the inquiries that no worker is known to have
// claimed. Some of them may have been claimed a moment ago.
func (t Tally) Unclaimed() []int {
	var indexes []int
	for i := range t.Total {
		if statuses.rank(t.Ledger.code(i)) == rankPlanning {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// Status summarizes the counters in one word.
func (t Tally) Status() BatchStatus { return statuses.batchStatus(t) }

func (table statusTable) batchStatus(t Tally) BatchStatus {
	c := table.counts(t)
	switch {
	case c.Planning == t.Total:
		return BatchPending
	case table.settled(c) < t.Total:
		return BatchRunning
	case c.Completed == t.Total:
		return BatchCompleted
	case c.Cancelled > 0:
		return BatchCancelled
	case c.Failed == t.Total:
		return BatchFailed
	default:
		return BatchPartialSuccess
	}
}

// Progress returns the share of inquiries that are final, in percent with one
// decimal, rounded down. It never falls, and it is 100 only when all are final.
func (t Tally) Progress() float64 {
	return float64(t.Counts().Settled()*1000/t.Total) / 10
}

// start adds the time when an inquiry was first claimed.
func (s *Sums) start(at time.Time) {
	if !at.IsZero() && (s.FirstStartedAt.IsZero() || at.Before(s.FirstStartedAt)) {
		s.FirstStartedAt = at
	}
	if at.After(s.LastStartedAt) {
		s.LastStartedAt = at
	}
}

// finish adds the figures of an inquiry that became final.
func (s *Sums) finish(f Figures) {
	if f.FinishedAt.After(s.LastFinishedAt) {
		s.LastFinishedAt = f.FinishedAt
	}
	if !f.StartedAt.IsZero() && f.FinishedAt.After(f.StartedAt) {
		work := f.FinishedAt.Sub(f.StartedAt)
		s.Worked += work
		s.LongestWork = max(s.LongestWork, work)
		s.Work.Add(work)
	}
	s.Attempts += f.Attempts
	for source, part := range f.Sources {
		if s.Sources == nil {
			s.Sources = map[string]SourceSums{}
		}
		s.SourceRecords += part.Records
		s.Sources[source] = s.Sources[source].add(part)
	}
}

func (s SourceSums) add(f SourceFigures) SourceSums {
	s.Records += f.Records
	switch {
	case f.Outcome == OutcomeFound:
		s.Found++
	case f.Outcome == OutcomeNoRecord:
		s.NoRecord++
	case f.Outcome == OutcomeAmbiguous:
		s.Ambiguous++
	case f.Outcome == OutcomeNotApplicable:
		s.NotApplicable++
	default:
		s.Failed++
	}
	s.Elapsed += f.Elapsed
	s.Longest = max(s.Longest, f.Elapsed)
	return s
}

func (s Sums) clone() Sums {
	s.Sources = maps.Clone(s.Sources)
	return s
}

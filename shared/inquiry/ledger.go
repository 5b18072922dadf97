package inquiry

import (
	"maps"
	"slices"
	"time"
)

// Ledger holds, for every inquiry of a batch, the furthest status it is known
// to have reached: 4 bits each, the even index in the low half of its byte.
// 250 inquiries take 125 bytes.
type Ledger []byte

// NewLedger returns a ledger in which all inquiries are planning.
func NewLedger(total int) Ledger { return make(Ledger, (total+1)/2) }

// code returns the ledger's code for the inquiry at index.
func (l Ledger) code(index int) byte {
	return l[index/2] >> (4 * (index % 2)) & 0x0f
}

// advance moves an entry to a higher rank and reports whether it moved. An
// entry never goes back, and a final one never changes: a second, different
// final status for one inquiry is ignored.
func (l Ledger) advance(index int, to byte) bool {
	if rank(to) <= rank(l.code(index)) {
		return false
	}
	shift := 4 * (index % 2)
	l[index/2] = l[index/2]&^(0x0f<<shift) | to<<shift
	return true
}

// Counts is how many inquiries of a batch stand in each status. They are never
// negative and sum to the batch's total, because they are the histogram of one
// ledger.
type Counts struct {
	Planning, Running, Completed, PartialSuccess, Failed, Cancelled int
}

// Settled is how many inquiries have their final status.
func (c Counts) Settled() int { return c.Completed + c.PartialSuccess + c.Failed + c.Cancelled }

// Sums are the totals of a batch that a histogram cannot give. An inquiry adds
// its part in the moment that its ledger entry moves, and so exactly once.
type Sums struct {
	SourceRecords  int
	Attempts       int                   // claims of the inquiries that are final
	FirstStartedAt time.Time             // zero until one inquiry has started
	LastStartedAt  time.Time             // when the latest one to start did
	LastFinishedAt time.Time             // zero until one inquiry is final
	Worked         time.Duration         // from claim to final status, over all final inquiries
	LongestWork    time.Duration         // the slowest of them
	Work           Histogram             // of the same times
	Sources        map[string]SourceSums // by source type
}

// SourceSums are one source's answers over a batch's final inquiries.
type SourceSums struct {
	Records       int
	Found         int // inquiries, like the four below
	NoRecord      int
	Ambiguous     int
	NotApplicable int
	Failed        int // the source did not answer
	Elapsed       time.Duration
	Longest       time.Duration
}

// Tally is what is known of a batch's progress. It is a pure value: a merge
// returns a new one and leaves the old one as it was.
type Tally struct {
	Total  int
	Ledger Ledger
	Sums   Sums
}

// Change says that an inquiry has been seen in a status. The same change may be
// reported any number of times, late and in any order.
type Change struct {
	Index   int // 0 to Total-1
	Status  Status
	Figures Figures // complete when the status is final; StartedAt alone while running
}

// NewTally returns the tally of a batch that has just been submitted.
func NewTally(total int) Tally { return Tally{Total: total, Ledger: NewLedger(total)} }

// Merge adds what the changes say and reports whether anything was new.
//
// The result depends only on the set of changes ever merged, not on their order
// or repetition. That holds as long as an inquiry has one final status, which
// the table's conditions see to.
//
// A change whose index lies outside the batch, or whose status is not one of
// the six, is not merged; callers refuse such records before.
func (t Tally) Merge(changes ...Change) (merged Tally, changed bool) {
	merged = Tally{Total: t.Total, Ledger: slices.Clone(t.Ledger), Sums: t.Sums.clone()}
	for _, c := range changes {
		code, known := c.Status.code()
		if !known || c.Index < 0 || c.Index >= t.Total {
			continue
		}
		if !merged.Ledger.advance(c.Index, code) {
			continue
		}
		changed = true
		merged.Sums.start(c.Figures.StartedAt)
		if c.Status.Final() {
			merged.Sums.finish(c.Figures)
		}
	}
	return merged, changed
}

// Counts returns the histogram of the ledger.
func (t Tally) Counts() Counts {
	var perCode [16]int
	for i := range t.Total {
		perCode[t.Ledger.code(i)]++
	}
	return Counts{
		Planning: perCode[0], Running: perCode[1], Completed: perCode[2],
		PartialSuccess: perCode[3], Failed: perCode[4], Cancelled: perCode[5],
	}
}

// StatusOf is the furthest status that the inquiry at index is known to have
// reached.
func (t Tally) StatusOf(index int) Status {
	if code := int(t.Ledger.code(index)); code < len(statusCodes) {
		return statusCodes[code]
	}
	return ""
}

// Final reports whether the inquiry at index is known to have its final status.
func (t Tally) Final(index int) bool { return rank(t.Ledger.code(index)) == 2 }

// Unclaimed returns the indexes of the inquiries that no worker is known to have
// claimed. Some of them may have been claimed a moment ago.
func (t Tally) Unclaimed() []int {
	var indexes []int
	for i := range t.Total {
		if rank(t.Ledger.code(i)) == 0 {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// Status sums the counters up in one word.
func (t Tally) Status() BatchStatus {
	c := t.Counts()
	switch {
	case c.Planning == t.Total:
		return BatchPending
	case c.Settled() < t.Total:
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

// Progress is the share of inquiries that are final, in percent with one
// decimal, rounded down. It never falls, and it is 100 only when all are final.
func (t Tally) Progress() float64 {
	return float64(t.Counts().Settled()*1000/t.Total) / 10
}

// start takes in when one more inquiry was first claimed.
func (s *Sums) start(at time.Time) {
	if !at.IsZero() && (s.FirstStartedAt.IsZero() || at.Before(s.FirstStartedAt)) {
		s.FirstStartedAt = at
	}
	if at.After(s.LastStartedAt) {
		s.LastStartedAt = at
	}
}

// finish takes in the figures of one more final inquiry.
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

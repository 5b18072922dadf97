package inquiry

import (
	"strings"
	"time"
)

// BatchQuery says which page of a lender's batches is wanted, newest first.
type BatchQuery struct {
	Limit  int
	Offset int // how many batches to skip; only without a filter and From
	From   int // ordinal of the first batch to look at, from an earlier page's Next; 0: the newest
	Filter BatchFilter
}

// BatchFilter says what batches must be to be listed. A zero field asks nothing.
type BatchFilter struct {
	Status      BatchStatus
	Operation   Operation
	CreatedFrom time.Time // this moment or later
	CreatedTo   time.Time // before this moment
	NamePrefix  string    // whatever the case
}

// IsZero reports whether the filter lets everything through.
func (f BatchFilter) IsZero() bool { return f == BatchFilter{} }

// MatchesID reports whether a batch with this id may match: what its id tells.
func (f BatchFilter) MatchesID(id BatchID) bool {
	created := id.CreatedAt()
	return !created.Before(f.CreatedFrom) && (f.CreatedTo.IsZero() || created.Before(f.CreatedTo))
}

// Matches reports whether the batch is to be listed.
func (f BatchFilter) Matches(b Batch) bool {
	return f.MatchesID(b.ID) &&
		(f.Status == "" || f.Status == b.Status()) &&
		(f.Operation == "" || f.Operation == b.Operation) &&
		strings.HasPrefix(strings.ToLower(b.Name), strings.ToLower(f.NamePrefix))
}

// BatchPage is one page of a lender's batches. With a filter it may hold fewer
// than were asked for, and none at all, though others follow.
type BatchPage struct {
	Batches []Batch
	Total   int // batches ever submitted, whatever the filter
	Next    int // From of the next page; 0 when this was the last
}

// EntryQuery says which page of a batch's inquiries is wanted, in the order of
// submission.
type EntryQuery struct {
	Limit      int
	Offset     int    // how many of the inquiries that match to skip; only without From
	From       int    // index of the first inquiry to look at, from an earlier page's Next
	Status     Status // "" lists every status
	ExternalID string // "" lists every inquiry
}

// EntryPage is one page of a batch's inquiries.
type EntryPage struct {
	Batch   Batch
	Entries []Entry
	Total   int // inquiries that match
	Next    int // From of the next page; 0 when this was the last
}

package inquiry

import (
	"strings"
	"time"
)

// BatchQuery selects a page of a lender's batches, newest first.
type BatchQuery struct {
	Limit  int
	Offset int // number of batches to skip; only without a filter and From
	From   int // ordinal of the first batch to examine, from an earlier page's Next; 0: the newest
	Filter BatchFilter
}

// BatchFilter selects the batches to list. A zero field selects all.
type BatchFilter struct {
	Status      BatchStatus
	Operation   Operation
	CreatedFrom time.Time // at this time or later
	CreatedTo   time.Time // before this time
	NamePrefix  string    // case-insensitive
}

// IsZero reports whether the filter selects all batches.
func (f BatchFilter) IsZero() bool { return f == BatchFilter{} }

// MatchesID reports whether a batch with this id may match, judging by the time in its
// id.
func (f BatchFilter) MatchesID(id BatchID) bool {
	created := id.CreatedAt()
	return !created.Before(f.CreatedFrom) && (f.CreatedTo.IsZero() || created.Before(f.CreatedTo))
}

// Matches reports whether the filter selects the batch.
func (f BatchFilter) Matches(b Batch) bool {
	return f.MatchesID(b.ID) &&
		(f.Status == "" || f.Status == b.Status()) &&
		(f.Operation == "" || f.Operation == b.Operation) &&
		strings.HasPrefix(strings.ToLower(b.Name), strings.ToLower(f.NamePrefix))
}

// BatchPage is one page of a lender's batches. With a filter, it may have fewer batches
// than the limit, or none, even if more pages follow.
type BatchPage struct {
	Batches []Batch
	Total   int // batches ever submitted, whatever the filter
	Next    int // From of the next page; 0 if this is the last
}

// EntryQuery selects a page of a batch's inquiries, in the order of submission.
type EntryQuery struct {
	Limit      int
	Offset     int    // number of matching inquiries to skip; only without From
	From       int    // index of the first inquiry to examine, from an earlier page's Next
	Status     Status // "" selects every status
	ExternalID string // "" selects every inquiry
}

// EntryPage is one page of a batch's inquiries.
type EntryPage struct {
	Batch   Batch
	Entries []Entry
	Total   int // matching inquiries
	Next    int // From of the next page; 0 if this is the last
}

package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Event says why the header was last written. The stream's filters read it, so every
// write of a header has to set it: if SUBMITTED remained after another write, the
// batch would be dispatched again.
type Event string

const (
	EventSubmitted       Event = "SUBMITTED"        // dispatch-batch acts on it
	EventCounted         Event = "COUNTED"          // its counters changed; no function acts on it
	EventFinished        Event = "FINISHED"         // the last inquiry became final; written once
	EventCancelRequested Event = "CANCEL_REQUESTED" // dispatch-batch acts on it; written once
	EventDeleted         Event = "DELETED"          // its data has been or is being deleted; no function acts on it
	EventRerun           Event = "RERUN"            // a rerun of it was submitted; no function acts on it
	EventChecked         Event = "CHECKED"          // a sweep examined it; no function acts on it
)

// firstCheck is how long after its submission an unfinished batch is first swept.
const firstCheck = 15 * time.Minute

// header is the stored form of inquiry.Batch. The item also has a counter for each
// status, for people and exports that read the table. The code counts the ledger
// instead, so that the two cannot disagree in an answer.
type header struct {
	PK              string
	SK              string
	Lender          inquiry.LenderID        `dynamodbav:"lenderId"`
	Batch           string                  `dynamodbav:"batchId"`
	Name            string                  `dynamodbav:"name"`
	Metadata        map[string]string       `dynamodbav:"metadata,omitempty"`
	Operation       inquiry.Operation       `dynamodbav:"operation"`
	User            string                  `dynamodbav:"submittedBy"`
	Ordinal         int                     `dynamodbav:"ordinal"`
	Total           int                     `dynamodbav:"total"`
	PageStarts      []int                   `dynamodbav:"pages"` // index of each page's first inquiry
	Ledger          []byte                  `dynamodbav:"ledger"`
	Sums            sums                    `dynamodbav:"sums"`
	Finished        millis                  `dynamodbav:"finishedAt,omitempty"`
	CancelRequested millis                  `dynamodbav:"cancelRequestedAt,omitempty"`
	Deleted         millis                  `dynamodbav:"deletedAt,omitempty"`
	Parent          string                  `dynamodbav:"parentBatchId,omitempty"`
	Children        []string                `dynamodbav:"childBatchIds,omitempty"`
	LatestChild     string                  `dynamodbav:"latestChildBatchId,omitempty"`
	Status          inquiry.BatchStatus     `dynamodbav:"status"`
	Event           Event                   `dynamodbav:"event"`
	Version         int                     `dynamodbav:"version"`
	Expires         attributevalue.UnixTime `dynamodbav:"expiresAt"`

	// Set while the batch is unfinished.
	OpenShard   string `dynamodbav:"openShard,omitempty"`
	NextCheckAt int64  `dynamodbav:"nextCheckAt,omitempty"` // seconds since 1970
}

// sums is the stored form of inquiry.Sums: times and work in whole milliseconds, a
// source's time in whole microseconds, as in the inquiries' items, so that nothing is
// rounded when they are added up.
type sums struct {
	SourceRecords int                  `dynamodbav:"records"`
	Attempts      int                  `dynamodbav:"attempts"`
	FirstStarted  millis               `dynamodbav:"firstStartedAt"`
	LastStarted   millis               `dynamodbav:"lastStartedAt"`
	LastFinished  millis               `dynamodbav:"lastFinishedAt"`
	Worked        int64                `dynamodbav:"workedMs"`
	Longest       int64                `dynamodbav:"longestMs"`
	Work          []byte               `dynamodbav:"work,omitempty"`
	Sources       map[string]sourceSum `dynamodbav:"sources,omitempty"`
}

// sourceSum is the stored form of inquiry.SourceSums.
type sourceSum struct {
	Records       int   `dynamodbav:"records"`
	Found         int   `dynamodbav:"found"`
	NoRecord      int   `dynamodbav:"noRecord"`
	Ambiguous     int   `dynamodbav:"ambiguous"`
	NotApplicable int   `dynamodbav:"notApplicable"`
	Failed        int   `dynamodbav:"failed"`
	Elapsed       int64 `dynamodbav:"elapsedUs"`
	Longest       int64 `dynamodbav:"longestUs"`
}

// millis is a time as milliseconds since 1970; 0 is the zero time.
type millis int64

func toMillis(t time.Time) millis {
	if t.IsZero() {
		return 0
	}
	return millis(t.UnixMilli())
}

func (m millis) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// newHeader returns the header's item for a batch that has just been submitted.
func newHeader(b inquiry.Batch, pageStarts []int) (item, error) {
	it, err := attributevalue.MarshalMap(header{
		PK:          string(batchKey(b.LenderID, b.ID)),
		SK:          string(headerKey),
		Lender:      b.LenderID,
		Batch:       b.ID.String(),
		Name:        b.Name,
		Metadata:    b.Metadata,
		Operation:   b.Operation,
		User:        b.SubmittedBy,
		Ordinal:     b.Ordinal,
		Total:       b.Total,
		PageStarts:  pageStarts,
		Ledger:      b.Ledger,
		Sums:        toSums(b.Sums),
		Status:      b.Status(),
		Event:       EventSubmitted,
		Version:     b.Version,
		Expires:     attributevalue.UnixTime(b.ExpiresAt()),
		OpenShard:   openShard(b.ID),
		NextCheckAt: b.CreatedAt().Add(firstCheck).Unix(),
		Parent:      lineageText(b.Parent),
	})
	if err != nil {
		return nil, fmt.Errorf("building header: %w", err)
	}
	counts := b.Counts()
	for _, status := range inquiry.Statuses() {
		it[status.Counter()] = number(counts.Of(status))
	}
	return it, nil
}

// parseHeader parses a header's item. It returns inquiry.ErrUnreadable for a damaged one.
func parseHeader(it item) (header, inquiry.Batch, error) {
	var h header
	if err := attributevalue.UnmarshalMap(it, &h); err != nil {
		return header{}, inquiry.Batch{}, fmt.Errorf("reading header: %w: %v", inquiry.ErrUnreadable, err)
	}
	id, err := inquiry.ParseBatchID(h.Batch)
	if err != nil || h.PK != string(batchKey(h.Lender, id)) {
		// Without err: a damaged header does not mean that the batch does not exist.
		return header{}, inquiry.Batch{}, fmt.Errorf("reading header %q: %w: it names batch %q of lender %q", h.PK, inquiry.ErrUnreadable, h.Batch, h.Lender)
	}
	if h.Total < 0 || len(h.Ledger) != (h.Total+1)/2 {
		return header{}, inquiry.Batch{}, fmt.Errorf("reading header %q: %w: %d bytes of ledger for %d inquiries", h.PK, inquiry.ErrUnreadable, len(h.Ledger), h.Total)
	}
	batch := inquiry.Batch{
		ID:          id,
		LenderID:    h.Lender,
		Name:        h.Name,
		Metadata:    h.Metadata,
		Operation:   h.Operation,
		SubmittedBy: h.User,
		Ordinal:     h.Ordinal,
		Tally:       inquiry.Tally{Total: h.Total, Ledger: h.Ledger, Sums: fromSums(h.Sums)},
		FinishedAt:  h.Finished.time(),

		CancelRequestedAt: h.CancelRequested.time(),
		DeletedAt:         h.Deleted.time(),
		Version:           h.Version,
	}
	if err := h.lineage(&batch); err != nil {
		return header{}, inquiry.Batch{}, fmt.Errorf("reading header %q: %w: %v", h.PK, inquiry.ErrUnreadable, err)
	}
	return h, batch, nil
}

// lineage parses the ids of the batch's parent and of its reruns.
func (h header) lineage(b *inquiry.Batch) error {
	read := func(text string, into *inquiry.BatchID) (err error) {
		if text != "" {
			*into, err = inquiry.ParseBatchID(text)
		}
		return err
	}
	for _, text := range h.Children {
		var child inquiry.BatchID
		if err := read(text, &child); err != nil {
			return err
		}
		b.Children = append(b.Children, child)
	}
	return errors.Join(read(h.Parent, &b.Parent), read(h.LatestChild, &b.LatestChild))
}

// lineageText returns a batch's id, or "" for none.
func lineageText(id inquiry.BatchID) string {
	if id == (inquiry.BatchID{}) {
		return ""
	}
	return id.String()
}

func toSums(s inquiry.Sums) sums {
	stored := sums{
		SourceRecords: s.SourceRecords,
		Attempts:      s.Attempts,
		FirstStarted:  toMillis(s.FirstStartedAt),
		LastStarted:   toMillis(s.LastStartedAt),
		LastFinished:  toMillis(s.LastFinishedAt),
		Worked:        s.Worked.Milliseconds(),
		Longest:       s.LongestWork.Milliseconds(),
		Work:          s.Work.Pack(),
	}
	for name, src := range s.Sources {
		if stored.Sources == nil {
			stored.Sources = map[string]sourceSum{}
		}
		stored.Sources[name] = sourceSum{
			Records: src.Records, Found: src.Found, NoRecord: src.NoRecord, Ambiguous: src.Ambiguous,
			NotApplicable: src.NotApplicable, Failed: src.Failed,
			Elapsed: src.Elapsed.Microseconds(), Longest: src.Longest.Microseconds(),
		}
	}
	return stored
}

func fromSums(s sums) inquiry.Sums {
	read := inquiry.Sums{
		SourceRecords:  s.SourceRecords,
		Attempts:       s.Attempts,
		FirstStartedAt: s.FirstStarted.time(),
		LastStartedAt:  s.LastStarted.time(),
		LastFinishedAt: s.LastFinished.time(),
		Worked:         ms(s.Worked),
		LongestWork:    ms(s.Longest),
		Work:           inquiry.UnpackHistogram(s.Work),
	}
	for name, src := range s.Sources {
		if read.Sources == nil {
			read.Sources = map[string]inquiry.SourceSums{}
		}
		read.Sources[name] = inquiry.SourceSums{
			Records: src.Records, Found: src.Found, NoRecord: src.NoRecord, Ambiguous: src.Ambiguous,
			NotApplicable: src.NotApplicable, Failed: src.Failed,
			Elapsed: us(src.Elapsed), Longest: us(src.Longest),
		}
	}
	return read
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
func us(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

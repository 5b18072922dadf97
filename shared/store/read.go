package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

// Batch returns one batch of the lender. It costs one read unit per 4 KB.
func (s *Store) Batch(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	_, batch, err := s.anyHeader(ctx, lender, id)
	return batch, err
}

// Submitted returns a batch with all of its inquiries. The read is consistent, so that
// it can be called as soon as the submission has committed. It returns
// inquiry.ErrUnreadable if the header or a page is damaged or a page is missing.
func (s *Store) Submitted(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, []inquiry.Inquiry, error) {
	// The header sorts before the pages, and the partition has no other items.
	items, err := s.query(ctx, batchKey(lender, id), headerKey, pageKey(999), forward, consistent)
	if err != nil {
		return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w", id, err)
	}
	if len(items) == 0 || textOf(items[0], SKAttribute) != string(headerKey) {
		return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w", id, inquiry.ErrNotFound)
	}
	_, batch, err := parseHeader(items[0])
	if err != nil {
		return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w", id, err)
	}
	if !batch.DeletedAt.IsZero() {
		return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w", id, inquiry.ErrDeleted)
	}
	var inquiries []inquiry.Inquiry
	for _, it := range items[1:] {
		page, err := parsePage(it)
		if err != nil {
			return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w", id, s.unlessDeleted(ctx, lender, id, err))
		}
		inquiries = append(inquiries, page...)
	}
	if len(inquiries) != batch.Total {
		return inquiry.Batch{}, nil, fmt.Errorf("reading batch %s: %w: pages have %d of %d inquiries", id, inquiry.ErrUnreadable, len(inquiries), batch.Total)
	}
	return batch, inquiries, nil
}

// Entry returns one inquiry of the lender.
func (s *Store) Entry(ctx context.Context, lender inquiry.LenderID, id inquiry.ID) (inquiry.Entry, error) {
	pageStarts, batch, err := s.liveHeader(ctx, lender, id.Batch())
	if err != nil {
		return inquiry.Entry{}, err
	}
	if id.Index() >= batch.Total {
		return inquiry.Entry{}, fmt.Errorf("reading inquiry %s: %w", id, inquiry.ErrNotFound)
	}
	entries, err := s.entries(ctx, batch, pageStarts, id.Index(), id.Index()+1)
	if err != nil {
		return inquiry.Entry{}, fmt.Errorf("reading inquiry %s: %w", id, s.unlessDeleted(ctx, lender, id.Batch(), err))
	}
	return entries[0], nil
}

// entries reads the inquiries from start up to, not including, end; there must be at
// least one. It reads what was submitted from the pages, and the records from the
// buckets.
func (s *Store) entries(ctx context.Context, b inquiry.Batch, pageStarts []int, start, end int) ([]inquiry.Entry, error) {
	entries := make([]inquiry.Entry, end-start)
	for i := range entries {
		entries[i].ID = b.ID.Inquiry(start + i)
		entries[i].Record = inquiry.Record{ID: entries[i].ID, Status: inquiry.StatusPlanning}
	}
	g, reading := errgroup.WithContext(ctx)
	g.Go(func() error { return s.readPages(reading, b, pageStarts, start, entries) })
	s.readBuckets(reading, g, b, start, entries, recordConsistency(b))
	if err := g.Wait(); err != nil {
		return nil, err
	}
	behind := false
	for i := range entries {
		e := &entries[i]
		fillRejected(b, e)
		behind = behind || !e.Record.Status.Final()
	}
	if !behind || !b.Status().Final() {
		return entries, nil
	}
	// An eventually consistent read that does not show all final records is repeated.
	g, reading = errgroup.WithContext(ctx)
	s.readBuckets(reading, g, b, start, entries, consistent)
	return entries, g.Wait()
}

// recordConsistency returns how the records of a batch have to be read so that a lender
// who was shown a final inquiry is never shown it as unfinished. In a final batch, an
// eventually consistent read is enough: every record is final, and one that a replica
// does not have as final yet is easily noticed.
func recordConsistency(b inquiry.Batch) consistency {
	return consistency(!b.Status().Final())
}

// fillRejected fills in the record of a rejected inquiry, which has no item.
func fillRejected(b inquiry.Batch, e *inquiry.Entry) {
	if e.Inquiry.IsRejected() {
		e.Record.Status, e.Record.Failure = inquiry.StatusFailed, inquiry.FailureInvalid
		e.Record.Figures.FinishedAt = b.CreatedAt()
	}
}

// readBuckets makes g read the records of entries, the first of which has index start.
func (s *Store) readBuckets(ctx context.Context, g *errgroup.Group, b inquiry.Batch, start int, entries []inquiry.Entry, c consistency) {
	end := start + len(entries)
	for bucket := start / bucketSize; bucket <= (end-1)/bucketSize; bucket++ {
		from, to := max(start, bucket*bucketSize), min(end, (bucket+1)*bucketSize)
		g.Go(func() error { return s.readBucket(ctx, b, from, entries[from-start:to-start], c) })
	}
}

// readPages fills in what was submitted. Pages never change, so an eventually consistent
// read returns a whole page or, right after the submission, nothing.
func (s *Store) readPages(ctx context.Context, b inquiry.Batch, pageStarts []int, start int, entries []inquiry.Entry) error {
	end := start + len(entries)
	first := pageOf(pageStarts, start)
	last := pageOf(pageStarts, end-1)
	items, err := s.query(ctx, batchKey(b.LenderID, b.ID), pageKey(first), pageKey(last), forward, eventual)
	if err == nil && len(items) < last-first+1 {
		items, err = s.query(ctx, batchKey(b.LenderID, b.ID), pageKey(first), pageKey(last), forward, consistent)
	}
	if err != nil {
		return err
	}
	if len(items) < last-first+1 {
		return fmt.Errorf("pages %d to %d: %w", first, last, inquiry.ErrNotFound)
	}
	for i, it := range items {
		submitted, err := parsePage(it)
		if err != nil {
			return err
		}
		for j, in := range submitted {
			if at := pageStarts[first+i] + j - start; at >= 0 && at < len(entries) {
				entries[at].Inquiry = in
			}
		}
	}
	return nil
}

// pageOf returns the number of the page with the inquiry at index.
func pageOf(pageStarts []int, index int) int {
	n, found := slices.BinarySearch(pageStarts, index)
	if !found {
		n--
	}
	return n
}

// readBucket fills in the records of entries of one bucket, the first of which has index
// from.
func (s *Store) readBucket(ctx context.Context, b inquiry.Batch, from int, entries []inquiry.Entry, c consistency) error {
	partition := bucketKey(b.LenderID, b.ID, from/bucketSize)
	items, err := s.query(ctx, partition, inquiryKey(from), inquiryKey(from+len(entries)-1), forward, c)
	if err != nil {
		return err
	}
	for _, it := range items {
		where, record, err := parseRecord(it)
		if err != nil {
			return err
		}
		entries[where.index-from].Record = shown(b, record)
	}
	return nil
}

// liveHeader returns a batch that has not been deleted, and the index of the first
// inquiry of each of its pages.
func (s *Store) liveHeader(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (pageStarts []int, b inquiry.Batch, err error) {
	pageStarts, b, err = s.anyHeader(ctx, lender, id)
	if err == nil && !b.DeletedAt.IsZero() {
		return nil, inquiry.Batch{}, fmt.Errorf("reading batch %s: %w", id, inquiry.ErrDeleted)
	}
	return pageStarts, b, err
}

// anyHeader is liveHeader for a batch that may have been deleted. The read is
// consistent: two eventually consistent ones may meet two replicas, and the second
// could show a finished batch as running, or a deleted one with its data.
func (s *Store) anyHeader(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (pageStarts []int, b inquiry.Batch, err error) {
	it, err := s.get(ctx, key(batchKey(lender, id), headerKey), consistent)
	if err != nil {
		return nil, inquiry.Batch{}, fmt.Errorf("reading batch %s: %w", id, err)
	}
	h, batch, err := parseHeader(it)
	if err != nil {
		return nil, inquiry.Batch{}, fmt.Errorf("reading batch %s: %w", id, err)
	}
	return h.PageStarts, batch, nil
}

// unlessDeleted returns inquiry.ErrDeleted instead of err if err says that what was read
// is damaged, and the batch has been deleted since its header was read: then its pages
// have no data. It reads with a query, which is all that dispatch-batch may do.
func (s *Store) unlessDeleted(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, err error) error {
	if !errors.Is(err, inquiry.ErrUnreadable) {
		return err
	}
	headers, now := s.query(ctx, batchKey(lender, id), headerKey, headerKey, forward, consistent)
	if now == nil && len(headers) == 1 && headers[0]["deletedAt"] != nil {
		return inquiry.ErrDeleted
	}
	return err
}

// getFresh reads an item at half the price of a consistent read. Only if the item is
// absent, it repeats the read consistently, because the item may have just been written.
func (s *Store) getFresh(ctx context.Context, k item) (item, error) {
	it, err := s.get(ctx, k, eventual)
	if errors.Is(err, inquiry.ErrNotFound) {
		return s.get(ctx, k, consistent)
	}
	return it, err
}

// direction and consistency are the options of a query.
type (
	direction   bool
	consistency bool
)

const (
	forward    direction   = true
	backward   direction   = false
	consistent consistency = true
	eventual   consistency = false
)

// query returns all items of one partition between two sort keys, inclusive.
func (s *Store) query(ctx context.Context, partition partitionKey, from, to sortKey, d direction, c consistency) ([]item, error) {
	paginator := dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{
		TableName:              &s.table,
		KeyConditionExpression: aws.String("PK = :pk AND SK BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			":pk": text(string(partition)), ":from": text(string(from)), ":to": text(string(to)),
		},
		ScanIndexForward: aws.Bool(bool(d)),
		ConsistentRead:   aws.Bool(bool(c)),
	})
	var items []item
	for paginator.HasMorePages() {
		out, err := paginator.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			if !s.expired(it) {
				items = append(items, it)
			}
		}
	}
	return items, nil
}

// itemName is an item's primary key as a value that can be a map key.
type itemName struct{ PK, SK string }

func nameOf(it item) itemName { return itemName{textOf(it, PKAttribute), textOf(it, SKAttribute)} }

// getMany returns those items that exist.
func (s *Store) getMany(ctx context.Context, keys []item, c consistency) (map[itemName]item, error) {
	found := map[itemName]item{}
	for chunk := range slices.Chunk(keys, 100) { // the maximum for one call
		part, err := s.batchGetChunk(ctx, chunk, c)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, part)
	}
	return found, nil
}

func (s *Store) batchGetChunk(ctx context.Context, keys []item, c consistency) (map[itemName]item, error) {
	found := map[itemName]item{}
	request := map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: aws.Bool(bool(c))}}
	for attempt := 0; ; attempt++ {
		out, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return nil, err
		}
		for _, it := range out.Responses[s.table] {
			if !s.expired(it) {
				found[nameOf(it)] = it
			}
		}
		request = out.UnprocessedKeys // items beyond the 16 MB of one reply, or throttled
		if len(request) == 0 {
			return found, nil
		}
		if err := retry.Pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

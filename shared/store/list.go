package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	// maxExamined bounds how many batches one filtered page examines, and therefore what
	// the page costs.
	maxExamined = 500

	// commitTime is the longest time from creating a batch's id to storing its place in
	// the list. Apart from differences this small, older places have older ids.
	commitTime = time.Minute
)

// ListBatches returns one page of the lender's batches. How much it reads depends on the
// page's size, not on the page's position in the list. With a filter, it examines at
// most maxExamined batches and returns where to continue.
func (s *Store) ListBatches(ctx context.Context, lender inquiry.LenderID, q inquiry.BatchQuery) (inquiry.BatchPage, error) {
	counts, err := s.get(ctx, key(lenderKey(lender), countsKey), consistent)
	if err != nil {
		return inquiry.BatchPage{}, fmt.Errorf("listing batches: %w", err)
	}
	batchCount, err := numberOf(counts, "batchCount")
	if err != nil {
		return inquiry.BatchPage{}, fmt.Errorf("listing batches: %w", err)
	}
	page := inquiry.BatchPage{Total: int(batchCount)}
	next := page.Total - q.Offset
	if q.From > 0 {
		next = min(q.From, page.Total)
	}
	last, step := next-q.Limit, q.Limit // the lowest ordinal to examine is last+1; step batches are read at once
	if !q.Filter.IsZero() {
		last, step = next-max(q.Limit, maxExamined), max(q.Limit, 100)
	}
	for next > max(last, 0) && len(page.Batches) < q.Limit {
		oldest := max(next-step, last, 0) + 1
		places, err := s.places(ctx, lender, oldest, next)
		if err != nil {
			return inquiry.BatchPage{}, fmt.Errorf("listing batches: %w", err)
		}
		matching, err := s.matching(ctx, lender, places, q.Filter)
		if err != nil {
			return inquiry.BatchPage{}, fmt.Errorf("listing batches: %w", err)
		}
		next = oldest - 1
		if n := len(places); n > 0 && s.noneBefore(places[n-1], q.Filter) {
			next = 0
		}
		if room := q.Limit - len(page.Batches); len(matching) > room {
			matching = matching[:room]
			next = matching[room-1].Ordinal - 1
		}
		page.Batches = append(page.Batches, matching...)
	}
	page.Next = max(next, 0)
	return page, nil
}

// noneBefore reports whether all batches that were submitted before id have expired or
// are too old for the filter.
func (s *Store) noneBefore(id inquiry.BatchID, f inquiry.BatchFilter) bool {
	newest := id.CreatedAt().Add(commitTime)
	return newest.Before(f.CreatedFrom) || newest.Add(inquiry.Retention).Before(s.now())
}

// places returns the ids of the lender's batches from the newest ordinal down to
// the oldest.
func (s *Store) places(ctx context.Context, lender inquiry.LenderID, oldest, newest int) ([]inquiry.BatchID, error) {
	items, err := s.query(ctx, lenderKey(lender), placeKey(oldest), placeKey(newest), backward, consistent)
	if err != nil {
		return nil, err
	}
	ids := make([]inquiry.BatchID, len(items))
	for i, it := range items {
		if ids[i], err = inquiry.ParseBatchID(textOf(it, "batchId")); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// matching returns the batches that the filter selects, in the same order. It does not
// read those that the id already excludes. A place in the list outlives its batch.
func (s *Store) matching(ctx context.Context, lender inquiry.LenderID, ids []inquiry.BatchID, f inquiry.BatchFilter) ([]inquiry.Batch, error) {
	var keys []item
	for _, id := range ids {
		if f.MatchesID(id) && id.ExpiresAt().After(s.now()) {
			keys = append(keys, key(batchKey(lender, id), headerKey))
		}
	}
	headers, err := s.getMany(ctx, keys, consistent) // as anyHeader does
	if err != nil {
		return nil, err
	}
	var batches []inquiry.Batch
	for _, k := range keys {
		it, found := headers[nameOf(k)]
		if !found {
			continue
		}
		_, batch, err := parseHeader(it)
		if err != nil {
			return nil, err
		}
		if f.Matches(batch) {
			batches = append(batches, batch)
		}
	}
	return batches, nil
}

// ListEntries returns one page of the batch's inquiries. It finds a status in the ledger
// and an external id in the pages, so that it reads only the inquiries on the page. It
// omits an inquiry that has changed its status since the ledger was written.
func (s *Store) ListEntries(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, q inquiry.EntryQuery) (inquiry.EntryPage, error) {
	pageStarts, batch, err := s.liveHeader(ctx, lender, id)
	if err != nil {
		return inquiry.EntryPage{}, err
	}
	page := inquiry.EntryPage{Batch: batch, Total: batch.Total}
	if q.Status == "" && q.ExternalID == "" {
		start := min(max(q.Offset, q.From), batch.Total)
		end := min(start+q.Limit, batch.Total)
		if end < batch.Total {
			page.Next = end
		}
		if start < end {
			page.Entries, err = s.entries(ctx, batch, pageStarts, start, end)
		}
	} else {
		err = s.listMatches(ctx, pageStarts, q, &page)
	}
	if err != nil {
		return inquiry.EntryPage{}, fmt.Errorf("listing inquiries of batch %s: %w", id, s.unlessDeleted(ctx, lender, id, err))
	}
	return page, nil
}

// listMatches fills in a page of the matching inquiries.
func (s *Store) listMatches(ctx context.Context, pageStarts []int, q inquiry.EntryQuery, page *inquiry.EntryPage) error {
	matches, err := s.matches(ctx, page.Batch, pageStarts, q)
	if err != nil {
		return err
	}
	page.Total = len(matches)
	from, _ := slices.BinarySearch(matches, q.From)
	from = min(from+q.Offset, len(matches))
	if end := from + q.Limit; end < len(matches) {
		page.Next = matches[end]
		matches = matches[:end]
	}
	entries, err := s.entriesAt(ctx, page.Batch, pageStarts, matches[from:])
	if err != nil {
		return err
	}
	for _, e := range entries {
		if q.Status == "" || e.Record.Status == q.Status {
			page.Entries = append(page.Entries, e)
		}
	}
	return nil
}

// matches returns the indexes of the matching inquiries.
func (s *Store) matches(ctx context.Context, b inquiry.Batch, pageStarts []int, q inquiry.EntryQuery) ([]int, error) {
	candidates := make([]inquiry.Entry, 0)
	if q.ExternalID != "" {
		candidates = make([]inquiry.Entry, b.Total)
		if err := s.readPages(ctx, b, pageStarts, 0, candidates); err != nil {
			return nil, err
		}
	}
	var matches []int
	for i := range b.Total {
		if q.Status != "" && b.StatusOf(i) != q.Status || q.ExternalID != "" && candidates[i].Inquiry.ExternalID != q.ExternalID {
			continue
		}
		matches = append(matches, i)
	}
	return matches, nil
}

// entriesAt reads the inquiries at the given indexes, which must be ascending.
func (s *Store) entriesAt(ctx context.Context, b inquiry.Batch, pageStarts, indexes []int) ([]inquiry.Entry, error) {
	entries := make([]inquiry.Entry, len(indexes))
	keys := make([]item, len(indexes))
	for i, index := range indexes {
		id := b.ID.Inquiry(index)
		entries[i] = inquiry.Entry{ID: id, Record: inquiry.Record{ID: id, Status: inquiry.StatusPlanning}}
		keys[i] = recordKey(b.LenderID, id)
	}
	submitted := make([]inquiry.Inquiry, len(indexes))
	g, reading := errgroup.WithContext(ctx)
	s.readPagesAt(reading, g, b, pageStarts, indexes, submitted)
	records, err := s.getMany(ctx, keys, recordConsistency(b))
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	var behind []item // keys of records that a replica does not have as final yet
	for i := range entries {
		entries[i].Inquiry = submitted[i]
		status := inquiry.Status(textOf(records[nameOf(keys[i])], StatusAttribute))
		if b.Status().Final() && !submitted[i].IsRejected() && !status.Final() {
			behind = append(behind, keys[i])
		}
	}
	fresh, err := s.getMany(ctx, behind, consistent)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		it, found := fresh[nameOf(keys[i])]
		if !found {
			it, found = records[nameOf(keys[i])]
		}
		if found {
			_, record, err := parseRecord(it)
			if err != nil {
				return nil, err
			}
			entries[i].Record = shown(b, record)
		}
		fillRejected(b, &entries[i])
	}
	return entries, nil
}

// readPagesAt makes g fill in the submitted inquiries at the given indexes.
func (s *Store) readPagesAt(ctx context.Context, g *errgroup.Group, b inquiry.Batch, pageStarts, indexes []int, into []inquiry.Inquiry) {
	for start := 0; start < len(indexes); {
		page, end := pageOf(pageStarts, indexes[start]), start+1
		for end < len(indexes) && pageOf(pageStarts, indexes[end]) == page {
			end++
		}
		these, part := indexes[start:end], into[start:end]
		g.Go(func() error { return s.readPageAt(ctx, b, pageStarts, page, these, part) })
		start = end
	}
}

// readPageAt fills in the submitted inquiries at the given indexes, all from one page.
func (s *Store) readPageAt(ctx context.Context, b inquiry.Batch, pageStarts []int, page int, indexes []int, into []inquiry.Inquiry) error {
	it, err := s.getFresh(ctx, key(batchKey(b.LenderID, b.ID), pageKey(page)))
	if err != nil {
		return fmt.Errorf("page %d: %w", page, err)
	}
	submitted, err := parsePage(it)
	if err != nil {
		return err
	}
	for i, index := range indexes {
		at := index - pageStarts[page]
		if at >= len(submitted) {
			return fmt.Errorf("page %d ends before index %d", page, index)
		}
		into[i] = submitted[at]
	}
	return nil
}

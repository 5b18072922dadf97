package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// listBatches skips offset batches, returns the next limit ones, and the total.
func listBatches(t testing.TB, s *Store, lender inquiry.LenderID, offset, limit int) ([]inquiry.Batch, int, error) {
	page, err := s.ListBatches(t.Context(), lender, inquiry.BatchQuery{Offset: offset, Limit: limit})
	return page.Batches, page.Total, err
}

// listEntries skips offset inquiries and returns the batch and its next limit inquiries.
func listEntries(t testing.TB, s *Store, lender inquiry.LenderID, id inquiry.BatchID, offset, limit int) (inquiry.Batch, []inquiry.Entry, error) {
	page, err := s.ListEntries(t.Context(), lender, id, inquiry.EntryQuery{Offset: offset, Limit: limit})
	return page.Batch, page.Entries, err
}

// submitMany submits n batches, one per minute, with the names in turn, and finishes every
// third one.
func submitMany(t testing.TB, s *Store, n int, names ...string) {
	t.Helper()
	lender := newLender(t, s, acme)
	for i := range n {
		sub := submission(1)
		sub.Name = names[i%len(names)]
		id, _, err := s.later(time.Duration(i)*time.Minute).Submit(t.Context(), lender, sub)
		if err != nil {
			t.Fatal(err)
		}
		lender.BatchCount++
		if i%3 == 0 {
			if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// walk reads a list page by page to its end and returns the ordinals.
func walk(t testing.TB, s *Store, q inquiry.BatchQuery) (ordinals []int) {
	t.Helper()
	for pages := 0; ; pages++ {
		page, err := s.ListBatches(t.Context(), acme, q)
		if err != nil || len(page.Batches) > q.Limit || pages > 1000 {
			t.Fatalf("page %d has %d batches, %v", pages, len(page.Batches), err)
		}
		for _, b := range page.Batches {
			ordinals = append(ordinals, b.Ordinal)
		}
		if page.Next == 0 {
			return ordinals
		}
		q.From, q.Offset = page.Next, 0
	}
}

func TestListBatches(t *testing.T) {
	t.Parallel()

	t.Run("filters, page by page to the end", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		submitMany(t, s, 12, "Renewals", "renewals west", "Other", "New")
		at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
		tests := map[string]struct {
			filter inquiry.BatchFilter
			want   []int
		}{
			"everything":              {inquiry.BatchFilter{}, []int{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
			"by status":               {inquiry.BatchFilter{Status: inquiry.BatchCompleted}, []int{10, 7, 4, 1}},
			"by operation":            {inquiry.BatchFilter{Operation: "RERUN"}, nil},
			"by a name prefix":        {inquiry.BatchFilter{NamePrefix: "RENEWALS"}, []int{10, 9, 6, 5, 2, 1}},
			"from a time on":          {inquiry.BatchFilter{CreatedFrom: at(9)}, []int{12, 11, 10}},
			"before a time":           {inquiry.BatchFilter{CreatedTo: at(2)}, []int{2, 1}},
			"in a range, by a prefix": {inquiry.BatchFilter{CreatedFrom: at(2), CreatedTo: at(10), NamePrefix: "new"}, []int{8, 4}},
			"an empty range":          {inquiry.BatchFilter{CreatedFrom: at(3), CreatedTo: at(3)}, nil},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				for _, limit := range []int{1, 2, 5, 12, 500} {
					got := walk(t, s.later(time.Hour), inquiry.BatchQuery{Limit: limit, Filter: tt.filter})
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("in pages of %d (-want +got):\n%s", limit, diff)
					}
				}
			})
		}
		if got := walk(t, s.later(inquiry.Retention+5*time.Minute), inquiry.BatchQuery{Limit: 3}); len(got) != 6 {
			t.Errorf("after six have expired: %v", got)
		}
		page, err := s.ListBatches(t.Context(), acme, inquiry.BatchQuery{Limit: 3, From: 1 << 30})
		if err != nil || len(page.Batches) != 3 || page.Batches[0].Ordinal != 12 {
			t.Errorf("from an ordinal beyond the newest: %+v, %v", page, err)
		}
	})

	// The lender has submitted 100,100 batches; only the first and the last hundred are
	// stored here. A page must cost the same at both ends.
	t.Run("a page costs the same at any depth", func(t *testing.T) {
		t.Parallel()
		s := newLongStore(t)
		lender := newLender(t, s, acme)
		for _, start := range []int{0, 100_000} {
			_, err := s.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &s.table, Key: key(lenderKey(acme), countsKey),
				UpdateExpression: ptr("SET batchCount = :n"), ExpressionAttributeValues: item{":n": number(start)},
			})
			if err != nil {
				t.Fatal(err)
			}
			lender.BatchCount = start
			for range 100 {
				if _, _, err := s.Submit(t.Context(), lender, submission(1)); err != nil {
					t.Fatal(err)
				}
				lender.BatchCount++
			}
		}
		cost := func(q inquiry.BatchQuery) (units float64, calls int) {
			t.Helper()
			counting, m := s.metered()
			page, err := counting.ListBatches(t.Context(), acme, q)
			if err != nil || len(page.Batches) != 100 {
				t.Fatalf("%+v: %d batches, %v", q, len(page.Batches), err)
			}
			return m.units, m.calls
		}
		units, calls := cost(inquiry.BatchQuery{Limit: 100})
		for name, q := range map[string]inquiry.BatchQuery{
			"offset 100,000": {Limit: 100, Offset: 100_000},
			"cursor 100":     {Limit: 100, From: 100},
		} {
			if u, c := cost(q); u != units || c != calls || u == 0 {
				t.Errorf("%s costs %v units in %d calls, the first page %v in %d", name, u, c, units, calls)
			}
		}
		t.Logf("a page of 100 batches: %v read units in %d calls", units, calls)

		counting, m := s.metered()
		page, err := counting.ListBatches(t.Context(), acme, inquiry.BatchQuery{Limit: 1, Filter: inquiry.BatchFilter{Status: inquiry.BatchFailed}})
		if err != nil || len(page.Batches) != 0 || page.Next != 100_100-maxExamined {
			t.Errorf("a filter without matches: %d batches, next %d, %v", len(page.Batches), page.Next, err)
		}
		if m.calls > 20 {
			t.Errorf("it took %d calls", m.calls)
		}
	})

	t.Run("newest first", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		const total = 7
		for range total {
			if _, _, err := s.Submit(t.Context(), lender, submission(1)); err != nil {
				t.Fatal(err)
			}
			lender.BatchCount++
		}
		tests := map[string]struct {
			offset, limit int
			want          []int
		}{
			"all":            {0, 100, []int{7, 6, 5, 4, 3, 2, 1}},
			"the first page": {0, 3, []int{7, 6, 5}},
			"the next page":  {3, 3, []int{4, 3, 2}},
			"the last page":  {6, 3, []int{1}},
			"beyond the end": {7, 3, nil},
			"far beyond":     {100_000, 500, nil},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				batches, n, err := listBatches(t, s, acme, tt.offset, tt.limit)
				var got []int
				for _, b := range batches {
					got = append(got, b.Ordinal)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || n != total || err != nil {
					t.Errorf("total %d, %v; ordinals (-want +got):\n%s", n, err, diff)
				}
			})
		}
	})
}

// meter is a DB that counts the read units that the table reports.
type meter struct {
	DB
	mu    sync.Mutex // a store reads several partitions at the same time
	units float64
	calls int
}

func (m *meter) count(c ...types.ConsumedCapacity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	for _, one := range c {
		if one.CapacityUnits != nil {
			m.units += *one.CapacityUnits
		}
	}
}

func (m *meter) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.DB.GetItem(ctx, in, o...)
	if err == nil && out.ConsumedCapacity != nil {
		m.count(*out.ConsumedCapacity)
	}
	return out, err
}

func (m *meter) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.DB.Query(ctx, in, o...)
	if err == nil && out.ConsumedCapacity != nil {
		m.count(*out.ConsumedCapacity)
	}
	return out, err
}

func (m *meter) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.DB.BatchGetItem(ctx, in, o...)
	if err == nil {
		m.count(out.ConsumedCapacity...)
	}
	return out, err
}

// metered returns a copy of the store that counts read units.
func (s *Store) metered() (*Store, *meter) {
	counting := *s
	m := &meter{DB: s.db}
	counting.db = m
	return &counting, m
}

func ptr[T any](v T) *T { return &v }

func TestListEntries(t *testing.T) {
	t.Parallel()

	t.Run("finds by status and by external id", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		const total = 2600 // two pages and eleven buckets
		lender, sub := newLender(t, s, acme), submission(total)
		sub.Inquiries[9].Rejected = []inquiry.Rejection{{Code: "form"}}
		sub.Inquiries[2000].ExternalID = "LOAN-9"
		id, _, err := s.Submit(t.Context(), lender, sub)
		if err != nil {
			t.Fatal(err)
		}
		var changes []inquiry.Change
		for _, index := range []int{3, 255, 256, 1500, 2599} {
			if err := s.Fail(t.Context(), acme, id.Inquiry(index), inquiry.FailureExhausted); err != nil {
				t.Fatal(err)
			}
			changes = append(changes, inquiry.Change{Index: index, Status: inquiry.StatusFailed})
		}
		if _, err := s.Merge(t.Context(), acme, id, changes); err != nil {
			t.Fatal(err)
		}
		// A worker has claimed this one, and the ledger does not have that yet.
		if _, err := s.Claim(t.Context(), acme, id.Inquiry(0), "worker", s.until()); err != nil {
			t.Fatal(err)
		}
		tests := map[string]struct {
			q     inquiry.EntryQuery
			want  []int
			total int
			next  int
		}{
			"failed":                     {inquiry.EntryQuery{Limit: 10, Status: inquiry.StatusFailed}, []int{3, 9, 255, 256, 1500, 2599}, 6, 0},
			"failed, a page":             {inquiry.EntryQuery{Limit: 4, Status: inquiry.StatusFailed}, []int{3, 9, 255, 256}, 6, 1500},
			"failed, the next page":      {inquiry.EntryQuery{Limit: 4, Status: inquiry.StatusFailed, From: 1500}, []int{1500, 2599}, 6, 0},
			"failed, skipping two":       {inquiry.EntryQuery{Limit: 2, Status: inquiry.StatusFailed, Offset: 2}, []int{255, 256}, 6, 1500},
			"failed, skipping all":       {inquiry.EntryQuery{Limit: 2, Status: inquiry.StatusFailed, Offset: 6}, nil, 6, 0},
			"completed":                  {inquiry.EntryQuery{Limit: 10, Status: inquiry.StatusCompleted}, nil, 0, 0},
			"planning, without that one": {inquiry.EntryQuery{Limit: 3, Status: inquiry.StatusPlanning}, []int{1, 2}, 2594, 4},
			"one external id":            {inquiry.EntryQuery{Limit: 10, ExternalID: "LOAN-256"}, []int{256}, 1, 0},
			"used twice":                 {inquiry.EntryQuery{Limit: 10, ExternalID: "LOAN-9"}, []int{9, 2000}, 2, 0},
			"an unknown one":             {inquiry.EntryQuery{Limit: 10, ExternalID: "LOAN"}, nil, 0, 0},
			"status and external id":     {inquiry.EntryQuery{Limit: 10, ExternalID: "LOAN-9", Status: inquiry.StatusFailed}, []int{9}, 1, 0},
			"all, from an index on":      {inquiry.EntryQuery{Limit: 3, From: 2597}, []int{2597, 2598, 2599}, total, 0},
			"all, a page":                {inquiry.EntryQuery{Limit: 2, From: 255}, []int{255, 256}, total, 257},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				page, err := s.ListEntries(t.Context(), acme, id, tt.q)
				var got []int
				for _, e := range page.Entries {
					got = append(got, e.ID.Index())
					want := fmt.Sprintf("Business %d LLC", e.ID.Index())
					if e.Inquiry.BusinessName != want || e.ID != e.Record.ID && !e.Inquiry.IsRejected() {
						t.Errorf("entry %d is %s, record %s", e.ID.Index(), e.Inquiry.BusinessName, e.Record.ID)
					}
					if tt.q.Status != "" && e.Record.Status != tt.q.Status {
						t.Errorf("entry %d is %s", e.ID.Index(), e.Record.Status)
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || page.Total != tt.total || page.Next != tt.next || err != nil {
					t.Errorf("total %d, next %d, %v; indexes (-want +got):\n%s", page.Total, page.Next, err, diff)
				}
			})
		}
	})

	// The ledger says which inquiries have failed, so only those of the 2,600 are read.
	t.Run("a status is looked up in the ledger", func(t *testing.T) {
		t.Parallel()
		s := newLongStore(t)
		id := mustSubmit(t, s, acme, 2600)
		if err := s.Fail(t.Context(), acme, id.Inquiry(7), inquiry.FailureExhausted); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{{Index: 7, Status: inquiry.StatusFailed}}); err != nil {
			t.Fatal(err)
		}
		counting, m := s.metered()
		page, err := counting.ListEntries(t.Context(), acme, id, inquiry.EntryQuery{Limit: 500, Status: inquiry.StatusFailed})
		if err != nil || len(page.Entries) != 1 || m.calls > 3 {
			t.Errorf("%d entries in %d calls, %v", len(page.Entries), m.calls, err)
		}
	})

	t.Run("pages in the order of submission", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		const total = 2600 // two pages and eleven buckets
		id := mustSubmit(t, s, acme, total)
		for _, index := range []int{0, 255, 256, 1500} {
			if _, err := s.Claim(t.Context(), acme, id.Inquiry(index), "worker", s.until()); err != nil {
				t.Fatal(err)
			}
		}
		tests := map[string]struct{ offset, limit, first, want int }{
			"the first page":             {0, 100, 0, 100},
			"across a bucket's end":      {250, 20, 250, 20},
			"across a stored page's end": {1400, 500, 1400, 500},
			"the last, shorter page":     {2550, 100, 2550, 50},
			"beyond the end":             {2600, 100, 0, 0},
			"far beyond the end":         {100_000, 500, 0, 0},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				batch, entries, err := listEntries(t, s, acme, id, tt.offset, tt.limit)
				if err != nil || batch.Total != total || len(entries) != tt.want {
					t.Fatalf("%d entries of %d, %v; want %d", len(entries), batch.Total, err, tt.want)
				}
				for i, e := range entries {
					index := tt.first + i
					status := inquiry.StatusPlanning
					if index == 0 || index == 255 || index == 256 || index == 1500 {
						status = inquiry.StatusRunning
					}
					if e.ID != id.Inquiry(index) || e.Inquiry.ExternalID != fmt.Sprintf("LOAN-%d", index) || e.Record.Status != status {
						t.Fatalf("entry %d is %s, %s, %s", index, e.ID, e.Inquiry.ExternalID, e.Record.Status)
					}
				}
			})
		}
	})
}

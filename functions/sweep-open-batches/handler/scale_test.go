package handler

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// How long calls take, on the clock of the test's bubble.
const (
	readLatency        = 4 * time.Millisecond // GetItem and Query
	updateLatency      = 7 * time.Millisecond
	transactionLatency = 20 * time.Millisecond
	sendLatency        = 12 * time.Millisecond

	// callsPerBatch makes each batch, which has one inquiry here, take as long to send as
	// one of 250 inquiries whose messages are sent ten in a call, one call after another.
	callsPerBatch = 25
)

// slowTable is a table whose calls take time. From the moment when a sweep reads the
// deadly batch, no call has an effect any more until the next run, as when the process
// has died.
type slowTable struct {
	*table.Table
	deadly inquiry.BatchID

	mu   sync.Mutex
	dead bool
	die  context.CancelFunc // ends the run
}

func (s *slowTable) call(latency time.Duration, in any) error {
	time.Sleep(latency)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadly != (inquiry.BatchID{}) && reads(in, s.deadly) {
		s.dead = true
		s.die()
	}
	if s.dead {
		return errDown
	}
	return nil
}

func (s *slowTable) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := s.call(readLatency, in); err != nil {
		return nil, err
	}
	return s.Table.GetItem(ctx, in)
}

func (s *slowTable) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if err := s.call(readLatency, in); err != nil {
		return nil, err
	}
	return s.Table.Query(ctx, in)
}

func (s *slowTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if err := s.call(updateLatency, in); err != nil {
		return nil, err
	}
	return s.Table.UpdateItem(ctx, in)
}

func (s *slowTable) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := s.call(transactionLatency, in); err != nil {
		return nil, err
	}
	return s.Table.TransactWriteItems(ctx, in)
}

// slowQueue counts how often each batch was sent. The messages of stuck batches are
// never taken.
type slowQueue struct {
	stuck map[inquiry.BatchID]bool

	mu   sync.Mutex
	sent map[inquiry.BatchID]int
}

func (q *slowQueue) Send(ctx context.Context, messages []queue.Message) error {
	if q.stuck[messages[0].ID.Batch()] {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(callsPerBatch * sendLatency)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range messages {
		q.sent[m.ID.Batch()]++
	}
	return nil
}

// scale has n open batches whose messages were all lost.
type scale struct {
	Handler
	table *slowTable
	queue *slowQueue
	all   []inquiry.BatchID
}

// newScale must be called in a bubble.
func newScale(t *testing.T, n int) *scale {
	t.Helper()
	s := &scale{table: &slowTable{Table: table.New("table", time.Now)}, queue: &slowQueue{sent: map[inquiry.BatchID]int{}}}
	direct := store.New(s.table.Table, "table", time.Now)
	const perLender = 5000
	var lender inquiry.Lender
	by := inquiry.Submitter{UserID: "u1", Role: "member"}
	if _, _, err := direct.AddUser(t.Context(), store.User{ID: by.UserID, LenderID: "lender-0", Role: by.Role}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if i%perLender == 0 {
			var err error
			if lender, _, err = direct.CreateLender(t.Context(), inquiry.Lender{ID: inquiry.LenderID(fmt.Sprint("lender-", i/perLender)), Name: "A Lender"}); err != nil {
				t.Fatal(err)
			}
		}
		id, _, err := direct.Submit(t.Context(), lender, inquiry.Submission{
			Submitter: by, Name: "A batch", Operation: inquiry.OperationSingle, Inquiries: []inquiry.Inquiry{{BusinessName: "Ash"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		lender.Open++
		s.all = append(s.all, id)
		time.Sleep(time.Millisecond)
	}
	s.Handler = Handler{
		Batches: store.New(s.table, "table", time.Now), Queue: s.queue, Deadline: deadline, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	time.Sleep(firstCheck + time.Second)
	return s
}

// run runs one sweep, and sleeps until the next one begins. It reports whether the run
// died.
func (s *scale) run(t *testing.T) (died bool) {
	t.Helper()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), deployment.SweepOpenBatchesTimeout)
	defer cancel()
	s.table.dead, s.table.die = false, cancel
	err := s.Handle(ctx)
	if err != nil && !s.table.dead && s.queue.stuck == nil {
		t.Error(err)
	}
	if took := time.Since(begin); took >= deployment.SweepOpenBatchesTimeout {
		t.Errorf("the run takes %s, and Lambda ends it", took)
	}
	time.Sleep(time.Until(begin.Add(deployment.SweepInterval)))
	return s.table.dead
}

// All messages of 50,000 batches are lost, and every run that reads one of the batches
// dies. Calls take as long as on AWS.
func TestScale(t *testing.T) {
	t.Parallel()
	const open, perRun, runs = 50_000, 10_000, 6
	warmUp(t)

	t.Run("50,000 open batches, one of which ends every run, are swept in six runs", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newScale(t, open)
			s.table.deadly = s.all[perRun*9/10]
			deaths := 0
			for run := 1; run <= runs; run++ {
				before := len(s.queue.sent)
				died := s.run(t)
				swept := len(s.queue.sent) - before
				t.Logf("run %d sweeps %d batches; it dies: %t", run, swept, died)
				if died {
					deaths++
				} else if swept < perRun {
					t.Errorf("run %d swept %d batches, want at least %d", run, swept, perRun)
				}
			}
			if len(s.queue.sent) != open-1 {
				t.Errorf("%d runs swept %d batches, want all but one of %d", runs, len(s.queue.sent), open)
			}
			if deaths < 2 {
				t.Errorf("%d runs died", deaths)
			}
		})
	})
}

// warmUp makes the packages under test create what they create once per process: a
// channel that is created in a bubble cannot be used outside of it.
func warmUp(t *testing.T) {
	t.Helper()
	f := newFixture()
	f.submit(t, 1)
	f.now = f.now.Add(firstCheck)
	f.sweep(t)
}

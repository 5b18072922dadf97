package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// newStore returns a Store on an empty table of its own. Its clock is fixed at noon.
// The table's replies are short, so that every read has to go on after the first one.
func newStore(t testing.TB) *Store {
	t.Helper()
	return newStoreOver(t, http.DefaultTransport)
}

// newLongStore returns a Store like newStore, on a table whose replies are as long as
// usual. Tests of costs use it.
func newLongStore(t testing.TB) *Store {
	t.Helper()
	s := newStore(t)
	s.db = unavailableDB{s.db.(unavailableDB).DB.(table.ShortReplies).Client}
	return s
}

func newStoreOver(t testing.TB, transport http.RoundTripper) *Store {
	t.Helper()
	clock := func() time.Time { return noon }
	if os.Getenv(simulated) != "" {
		simulation := table.New("table", clock)
		if lossy, ok := transport.(*lossyTransport); ok {
			simulation.After = lossy.lose
			simulation.Retry = func(error) bool { return true }
		}
		return New(table.ShortReplies{Client: simulation}, "table", clock)
	}
	db, name := enginetest.NewTable(t, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: transport} })
	return New(table.ShortReplies{Client: db}, name, clock)
}

// simulated is the environment variable that makes the tests of this package run on the
// simulated table instead of a real engine.
const simulated = "STORE_TESTS_SIMULATED"

func TestSimulatedTable(t *testing.T) {
	t.Parallel()

	// The simulator's table must behave like a real engine.
	t.Run("passes all tests of this package", func(t *testing.T) {
		t.Parallel()
		if os.Getenv(simulated) != "" {
			t.Skip("this is the run on the simulated table")
		}
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.count=1")
		again.Env = append(os.Environ(), simulated+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// later returns a copy of the store whose clock is ahead by d.
func (s *Store) later(d time.Duration) *Store {
	moved := *s
	at := s.now().Add(d)
	moved.now = func() time.Time { return at }
	return &moved
}

// lossyTransport loses replies. The engine carries out every request, but the caller gets
// a broken connection for the first requests of the operation, as often as losses says.
type lossyTransport struct {
	operation string
	losses    atomic.Int32
}

func (l *lossyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := http.DefaultTransport.RoundTrip(r)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if lost := l.lose(operation, nil); lost != nil {
		if err == nil {
			reply.Body.Close()
		}
		return nil, lost
	}
	return reply, err
}

// lose is also the simulated table's hook after a call.
func (l *lossyTransport) lose(operation string, _ any) error {
	if operation == l.operation && l.losses.Add(-1) >= 0 {
		return errors.New("connection reset by peer")
	}
	return nil
}

const acme inquiry.LenderID = "acme-capital"

// newLender adds a lender, and the user who submits, and returns the lender.
func newLender(t testing.TB, s *Store, id inquiry.LenderID) inquiry.Lender {
	t.Helper()
	lender, _, err := s.CreateLender(t.Context(), inquiry.Lender{ID: id, Name: "A Lender"})
	if err != nil {
		t.Fatal(err)
	}
	s.addSubmitter(t)
	return lender
}

// someone is the user who submits.
var someone = inquiry.Submitter{UserID: "user-1", Role: "member"}

// addSubmitter adds the user who submits.
func (s *Store) addSubmitter(t testing.TB) {
	t.Helper()
	if _, _, err := s.AddUser(t.Context(), User{ID: someone.UserID, LenderID: acme, Role: someone.Role}); err != nil {
		t.Fatal(err)
	}
}

// submission returns a batch of n inquiries.
func submission(n int) inquiry.Submission {
	sub := inquiry.Submission{Submitter: someone, Name: "Autumn review"}
	for i := range n {
		sub.Inquiries = append(sub.Inquiries, inquiry.Inquiry{
			BusinessName: fmt.Sprintf("Business %d LLC", i),
			ExternalID:   fmt.Sprintf("LOAN-%d", i),
			Address:      &inquiry.Address{Line1: fmt.Sprintf("%d Main Street", i), City: "Springfield", State: "IL"},
		})
	}
	return sub
}

// mustSubmit submits n inquiries for a new lender and returns the batch's id.
func mustSubmit(t testing.TB, s *Store, id inquiry.LenderID, n int) inquiry.BatchID {
	t.Helper()
	batch, _, err := s.Submit(t.Context(), newLender(t, s, id), submission(n))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// count returns how many items the whole table has.
func (s *Store) count(ctx context.Context, t testing.TB) int {
	t.Helper()
	n := 0
	pages := dynamodb.NewScanPaginator(s.db.(unavailableDB).DB.(table.ShortReplies).Client.(dynamodb.ScanAPIClient), &dynamodb.ScanInput{TableName: &s.table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Items)
	}
	return n
}

package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/source/ofac"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// newStore returns a store on a new table in a real engine.
func newStore(tb testing.TB, now func() time.Time) *store.Store {
	tb.Helper()
	db, name := enginetest.NewTable(tb)
	return store.New(db, name, now)
}

// listed is a business on the made-up sanctions list, and clean is one that is not on
// it.
var (
	listed = inquiry.Inquiry{BusinessName: "Karlova Maritime Holdings, Inc.", EIN: "910555101"}
	clean  = inquiry.Inquiry{BusinessName: "Blue Kettle Coffee Roasters LLC"}
)

// newReal returns the handler that wire makes, on a real table with one batch of listed
// and clean, and the messages that dispatch-batch would send.
func newReal(tb testing.TB) (*Handler, *store.Store, []events.SQSMessage) {
	tb.Helper()
	// The runner's deadlines use the machine's clock, so the table's clock must too.
	started := time.Now()
	s := newStore(tb, func() time.Time { return started })
	lender, _, err := s.CreateLender(tb.Context(), inquiry.Lender{ID: "acme", Name: "Acme Lending"})
	if err != nil {
		tb.Fatal(err)
	}
	if _, _, err := s.AddUser(tb.Context(), store.User{ID: "u1", LenderID: "acme", Role: "member"}); err != nil {
		tb.Fatal(err)
	}
	by := inquiry.Submitter{UserID: "u1", Role: "member"}
	id, _, err := s.Submit(tb.Context(), lender, inquiry.Submission{Submitter: by, Name: "A batch", Inquiries: []inquiry.Inquiry{listed, clean}})
	if err != nil {
		tb.Fatal(err)
	}
	list, err := ofac.Load(os.DirFS("../../../shared/source/ofac/list"))
	if err != nil {
		tb.Fatal(err)
	}
	var messages []events.SQSMessage
	for i, in := range []inquiry.Inquiry{listed, clean} {
		body, err := json.Marshal(queue.Message{LenderID: "acme", ID: id.Inquiry(i), Inquiry: in})
		if err != nil {
			tb.Fatal(err)
		}
		messages = append(messages, events.SQSMessage{MessageId: fmt.Sprint("m", i), Body: string(body),
			Attributes: map[string]string{"ApproximateReceiveCount": "1"}})
	}
	return &Handler{
		Inquiries:   s,
		Sources:     source.NewRunner(ofac.New(list)),
		MaxReceives: 3,
		Deadline:    never,
		Now:         func() time.Time { return started },
		Log:         slog.New(slog.DiscardHandler),
	}, s, messages
}

func TestHandleWithTable(t *testing.T) {
	t.Parallel()

	t.Run("a message becomes a report", func(t *testing.T) {
		t.Parallel()
		h, s, messages := newReal(t)
		if back := deliver(t, h, messages...); back != nil {
			t.Fatalf("%v have to be delivered again", back)
		}
		for i, want := range []inquiry.SourceOutcome{inquiry.OutcomeFound, inquiry.OutcomeNoRecord} {
			msg, err := queue.Parse(messages[i].Body)
			if err != nil {
				t.Fatal(err)
			}
			entry, err := s.Entry(t.Context(), "acme", msg.ID)
			if err != nil {
				t.Fatal(err)
			}
			rep, err := report.Decode(entry.Record.Report)
			if err != nil {
				t.Fatal(err)
			}
			figures := entry.Record.Figures
			if entry.Record.Status != inquiry.StatusCompleted || figures.Attempts != 1 || figures.Sources["ofac"].Outcome != want {
				t.Errorf("inquiry %d: status %s after %d attempts, ofac %s, want %s",
					i, entry.Record.Status, figures.Attempts, figures.Sources["ofac"].Outcome, want)
			}
			if rep.InquiryID != msg.ID || len(rep.SourceRecords) != figures.Sources["ofac"].Records || len(rep.SourceRecords) == 0 {
				t.Errorf("inquiry %d: the report of %s has %d source records, its figures say %d",
					i, rep.InquiryID, len(rep.SourceRecords), figures.Sources["ofac"].Records)
			}
		}
	})

	// The queue may deliver a message to two workers at once. While the first works on it,
	// the second must neither work on it nor acknowledge it.
	t.Run("delivered twice at once, one result is stored", func(t *testing.T) {
		t.Parallel()
		h, s, messages := newReal(t)
		counting := &countingStore{Store: s}
		release := make(chan struct{})
		h.Inquiries, h.Sources = counting, heldSources{h.Sources, release}

		// One of the two waits during its lookup until the other has returned.
		var once sync.Once
		back := make([][]string, 2)
		var wg sync.WaitGroup
		for i := range back {
			wg.Go(func() {
				resp, err := h.Handle(t.Context(), events.SQSEvent{Records: messages[:1]})
				if err != nil {
					t.Error(err)
				}
				back[i] = failures(t, resp)
				once.Do(func() { close(release) })
			})
		}
		wg.Wait()
		slices.SortFunc(back, func(a, b []string) int { return len(a) - len(b) })
		if diff := cmp.Diff([][]string{nil, {"m0"}}, back); diff != "" {
			t.Errorf("messages to deliver again (-want +got):\n%s", diff)
		}
		if again := deliver(t, h, messages[0]); again != nil {
			t.Errorf("%v have to be delivered again though the inquiry is finished", again)
		}
		if n := counting.finished.Load(); n != 1 {
			t.Errorf("%d results were stored", n)
		}
	})

	// The first worker outlives its lease, so a second one does the work. The first must
	// not be able to store its result then.
	t.Run("a late worker cannot store its result", func(t *testing.T) {
		t.Parallel()
		h, s, messages := newReal(t)
		msg, err := queue.Parse(messages[0].Body)
		if err != nil {
			t.Fatal(err)
		}
		late, err := s.Claim(t.Context(), msg.LenderID, msg.ID, "late", h.Now().Add(-time.Second)) // the lease has ended
		if err != nil {
			t.Fatal(err)
		}
		if back := deliver(t, h, messages[0]); back != nil {
			t.Fatalf("%v have to be delivered again though the lease has ended", back)
		}
		if err := s.Finish(t.Context(), late, store.Result{Status: inquiry.StatusFailed}); err == nil {
			t.Error("the late worker's result was stored")
		}
		entry, err := s.Entry(t.Context(), msg.LenderID, msg.ID)
		if err != nil {
			t.Fatal(err)
		}
		if entry.Record.Status != inquiry.StatusCompleted || entry.Record.Figures.Attempts != 2 {
			t.Errorf("status %s after %d attempts", entry.Record.Status, entry.Record.Figures.Attempts)
		}
	})
}

// countingStore counts the results that were stored.
type countingStore struct {
	*store.Store
	finished atomic.Int32
}

func (c *countingStore) Finish(ctx context.Context, claim store.Claim, r store.Result) error {
	err := c.Store.Finish(ctx, claim, r)
	if err == nil {
		c.finished.Add(1)
	}
	return err
}

// heldSources answer when release is closed.
type heldSources struct {
	Sources
	release chan struct{}
}

func (h heldSources) Run(ctx context.Context, id inquiry.ID, in inquiry.Inquiry) []source.Answer {
	<-h.release
	return h.Sources.Run(ctx, id, in)
}

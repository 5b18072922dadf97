package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var errDown = errors.New("no answer")

// fault makes one call fail before its work or after it, or panic.
type fault struct {
	before, after error
	panics        any
}

// fakeTable stores claims and results. All maps are by the inquiry's index.
type fakeTable struct {
	claims, finishes map[int]fault

	mu       sync.Mutex
	running  map[int]string // token of the current attempt
	attempts map[int]int    // claims
	finished map[int]store.Result
	deleted  map[int]bool
	leases   []time.Time
}

func (f *fakeTable) Claim(_ context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (store.Claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := id.Index()
	if p := f.claims[i].panics; p != nil {
		panic(p)
	}
	if err := f.claims[i].before; err != nil {
		return store.Claim{}, err
	}
	if _, ok := f.finished[i]; ok {
		return store.Claim{}, fmt.Errorf("claiming inquiry %s: %w", id, inquiry.ErrFinished)
	}
	if f.running[i] != "" {
		return store.Claim{}, fmt.Errorf("claiming inquiry %s: %w", id, inquiry.ErrLeased)
	}
	f.running[i], f.leases = token, append(f.leases, lease)
	f.attempts[i]++
	return store.Claim{Lender: lender, ID: id, Token: token, Attempt: f.attempts[i]}, f.claims[i].after
}

func (f *fakeTable) Finish(_ context.Context, c store.Claim, r store.Result) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := c.ID.Index()
	if p := f.finishes[i].panics; p != nil {
		panic(p)
	}
	_, finished := f.finished[i]
	switch {
	case f.finishes[i].before != nil:
		return f.finishes[i].before
	case f.deleted[i]:
		return fmt.Errorf("finishing inquiry %s: %w", c.ID, inquiry.ErrNotFound)
	case finished:
		return fmt.Errorf("finishing inquiry %s: %w", c.ID, inquiry.ErrFinished)
	case f.running[i] != c.Token:
		return fmt.Errorf("finishing inquiry %s: %w", c.ID, inquiry.ErrSuperseded)
	}
	f.finished[i] = r
	return f.finishes[i].after
}

// statuses returns the final statuses, by the inquiry's index.
func (f *fakeTable) statuses() map[int]inquiry.Status {
	statuses := map[int]inquiry.Status{}
	for i, r := range f.finished {
		statuses[i] = r.Status
	}
	return statuses
}

// fakeSources returns the answers of the sources.
type fakeSources func(context.Context, inquiry.ID) []source.Answer

func (f fakeSources) Run(ctx context.Context, id inquiry.ID, _ inquiry.Inquiry) []source.Answer {
	return f(ctx, id)
}

// answers returns answers of the required source "ofac" and the optional "registry".
func answers(ofac, registry inquiry.SourceOutcome) []source.Answer {
	return []source.Answer{
		{Type: "ofac", Criticality: source.Required, Outcome: ofac},
		{Type: "registry", Criticality: source.Optional, Outcome: registry},
	}
}

var (
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	batch = inquiry.NewBatchID(noon)
)

type fixture struct {
	*Handler
	table *fakeTable
	log   *strings.Builder
	lines *strings.Builder // of metrics

	answer func(index int) []source.Answer // of the sources; by default all succeed
	asked  *int
}

func newFixture() *fixture {
	f := &fixture{
		table: &fakeTable{
			claims: map[int]fault{}, finishes: map[int]fault{},
			running: map[int]string{}, attempts: map[int]int{}, finished: map[int]store.Result{}, deleted: map[int]bool{},
		},
		log:    &strings.Builder{},
		lines:  &strings.Builder{},
		answer: func(int) []source.Answer { return answers(inquiry.OutcomeNoRecord, inquiry.OutcomeFound) },
		asked:  new(int),
	}
	var mu sync.Mutex
	f.Handler = &Handler{
		Inquiries: f.table,
		Sources: fakeSources(func(_ context.Context, id inquiry.ID) []source.Answer {
			mu.Lock()
			*f.asked++
			mu.Unlock()
			return f.answer(id.Index())
		}),
		MaxReceives: 3,
		Deadline:    never,
		Now:         func() time.Time { return noon },
		Metrics:     metrics.New("test", f.lines, func() time.Time { return noon }),
		Log:         slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return f
}

// private lists words that must not appear in a log line or an error.
var private = []string{"Kylderon", "123456789", "12-3456789", "Halloran"}

// message returns a delivery of one inquiry. Its id is "m" and the index.
func message(tb testing.TB, index, receives int) events.SQSMessage {
	tb.Helper()
	return messageOf(tb, index, receives, "acme", inquiry.Inquiry{
		BusinessName: fmt.Sprintf("Kylderon %d LLC", index), EIN: "123456789", Principals: []inquiry.Principal{{LastName: "Halloran"}},
	})
}

// messageOf returns a delivery of a lender's inquiry.
func messageOf(tb testing.TB, index, receives int, lender inquiry.LenderID, in inquiry.Inquiry) events.SQSMessage {
	tb.Helper()
	body, err := json.Marshal(queue.Message{LenderID: lender, ID: batch.Inquiry(index), Inquiry: in})
	if err != nil {
		tb.Fatal(err)
	}
	return events.SQSMessage{
		MessageId: fmt.Sprint("m", index), Body: string(body),
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(receives)},
	}
}

// messages returns first deliveries of the first n inquiries.
func messages(tb testing.TB, n int) []events.SQSMessage {
	tb.Helper()
	list := make([]events.SQSMessage, n)
	for i := range list {
		list[i] = message(tb, i, 1)
	}
	return list
}

// deliver handles the messages in one event and returns the ids of those that have to
// be delivered again.
func deliver(tb testing.TB, h *Handler, list ...events.SQSMessage) []string {
	tb.Helper()
	resp, err := h.Handle(tb.Context(), events.SQSEvent{Records: list})
	if err != nil {
		tb.Fatal(err)
	}
	return failures(tb, resp)
}

func failures(tb testing.TB, resp events.SQSEventResponse) []string {
	tb.Helper()
	var ids []string
	for _, f := range resp.BatchItemFailures {
		if f.ItemIdentifier == "" {
			tb.Error("a failure has no identifier, so Lambda would deliver the whole event again")
		}
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func TestHandle(t *testing.T) {
	t.Parallel()

	// The fault concerns the middle message. The others must not be affected.
	t.Run("one message of three has a fault", func(t *testing.T) {
		t.Parallel()
		const completed = inquiry.StatusCompleted
		both := map[int]inquiry.Status{0: completed, 2: completed}
		all := map[int]inquiry.Status{0: completed, 1: completed, 2: completed}

		for name, c := range map[string]struct {
			fault    func(*fixture)
			body     string // of the middle message, if not its own
			want     []string
			finished map[int]inquiry.Status
		}{
			"no fault": {finished: all},
			"an inquiry that is already finished is acknowledged": {fault: func(f *fixture) { f.table.finished[1] = store.Result{Status: completed} }, finished: all},
			"an inquiry that another worker has goes back":        {fault: func(f *fixture) { f.table.running[1] = "another" }, want: []string{"m1"}, finished: both},
			"a claim that fails goes back":                        {fault: func(f *fixture) { f.table.claims[1] = fault{before: errDown} }, want: []string{"m1"}, finished: both},
			"a claim whose reply is lost goes back":               {fault: func(f *fixture) { f.table.claims[1] = fault{after: errDown} }, want: []string{"m1"}, finished: both},
			"a result that cannot be stored goes back":            {fault: func(f *fixture) { f.table.finishes[1] = fault{before: errDown} }, want: []string{"m1"}, finished: both},
			"a result whose reply is lost goes back":              {fault: func(f *fixture) { f.table.finishes[1] = fault{after: errDown} }, want: []string{"m1"}, finished: all},
			"an attempt that a later one superseded goes back": {
				fault: func(f *fixture) { f.table.finishes[1] = fault{before: inquiry.ErrSuperseded} }, want: []string{"m1"}, finished: both,
			},
			"an inquiry that another attempt finished is acknowledged": {
				fault: func(f *fixture) { f.table.finishes[1] = fault{before: inquiry.ErrFinished} }, finished: both,
			},
			"an inquiry that was deleted is acknowledged": {fault: func(f *fixture) { f.table.deleted[1] = true }, finished: both},
			"a body that is not JSON goes back":           {body: "Kylderon Mist Valley LLC", want: []string{"m1"}, finished: both},
			"a body without an inquiry goes back":         {body: "{}", want: []string{"m1"}, finished: both},
			"the sources panic": {
				fault: func(f *fixture) {
					whole := f.answer
					f.answer = func(index int) []source.Answer {
						if index == 1 {
							panic("in a source")
						}
						return whole(index)
					}
				}, want: []string{"m1"}, finished: both,
			},
			"the claim panics":  {fault: func(f *fixture) { f.table.claims[1] = fault{panics: "in the store"} }, want: []string{"m1"}, finished: both},
			"the finish panics": {fault: func(f *fixture) { f.table.finishes[1] = fault{panics: "in the store"} }, want: []string{"m1"}, finished: both},
			"a source may answer later": {
				fault: func(f *fixture) {
					whole := f.answer
					f.answer = func(index int) []source.Answer {
						if index == 1 {
							return answers(inquiry.OutcomeUnavailable, inquiry.OutcomeFound)
						}
						return whole(index)
					}
				}, want: []string{"m1"}, finished: both,
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				list := messages(t, 3)
				if c.body != "" {
					list[1].Body = c.body
				}
				if c.fault != nil {
					c.fault(f)
				}
				if diff := cmp.Diff(c.want, deliver(t, f.Handler, list...)); diff != "" {
					t.Errorf("messages to deliver again (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.finished, f.table.statuses()); diff != "" {
					t.Errorf("finished (-want +got):\n%s", diff)
				}
			})
		}
	})

	// An error of the invocation makes Lambda slow down. That is right if the cause is not
	// in the messages and affects all of them.
	t.Run("an outage fails the invocation", func(t *testing.T) {
		t.Parallel()
		each := func(set func(f *fixture, index int)) func(*fixture) {
			return func(f *fixture) {
				for i := range 3 {
					set(f, i)
				}
			}
		}
		same := func(lenders ...inquiry.LenderID) []events.SQSMessage {
			var list []events.SQSMessage
			for i, lender := range lenders {
				list = append(list, messageOf(t, i, 1, lender, inquiry.Inquiry{
					BusinessName: "Kylderon LLC", ExternalID: fmt.Sprint(i), Metadata: map[string]string{"n": fmt.Sprint(i)},
				}))
			}
			return list
		}
		for name, c := range map[string]struct {
			fault    func(*fixture)
			wantErr  bool                // if false, all messages are returned one by one
			messages []events.SQSMessage // nil means three different inquiries of one lender
		}{
			"no claim can be stored":                   {fault: each(func(f *fixture, i int) { f.table.claims[i] = fault{before: errDown} }), wantErr: true},
			"no result can be stored":                  {fault: each(func(f *fixture, i int) { f.table.finishes[i] = fault{before: errDown} }), wantErr: true},
			"every reply is lost":                      {fault: each(func(f *fixture, i int) { f.table.finishes[i] = fault{after: errDown} }), wantErr: true},
			"a required source is down":                {fault: func(f *fixture) { f.answer = throttled }, wantErr: true},
			"a source is down for two lenders":         {func(f *fixture) { f.answer = throttled }, true, same("acme", "bmer")},
			"a source is down for one inquiry":         {func(f *fixture) { f.answer = throttled }, false, messages(t, 1)},
			"a source is down for one inquiry, thrice": {func(f *fixture) { f.answer = throttled }, false, same("acme", "acme", "acme")},
			"sources are too slow for a lender":        {fault: func(f *fixture) { f.answer = tooSlow }},
			"sources are too slow for two lenders":     {func(f *fixture) { f.answer = tooSlow }, false, same("acme", "bmer")},
			"the sources panic":                        {fault: func(f *fixture) { f.answer = func(int) []source.Answer { panic("in a source") } }},
			"a source is down, and too slow for another": {fault: func(f *fixture) {
				f.answer = func(index int) []source.Answer {
					if index == 1 {
						return tooSlow(index)
					}
					return throttled(index)
				}
			}},
			"all are leased":     {fault: each(func(f *fixture, i int) { f.table.running[i] = "another" })},
			"all are superseded": {fault: each(func(f *fixture, i int) { f.table.finishes[i] = fault{before: inquiry.ErrSuperseded} })},
			"one is leased, no claim for the rest": {fault: each(func(f *fixture, i int) {
				f.table.claims[i] = fault{before: errDown}
				if i == 0 {
					f.table.claims[i] = fault{before: inquiry.ErrLeased}
				}
			})},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				c.fault(f)
				list := c.messages
				if list == nil {
					list = messages(t, 3)
				}
				resp, err := f.Handle(t.Context(), events.SQSEvent{Records: list})
				if c.wantErr {
					if err == nil || resp.BatchItemFailures != nil {
						t.Errorf("%d failures, error %v; want only an error", len(resp.BatchItemFailures), err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{"m0", "m1", "m2"}[:len(list)], failures(t, resp)); diff != "" {
					t.Errorf("messages to deliver again (-want +got):\n%s", diff)
				}
			})
		}
	})

	// Otherwise it would come back for as long as the queue and the sweeps deliver it.
	t.Run("an inquiry that sources are too slow for is tried three times", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.MaxReceives = 100
		f.answer = tooSlow
		for attempt := 1; attempt <= 3; attempt++ {
			delete(f.table.running, 0) // the last attempt's lease has ended
			var want []string
			if attempt < 3 {
				want = []string{"m0"}
			}
			if diff := cmp.Diff(want, deliver(t, f.Handler, message(t, 0, attempt))); diff != "" {
				t.Fatalf("attempt %d: messages to deliver again (-want +got):\n%s", attempt, diff)
			}
		}
		if r := f.table.finished[0]; r.Status != inquiry.StatusFailed || r.Failure != report.CodeRequiredSource || !r.Retryable {
			t.Errorf("status %s, failure %q, retryable %t; want FAILED, %q, true", r.Status, r.Failure, r.Retryable, report.CodeRequiredSource)
		}
	})

	t.Run("unreadable messages are not an outage", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		list := messages(t, 2)
		list[0].Body, list[1].Body = "", "{"
		if diff := cmp.Diff([]string{"m0", "m1"}, deliver(t, f.Handler, list...)); diff != "" {
			t.Errorf("messages to deliver again (-want +got):\n%s", diff)
		}
	})

	t.Run("an empty event succeeds", func(t *testing.T) {
		t.Parallel()
		if back := deliver(t, newFixture().Handler); back != nil {
			t.Errorf("%v have to be delivered again", back)
		}
	})

	t.Run("delivered twice", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		for range 2 {
			if back := deliver(t, f.Handler, message(t, 0, 1)); back != nil {
				t.Fatalf("%v have to be delivered again", back)
			}
		}
		if *f.asked != 1 {
			t.Errorf("the sources were asked %d times", *f.asked)
		}
	})

	// Wherever the worker dies, its message is delivered again, and it is not acknowledged
	// before there is a result.
	t.Run("died half-way", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			fault     func(*fixture)
			wantAsked int
		}{
			"before it claimed":           {func(f *fixture) { f.table.claims[0] = fault{before: errDown} }, 1},
			"after it claimed":            {func(f *fixture) { f.table.claims[0] = fault{after: errDown} }, 1},
			"before it stored the result": {func(f *fixture) { f.table.finishes[0] = fault{before: errDown} }, 2},
			"after it stored the result":  {func(f *fixture) { f.table.finishes[0] = fault{after: errDown} }, 1},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				c.fault(f)
				// A second message succeeds, so that the failure is not an outage.
				if back := deliver(t, f.Handler, message(t, 0, 1), message(t, 1, 1)); !cmp.Equal(back, []string{"m0"}) {
					t.Fatalf("%v have to be delivered again, want m0", back)
				}
				clear(f.table.claims)
				clear(f.table.finishes)
				if back := deliver(t, f.Handler, message(t, 0, 2)); back == nil && len(f.table.finished) != 2 {
					t.Fatal("a message was acknowledged while it was leased and had no result")
				}
				delete(f.table.running, 0) // the lease ends
				if back := deliver(t, f.Handler, message(t, 0, 3)); back != nil {
					t.Fatalf("%v have to be delivered again", back)
				}
				if len(f.table.finished) != 2 || *f.asked != c.wantAsked+1 {
					t.Errorf("%d finished, the sources were asked %d times, want %d", len(f.table.finished), *f.asked, c.wantAsked+1)
				}
			})
		}
	})

	// An attempt is put off only if a source may still answer and the queue still delivers.
	t.Run("a missing source is retried until the last delivery", func(t *testing.T) {
		t.Parallel()
		const (
			found, unavailable, bad = inquiry.OutcomeFound, inquiry.OutcomeUnavailable, inquiry.OutcomeBadResponse
			goesBack                = inquiry.Status("")
		)
		for name, c := range map[string]struct {
			answers  []source.Answer
			receives int
			want     inquiry.Status
			failure  string
			retry    bool
		}{
			"all sources answered":                 {answers(found, found), 1, inquiry.StatusCompleted, "", false},
			"required down, first delivery":        {answers(unavailable, found), 1, goesBack, "", false},
			"required down, second last delivery":  {answers(unavailable, found), 2, goesBack, "", false},
			"required down, last delivery":         {answers(unavailable, found), 3, inquiry.StatusFailed, report.CodeRequiredSource, true},
			"required down, one delivery too many": {answers(unavailable, found), 4, inquiry.StatusFailed, report.CodeRequiredSource, true},
			"optional down, first delivery":        {answers(found, unavailable), 1, goesBack, "", false},
			"optional down, last delivery":         {answers(found, unavailable), 3, inquiry.StatusPartialSuccess, "", true},
			"optional sends a bad response":        {answers(found, bad), 1, inquiry.StatusPartialSuccess, "", false},
			"required sends a bad response":        {answers(bad, found), 1, inquiry.StatusFailed, report.CodeRequiredSource, false},
			"the number of deliveries is unknown":  {answers(unavailable, found), -1, goesBack, "", false},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				f.answer = func(index int) []source.Answer {
					if index == 0 {
						return c.answers
					}
					return answers(found, found)
				}
				m := message(t, 0, c.receives)
				if c.receives < 0 {
					m.Attributes = nil
				}
				back := deliver(t, f.Handler, m, message(t, 1, 1))
				result, finished := f.table.finished[0]
				if c.want == goesBack {
					if finished || !cmp.Equal(back, []string{"m0"}) {
						t.Errorf("%v have to be delivered again, finished %t; want m0 again and not finished", back, finished)
					}
					return
				}
				if back != nil {
					t.Errorf("%v have to be delivered again", back)
				}
				if result.Status != c.want || result.Failure != c.failure || result.Retryable != c.retry {
					t.Errorf("status %s, failure %q, retryable %t; want %s, %q, %t",
						result.Status, result.Failure, result.Retryable, c.want, c.failure, c.retry)
				}
				rep, err := report.Decode(result.Report)
				if err != nil {
					t.Fatal(err)
				}
				if rep.Status != c.want || rep.InquiryID != batch.Inquiry(0) {
					t.Errorf("the stored report belongs to inquiry %s and has status %s", rep.InquiryID, rep.Status)
				}
				if result.Sources["ofac"].Outcome != c.answers[0].Outcome || len(result.Sources) != 2 {
					t.Errorf("source figures %v", result.Sources)
				}
			})
		}
	})

	// A lease outlives its invocation, and the sources end in time to store the result.
	t.Run("the sources end before the invocation and the lease after it", func(t *testing.T) {
		t.Parallel()
		var asking time.Time
		f := newFixture()
		f.Sources = fakeSources(func(ctx context.Context, _ inquiry.ID) []source.Answer {
			asking, _ = ctx.Deadline()
			return f.answer(0)
		})
		end := time.Now().Add(time.Minute)
		ctx, cancel := context.WithDeadline(t.Context(), end)
		defer cancel()
		if _, err := f.Handle(ctx, events.SQSEvent{Records: messages(t, 1)}); err != nil {
			t.Fatal(err)
		}
		if len(f.table.leases) != 1 || !f.table.leases[0].Equal(end.Add(10*time.Second)) {
			t.Errorf("leased until %v, the invocation ends at %s", f.table.leases, end)
		}
		if !asking.Equal(end.Add(-5 * time.Second)) {
			t.Errorf("the sources have until %s, the invocation ends at %s", asking, end)
		}
	})

	// Whatever goes wrong, only ids of an inquiry appear in the log and in errors.
	t.Run("nothing personal is logged", func(t *testing.T) {
		t.Parallel()
		type secret struct{ Name, EIN, Owner string }
		quoting := secret{"Kylderon Mist Valley LLC", "123456789", "Halloran"}

		for name, change := range map[string]func(*fixture, *events.SQSMessage){
			"no fault":          func(*fixture, *events.SQSMessage) {},
			"the sources panic": func(f *fixture, _ *events.SQSMessage) { f.answer = func(int) []source.Answer { panic(quoting) } },
			"panic with an error": func(f *fixture, _ *events.SQSMessage) {
				f.answer = func(int) []source.Answer { panic(fmt.Errorf("%v", quoting)) }
			},
			"the claim panics":            func(f *fixture, _ *events.SQSMessage) { f.table.claims[0] = fault{panics: fmt.Sprint(quoting)} },
			"the finish panics":           func(f *fixture, _ *events.SQSMessage) { f.table.finishes[0] = fault{panics: quoting} },
			"the claim fails":             func(f *fixture, _ *events.SQSMessage) { f.table.claims[0] = fault{before: errDown} },
			"the result cannot be stored": func(f *fixture, _ *events.SQSMessage) { f.table.finishes[0] = fault{before: errDown} },
			"superseded":                  func(f *fixture, _ *events.SQSMessage) { f.table.finishes[0] = fault{before: inquiry.ErrSuperseded} },
			"deleted":                     func(f *fixture, _ *events.SQSMessage) { f.table.deleted[0] = true },
			"leased":                      func(f *fixture, _ *events.SQSMessage) { f.table.running[0] = "another" },
			"unreadable":                  func(_ *fixture, m *events.SQSMessage) { m.Body = "Kylderon, 123456789, Halloran" },
			"a field of the wrong type": func(_ *fixture, m *events.SQSMessage) {
				m.Body = strings.Replace(m.Body, `"123456789"`, `123456789`, 1)
			},
			"a source is down": func(f *fixture, _ *events.SQSMessage) {
				f.answer = func(int) []source.Answer {
					return []source.Answer{{Type: "ofac", Outcome: inquiry.OutcomeUnavailable, Reason: quoting.Name, Notes: []string{quoting.Owner}}}
				}
			},
			"a report that cannot be encoded": func(f *fixture, _ *events.SQSMessage) {
				f.answer = func(int) []source.Answer {
					fact := source.Fact{Name: quoting.Name, Value: make(chan int), Raw: quoting.EIN}
					return []source.Answer{{Type: "ofac", Outcome: inquiry.OutcomeFound, Records: []source.Record{{
						Outcome: inquiry.OutcomeFound, Subject: source.Business(), Facts: []source.Fact{fact},
					}}}}
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				m := message(t, 0, 1)
				change(f, &m)
				_, err := f.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}})
				said := f.log.String() + fmt.Sprint(err)
				if f.log.Len() == 0 {
					t.Error("nothing is logged, so an operator cannot see what happened to the message")
				}
				for _, word := range private {
					if strings.Contains(said, word) {
						t.Errorf("%q is in the log or the error: %s", word, said)
					}
				}
			})
		}
	})

	t.Run("sample event", func(t *testing.T) {
		t.Parallel()
		raw, err := os.ReadFile("../../../events/process-inquiry.json")
		if err != nil {
			t.Fatal(err)
		}
		var ev events.SQSEvent
		if err := json.Unmarshal(raw, &ev); err != nil {
			t.Fatal(err)
		}
		f := newFixture()
		if back := deliver(t, f.Handler, ev.Records...); back != nil {
			t.Errorf("%v have to be delivered again", back)
		}
		want := map[int]inquiry.Status{0: inquiry.StatusCompleted, 1: inquiry.StatusCompleted}
		if diff := cmp.Diff(want, f.table.statuses()); diff != "" {
			t.Errorf("finished (-want +got):\n%s", diff)
		}
	})
}

func throttled(int) []source.Answer {
	return answers(inquiry.OutcomeThrottled, inquiry.OutcomeFound)
}

func tooSlow(int) []source.Answer {
	list := answers(inquiry.OutcomeUnavailable, inquiry.OutcomeFound)
	list[0].Kind = source.TooSlow
	return list
}

// never is a batch deadline that no test reaches.
const never = 100 * 365 * 24 * time.Hour

func TestLeaseEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ctx, cancel := context.WithDeadline(t.Context(), now.Add(time.Minute))
	defer cancel()
	id := inquiry.NewBatchID(now.Add(-time.Hour)).Inquiry(0)
	for name, tt := range map[string]struct{ deadline, want time.Duration }{
		"in six hours":  {6 * time.Hour, time.Minute + 10*time.Second},
		"in 20 seconds": {time.Hour + 20*time.Second, 20 * time.Second},
		"passed":        {time.Hour - time.Minute, -time.Minute},
	} {
		h := Handler{Deadline: tt.deadline, Now: func() time.Time { return now }}
		if got := h.leaseEnd(ctx, id).Sub(now).Round(time.Second); got != tt.want {
			t.Errorf("deadline %s: the lease ends in %s, want %s", name, got, tt.want)
		}
	}
}

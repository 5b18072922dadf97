package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
)

var errDown = errors.New("no answer")

// fakeTable records the failure codes of inquiries, by index. An error in before
// prevents the write, an error in after follows it.
type fakeTable struct {
	before, after map[int]error
	codes         map[int]string
}

func (f fakeTable) Fail(_ context.Context, lender inquiry.LenderID, id inquiry.ID, code string) error {
	if lender != "acme" {
		return errors.New("wrong lender")
	}
	if err := f.before[id.Index()]; err != nil {
		return fmt.Errorf("failing inquiry %s: %w", id, err)
	}
	if f.codes[id.Index()] != "" {
		return fmt.Errorf("failing inquiry %s: %w", id, inquiry.ErrFinished)
	}
	f.codes[id.Index()] = code
	return f.after[id.Index()]
}

type fixture struct {
	*Handler
	table fakeTable
	log   *strings.Builder
}

func newFixture() fixture {
	f := fixture{table: fakeTable{before: map[int]error{}, after: map[int]error{}, codes: map[int]string{}}, log: &strings.Builder{}}
	f.Handler = &Handler{Inquiries: f.table, Log: slog.New(slog.NewJSONHandler(f.log, nil))}
	return f
}

var batch = inquiry.NewBatchID(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))

// letter returns the dead letter of an inquiry. Its id is "m" and the index.
func letter(tb testing.TB, id inquiry.ID) events.SQSMessage {
	tb.Helper()
	body, err := json.Marshal(queue.Message{LenderID: "acme", ID: id, Inquiry: inquiry.Inquiry{BusinessName: "Kylderon Mist Valley LLC"}})
	if err != nil {
		tb.Fatal(err)
	}
	return events.SQSMessage{MessageId: fmt.Sprint("m", id.Index()), Body: string(body)}
}

// deliver handles the letters in one event and returns the ids of those that have to
// be delivered again.
func deliver(tb testing.TB, h *Handler, letters ...events.SQSMessage) []string {
	tb.Helper()
	resp, err := h.Handle(tb.Context(), events.SQSEvent{Records: letters})
	if err != nil {
		tb.Fatal(err)
	}
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

	// The fault concerns the middle letter. The others must not be affected.
	t.Run("one letter of three has a fault", func(t *testing.T) {
		t.Parallel()
		const exhausted = inquiry.FailureExhausted
		both := map[int]string{0: exhausted, 2: exhausted}
		all := map[int]string{0: exhausted, 1: exhausted, 2: exhausted}

		for name, c := range map[string]struct {
			fault func(fixture)
			body  string // of the middle letter, if not its own
			want  []string
			codes map[int]string
		}{
			"all well":                           {codes: all},
			"an inquiry that finished after all": {fault: func(f fixture) { f.table.before[1] = inquiry.ErrFinished }, codes: both},
			"an inquiry that a worker still has": {fault: func(f fixture) { f.table.before[1] = inquiry.ErrLeased }, want: []string{"m1"}, codes: both},
			"the table is down":                  {fault: func(f fixture) { f.table.before[1] = errDown }, want: []string{"m1"}, codes: both},
			"the table's reply is lost":          {fault: func(f fixture) { f.table.after[1] = errDown }, want: []string{"m1"}, codes: all},
			"a body that is not JSON":            {body: "Kylderon Mist Valley LLC", want: []string{"m1"}, codes: both},
			"a body without an inquiry":          {body: `{"lenderId":"acme"}`, want: []string{"m1"}, codes: both},
			"a body without a lender":            {body: `{"inquiryId":"019cae6b-6600-7b37-a164-c8c9edcf0001"}`, want: []string{"m1"}, codes: both},
			"an empty body":                      {want: []string{"m1"}, body: " ", codes: both},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture()
				letters := []events.SQSMessage{letter(t, batch.Inquiry(0)), letter(t, batch.Inquiry(1)), letter(t, batch.Inquiry(2))}
				if c.body != "" {
					letters[1].Body = c.body
				}
				if c.fault != nil {
					c.fault(f)
				}
				if diff := cmp.Diff(c.want, deliver(t, f.Handler, letters...)); diff != "" {
					t.Errorf("letters to deliver again (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.codes, f.table.codes); diff != "" {
					t.Errorf("failed inquiries (-want +got):\n%s", diff)
				}
				if strings.Contains(f.log.String(), "Kylderon") {
					t.Errorf("the log quotes a letter: %s", f.log)
				}
			})
		}
	})

	t.Run("delivered twice", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		for range 2 {
			if back := deliver(t, f.Handler, letter(t, batch.Inquiry(0)), letter(t, batch.Inquiry(0))); back != nil {
				t.Errorf("%v have to be delivered again", back)
			}
		}
		if diff := cmp.Diff(map[int]string{0: inquiry.FailureExhausted}, f.table.codes); diff != "" {
			t.Errorf("failed inquiries (-want +got):\n%s", diff)
		}
	})

	// The function stops after its work and before its answer, so all letters are
	// delivered again.
	t.Run("died half-way", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		letters := []events.SQSMessage{letter(t, batch.Inquiry(0)), letter(t, batch.Inquiry(1)), letter(t, batch.Inquiry(2))}
		f.table.after[0], f.table.before[1], f.table.before[2] = errDown, errDown, errDown
		if diff := cmp.Diff([]string{"m0", "m1", "m2"}, deliver(t, f.Handler, letters...)); diff != "" {
			t.Errorf("letters to deliver again (-want +got):\n%s", diff)
		}
		clear(f.table.before)
		clear(f.table.after)
		if back := deliver(t, f.Handler, letters...); back != nil || len(f.table.codes) != 3 {
			t.Errorf("%v have to be delivered again; failed are %v", back, f.table.codes)
		}
	})

	// A null list of failures is not always read as an empty one.
	t.Run("a success is an empty list and not null", func(t *testing.T) {
		t.Parallel()
		resp, err := newFixture().Handle(t.Context(), events.SQSEvent{})
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(resp)
		if err != nil || string(body) != `{"batchItemFailures":[]}` {
			t.Errorf("%s, %v", body, err)
		}
	})

	t.Run("sample event", func(t *testing.T) {
		t.Parallel()
		raw, err := os.ReadFile("../../../events/fail-exhausted.json")
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
		if diff := cmp.Diff(map[int]string{1: inquiry.FailureExhausted}, f.table.codes); diff != "" {
			t.Errorf("failed inquiries (-want +got):\n%s", diff)
		}
	})
}

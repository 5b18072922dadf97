package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
)

// fakeSQS accepts messages. refuse says how many messages it reports as failed, by call
// from 0; err is returned for every call.
type fakeSQS struct {
	refuse   map[int]int
	err      error
	took     time.Duration // each call
	mu       sync.Mutex
	calls    []int // messages in each call
	bytes    []int
	bodies   []string // of the accepted messages
	accepted []queue.Message
	groups   map[string]bool
}

func (f *fakeSQS) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	time.Sleep(f.took)
	f.mu.Lock()
	defer f.mu.Unlock()
	call, size := len(f.calls), 0
	f.calls = append(f.calls, len(in.Entries))
	out := &sqs.SendMessageBatchOutput{}
	for i, e := range in.Entries {
		size += len(*e.MessageBody)
		if i < f.refuse[call] {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
			continue
		}
		m, err := queue.Parse(*e.MessageBody)
		if err != nil {
			return nil, err
		}
		f.accepted, f.bodies = append(f.accepted, m), append(f.bodies, *e.MessageBody)
		if f.groups == nil {
			f.groups = map[string]bool{}
		}
		f.groups[aws.ToString(e.MessageGroupId)] = true
	}
	f.bytes = append(f.bytes, size)
	return out, f.err
}

func messages(n, nameBytes int) []queue.Message {
	batch := inquiry.NewBatchID(time.Now())
	list := make([]queue.Message, n)
	for i := range list {
		list[i] = queue.Message{LenderID: "acme", ID: batch.Inquiry(i), Inquiry: inquiry.Inquiry{
			BusinessName: strings.Repeat("n", nameBytes), ExternalID: fmt.Sprint(i),
		}}
	}
	return list
}

func TestSend(t *testing.T) {
	t.Parallel()

	t.Run("ten messages per call", func(t *testing.T) {
		t.Parallel()
		fake := &fakeSQS{}
		sent := messages(250, 20)
		if err := queue.New(fake, "url").Send(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		if len(fake.calls) != 25 {
			t.Errorf("250 messages took %d calls, want 25", len(fake.calls))
		}
		if diff := cmp.Diff(sent, byIndex(fake.accepted)); diff != "" {
			t.Errorf("messages (-sent +accepted):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]bool{"acme": true}, fake.groups); diff != "" {
			t.Errorf("message groups (-want +got):\n%s", diff)
		}
	})

	t.Run("the largest batch is sent long before dispatch-batch times out", func(t *testing.T) {
		t.Parallel()
		sent := messages(inquiry.MaxInquiries, 20)
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeSQS{took: 12 * time.Millisecond}
			began := time.Now()
			if err := queue.New(fake, "url").Send(t.Context(), sent); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > deployment.DispatchBatchTimeout/4 {
				t.Errorf("%d messages took %v, want a quarter of %v", len(sent), took, deployment.DispatchBatchTimeout)
			}
			if len(fake.accepted) != len(sent) {
				t.Errorf("%d of %d messages were accepted", len(fake.accepted), len(sent))
			}
		})
	})

	t.Run("a call stays below the size limit", func(t *testing.T) {
		t.Parallel()
		fake := &fakeSQS{}
		sent := messages(10, 60_000)
		if err := queue.New(fake, "url").Send(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		for i, size := range fake.bytes {
			if size > 256<<10 {
				t.Errorf("call %d has %d bytes", i, size)
			}
		}
		if len(fake.accepted) != len(sent) {
			t.Errorf("%d of %d messages were accepted", len(fake.accepted), len(sent))
		}
	})

	// SQS accepts only some characters and may replace others.
	t.Run("any text arrives unchanged in an ASCII body", func(t *testing.T) {
		t.Parallel()
		var sent []queue.Message
		batch := inquiry.NewBatchID(time.Now())
		for plane := rune(0); plane <= 0x10; plane++ {
			// The name has the first, the last and a few other characters of the plane.
			name := "A<&>\"\\\u007f"
			for _, low := range []rune{0, 0x1F, 0x80, 0x2028, 0xD7FF, 0xE000, 0xFDD0, 0xFFFD, 0xFFFE, 0xFFFF} {
				name += string(plane<<16 | low)
			}
			for low := rune(0); low <= 0xFFFF; low += 251 {
				if c := plane<<16 | low; utf8.ValidRune(c) {
					name += string(c)
				}
			}
			sent = append(sent, queue.Message{LenderID: "acme", ID: batch.Inquiry(int(plane)), Inquiry: inquiry.Inquiry{
				BusinessName: name, Metadata: map[string]string{name: name},
			}})
		}
		fake := &fakeSQS{}
		if err := queue.New(fake, "url").Send(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sent, byIndex(fake.accepted)); diff != "" {
			t.Errorf("messages (-sent +accepted):\n%s", diff)
		}
		for i, body := range fake.bodies {
			if at := strings.IndexFunc(body, func(c rune) bool { return c < ' ' || c > unicode.MaxASCII }); at >= 0 {
				t.Errorf("the body of message %d has a character outside of ASCII at %d", i, at)
			}
		}
	})

	t.Run("sends failed messages of a successful reply again", func(t *testing.T) {
		t.Parallel()
		fake := &fakeSQS{refuse: map[int]int{0: 3, 1: 10, 3: 1}}
		sent := messages(25, 20)
		if err := queue.New(fake, "url").Send(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		accepted := map[inquiry.ID]int{}
		for _, m := range fake.accepted {
			accepted[m.ID]++
		}
		for _, m := range sent {
			if accepted[m.ID] != 1 {
				t.Errorf("inquiry %d was accepted %d times, want once", m.ID.Index(), accepted[m.ID])
			}
		}
	})

	t.Run("gives up on a message that is never accepted", func(t *testing.T) {
		t.Parallel()
		fake := &fakeSQS{refuse: map[int]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1}}
		if err := queue.New(fake, "url").Send(t.Context(), messages(5, 20)); err == nil {
			t.Error("Send() = nil, although one message was never accepted")
		}
		if len(fake.calls) > 5 {
			t.Errorf("%d calls for one message, want at most 5", len(fake.calls))
		}
	})

	t.Run("returns an error when its time is over before it began", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := queue.New(&fakeSQS{}, "url").Send(ctx, messages(25, 20)); !errors.Is(err, context.Canceled) {
			t.Errorf("Send() = %v, want %v", err, context.Canceled)
		}
	})

	t.Run("returns the error of a call", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("no route to host")
		if err := queue.New(&fakeSQS{err: broken}, "url").Send(t.Context(), messages(1, 20)); !errors.Is(err, broken) {
			t.Errorf("Send() = %v, want the call's error", err)
		}
	})
}

func TestParse(t *testing.T) {
	t.Parallel()

	t.Run("rejects any other body without quoting it", func(t *testing.T) {
		t.Parallel()
		id := inquiry.NewBatchID(time.Now()).Inquiry(0).String()
		for name, body := range map[string]string{
			"empty":                 "",
			"not JSON":              "Secret Name LLC",
			"no lender":             `{"inquiryId":"` + id + `","inquiry":{"businessName":"Secret Name LLC"}}`,
			"no inquiry id":         `{"lenderId":"acme","inquiry":{"businessName":"Secret Name LLC"}}`,
			"not an inquiry's id":   `{"lenderId":"acme","inquiryId":"Secret Name LLC"}`,
			"a field of wrong type": `{"lenderId":"acme","inquiryId":"` + id + `","inquiry":{"businessName":{"Secret Name LLC":1}}}`,
		} {
			_, err := queue.Parse(body)
			if err == nil {
				t.Errorf("%s: Parse accepted it", name)
			} else if strings.Contains(err.Error(), "Secret") {
				t.Errorf("%s: the error quotes the body: %v", name, err)
			}
		}
	})
}

// byIndex returns the messages in the order of their inquiries: calls are made side by side, so they
// arrive in any order.
func byIndex(messages []queue.Message) []queue.Message {
	return slices.SortedFunc(slices.Values(messages), func(a, b queue.Message) int {
		return a.ID.Index() - b.ID.Index()
	})
}

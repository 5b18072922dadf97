// Package queue puts a batch's inquiries on the SQS queue that process-inquiry reads.
// It knows the form of a message and how to send many of them; process-inquiry knows
// what to do with one.
package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

const (
	// bytesPerCall bounds the bodies of one call. SQS accepts 1 MiB; the limit leaves
	// room for attributes and for engines that still have the older limit of 256 KiB.
	bytesPerCall = 250_000

	// callsAtOnce is the number of calls that run at the same time. One after the other,
	// calls of 12 ms would send only 50,000 messages in dispatch-batch's 60 seconds, and
	// a batch may have 65,535.
	callsAtOnce = 8

	// sendAttempts limits how often a message that SQS rejects is sent.
	sendAttempts = 4
)

// Message tells a worker to look up one inquiry. It contains everything that the worker
// needs, so that the worker does not have to read the batch first.
type Message struct {
	LenderID inquiry.LenderID `json:"lenderId"`
	ID       inquiry.ID       `json:"inquiryId"`
	Inquiry  inquiry.Inquiry  `json:"inquiry"`
}

// body returns the message as JSON in ASCII. SQS rejects or replaces some characters, so
// each character outside of ASCII is written as \uXXXX.
func (m Message) body() (string, error) {
	encoded, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	var ascii strings.Builder
	ascii.Grow(len(encoded))
	for _, c := range string(encoded) { // json.Marshal returns valid UTF-8
		switch {
		case c < utf8.RuneSelf:
			ascii.WriteByte(byte(c))
		case c <= 0xFFFF:
			fmt.Fprintf(&ascii, `\u%04x`, c)
		default:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&ascii, `\u%04x\u%04x`, high, low)
		}
	}
	return ascii.String(), nil
}

// Parse parses a message's body. It ignores unknown fields, because a newer sender may
// be deployed before its readers. Its error never quotes the body, which is personal
// data.
func Parse(body string) (Message, error) {
	var m Message
	if json.Unmarshal([]byte(body), &m) != nil || m.LenderID == "" || m.ID == (inquiry.ID{}) {
		return Message{}, errors.New("the message is not about an inquiry")
	}
	return m, nil
}

// Client is the part of the SQS client that a Queue calls.
type Client interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Queue sends messages to one SQS queue.
type Queue struct {
	client Client
	url    string
}

// New returns a Queue that sends to the SQS queue at url.
func New(client Client, url string) *Queue { return &Queue{client: client, url: url} }

// Send puts the messages on the queue, up to deployment.MessageBatch per call and up to
// callsAtOnce calls at the same time, so in no order. Each message has its lender as
// message group, so that a standard queue serves lenders fairly.
//
// A successful reply can list messages that SQS did not accept. Send sends those again,
// after a pause. If Send returns an error, some of the messages may be on the queue;
// sending all of them again is harmless.
func (q *Queue) Send(ctx context.Context, messages []Message) error {
	g, sending := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for n := 0; n < len(messages) && sending.Err() == nil; {
		// The messages of later calls are not encoded yet, so that the bodies of a large
		// batch are never in memory all at once.
		entries, err := encode(messages, n)
		if err != nil {
			return cmp.Or(g.Wait(), err)
		}
		g.Go(func() error { return q.send(sending, entries) })
		n += len(entries)
	}
	return cmp.Or(g.Wait(), ctx.Err())
}

// encode returns the entries of one call: of the messages from the first on, as many as
// fit into a call, at least one. An entry's id is its message's position.
func encode(messages []Message, first int) (entries []types.SendMessageBatchRequestEntry, err error) {
	size := 0
	for n, m := range messages[first:min(first+deployment.MessageBatch, len(messages))] {
		body, err := m.body()
		if err != nil {
			return nil, fmt.Errorf("encoding message of inquiry %s: %w", m.ID, err)
		}
		size += len(body)
		if n > 0 && size > bytesPerCall {
			break
		}
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id:             aws.String(strconv.Itoa(first + n)),
			MessageBody:    aws.String(body),
			MessageGroupId: aws.String(string(m.LenderID)),
		})
	}
	return entries, nil
}

// send sends the entries of one call until SQS has accepted all of them.
func (q *Queue) send(ctx context.Context, entries []types.SendMessageBatchRequestEntry) error {
	for attempt := range sendAttempts {
		refused, err := q.sendOnce(ctx, entries)
		if err != nil {
			return err
		}
		if entries = refused; len(entries) == 0 {
			return nil
		}
		if attempt == sendAttempts-1 {
			break
		}
		if err := retry.Pause(ctx, attempt); err != nil {
			return fmt.Errorf("sending %d messages again: %w", len(entries), err)
		}
	}
	return fmt.Errorf("%d messages were not accepted", len(entries))
}

// sendOnce makes one call and returns the entries that SQS did not accept.
func (q *Queue) sendOnce(ctx context.Context, entries []types.SendMessageBatchRequestEntry) (refused []types.SendMessageBatchRequestEntry, err error) {
	out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
	if err != nil {
		return nil, fmt.Errorf("sending %d messages: %w", len(entries), err)
	}
	failed := map[string]bool{}
	for _, f := range out.Failed {
		failed[aws.ToString(f.Id)] = true
	}
	for _, e := range entries {
		if failed[*e.Id] {
			refused = append(refused, e)
		}
	}
	return refused, nil
}

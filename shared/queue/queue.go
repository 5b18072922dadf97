// Package queue puts a batch's inquiries on the SQS queue that process-inquiry reads.
// It knows the form of a message and how to send many of them; process-inquiry knows
// what to do with one.
package queue

import (
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

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

const (
	// bytesPerCall bounds the bodies of one call. SQS accepts 1 MiB; the limit leaves
	// room for attributes and for engines that still have the older limit of 256 KiB.
	bytesPerCall = 250_000

	// sendAttempts bounds how often a message is sent that SQS does not accept.
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

// Send puts the messages on the queue, up to deployment.MessageBatch per call. Each
// message has its lender as message group, so that a standard queue serves lenders
// fairly.
//
// A successful reply can list messages that SQS did not accept. Send sends those again,
// after a pause. If Send returns an error, some of the messages may be on the queue;
// sending all of them again is harmless.
func (q *Queue) Send(ctx context.Context, messages []Message) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		body, err := m.body()
		if err != nil {
			return fmt.Errorf("encoding message of inquiry %s: %w", m.ID, err)
		}
		entries[i] = types.SendMessageBatchRequestEntry{
			Id:             aws.String(strconv.Itoa(i)),
			MessageBody:    aws.String(body),
			MessageGroupId: aws.String(string(m.LenderID)),
		}
	}
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
	return fmt.Errorf("%d of %d messages were not accepted", len(entries), len(messages))
}

// sendOnce sends every entry once and returns those that SQS did not accept.
func (q *Queue) sendOnce(ctx context.Context, entries []types.SendMessageBatchRequestEntry) ([]types.SendMessageBatchRequestEntry, error) {
	var refused []types.SendMessageBatchRequestEntry
	for len(entries) > 0 {
		n := callSize(entries)
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries[:n]})
		if err != nil {
			return nil, fmt.Errorf("sending %d messages: %w", n, err)
		}
		failed := map[string]bool{}
		for _, f := range out.Failed {
			failed[aws.ToString(f.Id)] = true
		}
		for _, e := range entries[:n] {
			if failed[*e.Id] {
				refused = append(refused, e)
			}
		}
		entries = entries[n:]
	}
	return refused, nil
}

// callSize returns how many of the entries fit into one call, at least one.
func callSize(entries []types.SendMessageBatchRequestEntry) int {
	size := 0
	for n, e := range entries {
		size += len(*e.MessageBody)
		if n == deployment.MessageBatch || n > 0 && size > bytesPerCall {
			return n
		}
	}
	return len(entries)
}

// Package queue puts a batch's inquiries on the SQS queue that process-inquiry
// reads. It knows the message's shape and how to send many; what to do with a
// message is the worker's.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	// entriesPerCall is the most messages that one SendMessageBatch takes.
	entriesPerCall = 10

	// bytesPerCall bounds the bodies of one call. SQS takes 1 MiB; the rest is
	// room for attributes and for engines that still have the older limit.
	bytesPerCall = 250_000

	// sendAttempts bounds how often messages that SQS did not take are sent.
	sendAttempts = 4
)

// Message asks a worker to look one inquiry up. It carries all that the worker
// needs, so that none has to read the batch first.
type Message struct {
	LenderID inquiry.LenderID `json:"lenderId"`
	ID       inquiry.ID       `json:"inquiryId"`
	Inquiry  inquiry.Inquiry  `json:"inquiry"`
}

// Parse reads a message's body. A field it does not know is left aside, since
// a newer sender may be deployed before its readers. Its error never quotes the
// body, which is personal data.
func Parse(body string) (Message, error) {
	var m Message
	if json.Unmarshal([]byte(body), &m) != nil || m.LenderID == "" || m.ID == (inquiry.ID{}) {
		return Message{}, errors.New("message is not an inquiry's")
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

// New returns a Queue on the SQS queue at url.
func New(client Client, url string) *Queue { return &Queue{client: client, url: url} }

// Send puts the messages on the queue, ten a call. Each carries its lender as
// message group, by which a standard queue serves lenders fairly.
//
// A call's reply can be a success and still name messages that were not taken:
// those are sent again. After an error some messages may be on the queue and
// some not; sending all of them again is harmless.
func (q *Queue) Send(ctx context.Context, messages []Message) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		body, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("encoding message of inquiry %s: %w", m.ID, err)
		}
		entries[i] = types.SendMessageBatchRequestEntry{
			Id:             aws.String(strconv.Itoa(i)),
			MessageBody:    aws.String(string(body)),
			MessageGroupId: aws.String(string(m.LenderID)),
		}
	}
	for attempt := 0; len(entries) > 0; attempt++ {
		if attempt == sendAttempts {
			return fmt.Errorf("%d of %d messages were not taken", len(entries), len(messages))
		}
		refused, err := q.sendOnce(ctx, entries)
		if err != nil {
			return err
		}
		entries = refused
	}
	return nil
}

// sendOnce sends every entry once and returns those that were not taken.
func (q *Queue) sendOnce(ctx context.Context, entries []types.SendMessageBatchRequestEntry) ([]types.SendMessageBatchRequestEntry, error) {
	var refused []types.SendMessageBatchRequestEntry
	for len(entries) > 0 {
		n := fit(entries)
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

// fit returns how many of the entries, one at least, go into one call.
func fit(entries []types.SendMessageBatchRequestEntry) int {
	size := 0
	for n, e := range entries {
		size += len(*e.MessageBody)
		if n == entriesPerCall || n > 0 && size > bytesPerCall {
			return n
		}
	}
	return len(entries)
}

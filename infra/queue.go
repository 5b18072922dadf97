package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// maxReceives is how often an inquiry's message is delivered before it rests
// among the dead letters. process-inquiry is told, so that it knows its last try.
const maxReceives = 8

// InquiryQueue holds one message per inquiry that waits to be looked up, and
// beside it those that could not be delivered.
type InquiryQueue struct {
	Queue, DeadLetters awssqs.Queue
}

// NewInquiryQueue declares both queues.
func NewInquiryQueue(parent constructs.Construct) InquiryQueue {
	scope := constructs.NewConstruct(parent, jsii.String("Inquiries"))
	var q InquiryQueue
	q.DeadLetters = awssqs.NewQueue(scope, jsii.String("DeadLetters"), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL: jsii.Bool(true),
		// A message keeps its age when it moves here, so it must be kept here
		// for longer than in the queue it comes from.
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(14)),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(6 * failExhaustedSeconds)),
	})
	q.Queue = awssqs.NewQueue(scope, jsii.String("Queue"), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(4)),
		// Six invocations long, so that a throttled poller cannot hand a
		// message to a second worker while the first still has it.
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(6 * processInquirySeconds)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: q.DeadLetters, MaxReceiveCount: jsii.Number(maxReceives)},
	})
	return q
}

package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// InquiryQueue is the queue with one message for each inquiry that is waiting for
// its lookup, and the queue of the messages that could not be processed.
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
		// A message keeps its age when it moves here, so this queue must keep
		// messages longer than the one they come from.
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(14)),
		VisibilityTimeout: seconds(deployment.DeadLetterVisibility),
	})
	q.Queue = awssqs.NewQueue(scope, jsii.String("Queue"), &awssqs.QueueProps{
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(4)),
		VisibilityTimeout: seconds(deployment.InquiryVisibility),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: q.DeadLetters, MaxReceiveCount: jsii.Number(deployment.MaxReceives)},
	})
	return q
}

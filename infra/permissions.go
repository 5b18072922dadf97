package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// Patterns of partition keys; package store documents the keys. A role sees only
// items whose partition key matches one of its patterns.
const (
	profileKeys = store.LenderProfilePrefix + "*" // a lender's status and limits
	lenderKeys  = store.LenderPrefix + "*"        // also matches everything below a lender
	batchKeys   = store.LenderPrefix + "*" + store.BatchInfix + "*"
	bucketKeys  = batchKeys + "#*"
	userKeys    = store.UserPrefix + "*"
	apiKeyKeys  = store.APIKeyPrefix + "*"
)

// allow returns a policy statement that allows the actions on the resources.
func allow(actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &resources,
	})
}

// onKeys allows the actions on items whose partition key matches a pattern.
func onKeys(table awsdynamodb.Table, patterns []string, actions ...string) awsiam.PolicyStatement {
	s := allow(actions, table.TableArn())
	s.AddCondition(jsii.String("ForAllValues:StringLike"), map[string][]string{"dynamodb:LeadingKeys": patterns})
	return s
}

// except narrows what onKeys allows to keys that do not match the pattern.
func except(s awsiam.PolicyStatement, pattern string) awsiam.PolicyStatement {
	s.AddCondition(jsii.String("ForAllValues:StringNotLike"), map[string][]string{"dynamodb:LeadingKeys": {pattern}})
	return s
}

// onAttributes narrows what onKeys allows to requests that name only these
// attributes.
func onAttributes(s awsiam.PolicyStatement, names ...string) awsiam.PolicyStatement {
	s.AddCondition(jsii.String("ForAllValues:StringEquals"), map[string][]string{"dynamodb:Attributes": names})
	return s
}

// findOpenBatches allows queries of the index of unfinished batches.
func findOpenBatches(table awsdynamodb.Table) awsiam.PolicyStatement {
	s := allow([]string{"dynamodb:Query"}, jsii.String(*table.TableArn()+"/index/"+store.OpenIndex))
	s.AddCondition(jsii.String("ForAllValues:StringLike"), map[string][]string{"dynamodb:LeadingKeys": append(store.OpenShards[:], store.OpenBegun)})
	return s
}

// releaseRoom allows lowering a lender's number of open inquiries when a batch
// ends. It allows no change to the lender's other count.
func releaseRoom(table awsdynamodb.Table) awsiam.PolicyStatement {
	update := onKeys(table, []string{lenderKeys}, "dynamodb:UpdateItem")
	return except(onAttributes(update, store.PKAttribute, store.SKAttribute, store.OpenInquiriesAttribute), batchKeys)
}

// readMasterKeys allows reading the keys that API keys are derived from.
func readMasterKeys(r Resources) awsiam.PolicyStatement {
	var arns []*string
	for _, secret := range r.MasterKeys {
		arns = append(arns, secret.SecretArn())
	}
	return allow([]string{"secretsmanager:GetSecretValue"}, arns...)
}

// sendInquiries allows sending messages to the queue of inquiries.
func sendInquiries(r Resources) awsiam.PolicyStatement {
	return allow([]string{"sqs:SendMessage"}, r.Inquiries.Queue.QueueArn())
}

// consumeQueue allows reading the queue: Lambda polls it as the function.
func consumeQueue(queue awssqs.Queue) awsiam.PolicyStatement {
	return allow([]string{
		"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
	}, queue.QueueArn())
}

// consumeStream allows reading the table's stream, which Lambda does as the function,
// and setting records aside: the function does so with those that it cannot read, and
// Lambda with those that it gives up.
func consumeStream(r Resources) []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		allow([]string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}, r.Table.TableStreamArn()),
		allow([]string{"dynamodb:ListStreams"}, jsii.String(*r.Table.TableArn()+"/stream/*")),
		allow([]string{"s3:PutObject"}, r.FailedRecords.ArnForObjects(jsii.String("*"))),
		allow([]string{"s3:ListBucket"}, r.FailedRecords.BucketArn()),
	}
}

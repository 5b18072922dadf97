package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

var dispatchBatch = functionSpec{
	Name:        deployment.DispatchBatch,
	Description: "Sends every inquiry of a submitted batch to the queue, and stops canceled batches",
	Timeout:     deployment.DispatchBatchTimeout,
	MB:          deployment.DispatchBatchMemory,
	Concurrency: deployment.DispatchBatchConcurrency,
	Env: func(p Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":            r.Table.TableName(),
			"QUEUE_URL":             r.Inquiries.Queue.QueueUrl(),
			"METRICS_NAMESPACE":     p.metricsNamespace(),
			"FAILED_RECORDS_BUCKET": r.FailedRecords.BucketName(),
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return append([]awsiam.PolicyStatement{
			except(onKeys(r.Table, []string{batchKeys}, "dynamodb:Query"), bucketKeys),
			// It writes a canceled inquiry where no worker has written one.
			onKeys(r.Table, []string{bucketKeys}, "dynamodb:PutItem"),
			sendInquiries(r),
		}, consumeStream(r)...)
	},
}

package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

var sweepOpenBatches = functionSpec{
	Name:        deployment.SweepOpenBatches,
	Description: "Repairs unfinished batches, whatever was lost on the way",
	Timeout:     deployment.SweepOpenBatchesTimeout,
	MB:          deployment.SweepOpenBatchesMemory,
	Env: func(p Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":        r.Table.TableName(),
			"QUEUE_URL":         r.Inquiries.Queue.QueueUrl(),
			"BATCH_DEADLINE":    jsii.String(p.BatchDeadline.String()),
			"METRICS_NAMESPACE": p.metricsNamespace(),
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			findOpenBatches(r.Table),
			except(onKeys(r.Table, []string{batchKeys}, "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"), bucketKeys),
			onKeys(r.Table, []string{bucketKeys}, "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"),
			releaseRoom(r.Table),
			sendInquiries(r),
		}
	},
}

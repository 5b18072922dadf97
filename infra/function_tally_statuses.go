package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

var tallyStatuses = functionSpec{
	Name:        deployment.TallyStatuses,
	Description: "Updates a batch's counters when its inquiries change status",
	Timeout:     deployment.TallyStatusesTimeout,
	MB:          deployment.TallyStatusesMemory,
	Concurrency: deployment.TallyStatusesConcurrency,
	Env: func(p Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":            r.Table.TableName(),
			"FAILED_RECORDS_BUCKET": r.FailedRecords.BucketName(),
			"METRICS_NAMESPACE":     p.metricsNamespace(),
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return append([]awsiam.PolicyStatement{
			// Headers only: it counts inquiries and cannot change them.
			except(onKeys(r.Table, []string{batchKeys}, "dynamodb:GetItem", "dynamodb:UpdateItem"), bucketKeys),
			releaseRoom(r.Table),
		}, consumeStream(r)...)
	},
}

package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

var processInquiry = functionSpec{
	Name:        deployment.ProcessInquiry,
	Description: "Looks businesses up at the sources and stores the reports",
	Timeout:     deployment.ProcessInquiryTimeout,
	MB:          deployment.ProcessInquiryMemory,
	Concurrency: deployment.ProcessInquiryConcurrency,
	Env: func(p Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":        r.Table.TableName(),
			"MAX_RECEIVES":      jsii.String(strconv.Itoa(deployment.MaxReceives)),
			"BATCH_DEADLINE":    jsii.String(p.BatchDeadline.String()),
			"METRICS_NAMESPACE": p.metricsNamespace(),
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			// Inquiries only: a worker cannot touch a batch's counters.
			onKeys(r.Table, []string{bucketKeys}, "dynamodb:UpdateItem"),
			consumeQueue(r.Inquiries.Queue),
		}
	},
}

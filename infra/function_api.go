package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var apiFunction = functionSpec{
	Name:        deployment.API,
	Description: "Serves the API: accepts batches and shows batches and inquiries",
	Timeout:     deployment.APITimeout,
	MB:          deployment.APIMemory,
	Concurrency: deployment.APIConcurrency,
	Env: func(p Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":        r.Table.TableName(),
			"PORTAL_ORIGIN":     &p.PortalOrigin,
			"METRICS_NAMESPACE": p.metricsNamespace(),
			"RESULTS_BUCKET":    r.Results.BucketName(),
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			// It reads results only through the links that it signs.
			allow([]string{"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"}, r.Results.ArnForObjects(jsii.String("results/*"))),
			onKeys(r.Table, []string{lenderKeys, profileKeys, userKeys, apiKeyKeys}, "dynamodb:GetItem", "dynamodb:BatchGetItem"),
			onKeys(r.Table, []string{lenderKeys}, "dynamodb:Query"),
			// IAM allows a transaction by the actions in it. A submission checks that its
			// lender, user and API key may use the service.
			onKeys(r.Table, []string{profileKeys, userKeys, apiKeyKeys}, "dynamodb:ConditionCheckItem"),
			except(onKeys(r.Table, []string{lenderKeys}, "dynamodb:PutItem", "dynamodb:UpdateItem"), bucketKeys),
			// Deleting a batch removes the reports of its inquiries.
			onAttributes(onKeys(r.Table, []string{bucketKeys}, "dynamodb:UpdateItem"),
				store.PKAttribute, store.SKAttribute, store.ReportAttribute),
		}
	},
}

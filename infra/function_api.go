package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var apiFunction = functionSpec{
	Name:        deployment.API,
	Description: "Serves the API: accepts batches and shows batches, inquiries and API keys",
	Timeout:     deployment.APITimeout,
	MB:          deployment.APIMemory,
	Concurrency: deployment.APIConcurrency,
	Env: func(p Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":            r.Table.TableName(),
			"MASTER_KEY_SECRET_ARN": r.MasterKey.SecretArn(),
			"PORTAL_ORIGIN":         &p.PortalOrigin,
			"RESULTS_BUCKET":        r.Results.BucketName(),
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			readMasterKey(r),
			// It reads results only through the links that it signs.
			allow([]string{"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"}, r.Results.ArnForObjects(jsii.String("results/*"))),
			onKeys(r.Table, []string{lenderKeys, userKeys, apiKeyKeys}, "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
			// IAM allows a transaction by the actions in it.
			onKeys(r.Table, []string{lenderKeys, apiKeyKeys}, "dynamodb:PutItem", "dynamodb:UpdateItem"),
			// It may change a user's API key, but not the user's lender or role.
			onAttributes(onKeys(r.Table, []string{userKeys}, "dynamodb:UpdateItem"),
				store.PKAttribute, store.SKAttribute, store.APIKeyIDAttribute),
		}
	},
}

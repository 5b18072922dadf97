package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

var authorizeRequest = functionSpec{
	Name:        deployment.AuthorizeRequest,
	Description: "Verifies a request's credential and returns its lender and user",
	Timeout:     deployment.AuthorizeRequestTimeout,
	MB:          deployment.AuthorizeRequestMemory,
	Concurrency: deployment.AuthorizeRequestConcurrency,
	Env: func(_ Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":             r.Table.TableName(),
			"MASTER_KEY_SECRET_ARNS": masterKeyARNs(r),
			"USER_POOL_ID":           r.Identity.Pool.UserPoolId(),
			"USER_POOL_CLIENT_ID":    r.Identity.Client.UserPoolClientId(),
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			readMasterKeys(r),
			onKeys(r.Table, []string{profileKeys, userKeys, apiKeyKeys}, "dynamodb:GetItem", "dynamodb:BatchGetItem"),
		}
	},
}

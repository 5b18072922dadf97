package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var manageAPIKeys = functionSpec{
	Name:        deployment.ManageAPIKeys,
	Description: "Shows, rotates and revokes API keys",
	Timeout:     deployment.ManageAPIKeysTimeout,
	MB:          deployment.ManageAPIKeysMemory,
	Concurrency: deployment.ManageAPIKeysConcurrency,
	Env: func(p Props, r Resources) map[string]*string {
		return map[string]*string{
			"TABLE_NAME":             r.Table.TableName(),
			"MASTER_KEY_SECRET_ARNS": masterKeyARNs(r),
			"PORTAL_ORIGIN":          &p.PortalOrigin,
		}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			readMasterKeys(r),
			onKeys(r.Table, []string{profileKeys, userKeys, apiKeyKeys}, "dynamodb:GetItem", "dynamodb:BatchGetItem"),
			// IAM allows a transaction by the actions in it.
			onKeys(r.Table, []string{apiKeyKeys}, "dynamodb:PutItem"),
			// It may not change whose key it is.
			onAttributes(onKeys(r.Table, []string{apiKeyKeys}, "dynamodb:UpdateItem"),
				store.PKAttribute, store.SKAttribute, "version", "generation", "rotations", "rotatedAt", "revokedAt"),
			// It may change a user's API key, but not the user's lender or role.
			onAttributes(onKeys(r.Table, []string{userKeys}, "dynamodb:UpdateItem"),
				store.PKAttribute, store.SKAttribute, store.APIKeyIDAttribute),
		}
	},
}

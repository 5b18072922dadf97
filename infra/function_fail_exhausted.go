package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

var failExhausted = functionSpec{
	Name:        deployment.FailExhausted,
	Description: "Fails inquiries whose message was delivered too often without success",
	Timeout:     deployment.FailExhaustedTimeout,
	MB:          deployment.FailExhaustedMemory,
	Env: func(_ Props, r Resources) map[string]*string {
		return map[string]*string{"TABLE_NAME": r.Table.TableName()}
	},
	Permissions: func(r Resources) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			onKeys(r.Table, []string{bucketKeys}, "dynamodb:UpdateItem"),
			consumeQueue(r.Inquiries.DeadLetters),
		}
	},
}

package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// openIndex is the index of unfinished batches.
const openIndex = "open"

// NewTable declares the one table. Which items it holds is drawn in
// shared/store.
func NewTable(scope constructs.Construct, props Props) awsdynamodb.Table {
	table := awsdynamodb.NewTable(scope, jsii.String("Table"), &awsdynamodb.TableProps{
		PartitionKey: attribute("PK", awsdynamodb.AttributeType_STRING),
		SortKey:      attribute("SK", awsdynamodb.AttributeType_STRING),
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:   awsdynamodb.TableEncryption_AWS_MANAGED,
		// The counters need an item's new state only: their merge does not
		// care what it was before.
		Stream:              awsdynamodb.StreamViewType_NEW_IMAGE,
		TimeToLiveAttribute: jsii.String("expiresAt"),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(props.keepsData()),
		RemovalPolicy:      props.removal(),
	})
	// Only unfinished batches have these two attributes, so the index stays
	// small however many batches there have been.
	table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:      jsii.String(openIndex),
		PartitionKey:   attribute("openShard", awsdynamodb.AttributeType_STRING),
		SortKey:        attribute("nextCheckAt", awsdynamodb.AttributeType_NUMBER),
		ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
	})
	return table
}

func attribute(name string, kind awsdynamodb.AttributeType) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: &name, Type: kind}
}

package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// NewTable declares the one table. Package store documents its items.
func NewTable(scope constructs.Construct, props Props) awsdynamodb.Table {
	table := awsdynamodb.NewTable(scope, jsii.String("Table"), &awsdynamodb.TableProps{
		PartitionKey: attribute(store.PKAttribute, awsdynamodb.AttributeType_STRING),
		SortKey:      attribute(store.SKAttribute, awsdynamodb.AttributeType_STRING),
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:   awsdynamodb.TableEncryption_AWS_MANAGED,
		// Merging counters needs only an item's new state, not the previous one.
		Stream:              awsdynamodb.StreamViewType_NEW_IMAGE,
		TimeToLiveAttribute: jsii.String(store.ExpiresAtAttribute),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(props.keepsData()),
		RemovalPolicy:      props.removal(),
	})
	// Only unfinished batches have these two attributes, so the index stays small
	// however many batches there have been.
	table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:      jsii.String(store.OpenIndex),
		PartitionKey:   attribute(store.OpenShardAttribute, awsdynamodb.AttributeType_STRING),
		SortKey:        attribute(store.NextCheckAtAttribute, awsdynamodb.AttributeType_NUMBER),
		ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
	})
	return table
}

func attribute(name string, kind awsdynamodb.AttributeType) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: &name, Type: kind}
}

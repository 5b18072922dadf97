package engine

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableSchema returns the request that creates an empty table with the same keys
// and index as the service's, but without a stream.
//
// The names are spelled out because this package cannot import shared/store: the
// tests of shared/store import this package. A test in infra compares the schema
// with the template.
func TableSchema(name string) *dynamodb.CreateTableInput {
	text, number := types.ScalarAttributeTypeS, types.ScalarAttributeTypeN
	keys := func(partition, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &partition, KeyType: types.KeyTypeHash},
			{AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	return &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: text}, {AttributeName: aws.String("SK"), AttributeType: text},
			{AttributeName: aws.String("openShard"), AttributeType: text}, {AttributeName: aws.String("nextCheckAt"), AttributeType: number},
		},
		KeySchema: keys("PK", "SK"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("open"),
			KeySchema:  keys("openShard", "nextCheckAt"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}
}

package engine

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableSchema is the request that makes an empty table with the keys and the index
// that infra declares of the service's, and without a stream.
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

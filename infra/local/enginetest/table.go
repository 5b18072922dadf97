package enginetest

import (
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// NewTable returns a client of the engine that [Table] names and an empty table
// there that is the test's own, with the keys and the index of the service's.
func NewTable(tb testing.TB, options ...func(*dynamodb.Options)) (db *dynamodb.Client, name string) {
	tb.Helper()
	db = dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(Table(tb)),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, options...)
	name = "table-" + rand.Text()
	_, err := db.CreateTable(tb.Context(), &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("SK"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("openShard"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("nextCheckAt"), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("SK"), KeyType: types.KeyTypeRange},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("open"),
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("openShard"), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String("nextCheckAt"), KeyType: types.KeyTypeRange},
			},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	if err != nil {
		tb.Fatalf("creating a table: %v", err)
	}
	return db, name
}

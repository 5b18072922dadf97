package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// benchTable is a table of its own in a real engine. It has no stream, which
// would slow this engine down the longer it gets: a journal stands for it.
type benchTable struct {
	endpoint, name string
	journal        journal
}

// newTable makes an empty table. Its shape is the one that infra declares.
func newTable(ctx context.Context, endpoint string) (*benchTable, error) {
	t := &benchTable{endpoint: endpoint, name: "bench-" + rand.Text(), journal: journal{sizes: map[string]int{}}}
	text, number := types.ScalarAttributeTypeS, types.ScalarAttributeTypeN
	_, err := t.client(nil).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &t.name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: text}, {AttributeName: aws.String("SK"), AttributeType: text},
			{AttributeName: aws.String("openShard"), AttributeType: text}, {AttributeName: aws.String("nextCheckAt"), AttributeType: number},
		},
		KeySchema: keySchema("PK", "SK"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("open"),
			KeySchema:  keySchema("openShard", "nextCheckAt"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("making a table: %w", err)
	}
	return t, nil
}

func keySchema(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &partition, KeyType: types.KeyTypeHash},
		{AttributeName: &sort, KeyType: types.KeyTypeRange},
	}
}

// client returns a client of the engine. With a meter, its calls are counted and
// its writes are in the journal.
func (t *benchTable) client(m *meter) *dynamodb.Client {
	options := dynamodb.Options{
		BaseEndpoint: &t.endpoint,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	if m != nil {
		options.APIOptions = append(options.APIOptions, m.install, t.journal.install)
	}
	return dynamodb.New(options)
}

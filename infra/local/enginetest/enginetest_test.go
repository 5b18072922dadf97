package enginetest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func TestTableAnswers(t *testing.T) {
	t.Parallel()

	db := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(Table(t)),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if _, err := db.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Error(err)
	}
	if again := Table(t); again != Table(t) {
		t.Error("the second call named another engine")
	}
}

func TestDynamoDBLocalAnswers(t *testing.T) {
	t.Parallel()

	db := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(DynamoDBLocal(t)),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if _, err := db.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Error(err)
	}
}

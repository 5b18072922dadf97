package enginetest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// checkAnswers reports an engine that does not answer a request.
func checkAnswers(t *testing.T, endpoint string) {
	t.Helper()
	db := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if _, err := db.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()

	t.Run("the engine answers", func(t *testing.T) {
		t.Parallel()

		checkAnswers(t, Table(t))
	})

	t.Run("all tests share one engine", func(t *testing.T) {
		t.Parallel()

		if first, second := Table(t), Table(t); first != second {
			t.Errorf("Table() = %s, and then %s", first, second)
		}
	})
}

func TestDynamoDBLocal(t *testing.T) {
	t.Parallel()

	t.Run("the engine answers", func(t *testing.T) {
		t.Parallel()

		checkAnswers(t, DynamoDBLocal(t))
	})
}

package enginetest

import (
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
)

// NewTable creates an empty table for one test on the engine that [Table] returns,
// with the same keys and index as the service's table. It returns a client and the
// table's name.
func NewTable(tb testing.TB, options ...func(*dynamodb.Options)) (db *dynamodb.Client, name string) {
	tb.Helper()
	db = dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(Table(tb)),
		Region:       "us-east-1",
		HTTPClient:   boot.HTTPClient(awshttp.NewBuildableClient()),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, options...)
	name = "table-" + rand.Text()
	_, err := db.CreateTable(tb.Context(), engine.TableSchema(name))
	if err != nil {
		tb.Fatalf("creating a table: %v", err)
	}
	return db, name
}

// TableSchema returns the request that creates such a table, for a test that
// creates its own on another engine or with a stream.
func TableSchema(name string) *dynamodb.CreateTableInput { return engine.TableSchema(name) }

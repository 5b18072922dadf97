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

// NewTable returns a client of the engine that [Table] names and an empty table
// there that is the test's own, with the keys and the index of the service's.
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

// TableSchema is the request that makes such a table, for a test that makes its
// own: on another engine, or with a stream.
func TableSchema(name string) *dynamodb.CreateTableInput { return engine.TableSchema(name) }

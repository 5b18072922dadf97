package main

import (
	"context"
	"crypto/rand"
	"fmt"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
)

// benchTable is a new table in a real engine. It has no stream, because this
// engine gets slower as its stream grows. The journal replaces it.
type benchTable struct {
	endpoint, name string
	journal        journal
}

// newTable creates an empty table.
func newTable(ctx context.Context, endpoint string) (*benchTable, error) {
	t := &benchTable{endpoint: endpoint, name: "bench-" + rand.Text(), journal: journal{sizes: map[string]int{}}}
	_, err := t.client(nil).CreateTable(ctx, engine.TableSchema(t.name))
	if err != nil {
		return nil, fmt.Errorf("creating a table: %w", err)
	}
	return t, nil
}

// client returns a client of the engine. With a meter, it counts its calls and
// records its writes in the journal.
func (t *benchTable) client(m *meter) *dynamodb.Client {
	options := dynamodb.Options{
		BaseEndpoint: &t.endpoint,
		Region:       "us-east-1",
		HTTPClient:   boot.HTTPClient(awshttp.NewBuildableClient()),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	if m != nil {
		options.APIOptions = append(options.APIOptions, m.install, t.journal.install)
	}
	return dynamodb.New(options)
}

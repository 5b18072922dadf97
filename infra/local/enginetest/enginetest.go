// Package enginetest gives tests a real table engine to work on.
package enginetest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

// shared starts one server for the whole test binary. Nobody stops it: it ends
// with the process that started it, however that ends.
var shared = sync.OnceValues(func() (*engine.TableServer, error) {
	return engine.StartTable(context.Background())
})

// Table returns the endpoint of a DynamoDB engine that all tests of this binary
// share, so each test should make a table of its own. TABLE_ENDPOINT, if set,
// names another engine to use.
func Table(tb testing.TB) string {
	tb.Helper()
	if endpoint := os.Getenv("TABLE_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	server, err := shared()
	if err != nil {
		tb.Fatalf("starting a table server: %v", err)
	}
	return server.Endpoint()
}

// sharedDynamoDBLocal is like shared.
var sharedDynamoDBLocal = sync.OnceValues(func() (*engine.TableServer, error) {
	return engine.StartDynamoDBLocal(context.Background())
})

// DynamoDBLocal returns the endpoint of AWS's own DynamoDB Local, which all tests
// of this binary share and which is right wherever another engine differs. The
// test is skipped on a machine without the programs that it takes.
func DynamoDBLocal(tb testing.TB) string {
	tb.Helper()
	server, err := sharedDynamoDBLocal()
	if errors.Is(err, engine.ErrPrerequisite) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatalf("starting DynamoDB Local: %v", err)
	}
	return server.Endpoint()
}

// Package enginetest provides real DynamoDB engines for tests.
package enginetest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

// shared starts one server for the whole test binary. Nothing needs to stop the
// server: it ends with this process, however the process ends.
var shared = sync.OnceValues(func() (*engine.TableServer, error) {
	return engine.StartTable(context.Background())
})

// Table returns the endpoint of a DynamoDB engine. All tests of this binary share
// it, so each test should create its own table. If TABLE_ENDPOINT is set, Table
// returns that instead.
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

// sharedDynamoDBLocal does the same with DynamoDB Local.
var sharedDynamoDBLocal = sync.OnceValues(func() (*engine.TableServer, error) {
	return engine.StartDynamoDBLocal(context.Background())
})

// DynamoDBLocal returns the endpoint of AWS's own DynamoDB Local. All tests of this
// binary share it. Where another engine behaves differently, DynamoDB Local is
// right. The test is skipped if the machine lacks the programs to run it.
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

// Command process-inquiry is the Lambda function that looks up queued inquiries in
// every source and stores their reports.
package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/functions/process-inquiry/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/source/ofac"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("process-inquiry", wire) }

// sources returns the sources that are asked about every inquiry.
func sources(list *ofac.List) []source.Source { return []source.Source{ofac.New(list)} }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, maxReceives, deadline := env.Required("TABLE_NAME"), env.Int("MAX_RECEIVES"), env.Duration("BATCH_DEADLINE")
	root := env.Required("LAMBDA_TASK_ROOT") // where Lambda unpacks the zip file
	cfg := env.AWS()
	namespace := env.Required("METRICS_NAMESPACE")
	if err := env.Err(); err != nil {
		return nil, err
	}
	list, err := ofac.Load(os.DirFS(filepath.Join(root, "ofac")))
	if err != nil {
		return nil, err
	}
	h := &handler.Handler{
		Inquiries:   store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Sources:     source.NewRunner(sources(list)...),
		MaxReceives: maxReceives,
		Deadline:    deadline,
		Now:         time.Now,
		Metrics:     metrics.New(namespace, os.Stdout, time.Now),
		Log:         log,
	}
	return h.Handle, nil
}

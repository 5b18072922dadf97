// Command sweep-open-batches is the Lambda function that repairs unfinished
// batches, no matter which messages or stream records were lost. A schedule calls
// it.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/batch-inquiries/batch-inquiries/functions/sweep-open-batches/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("sweep-open-batches", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, queueURL := env.Required("TABLE_NAME"), env.Required("QUEUE_URL")
	deadline, cfg := env.Duration("BATCH_DEADLINE"), env.AWS()
	namespace := env.Required("METRICS_NAMESPACE")
	if err := env.Err(); err != nil {
		return nil, err
	}
	h := &handler.Handler{
		Batches:  store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Queue:    queue.New(sqs.NewFromConfig(cfg), queueURL),
		Deadline: deadline,
		Now:      time.Now,
		Metrics:  metrics.New(namespace, os.Stdout, time.Now),
		Log:      log,
	}
	return h.Handle, nil
}

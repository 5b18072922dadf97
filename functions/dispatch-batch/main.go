// Command dispatch-batch is the Lambda function that puts the inquiries of every
// submitted batch on the queue. The table's stream calls it.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/batch-inquiries/batch-inquiries/functions/dispatch-batch/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/failedrecords"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("dispatch-batch", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, queueURL, bucket := env.Required("TABLE_NAME"), env.Required("QUEUE_URL"), env.Required("FAILED_RECORDS_BUCKET")
	cfg := env.AWS()
	namespace := env.Required("METRICS_NAMESPACE")
	if err := env.Err(); err != nil {
		return nil, err
	}
	files := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.BaseEndpoint != nil // a local engine's buckets have no host names
	})
	h := &handler.Handler{
		Batches: store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Queue:   queue.New(sqs.NewFromConfig(cfg), queueURL),
		Failed:  failedrecords.New(files, bucket, deployment.DispatchBatch),
		Metrics: metrics.New(namespace, os.Stdout, time.Now),
		Log:     log,
	}
	return h.Handle, nil
}

// Command tally-statuses is the Lambda function that keeps each batch's counters
// equal to the statuses of its inquiries. The table's stream calls it.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/failedrecords"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("tally-statuses", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, bucket, cfg := env.Required("TABLE_NAME"), env.Required("FAILED_RECORDS_BUCKET"), env.AWS()
	namespace := env.Required("METRICS_NAMESPACE")
	if err := env.Err(); err != nil {
		return nil, err
	}
	files := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.BaseEndpoint != nil // a local engine's buckets have no host names
	})
	h := &handler.Handler{
		Counters: store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Failed:   failedrecords.New(files, bucket, deployment.TallyStatuses),
		Metrics:  metrics.New(namespace, os.Stdout, time.Now),
		Log:      log,
	}
	return h.Handle, nil
}

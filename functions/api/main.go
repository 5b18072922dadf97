// Command api is the Lambda function behind every route of the HTTP API, except those
// of API keys.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/batch-inquiries/batch-inquiries/functions/api/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/gateway"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("api", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, bucket := env.Required("TABLE_NAME"), env.Required("RESULTS_BUCKET")
	cfg := env.AWS()
	namespace := env.Required("METRICS_NAMESPACE")
	if err := env.Err(); err != nil {
		return nil, err
	}
	tables := store.New(dynamodb.NewFromConfig(cfg), table, time.Now)
	files := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.BaseEndpoint != nil // a local engine's buckets have no host names
	})
	api := httpapi.API{
		Batches:      tables,
		Access:       access.Checker{Members: tables},
		Exports:      handler.NewExports(files, bucket),
		Now:          time.Now,
		Metrics:      metrics.New(namespace, os.Stdout, time.Now),
		Log:          log,
		PortalOrigin: env.Optional("PORTAL_ORIGIN"), // if not set, no script of another origin may read the answers
	}
	return gateway.New(api.Handler(), log).Handle, nil
}

// Command api is the Lambda function behind every route of the HTTP API.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/batch-inquiries/batch-inquiries/functions/api/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() {
	log := boot.Logger("api")
	h, err := wire(os.Getenv, log)
	if err != nil {
		log.Error("cannot start", "err", err)
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}

// wire builds the handler. It alone reads the environment and makes clients.
func wire(getenv func(string) string, log *slog.Logger) (*handler.Handler, error) {
	env := boot.Env{Lookup: getenv}
	table, masterKey, bucket := env.Required("TABLE_NAME"), env.Required("MASTER_KEY_SECRET_ARN"), env.Required("RESULTS_BUCKET")
	if err := env.Err(); err != nil {
		return nil, err
	}
	cfg, err := boot.AWS(getenv)
	if err != nil {
		return nil, err
	}
	tables := store.New(dynamodb.NewFromConfig(cfg), table, time.Now)
	api := httpapi.API{
		Batches: tables,
		Keys:    &access.APIKeys{Records: tables, Secrets: secretsmanager.NewFromConfig(cfg), MasterKey: masterKey},
		Exports: handler.NewExports(s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.UsePathStyle = cfg.BaseEndpoint != nil // another engine's buckets have no host names
		}), bucket),
		Now: time.Now,
		Log: log,

		PortalOrigin: getenv("PORTAL_ORIGIN"), // not set: no browser may read our answers
	}
	return handler.New(api.Handler(), log), nil
}

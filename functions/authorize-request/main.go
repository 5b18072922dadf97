// Command authorize-request is the Lambda function that API Gateway asks, before
// every request, who is calling and whether they may.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/batch-inquiries/batch-inquiries/functions/authorize-request/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() {
	log := boot.Logger("authorize-request")
	h, err := wire(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("cannot start", "err", err)
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}

// wire builds the handler. It alone reads the environment and makes clients.
func wire(ctx context.Context, getenv func(string) string, log *slog.Logger) (*handler.Handler, error) {
	env := boot.Env{Lookup: getenv}
	table, masterKey := env.Required("TABLE_NAME"), env.Required("MASTER_KEY_SECRET_ARN")
	pool := auth.Pool{
		Region:   env.Required("AWS_REGION"),
		ID:       env.Required("USER_POOL_ID"),
		ClientID: env.Required("USER_POOL_CLIENT_ID"),
		Endpoint: getenv("AWS_ENDPOINT_URL"), // a local engine; not set on AWS
	}
	if err := env.Err(); err != nil {
		return nil, err
	}
	cfg, err := boot.AWS(getenv)
	if err != nil {
		return nil, err
	}
	keys, err := auth.LoadKeys(ctx, secretsmanager.NewFromConfig(cfg), masterKey)
	if err != nil {
		return nil, err
	}
	return &handler.Handler{
		Access: store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Tokens: auth.NewTokens(pool, &http.Client{}, time.Now),
		Keys:   keys,
		Log:    log,
	}, nil
}

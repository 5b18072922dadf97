// Command fail-exhausted is the Lambda function that reads the dead letters: an
// inquiry whose message was delivered in vain too often is failed, so that its
// batch can finish.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/functions/fail-exhausted/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() {
	log := boot.Logger("fail-exhausted")
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
	table := env.Required("TABLE_NAME")
	if err := env.Err(); err != nil {
		return nil, err
	}
	cfg, err := boot.AWS(getenv)
	if err != nil {
		return nil, err
	}
	return &handler.Handler{Inquiries: store.New(dynamodb.NewFromConfig(cfg), table, time.Now), Log: log}, nil
}

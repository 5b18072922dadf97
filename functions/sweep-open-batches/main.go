// Command sweep-open-batches is the Lambda function that repairs unfinished
// batches, whatever was lost on their way. A schedule calls it.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/batch-inquiries/batch-inquiries/functions/sweep-open-batches/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/queue"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() {
	log := boot.Logger("sweep-open-batches")
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
	table, queueURL, deadline := env.Required("TABLE_NAME"), env.Required("QUEUE_URL"), env.Required("BATCH_DEADLINE")
	if err := env.Err(); err != nil {
		return nil, err
	}
	batchDeadline, err := time.ParseDuration(deadline)
	if err != nil {
		return nil, fmt.Errorf("BATCH_DEADLINE: %w", err)
	}
	cfg, err := boot.AWS(getenv)
	if err != nil {
		return nil, err
	}
	return &handler.Handler{
		Batches:  store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Queue:    queue.New(sqs.NewFromConfig(cfg), queueURL),
		Deadline: batchDeadline,
		Now:      time.Now,
		Log:      log,
	}, nil
}

// Command process-inquiry is the Lambda function that looks queued inquiries up
// in every source and writes their reports.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/functions/process-inquiry/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/source/ofac"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() {
	log := boot.Logger("process-inquiry")
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
	table, maxReceives := env.Required("TABLE_NAME"), env.Required("MAX_RECEIVES")
	deadline := env.Required("BATCH_DEADLINE")
	root := env.Required("LAMBDA_TASK_ROOT") // where Lambda unpacks the zip
	if err := env.Err(); err != nil {
		return nil, err
	}
	receives, err := strconv.Atoi(maxReceives)
	if err != nil {
		return nil, fmt.Errorf("MAX_RECEIVES: %w", err)
	}
	batchDeadline, err := time.ParseDuration(deadline)
	if err != nil {
		return nil, fmt.Errorf("BATCH_DEADLINE: %w", err)
	}
	list, err := ofac.Load(os.DirFS(filepath.Join(root, "ofac")))
	if err != nil {
		return nil, fmt.Errorf("loading the OFAC list: %w", err)
	}
	cfg, err := boot.AWS(getenv)
	if err != nil {
		return nil, err
	}
	return &handler.Handler{
		Inquiries:   store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Sources:     source.NewRunner(ofac.New(list)),
		MaxReceives: receives,
		Deadline:    batchDeadline,
		Now:         time.Now,
		Log:         log,
	}, nil
}

// Command tally-statuses is the Lambda function that keeps each batch's counters
// equal to the statuses of its inquiries. The table's stream calls it.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/functions/tally-statuses/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("tally-statuses", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, cfg := env.Required("TABLE_NAME"), env.AWS()
	if err := env.Err(); err != nil {
		return nil, err
	}
	h := &handler.Handler{
		Counters: store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Log:      log,
	}
	return h.Handle, nil
}

// Command fail-exhausted is the Lambda function that reads the dead-letter queue.
// It fails an inquiry whose message was delivered too often without success, so
// that the inquiry's batch can finish.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/functions/fail-exhausted/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("fail-exhausted", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, cfg := env.Required("TABLE_NAME"), env.AWS()
	if err := env.Err(); err != nil {
		return nil, err
	}
	h := &handler.Handler{
		Inquiries: store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Log:       log,
	}
	return h.Handle, nil
}

// Command authorize-request is the Lambda function that API Gateway calls before
// every request to find out who is calling and whether they may use the service.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/batch-inquiries/batch-inquiries/functions/authorize-request/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("authorize-request", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, masterKeys, cfg := env.Required("TABLE_NAME"), env.Required("MASTER_KEY_SECRET_ARNS"), env.AWS()
	pool := auth.Pool{
		Region:   env.Required("AWS_REGION"),
		ID:       env.Required("USER_POOL_ID"),
		ClientID: env.Required("USER_POOL_CLIENT_ID"),
		Endpoint: env.Optional("AWS_ENDPOINT_URL"), // a local engine; not set on AWS
	}
	if err := env.Err(); err != nil {
		return nil, err
	}
	master := auth.NewMasterKeys(secretsmanager.NewFromConfig(cfg), strings.Split(masterKeys, ","))
	if _, err := master.Keys(context.Background(), master.Current()); err != nil { // now, so that no request waits for it
		return nil, err
	}
	h := &handler.Handler{
		Access: store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		Tokens: auth.NewTokens(pool, &http.Client{}, time.Now),
		Master: master,
		Log:    log,
	}
	return h.Handle, nil
}

// Command manage-api-keys is the Lambda function behind the routes of API keys: it
// shows, rotates and revokes them. Apart from authorize-request it is the only one that
// may read the master key.
package main

import (
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/gateway"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() { boot.Run("manage-api-keys", wire) }

// wire builds the handler. It alone reads the environment and makes clients.
func wire(env *boot.Env, log *slog.Logger) (any, error) {
	table, masterKeys, cfg := env.Required("TABLE_NAME"), env.Required("MASTER_KEY_SECRET_ARNS"), env.AWS()
	if err := env.Err(); err != nil {
		return nil, err
	}
	api := httpapi.API{
		Keys: &access.APIKeys{
			Records: store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
			Master:  auth.NewMasterKeys(secretsmanager.NewFromConfig(cfg), strings.Split(masterKeys, ",")),
		},
		Now:          time.Now,
		Log:          log,
		PortalOrigin: env.Optional("PORTAL_ORIGIN"), // if not set, no script of another origin may read the answers
	}
	return gateway.New(api.KeyHandler(), log).Handle, nil
}

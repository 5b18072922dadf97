package boot

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// AWS returns the configuration for a function's SDK clients. Lambda sets the
// region and the credentials, which are good for as long as the process lives. A
// local engine also sets the endpoint.
//
// The SDK's LoadDefaultConfig would do the same, but it also links every other way
// to find credentials, which is a tenth of a function's size.
func (e *Env) AWS() aws.Config {
	credentials := aws.Credentials{
		AccessKeyID:     e.Required("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: e.Required("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    e.Optional("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	cfg := aws.Config{
		Region: e.Required("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
		HTTPClient: HTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = t.MaxIdleConns // the SDK's limit of ten is below the calls that a function makes at the same time
		})),
		Retryer: Retryer,
	}
	if endpoint := e.Optional("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg
}

// Retryer returns the SDK's own retryer, which also repeats a write to an item that is
// part of a running transaction: DynamoDB rejects it, and the transaction is over in a
// moment.
// docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
func Retryer() aws.Retryer {
	return retry.AddWithErrorCodes(retry.NewStandard(), "TransactionConflictException")
}

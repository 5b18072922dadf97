package boot

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// AWS returns the configuration that a Lambda function's clients are made with.
// All of it is in the environment, where Lambda puts the function's region and
// its credentials for as long as the process lives; on another engine than AWS
// the endpoint is there too.
//
// The SDK's LoadDefaultConfig would do the same and link every other place in
// which credentials can be found, which is a tenth of a function's size.
func AWS(getenv func(string) string) (aws.Config, error) {
	found := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	cfg := aws.Config{
		Retryer: func() aws.Retryer {
			// DynamoDB says this to a write that meets a transaction on its item, which
			// is over in a moment.
			// docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
			return retry.AddWithErrorCodes(retry.NewStandard(), "TransactionConflictException")
		},
		HTTPClient: HTTPClient(awshttp.NewBuildableClient()),
		Region:     getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return found, nil
		}),
	}
	if cfg.Region == "" || !found.HasKeys() {
		return aws.Config{}, errors.New("AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set, as Lambda does")
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg, nil
}

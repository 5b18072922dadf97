// Package boot starts a Lambda function: it makes the logger, reads the
// environment and hands Lambda the handler. It knows nothing of the domain, and it
// links no client of an AWS service: each function links only those it uses.
package boot

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

// Run starts the named function. It calls wire once per cold start and gives
// Lambda the handler that wire returns, which is a function in one of the forms
// that lambda.Start accepts. If wire fails, Run logs the error and ends the process.
func Run(function string, wire func(env *Env, log *slog.Logger) (handle any, err error)) {
	log := Logger(function)
	handle, err := wire(&Env{Lookup: os.Getenv}, log)
	if err != nil {
		log.Error("cannot start", "err", err)
		os.Exit(1)
	}
	lambda.Start(handle)
}

// Logger returns the structured logger of the named function. It writes one line
// of JSON per entry to standard output, which Lambda sends to CloudWatch Logs.
func Logger(function string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("function", function)
}

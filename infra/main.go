// Command infra is the CDK app: it turns what this folder declares into one
// CloudFormation template. It needs no AWS credentials.
//
// Context: stage names the deployment (default dev; dev and local may lose
// their data, every other stage keeps it), arch is arm64 (default) or x86_64,
// batchDeadline is how long a batch is tried (default 6h).
//
// portalOrigin is the one origin whose scripts may call the API (default none).
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func main() {
	app := awscdk.NewApp(nil)
	stage := contextValue(app, "stage", "dev")
	// A text that is no duration gives 0, which check refuses.
	deadline, _ := time.ParseDuration(contextValue(app, "batchDeadline", inquiry.DefaultDeadline.String()))
	props := Props{
		Stage: stage,
		Arch:  contextValue(app, "arch", "arm64"),
		Code:  contextValue(app, "code", "dist/functions"),

		PortalOrigin: contextValue(app, "portalOrigin", ""),

		BatchDeadline: deadline,
	}
	if err := props.check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	NewStack(app, "batch-inquiries-"+stage, props)
	app.Synth(nil)
	jsii.Close()
}

func contextValue(scope constructs.Construct, key, otherwise string) string {
	if value, ok := scope.Node().TryGetContext(&key).(string); ok && value != "" {
		return value
	}
	return otherwise
}

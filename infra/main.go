// Command infra is the CDK app. It turns the resources declared in this folder
// into one CloudFormation template and needs no AWS credentials.
//
// Its settings are context values:
//
//   - stage names the deployment (default dev). The stages dev and local, and those of
//     previews (pr-1, pr-2, ...), may lose their data; every other stage keeps it.
//   - arch is arm64 (default) or x86_64.
//   - batchDeadline is the time after which a batch is given up (default 6h).
//   - portalOrigin is the one origin whose scripts may call the API (default none).
//   - reserveConcurrency is on or off (default). On reserves concurrency for the
//     functions, so that the account needs a quota well above 540.
//   - alarmEmail is the address that gets the alarms (default none).
//   - monthlyBudget is what the account may cost in a month, in US dollars (default none).
//   - code is the folder with the built functions (default dist/functions).
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func main() {
	app := awscdk.NewApp(nil)
	stage := contextValue(app, "stage", "dev")
	// If the text is not a duration, this is 0, which check rejects.
	deadline, _ := time.ParseDuration(contextValue(app, "batchDeadline", inquiry.DefaultDeadline.String()))
	reserve, err := onOrOff(contextValue(app, "reserveConcurrency", "off"))
	// If the text is not a number, this is -1, which check rejects.
	budget, notNumber := strconv.ParseFloat(contextValue(app, "monthlyBudget", "0"), 64)
	if notNumber != nil {
		budget = -1
	}
	props := Props{
		Stage:         stage,
		Arch:          contextValue(app, "arch", "arm64"),
		PortalOrigin:  contextValue(app, "portalOrigin", ""),
		Code:          contextValue(app, "code", "dist/functions"),
		BatchDeadline: deadline,

		ReserveConcurrency: reserve,
		AlarmEmail:         contextValue(app, "alarmEmail", ""),
		MonthlyBudget:      budget,
	}
	if err := errors.Join(err, props.check()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	NewStack(app, "batch-inquiries-"+stage, props)
	app.Synth(nil)
	jsii.Close()
}

// onOrOff reports whether the value of reserveConcurrency is on.
func onOrOff(value string) (bool, error) {
	if value != "on" && value != "off" {
		return false, fmt.Errorf("context reserveConcurrency is %q: use on or off", value)
	}
	return value == "on", nil
}

func contextValue(scope constructs.Construct, key, otherwise string) string {
	if value, ok := scope.Node().TryGetContext(&key).(string); ok && value != "" {
		return value
	}
	return otherwise
}

package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// Props are the settings of one deployment.
type Props struct {
	Stage string // names the stack and the API's stage
	Arch  string // arm64 or x86_64: what the functions were built for
	// PortalOrigin is the origin of the portal, such as https://portal.example. Its
	// scripts may call the API. If it is "", there is no portal.
	PortalOrigin string

	Code string // the folder with one built function per subfolder

	// ReserveConcurrency reserves concurrency for the functions. An account whose quota
	// is not well above what they reserve cannot deploy that.
	ReserveConcurrency bool

	// BatchDeadline is the time after a submission at which the service gives up
	// what is left of the batch.
	BatchDeadline time.Duration

	// AlarmEmail is the address that gets the alarms. If it is "", the alarms only go to
	// their topics.
	AlarmEmail string
	// MonthlyBudget is what the account may cost in a month, in US dollars. If it is 0,
	// there is no budget.
	MonthlyBudget float64
}

// check rejects settings that would make a deployment fail halfway. Its error says
// what to do.
func (p Props) check() error {
	if p.Arch != "arm64" && p.Arch != "x86_64" {
		return fmt.Errorf("context arch is %q: use arm64 or x86_64", p.Arch)
	}
	if p.BatchDeadline <= 0 {
		return errors.New("context batchDeadline must be a positive duration, such as 6h or 90m")
	}
	if !isOrigin(p.PortalOrigin) {
		return fmt.Errorf("context portalOrigin is %q: use only a scheme and a host, such as https://portal.example", p.PortalOrigin)
	}
	if p.MonthlyBudget < 0 {
		return errors.New("context monthlyBudget must be an amount in US dollars, such as 200")
	}
	for _, f := range functions {
		program := filepath.Join(p.Code, f.Name, "bootstrap")
		if _, err := os.Stat(program); err != nil {
			return fmt.Errorf("function %s is not built (no file %s): run `make build` first", f.Name, program)
		}
	}
	return nil
}

// isOrigin reports whether a browser could send s as a page's origin; anything
// else would never match. It accepts "", which means that there is no portal.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return s == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.Scheme+"://"+u.Host == s && s == strings.ToLower(s)
}

// localStage is the stage on the local engine.
const localStage = "local"

// keepsData reports whether the stage's data must outlive its stack.
func (p Props) keepsData() bool {
	return p.Stage != "dev" && p.Stage != localStage && !previewForm.MatchString(p.Stage)
}

// previewForm matches the stages of previews, such as pr-12 for pull request 12.
var previewForm = regexp.MustCompile(`^pr-[0-9]+$`)

// removal returns what happens to a resource that holds data when it leaves the
// stack.
func (p Props) removal() awscdk.RemovalPolicy {
	if p.keepsData() {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}

// Resources are what the functions read and write.
type Resources struct {
	Table         awsdynamodb.Table
	Inquiries     InquiryQueue
	FailedRecords awss3.Bucket
	Results       awss3.Bucket
	Identity      Identity
	MasterKeys    []awssecretsmanager.Secret // by generation
}

// NewStack puts the constructs together: the API writes to the table, the table's
// stream feeds the queue and the counters, and the queue feeds the workers.
func NewStack(scope constructs.Construct, id string, props Props) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, &awscdk.StackProps{
		Description:           jsii.String("Batch inquiries: screens many businesses at once"),
		TerminationProtection: jsii.Bool(props.keepsData()),
	})
	awscdk.Tags_Of(stack).Add(jsii.String("service"), jsii.String("batch-inquiries"), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("stage"), &props.Stage, nil)

	r := Resources{
		Table:         NewTable(stack, props),
		Inquiries:     NewInquiryQueue(stack),
		FailedRecords: NewFailedRecords(stack, props),
		Results:       NewResults(stack, props),
		Identity:      NewIdentity(stack, props),
		MasterKeys:    NewMasterKeys(stack, props, deployment.MasterKeyGenerations),
	}
	deployed := NewFunctions(stack, props, r)
	NewEventSources(stack, r, deployed)
	api := NewAPI(stack, props, deployed)
	if props.keepsData() {
		NewFirewall(stack, api)
	}

	m := measurements{props, r, deployed}
	NewDashboard(stack, props, m, NewAlarms(stack, props, m))

	addOutputs(stack, r, deployed, api)
	return stack
}

// addOutputs declares what operators, tests and the local engine need to know of
// a deployment.
func addOutputs(stack awscdk.Stack, r Resources, deployed Functions, api API) {
	outputs := map[string]*string{
		"ApiUrl":              api.Url(),
		"TableName":           r.Table.TableName(),
		"QueueUrl":            r.Inquiries.Queue.QueueUrl(),
		"DeadLetterQueueUrl":  r.Inquiries.DeadLetters.QueueUrl(),
		"UserPoolId":          r.Identity.Pool.UserPoolId(),
		"UserPoolClientId":    r.Identity.Client.UserPoolClientId(),
		"MasterKeyGeneration": jsii.String(strconv.Itoa(deployment.MasterKeyGenerations)),
		"UsagePlanId":         api.Lenders.UsagePlanId(),
	}
	for _, f := range functions {
		outputs[f.constructID()+"Function"] = deployed[f.Name].FunctionName()
	}
	for name, value := range outputs {
		awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{Value: value})
	}
}

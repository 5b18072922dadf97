package main

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// functionSpec describes one Lambda function: everything that differs between
// ours. Each function's spec is in a file of its own, function_<name>.go.
type functionSpec struct {
	Name        string // its folder below functions/
	Description string
	Timeout     time.Duration
	MB          float64 // its memory, and with it its share of a processor
	Concurrency float64 // reserved for it if the deployment reserves any; 0 means none

	// Env returns the environment variables that the function reads.
	Env func(Props, Resources) map[string]*string
	// Permissions returns everything the function may do, except write its log.
	Permissions func(Resources) []awsiam.PolicyStatement
}

// newFunction declares a function with a role and a log group of its own.
func newFunction(parent constructs.Construct, props Props, r Resources, spec functionSpec) awslambda.Function {
	scope := constructs.NewConstruct(parent, jsii.String(spec.constructID()))
	logs := awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	architecture := awslambda.Architecture_ARM_64()
	if props.Arch == "x86_64" {
		architecture = awslambda.Architecture_X86_64()
	}
	var reserved *float64
	if props.ReserveConcurrency && spec.Concurrency > 0 {
		reserved = &spec.Concurrency
	}
	env := spec.Env(props, r)
	return awslambda.NewFunction(scope, jsii.String("Function"), &awslambda.FunctionProps{
		Description:  &spec.Description,
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: architecture,
		Handler:      jsii.String("bootstrap"),
		Code:         awslambda.Code_FromAsset(jsii.String(filepath.Join(props.Code, spec.Name)), nil),
		Timeout:      seconds(spec.Timeout),
		MemorySize:   &spec.MB,
		// Without a reservation, the function shares the account's concurrency.
		ReservedConcurrentExecutions: reserved,
		Environment:                  &env,
		Role:                         newRole(scope, logs, spec.Permissions(r)),
		LogGroup:                     logs,
		LoggingFormat:                awslambda.LoggingFormat_JSON,
	})
}

// newRole declares the role of one function, which may write its own log.
func newRole(scope constructs.Construct, logs awslogs.LogGroup, permissions []awsiam.PolicyStatement) awsiam.Role {
	statements := append([]awsiam.PolicyStatement{
		allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, logs.LogGroupArn()),
	}, permissions...)
	return awsiam.NewRole(scope, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		// The permissions are part of the role itself, so that the function cannot
		// start before it has them.
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"Own": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements}),
		},
	})
}

// constructID returns the function's name as a construct's: DispatchBatch for
// dispatch-batch.
func (f functionSpec) constructID() string {
	var id strings.Builder
	for word := range strings.SplitSeq(f.Name, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

// seconds converts a duration of whole seconds for the CDK.
func seconds(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}

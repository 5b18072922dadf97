package main

import (
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// functionSpec is what differs between our functions.
type functionSpec struct {
	Name        string // its folder below functions/
	Description string
	Seconds     float64 // its timeout
	MB          float64 // its memory, and with it its share of a processor
	Env         map[string]*string
	May         []awsiam.PolicyStatement // all it may do, besides writing its log
}

// newFunction declares a function with a role and a log group of its own.
func newFunction(parent constructs.Construct, props Props, spec functionSpec) awslambda.Function {
	scope := constructs.NewConstruct(parent, jsii.String(constructID(spec.Name)))
	logs := awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	statements := append([]awsiam.PolicyStatement{
		allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, logs.LogGroupArn()),
	}, spec.May...)
	role := awsiam.NewRole(scope, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		// Part of the role itself, so that nothing can start before it has them.
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"Own": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements}),
		},
	})
	architecture := awslambda.Architecture_ARM_64()
	if props.Arch == "x86_64" {
		architecture = awslambda.Architecture_X86_64()
	}
	return awslambda.NewFunction(scope, jsii.String("Function"), &awslambda.FunctionProps{
		Description:   &spec.Description,
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  architecture,
		Handler:       jsii.String("bootstrap"),
		Code:          awslambda.Code_FromAsset(jsii.String(filepath.Join(props.Code, spec.Name)), nil),
		Timeout:       awscdk.Duration_Seconds(&spec.Seconds),
		MemorySize:    &spec.MB,
		Environment:   &spec.Env,
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
	})
}

// allow is a policy statement: these actions on these resources.
func allow(actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &resources,
	})
}

// constructID turns a function's name into a construct's: dispatch-batch into
// DispatchBatch.
func constructID(name string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

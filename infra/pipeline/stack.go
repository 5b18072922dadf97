// Package pipeline declares what the workflows on GitHub may do in an AWS account. The
// service's own stack is in the folder above.
package pipeline

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// issuer is the host that signs the tokens of GitHub's workflows.
const issuer = "token.actions.githubusercontent.com"

// Preview is the stage of the account for previews of pull requests.
const Preview = "preview"

// stages are the stages that the workflows deploy to. Each has an account of its own.
var stages = []string{"staging", "prod", Preview}

// Props are the settings of the stack.
type Props struct {
	Stage string // one of stages
	// Repository is the repository as the tokens name it, with the ids of its owner and of
	// itself: acme@123456/batch-inquiries@456789. The tokens of a repository from before
	// July 15, 2026 may have no ids: acme/batch-inquiries.
	Repository string
}

var repositoryForm = regexp.MustCompile(`^([A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9._-]+@[0-9]+|[A-Za-z0-9-]+/[A-Za-z0-9._-]+)$`)

// Check returns an error if a setting is missing or wrong.
func (p Props) Check() error {
	if !slices.Contains(stages, p.Stage) {
		return fmt.Errorf("context stage is %q: use one of %v", p.Stage, stages)
	}
	if !repositoryForm.MatchString(p.Repository) {
		return fmt.Errorf("context repository is %q: use the form owner@id/name@id, or owner/name for an old repository", p.Repository)
	}
	return nil
}

// NewStack declares GitHub as an identity provider, the roles of the workflows, and the
// policy that limits what deployments create. It uses no resources of the CDK's bootstrap,
// because the bootstrap needs that policy.
func NewStack(scope constructs.Construct, id string, p Props) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, &awscdk.StackProps{
		Description:           jsii.String("Lets the workflows of " + p.Repository + " deploy batch-inquiries"),
		Synthesizer:           awscdk.NewBootstraplessSynthesizer(nil),
		TerminationProtection: jsii.Bool(true),
	})
	provider := awsiam.NewOidcProviderNative(stack, jsii.String("GitHub"), &awsiam.OidcProviderNativeProps{
		Url:       jsii.String("https://" + issuer),
		ClientIds: jsii.Strings("sts.amazonaws.com"),
	})
	deploy := newRole(stack, "Deploy", provider, p, p.Stage)
	deploy.AddToPolicy(assumeBootstrapRoles(stack))
	roles := map[string]awsiam.Role{"DeployRoleArn": deploy}
	if p.Stage == Preview {
		deploy.AddToPolicy(listStacks(stack))
		deploy.AddToPolicy(deletePreviews(stack))
	} else {
		drift := newRole(stack, "Drift", provider, p, p.Stage+"-drift")
		allowDriftDetection(stack, drift)
		roles["DriftRoleArn"] = drift
	}
	for name, role := range roles {
		awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{Value: role.RoleArn()})
	}
	awscdk.NewCfnOutput(stack, jsii.String("ExecutionPolicyArn"), &awscdk.CfnOutputProps{Value: newExecutionPolicy(stack).ManagedPolicyArn()})
	return stack
}

// newRole declares a role that only the workflows of one environment of the repository can
// assume. GitHub decides which branches may use an environment and who must approve.
func newRole(stack awscdk.Stack, id string, provider awsiam.OidcProviderNative, p Props, environment string) awsiam.Role {
	return awsiam.NewRole(stack, &id, &awsiam.RoleProps{
		Description: jsii.String("Workflows of " + p.Repository + " in the environment " + environment),
		AssumedBy: awsiam.NewOpenIdConnectPrincipal(provider, &map[string]any{"StringEquals": map[string]string{
			issuer + ":aud": "sts.amazonaws.com",
			issuer + ":sub": "repo:" + p.Repository + ":environment:" + environment,
		}}),
		MaxSessionDuration: awscdk.Duration_Hours(jsii.Number(1)),
	})
}

// assumeBootstrapRoles allows a deployment: to upload files, to look things up and to ask
// CloudFormation for changes. Only CloudFormation can assume the role that makes them.
func assumeBootstrapRoles(stack awscdk.Stack) awsiam.PolicyStatement {
	var roles []*string
	for _, role := range []string{"deploy", "file-publishing", "lookup"} {
		roles = append(roles, awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-"+role+"-role-${AWS::AccountId}-${AWS::Region}"), nil))
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings("sts:AssumeRole"), Resources: &roles})
}

// listStacks allows the sweeper to find old previews. AWS cannot limit this to some stacks.
func listStacks(awscdk.Stack) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("cloudformation:DescribeStacks"),
		Resources: jsii.Strings("*"),
	})
}

// deletePreviews allows the stacks of previews, and no others, to be deleted.
func deletePreviews(stack awscdk.Stack) awsiam.PolicyStatement {
	previews := "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/batch-inquiries-pr-*/*"
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("cloudformation:DeleteStack"),
		Resources: &[]*string{awscdk.Fn_Sub(&previews, nil)},
	})
}

// allowDriftDetection allows the role to compare the resources with the template.
// SecurityAudit reads the settings of resources and, unlike ReadOnlyAccess, no data: the
// table's items and the files in the buckets are personal.
func allowDriftDetection(stack awscdk.Stack, role awsiam.Role) {
	role.AddManagedPolicy(awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("SecurityAudit")))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings(
			"apigateway:GET", "cloudformation:BatchDescribeTypeConfigurations", "cloudformation:DescribeStacks",
			"cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:DescribeStackResourceDrifts",
			"cloudformation:DetectStackDrift", "cloudformation:DetectStackResourceDrift", "cloudformation:GetTemplate"),
		Resources: jsii.Strings("*"),
	}))
	// It may read that a secret exists, and not what it is. A later policy cannot undo that.
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Effect:    awsiam.Effect_DENY,
		Actions:   jsii.Strings("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "logs:GetLogEvents", "s3:GetObject", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage"),
		Resources: jsii.Strings("*"),
	}))
}

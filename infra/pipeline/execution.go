package pipeline

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// Services are the IAM prefixes of the services whose resources the service's stack may
// have, by the name in their CloudFormation types. A test of infra fails if a resource's
// service is missing here. IAM is limited further: see newExecutionPolicy.
var Services = map[string]string{
	"ApiGateway":     "apigateway",
	"Budgets":        "budgets",
	"CloudWatch":     "cloudwatch",
	"Cognito":        "cognito-idp",
	"DynamoDB":       "dynamodb",
	"Events":         "events",
	"IAM":            "iam",
	"Lambda":         "lambda",
	"Logs":           "logs",
	"S3":             "s3",
	"SNS":            "sns",
	"SQS":            "sqs",
	"SecretsManager": "secretsmanager",
	"WAFv2":          "wafv2",
}

// roleActions are what a deployment does with the roles of the functions.
var roleActions = []string{
	"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetRole",
	"iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoleTags", "iam:PutRolePolicy",
	"iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
}

// newExecutionPolicy declares what CloudFormation may do in a deployment, instead of the
// administrator rights that the CDK's bootstrap gives it. It has no access to users, to
// the account, or to the roles of this stack and of the bootstrap. It can give the roles
// of the service's own stacks any permission, so who may deploy still matters.
func newExecutionPolicy(stack awscdk.Stack) awsiam.ManagedPolicy {
	var actions []*string
	for _, prefix := range slices.Sorted(maps.Values(Services)) { // in the same order in every template
		if prefix != "iam" {
			actions = append(actions, jsii.String(prefix+":*"))
		}
	}
	sub := func(arn string) *[]*string { return &[]*string{awscdk.Fn_Sub(&arn, nil)} }
	ownRoles := sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/batch-inquiries-*")
	return awsiam.NewManagedPolicy(stack, jsii.String("Execution"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("What CloudFormation may do in a deployment of batch-inquiries"),
		Statements: &[]awsiam.PolicyStatement{
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: &actions, Resources: jsii.Strings("*")}),
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings(roleActions...), Resources: ownRoles}),
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("iam:PassRole"),
				Resources: ownRoles,
				Conditions: &map[string]any{"StringEquals": map[string]any{
					"iam:PassedToService": []string{"apigateway.amazonaws.com", "lambda.amazonaws.com"},
				}},
			}),
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Effect: awsiam.Effect_DENY, Actions: jsii.Strings("iam:*"),
				Resources: sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/batch-inquiries-pipeline-*"),
			}),
			// The template checks that the bootstrap is recent enough, and the files of the
			// functions are in its bucket.
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("ssm:GetParameter", "ssm:GetParameters"),
				Resources: sub("arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/cdk-bootstrap/*"),
			}),
		},
	})
}

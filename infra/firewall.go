package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// addressRate is how many requests one address may send in a minute: twice what one lender
// may, so that a lender who keeps to the limits is never blocked.
var addressRate = 2 * (60*fairuse.Requests.PerSecond + fairuse.Requests.Burst)

// NewFirewall declares a firewall in front of the API. It blocks addresses that send far
// too many requests, with or without a credential, before they cost an invocation. It
// costs $6 a month and $0.60 per million requests.
func NewFirewall(parent constructs.Construct, api API) {
	scope := constructs.NewConstruct(parent, jsii.String("Firewall"))
	acl := awswafv2.NewCfnWebACL(scope, jsii.String("Rules"), &awswafv2.CfnWebACLProps{
		Scope:            jsii.String("REGIONAL"),
		DefaultAction:    &awswafv2.CfnWebACL_DefaultActionProperty{Allow: &awswafv2.CfnWebACL_AllowActionProperty{}},
		VisibilityConfig: visibility("requests"),
		Rules: &[]any{&awswafv2.CfnWebACL_RuleProperty{
			Name:             jsii.String("rate-of-an-address"),
			Priority:         jsii.Number(0),
			Action:           &awswafv2.CfnWebACL_RuleActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{}},
			VisibilityConfig: visibility("rate-of-an-address"),
			Statement: &awswafv2.CfnWebACL_StatementProperty{RateBasedStatement: &awswafv2.CfnWebACL_RateBasedStatementProperty{
				AggregateKeyType:    jsii.String("IP"),
				Limit:               jsii.Number(addressRate),
				EvaluationWindowSec: jsii.Number(60),
			}},
		}},
	})
	awswafv2.NewCfnWebACLAssociation(scope, jsii.String("Stage"), &awswafv2.CfnWebACLAssociationProps{
		ResourceArn: api.DeploymentStage().StageArn(),
		WebAclArn:   acl.AttrArn(),
	})
}

// visibility counts requests, and keeps no samples: those would hold addresses and headers.
func visibility(name string) *awswafv2.CfnWebACL_VisibilityConfigProperty {
	return &awswafv2.CfnWebACL_VisibilityConfigProperty{
		CloudWatchMetricsEnabled: jsii.Bool(true), MetricName: &name, SampledRequestsEnabled: jsii.Bool(false),
	}
}

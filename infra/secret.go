package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// NewMasterKey declares the key that every lender's API key is derived from.
// Losing it would invalidate all API keys at once, so a stage that keeps its data
// keeps this key too.
func NewMasterKey(scope constructs.Construct, props Props) awssecretsmanager.Secret {
	return awssecretsmanager.NewSecret(scope, jsii.String("MasterKey"), &awssecretsmanager.SecretProps{
		Description: jsii.String("Batch inquiries: API keys are derived from this. Changing it invalidates all of them."),
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			PasswordLength:     jsii.Number(64),
			ExcludePunctuation: jsii.Bool(true),
		},
		RemovalPolicy: props.removal(),
	})
}

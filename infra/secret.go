package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// NewMasterKeys declares the generations of the key that every lender's API key is
// derived from, each in a secret of its own, the first generation first. Losing one
// would invalidate all API keys that were made with it, so a stage that keeps its data
// keeps these keys too.
func NewMasterKeys(scope constructs.Construct, props Props, generations int) []awssecretsmanager.Secret {
	var secrets []awssecretsmanager.Secret
	for generation := 1; generation <= generations; generation++ {
		id := fmt.Sprintf("MasterKey%d", generation)
		secrets = append(secrets, awssecretsmanager.NewSecret(scope, &id, &awssecretsmanager.SecretProps{
			Description: jsii.String(fmt.Sprintf("Batch inquiries: API keys are derived from this (generation %d). Changing it invalidates them.", generation)),
			GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
				PasswordLength:     jsii.Number(64),
				ExcludePunctuation: jsii.Bool(true),
			},
			RemovalPolicy: props.removal(),
		}))
	}
	return secrets
}

// masterKeyARNs returns the ARNs of all generations, as the functions read them from
// their environment.
func masterKeyARNs(r Resources) *string {
	text := ""
	for i, secret := range r.MasterKeys {
		if i > 0 {
			text += ","
		}
		text += *secret.SecretArn()
	}
	return &text
}

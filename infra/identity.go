package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Identity is the pool of users who may sign in. A user's lender is not here but
// in the table, which users cannot write.
type Identity struct {
	Pool   awscognito.UserPool
	Client awscognito.UserPoolClient
}

// NewIdentity declares the user pool and its one client.
func NewIdentity(parent constructs.Construct, props Props) Identity {
	scope := constructs.NewConstruct(parent, jsii.String("Identity"))
	var i Identity
	i.Pool = awscognito.NewUserPool(scope, jsii.String("Users"), &awscognito.UserPoolProps{
		SelfSignUpEnabled:   jsii.Bool(false), // users are invited, see infra/admin
		SignInAliases:       &awscognito.SignInAliases{Email: jsii.Bool(true)},
		SignInCaseSensitive: jsii.Bool(false),
		AccountRecovery:     awscognito.AccountRecovery_EMAIL_ONLY,
		Mfa:                 awscognito.Mfa_OPTIONAL,
		MfaSecondFactor:     &awscognito.MfaSecondFactor{Otp: jsii.Bool(true), Sms: jsii.Bool(false)},
		PasswordPolicy: &awscognito.PasswordPolicy{
			MinLength:            jsii.Number(12),
			RequireDigits:        jsii.Bool(true),
			RequireLowercase:     jsii.Bool(true),
			RequireUppercase:     jsii.Bool(true),
			RequireSymbols:       jsii.Bool(true),
			TempPasswordValidity: awscdk.Duration_Days(jsii.Number(3)),
		},
		DeletionProtection: jsii.Bool(props.keepsData()),
		RemovalPolicy:      props.removal(),
	})
	i.Client = i.Pool.AddClient(jsii.String("Portal"), &awscognito.UserPoolClientOptions{
		GenerateSecret: jsii.Bool(false), // a browser could not keep it secret
		AuthFlows: &awscognito.AuthFlow{
			UserSrp: jsii.Bool(true),
			// This needs IAM credentials as well as the password: for tests, not browsers.
			AdminUserPassword: jsii.Bool(true),
		},
		DisableOAuth:               jsii.Bool(true),
		PreventUserExistenceErrors: jsii.Bool(true),
		EnableTokenRevocation:      jsii.Bool(true),
		AccessTokenValidity:        awscdk.Duration_Minutes(jsii.Number(60)),
		IdTokenValidity:            awscdk.Duration_Minutes(jsii.Number(60)),
		RefreshTokenValidity:       awscdk.Duration_Days(jsii.Number(7)),
		// Without this list, a client may write every attribute, including the email
		// address that users sign in with.
		WriteAttributes: awscognito.NewClientAttributes().
			WithStandardAttributes(&awscognito.StandardAttributesMask{Fullname: jsii.Bool(true)}),
		ReadAttributes: awscognito.NewClientAttributes().
			WithStandardAttributes(&awscognito.StandardAttributesMask{
				Email: jsii.Bool(true), EmailVerified: jsii.Bool(true), Fullname: jsii.Bool(true),
			}),
	})
	return i
}

package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNewStack(t *testing.T) {
	t.Parallel()

	t.Run("a stage other than dev and local keeps its data", func(t *testing.T) {
		t.Parallel()

		for _, kind := range []string{"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Cognito::UserPool", "AWS::S3::Bucket"} {
			part := map[string]string{"AWS::S3::Bucket": "FailedRecords"}[kind]
			same(t, "prod "+kind, prod().one(t, kind, part).DeletionPolicy, "Retain")
			same(t, "dev "+kind, dev().one(t, kind, part).DeletionPolicy, "Delete")
		}
		same(t, "prod table's protection", prod().one(t, "AWS::DynamoDB::Table", "").Properties["DeletionProtectionEnabled"], true)
	})

	t.Run("requests without modern TLS are rejected", func(t *testing.T) {
		t.Parallel()

		policies := dev().all(t, "AWS::SQS::QueuePolicy")
		maps.Copy(policies, dev().all(t, "AWS::S3::BucketPolicy"))
		same(t, "policies", len(policies), 4)
		for id, p := range policies {
			policy := text(p.Properties["PolicyDocument"])
			if !strings.Contains(policy, `"aws:SecureTransport":"false"`) || !strings.Contains(policy, `"Effect":"Deny"`) {
				t.Errorf("%s does not reject plain HTTP", id)
			}
		}
		api := dev().one(t, "AWS::ApiGateway::RestApi", "").Properties
		same(t, "API", api["SecurityPolicy"], "SecurityPolicy_TLS13_1_2_PQ_2025_09")
		same(t, "API's host", api["EndpointAccessMode"], "STRICT")
	})

	t.Run("scripts of the portal may read every response", func(t *testing.T) {
		t.Parallel()

		const origin = "https://portal.example"
		portal := synthesize("dev", func(p *Props) { p.PortalOrigin = origin })
		for _, r := range gatewayResponses(t, portal) {
			same(t, r.kind, r.header("Access-Control-Allow-Origin"), any("'"+origin+"'"))
		}
		api := portal.one(t, "AWS::Lambda::Function", "ApiFunction").Properties
		same(t, "the function's", at(api, "Environment", "Variables", "PORTAL_ORIGIN"), any(origin))
		same(t, "methods allowed on result files", resultMethods(t, portal), any([]any{"GET"}))
	})

	t.Run("without a portal no script may read a response", func(t *testing.T) {
		t.Parallel()

		for _, r := range gatewayResponses(t, dev()) {
			same(t, r.kind, r.header("Access-Control-Allow-Origin"), nil)
		}
		same(t, "methods allowed on result files", resultMethods(t, dev()), nil)
	})

	t.Run("the outputs", func(t *testing.T) {
		t.Parallel()

		want := []string{
			"ApiFunction", "ApiUrl", "AuthorizeRequestFunction", "DeadLetterQueueUrl", "DispatchBatchFunction", "FailExhaustedFunction",
			"ManageApiKeysFunction", "MasterKeyGeneration", "ProcessInquiryFunction", "QueueUrl", "SweepOpenBatchesFunction", "TableName", "TallyStatusesFunction",
			"UsagePlanId", "UserPoolClientId", "UserPoolId",
		}
		same(t, "outputs", slices.Sorted(maps.Keys(dev().Outputs)), want)
	})
}

// resultMethods returns the HTTP methods that scripts may use on result files.
func resultMethods(tb testing.TB, from template) any {
	tb.Helper()
	return at(from.one(tb, "AWS::S3::Bucket", "Results").Properties, "CorsConfiguration", "CorsRules", 0, "AllowedMethods")
}

func TestPropsCheck(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		props Props
		want  string // in the error
	}{
		"a function that is not built":   {Props{Stage: "dev", Arch: "arm64", Code: t.TempDir(), BatchDeadline: time.Hour}, "make build"},
		"an unknown architecture":        {Props{Arch: "sparc"}, "arm64 or x86_64"},
		"no deadline":                    {Props{Arch: "arm64"}, "batchDeadline"},
		"a budget that is no amount":     {Props{Arch: "arm64", BatchDeadline: time.Hour, MonthlyBudget: -1}, "monthlyBudget"},
		"a portal that is not an origin": {Props{Arch: "arm64", BatchDeadline: time.Hour, PortalOrigin: "portal.example"}, "https://portal.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if err := tt.props.check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("check() = %v; want an error that says %q", err, tt.want)
			}
		})
	}
}

func TestKeepsData(t *testing.T) {
	t.Parallel()

	for stage, want := range map[string]bool{
		"dev": false, "local": false, "pr-1": false, "pr-1234": false,
		"prod": true, "staging": true, "pr-": true, "pr-east": true, "pr-1-east": true, "my-pr-1": true, "": true,
	} {
		if got := (Props{Stage: stage}).keepsData(); got != want {
			t.Errorf("keepsData() of stage %q = %v; want %v", stage, got, want)
		}
	}
}

func TestOnOrOff(t *testing.T) {
	t.Parallel()

	for value, want := range map[string]struct{ on, ok bool }{"on": {true, true}, "off": {false, true}, "yes": {}, "": {}} {
		if on, err := onOrOff(value); on != want.on || (err == nil) != want.ok {
			t.Errorf("onOrOff(%q) = %v, %v", value, on, err)
		}
	}
}

func TestIsOrigin(t *testing.T) {
	t.Parallel()

	for origin, want := range map[string]bool{
		"": true, "https://portal.example": true, "http://localhost:3000": true,

		"portal.example": false, "https://portal.example/": false, "https://portal.example/app": false, "https://Portal.example": false,
		"*": false, "null": false, "ftp://portal.example": false, "https://": false,
	} {
		if got := isOrigin(origin); got != want {
			t.Errorf("isOrigin(%q) = %v", origin, got)
		}
	}
}

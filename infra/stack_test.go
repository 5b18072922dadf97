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
			if said := text(p.Properties["PolicyDocument"]); !strings.Contains(said, `"aws:SecureTransport":"false"`) || !strings.Contains(said, `"Effect":"Deny"`) {
				t.Errorf("%s lets plain HTTP through", id)
			}
		}
		api := dev().one(t, "AWS::ApiGateway::RestApi", "").Properties
		same(t, "API", api["SecurityPolicy"], "SecurityPolicy_TLS13_1_2_PQ_2025_09")
		same(t, "API's host", api["EndpointAccessMode"], "STRICT")
	})

	// What the function allows the portal, the gateway's own answers allow it too.
	t.Run("the portal may read every response", func(t *testing.T) {
		t.Parallel()

		const origin = "https://portal.example"
		with := synthesize("dev", origin)
		for id, r := range with.all(t, "AWS::ApiGateway::GatewayResponse") {
			same(t, id, at(r.Properties, "ResponseParameters", "gatewayresponse.header.Access-Control-Allow-Origin"), any("'"+origin+"'"))
		}
		api := with.one(t, "AWS::Lambda::Function", "ApiFunction").Properties
		same(t, "the function's", at(api, "Environment", "Variables", "PORTAL_ORIGIN"), any(origin))
		for portal, results := range map[string]resource{"with": with.one(t, "AWS::S3::Bucket", "Results"), "without": dev().one(t, "AWS::S3::Bucket", "Results")} {
			methods := at(results.Properties, "CorsConfiguration", "CorsRules", 0, "AllowedMethods")
			want := any(nil)
			if portal == "with" {
				want = []any{"GET"}
			}
			same(t, "what scripts may do with the files of results, "+portal+" a portal", methods, want)
		}
		for id, r := range dev().all(t, "AWS::ApiGateway::GatewayResponse") {
			same(t, id+" without a portal", at(r.Properties, "ResponseParameters", "gatewayresponse.header.Access-Control-Allow-Origin"), nil)
		}
	})

	t.Run("the outputs", func(t *testing.T) {
		t.Parallel()

		want := []string{
			"ApiFunction", "ApiUrl", "AuthorizeRequestFunction", "DeadLetterQueueUrl", "DispatchBatchFunction", "FailExhaustedFunction",
			"MasterKeySecretArn", "ProcessInquiryFunction", "QueueUrl", "SweepOpenBatchesFunction", "TableName", "TallyStatusesFunction",
			"UsagePlanId", "UserPoolClientId", "UserPoolId",
		}
		same(t, "outputs", slices.Sorted(maps.Keys(dev().Outputs)), want)
	})
}

func TestAMissingBuildIsNamed(t *testing.T) {
	t.Parallel()

	err := Props{Stage: "dev", Arch: "arm64", Code: t.TempDir(), BatchDeadline: time.Hour}.check()
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("check() = %v; want what to run", err)
	}
	if err := (Props{Arch: "sparc"}).check(); err == nil || !strings.Contains(err.Error(), "arm64 or x86_64") {
		t.Errorf("check() = %v; want the choices", err)
	}
	for _, origin := range []string{"portal.example", "https://portal.example/", "https://portal.example/app", "https://Portal.example", "*", "null", "ftp://portal.example", "https://"} {
		props := Props{Arch: "arm64", BatchDeadline: time.Hour, PortalOrigin: origin}
		if err := props.check(); err == nil || !strings.Contains(err.Error(), "https://portal.example") {
			t.Errorf("check() of portal origin %q = %v; want what one looks like", origin, err)
		}
	}
	for _, origin := range []string{"", "https://portal.example", "http://localhost:3000"} {
		if !isOrigin(origin) {
			t.Errorf("portal origin %q is refused", origin)
		}
	}
	if err := (Props{Arch: "arm64"}).check(); err == nil || !strings.Contains(err.Error(), "batchDeadline") {
		t.Errorf("check() = %v; want what a deadline looks like", err)
	}
}

package main

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// paths are the paths that need a credential and that the function api serves, with
// every method. API Gateway also sends a path that ends in a slash to the resource
// without the slash, and passes the path on unchanged.
var paths = []string{
	"/v1/batch-inquiries",
	"/v1/batch-inquiries/{batch_id}",
	"/v1/batch-inquiries/{batch_id}/cancel",
	"/v1/batch-inquiries/{batch_id}/rerun",
	"/v1/batch-inquiries/{batch_id}/inquiries",
	"/v1/batch-inquiries/{batch_id}/results",
	"/v1/inquiries",
	"/v1/inquiries/{inquiry_id}",
	"/v1/users/me",
}

// keyPaths need a credential too. The function manage-api-keys serves them.
var keyPaths = []string{
	"/users/me/api-key",
	"/v1/users/me/api-key",
	"/v1/users/me/api-key/rotate",
}

// publicPaths need no credential. Their responses are the same for everyone.
var publicPaths = []string{"/v1/openapi.json", "/v1/openapi.yaml", "/v1/docs"}

// accessLog is the log line of a request. It says who called from where: that is what
// an investigation of a stolen credential needs. It has no path, query, header or body:
// nothing that names a person or a business under inquiry.
var accessLog = map[string]string{
	"requestId":          "$context.requestId", // a UUID; the caller may set it
	"extendedRequestId":  "$context.extendedRequestId",
	"time":               "$context.requestTime",
	"method":             "$context.httpMethod",
	"route":              "$context.resourcePath",
	"status":             "$context.status",
	"gatewayResponse":    "$context.error.responseType",
	"sourceAddress":      "$context.identity.sourceIp",
	"lenderId":           "$context.authorizer.lenderId",
	"userId":             "$context.authorizer.userId",
	"keyId":              "$context.authorizer.keyId", // only for API keys
	"latencyMs":          "$context.responseLatency",
	"integrationMs":      "$context.integration.latency",
	"authorizerMs":       "$context.authorizer.latency",
	"responseBytes":      "$context.responseLength",
	"integrationStatus":  "$context.integration.status",
	"integrationRequest": "$context.integration.requestId",
}

// apiName returns the gateway's name, which its metrics have as a dimension.
func (p Props) apiName() *string { return jsii.String("batch-inquiries-" + p.Stage) }

// API is the gateway, with the usage plan that counts each lender's requests.
type API struct {
	awsapigateway.RestApi
	Lenders awsapigateway.UsagePlan
}

// NewAPI declares the public REST API.
func NewAPI(parent constructs.Construct, props Props, f Functions) API {
	scope := constructs.NewConstruct(parent, jsii.String("Gateway"))
	api := newRestAPI(scope, props)
	authorizer := awsapigateway.NewTokenAuthorizer(scope, jsii.String("Authorizer"), &awsapigateway.TokenAuthorizerProps{
		Handler: f[deployment.AuthorizeRequest],
		// A token authorizer gets only the Authorization header, and its results are
		// cached by that header. So the cache key is everything that it decides on.
		IdentitySource:  awsapigateway.IdentitySource_Header(jsii.String("Authorization")),
		ValidationRegex: jsii.String(credentialForm),
		ResultsCacheTtl: seconds(deployment.AccessCache),
	})
	addPublicPaths(api, integrate(f[deployment.API]))
	addPaths(api, paths, integrate(f[deployment.API]), authorizer)
	addPaths(api, keyPaths, integrate(f[deployment.ManageAPIKeys]), authorizer)
	addProblems(scope, api, props)
	return API{RestApi: api, Lenders: limitLenders(api, props)}
}

// credentialForm matches what may be a token or an API key, with or without Bearer.
// API Gateway rejects any other text itself, without invoking the authorizer. It is
// loose about API keys, so that the authorizer can say what is wrong with one that was
// mistyped.
const credentialForm = `^([Bb][Ee][Aa][Rr][Ee][Rr] +)?(vd_[0-9A-Za-z_]+|[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+) *$`

// integrate returns the integration of a function.
func integrate(function awslambda.IFunction) awsapigateway.Integration {
	return awsapigateway.NewLambdaIntegration(function, &awsapigateway.LambdaIntegrationOptions{
		// One permission for the whole API. A permission for each path would not match
		// a request whose path ends in a slash.
		ScopePermissionToMethod: jsii.Bool(false),
	})
}

// accessLogRetention returns how long the access log is kept: for a year where data is
// kept, because stolen credentials are often noticed late.
func accessLogRetention(props Props) awslogs.RetentionDays {
	if props.keepsData() {
		return awslogs.RetentionDays_ONE_YEAR
	}
	return awslogs.RetentionDays_ONE_MONTH
}

// newRestAPI declares the gateway without paths, its stage and its access log.
func newRestAPI(scope constructs.Construct, props Props) awsapigateway.RestApi {
	logs := awslogs.NewLogGroup(scope, jsii.String("AccessLogs"), &awslogs.LogGroupProps{
		Retention:     accessLogRetention(props),
		RemovalPolicy: props.removal(),
	})
	line, err := json.Marshal(accessLog)
	if err != nil {
		panic(err) // a map of strings
	}
	api := awsapigateway.NewRestApi(scope, jsii.String("Api"), &awsapigateway.RestApiProps{
		RestApiName: props.apiName(),
		// The authorizer says which lender's limit a request counts against. An
		// X-API-Key header from the caller is ignored.
		ApiKeySourceType: awsapigateway.ApiKeySourceType_AUTHORIZER,
		EndpointTypes:    &[]awsapigateway.EndpointType{awsapigateway.EndpointType_REGIONAL},
		// An account has one role for access logs, and other stacks may depend on it.
		CloudWatchRole:              jsii.Bool(true),
		CloudWatchRoleRemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		DeployOptions: &awsapigateway.StageOptions{
			StageName:            &props.Stage,
			ThrottlingRateLimit:  jsii.Number(deployment.StageRequests), // of each method
			ThrottlingBurstLimit: jsii.Number(deployment.StageBurst),
			MethodOptions:        throttleOpenMethods(),
			AccessLogDestination: awsapigateway.NewLogGroupLogDestination(logs),
			AccessLogFormat:      awsapigateway.AccessLogFormat_Custom(jsii.String(string(line))),
		},
	})
	api.Node().TryRemoveChild(jsii.String("Endpoint")) // the stack has its own output
	requireModernTLS(api)
	return api
}

// openRate and openBurst limit each method that needs no credential. Its answers are
// small, take milliseconds and can be cached, so all of them together keep about one
// function busy.
const (
	openRate  = 10
	openBurst = 50
)

// throttleOpenMethods returns the throttles of the methods that need no credential, so
// that whoever calls them cannot take functions from lenders. API Gateway throttles
// each method of ANY separately.
func throttleOpenMethods() *map[string]*awsapigateway.MethodDeploymentOptions {
	throttle := &awsapigateway.MethodDeploymentOptions{ThrottlingRateLimit: jsii.Number(openRate), ThrottlingBurstLimit: jsii.Number(openBurst)}
	all := map[string]*awsapigateway.MethodDeploymentOptions{}
	for _, path := range slices.Concat(paths, keyPaths) {
		all[path+"/OPTIONS"] = throttle
	}
	for _, path := range publicPaths {
		for _, method := range []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"} {
			all[path+"/"+method] = throttle
		}
	}
	return &all
}

// limitLenders limits each lender's request rate, for all of the lender's
// credentials together, so that no lender uses up the stage's rate. infra/admin
// gives every lender a key in this plan, and the plan limits each key separately.
// AWS enforces this on a best-effort basis:
// docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
func limitLenders(api awsapigateway.RestApi, props Props) awsapigateway.UsagePlan {
	plan := api.AddUsagePlan(jsii.String("Lenders"), &awsapigateway.UsagePlanProps{
		Name: jsii.String("batch-inquiries-" + props.Stage),
		Throttle: &awsapigateway.ThrottleSettings{
			RateLimit:  jsii.Number(fairuse.Requests.PerSecond),
			BurstLimit: jsii.Number(fairuse.Requests.Burst),
		},
	})
	plan.AddApiStage(&awsapigateway.UsagePlanPerApiStage{Api: api, Stage: api.DeploymentStage()})
	return plan
}

// open needs no credential.
func open() *awsapigateway.MethodOptions {
	return &awsapigateway.MethodOptions{AuthorizationType: awsapigateway.AuthorizationType_NONE}
}

// addPublicPaths sends every method of the public paths to the function.
func addPublicPaths(api awsapigateway.RestApi, integration awsapigateway.Integration) {
	for _, path := range publicPaths {
		api.Root().ResourceForPath(&path).AddMethod(jsii.String("ANY"), integration, open())
	}
}

// addPaths sends every method of the paths to the function, which knows the methods
// that exist and answers a request with another one. OPTIONS needs no credential:
// browsers send it before a request, without one.
func addPaths(api awsapigateway.RestApi, paths []string, integration awsapigateway.Integration, authorizer awsapigateway.IAuthorizer) {
	for _, path := range paths {
		resource := api.Root().ResourceForPath(&path)
		resource.AddMethod(jsii.String("OPTIONS"), integration, open())
		resource.AddMethod(jsii.String("ANY"), integration, &awsapigateway.MethodOptions{
			Authorizer:        authorizer,
			AuthorizationType: awsapigateway.AuthorizationType_CUSTOM,
			ApiKeyRequired:    jsii.Bool(true), // the authorizer names the key, see limitLenders
		})
	}
}

// requireModernTLS rejects TLS before 1.2, and requests that reach the API under
// the name of another host.
func requireModernTLS(api awsapigateway.RestApi) {
	resource := api.Node().DefaultChild().(awsapigateway.CfnRestApi)
	resource.SetSecurityPolicy(jsii.String("SecurityPolicy_TLS13_1_2_PQ_2025_09"))
	resource.SetEndpointAccessMode(jsii.String("STRICT"))
}

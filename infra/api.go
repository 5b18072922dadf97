package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// routes are all that callers can ask for; api answers every one. API Gateway
// also sends a path with a slash at its end to the resource without it, and
// hands the path on as it came.
var routes = []struct{ Method, Path string }{
	{"GET", "/v1/batch-inquiries"},
	{"POST", "/v1/batch-inquiries"},
	{"GET", "/v1/batch-inquiries/{batch_id}"},
	{"DELETE", "/v1/batch-inquiries/{batch_id}"},
	{"POST", "/v1/batch-inquiries/{batch_id}/cancel"},
	{"POST", "/v1/batch-inquiries/{batch_id}/rerun"},
	{"GET", "/v1/batch-inquiries/{batch_id}/inquiries"},
	{"GET", "/v1/batch-inquiries/{batch_id}/results"},
	{"POST", "/v1/inquiries"},
	{"GET", "/v1/inquiries/{inquiry_id}"},
	{"GET", "/users/me/api-key"},
	{"GET", "/v1/users/me"},
	{"GET", "/v1/users/me/api-key"},
	{"DELETE", "/v1/users/me/api-key"},
	{"POST", "/v1/users/me/api-key/rotate"},
}

// publicPaths need no credential, and their answers are the same for everybody.
var publicPaths = []string{"/v1/openapi.json", "/v1/openapi.yaml", "/v1/docs"}

// accessLog is one line a request. It holds no address, query, header or body:
// nothing that names a person or a business under inquiry.
var accessLog = map[string]string{
	"requestId":          "$context.requestId", // a UUID, which a caller may choose
	"extendedRequestId":  "$context.extendedRequestId",
	"time":               "$context.requestTime",
	"method":             "$context.httpMethod",
	"route":              "$context.resourcePath",
	"status":             "$context.status",
	"gatewayResponse":    "$context.error.responseType",
	"lenderId":           "$context.authorizer.lenderId",
	"latencyMs":          "$context.responseLatency",
	"integrationMs":      "$context.integration.latency",
	"authorizerMs":       "$context.authorizer.latency",
	"responseBytes":      "$context.responseLength",
	"integrationStatus":  "$context.integration.status",
	"integrationRequest": "$context.integration.requestId",
}

// API is the gateway, and the plan by which it counts lenders' requests.
type API struct {
	awsapigateway.RestApi
	Lenders awsapigateway.UsagePlan
}

// NewAPI declares the public REST API.
func NewAPI(parent constructs.Construct, props Props, f Functions) API {
	scope := constructs.NewConstruct(parent, jsii.String("Gateway"))
	logs := awslogs.NewLogGroup(scope, jsii.String("AccessLogs"), &awslogs.LogGroupProps{
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	line, err := json.Marshal(accessLog)
	if err != nil {
		panic(err) // a map of strings
	}
	api := awsapigateway.NewRestApi(scope, jsii.String("Api"), &awsapigateway.RestApiProps{
		RestApiName: jsii.String("batch-inquiries-" + props.Stage),
		// Our authorizer says for whom a request is counted; what a caller sends as
		// X-API-Key says nothing.
		ApiKeySourceType: awsapigateway.ApiKeySourceType_AUTHORIZER,
		EndpointTypes:    &[]awsapigateway.EndpointType{awsapigateway.EndpointType_REGIONAL},
		// The account's one role for access logs; other stacks may lean on it.
		CloudWatchRole:              jsii.Bool(true),
		CloudWatchRoleRemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		DeployOptions: &awsapigateway.StageOptions{
			StageName:            &props.Stage,
			ThrottlingRateLimit:  jsii.Number(200),
			ThrottlingBurstLimit: jsii.Number(400),
			AccessLogDestination: awsapigateway.NewLogGroupLogDestination(logs),
			AccessLogFormat:      awsapigateway.AccessLogFormat_Custom(jsii.String(string(line))),
		},
	})
	api.Node().TryRemoveChild(jsii.String("Endpoint")) // the stack has an output of its own
	requireModernTLS(api)

	authorizer := awsapigateway.NewTokenAuthorizer(scope, jsii.String("Authorizer"), &awsapigateway.TokenAuthorizerProps{
		Handler: f.AuthorizeRequest,
		// A token authorizer is handed the Authorization header and nothing
		// else, and its answers are kept under that header: what it decides on
		// and what it is remembered by cannot drift apart.
		IdentitySource:  awsapigateway.IdentitySource_Header(jsii.String("Authorization")),
		ResultsCacheTtl: awscdk.Duration_Minutes(jsii.Number(5)),
	})
	integration := awsapigateway.NewLambdaIntegration(f.API, &awsapigateway.LambdaIntegrationOptions{
		// One permission for the API as a whole. Permissions by path would not
		// match a request whose path ends in a slash.
		ScopePermissionToMethod: jsii.Bool(false),
	})
	addRoutes(api, integration, authorizer)
	addProblems(scope, api, props)
	return API{RestApi: api, Lenders: boundLenders(api, props)}
}

// boundLenders bounds how fast each lender may ask, all of their credentials
// together, so that none takes the stage's rate from the others. Every lender has
// a key in this plan, see infra/admin, and the plan bounds each key by itself. AWS
// calls that best effort:
// docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
func boundLenders(api awsapigateway.RestApi, props Props) awsapigateway.UsagePlan {
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

// addRoutes hands every method of our paths to the function, which knows the
// methods that there are and says so to a request with another one. OPTIONS comes
// from browsers, before a request and without its credential.
func addRoutes(api awsapigateway.RestApi, integration awsapigateway.Integration, authorizer awsapigateway.IAuthorizer) {
	open := &awsapigateway.MethodOptions{AuthorizationType: awsapigateway.AuthorizationType_NONE}
	for _, path := range publicPaths {
		api.Root().ResourceForPath(&path).AddMethod(jsii.String("ANY"), integration, open)
	}
	done := map[string]bool{}
	for _, route := range routes {
		if done[route.Path] {
			continue
		}
		done[route.Path] = true
		resource := api.Root().ResourceForPath(&route.Path)
		resource.AddMethod(jsii.String("OPTIONS"), integration, open)
		resource.AddMethod(jsii.String("ANY"), integration, &awsapigateway.MethodOptions{
			Authorizer:        authorizer,
			AuthorizationType: awsapigateway.AuthorizationType_CUSTOM,
			ApiKeyRequired:    jsii.Bool(true), // the authorizer's, see boundLenders
		})
	}
}

// requireModernTLS turns off TLS before 1.2 and requests that reach the API
// under another host's name.
func requireModernTLS(api awsapigateway.RestApi) {
	resource := api.Node().DefaultChild().(awsapigateway.CfnRestApi)
	resource.SetSecurityPolicy(jsii.String("SecurityPolicy_TLS13_1_2_PQ_2025_09"))
	resource.SetEndpointAccessMode(jsii.String("STRICT"))
}

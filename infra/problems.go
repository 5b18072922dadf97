package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/cors"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/headers"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// gatewayProblem is a response that API Gateway sends itself, before or instead of
// invoking our function.
type gatewayProblem struct {
	When   awsapigateway.ResponseType
	Name   problem.Name // the kind in package problem, which has its status and title
	Detail string
	Header map[string]string
}

// problems returns the gateway's own responses. Their text is fixed and never
// repeats what a caller sent: API Gateway escapes nothing that it puts into a
// template, so a quotation mark from a caller would break the JSON.
func problems() []gatewayProblem {
	challenge := map[string]string{"WWW-Authenticate": "Bearer"}
	later := map[string]string{"Retry-After": "30"}
	// A lender regains forty requests in two seconds, see fairuse.Requests.
	soon := map[string]string{
		"Retry-After":      "2",
		"RateLimit":        fairuse.Requests.Empty().String(),
		"RateLimit-Policy": fairuse.Requests.Policy(),
	}
	tooFast := fmt.Sprintf("All users and keys of a lender together may send %d requests per second, or %d at once after a pause. "+
		"Wait as long as Retry-After says, then try again.", fairuse.Requests.PerSecond, fairuse.Requests.Burst)
	const nothing = "There is nothing at this path."
	const ours = "Something failed on our side. Send the request again with the same Idempotency-Key."
	return []gatewayProblem{
		// The Authorization header is missing, or does not match credentialForm.
		{awsapigateway.ResponseType_UNAUTHORIZED(), problem.Unauthenticated,
			"Send a Cognito token or a lender API key in the Authorization header.", challenge},
		{awsapigateway.ResponseType_EXPIRED_TOKEN(), problem.TokenExpired, "Sign in again.", challenge},
		// API Gateway's response to a path that it does not have.
		{awsapigateway.ResponseType_MISSING_AUTHENTICATION_TOKEN(), problem.NotFound, nothing, nil},
		// The same for a request with an Authorization header: API Gateway takes the
		// header for a signature, and its default response would repeat it.
		{awsapigateway.ResponseType_INVALID_SIGNATURE(), problem.NotFound, nothing, nil},
		{awsapigateway.ResponseType_RESOURCE_NOT_FOUND(), problem.NotFound, nothing, nil},
		{awsapigateway.ResponseType_REQUEST_TOO_LARGE(), problem.TooLarge, "Split the batch into smaller ones.", nil},
		{awsapigateway.ResponseType_UNSUPPORTED_MEDIA_TYPE(), problem.UnsupportedType, "Send the body as application/json.", nil},
		{awsapigateway.ResponseType_THROTTLED(), problem.RateLimited, tooFast, soon},
		{awsapigateway.ResponseType_QUOTA_EXCEEDED(), problem.RateLimited, "Wait as long as Retry-After says, then try again.", later},
		{awsapigateway.ResponseType_WAF_FILTERED(), problem.RateLimited,
			"Your address sends far too many requests. Wait as long as Retry-After says, then try again.", map[string]string{"Retry-After": "60"}},
		// The lender has no key in the usage plan. An operator fixes this with
		// `admin lender create`.
		{awsapigateway.ResponseType_INVALID_API_KEY(), problem.Unavailable,
			"The credential is valid, but your lender is not set up completely. This is our mistake: please contact us.", later},
		{awsapigateway.ResponseType_INTEGRATION_TIMEOUT(), problem.Timeout,
			"The request may have been carried out. Send it again with the same Idempotency-Key.", nil},
		{awsapigateway.ResponseType_INTEGRATION_FAILURE(), problem.Internal, ours, nil},
		{awsapigateway.ResponseType_DEFAULT_4XX(), problem.Malformed, "The request could not be understood.", nil},
		{awsapigateway.ResponseType_DEFAULT_5XX(), problem.Internal, ours, nil},
	}
}

// addDenied declares the response to a credential that the authorizer rejected.
// The authorizer's context has the problem, in fixed text.
func addDenied(scope constructs.Construct, api awsapigateway.RestApi, props Props) {
	const fromAuthorizer = "$context.authorizer."
	addResponse(scope, api, props, awsapigateway.ResponseType_ACCESS_DENIED(), map[string]any{
		"type":      problem.Type("/"+props.Stage, fromAuthorizer+"problem"),
		"title":     fromAuthorizer + "title",
		"status":    401,
		"detail":    fromAuthorizer + "detail",
		"requestId": "$context.requestId",
	}, map[string]string{"WWW-Authenticate": "context.authorizer.challenge"})
}

// addProblems makes each of the gateway's own responses a problem document (RFC 9457).
func addProblems(scope constructs.Construct, api awsapigateway.RestApi, props Props) {
	for _, p := range problems() {
		kind := p.Name.Kind()
		more := map[string]string{}
		for name, value := range p.Header {
			more[name] = "'" + value + "'"
		}
		addResponse(scope, api, props, p.When, map[string]any{
			"type":      problem.Type("/"+props.Stage, p.Name),
			"title":     kind.Title,
			"status":    kind.Status,
			"detail":    p.Detail,
			"requestId": "$context.requestId",
		}, more)
	}
	addDenied(scope, api, props)
}

// addResponse declares one of the gateway's own responses. Its headers are mapping
// expressions: fixed text is in single quotes, and a request's header can be used
// (docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.gatewayResponse.html).
//
// X-Request-Id is the caller's own, if the request had one. The body has the
// gateway's id, and so does x-amzn-RequestId, which API Gateway adds to every
// response: a UUID
// (docs.aws.amazon.com/apigateway/latest/developerguide/set-up-access-logging.html).
func addResponse(scope constructs.Construct, api awsapigateway.RestApi, props Props, when awsapigateway.ResponseType, document map[string]any, more map[string]string) {
	body, err := json.Marshal(document)
	if err != nil {
		panic(err) // strings and a number
	}
	values := map[string]*string{
		"Content-Type": jsii.String("'application/problem+json'"),
		"X-Request-Id": jsii.String("method.request.header.X-Request-Id"),
	}
	for name, value := range headers.Always {
		values[name] = jsii.String("'" + value + "'")
	}
	for name, value := range more {
		values[name] = &value
	}
	if props.PortalOrigin != "" {
		values["Access-Control-Allow-Origin"] = jsii.String("'" + props.PortalOrigin + "'")
		values["Access-Control-Expose-Headers"] = jsii.String("'" + cors.ExposedHeaders + "'")
	}
	awsapigateway.NewGatewayResponse(scope, when.ResponseType(), &awsapigateway.GatewayResponseProps{
		RestApi:         api,
		Type:            when,
		StatusCode:      jsii.String(strconv.Itoa(document["status"].(int))),
		ResponseHeaders: &values,
		// API Gateway chooses a template by the Accept header and falls back on this
		// one. The Content-Type header then has the real type.
		Templates: &map[string]*string{"application/json": jsii.String(string(body))},
	})
}

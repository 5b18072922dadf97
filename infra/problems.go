package main

import (
	"encoding/json"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// problemType is the start of every problem's type, here and in shared/httpapi.
const problemType = "urn:batch-inquiries:problem:"

// problem is an answer that API Gateway gives by itself, before or instead of
// our function.
type problem struct {
	When   awsapigateway.ResponseType
	Status int
	Name   string // completes problemType
	Title  string
	Detail string
	Header map[string]string
}

// problems are fixed text: what a caller sent never comes back in them.
func problems() []problem {
	retryLater := map[string]string{"Retry-After": "30"}
	return []problem{
		{awsapigateway.ResponseType_UNAUTHORIZED(), 401, "unauthorized", "Not signed in",
			"Send a Cognito token or a lender API key in the Authorization header.", map[string]string{"WWW-Authenticate": "Bearer"}},
		{awsapigateway.ResponseType_EXPIRED_TOKEN(), 401, "unauthorized", "Not signed in",
			"The token has expired; sign in again.", map[string]string{"WWW-Authenticate": "Bearer"}},
		{awsapigateway.ResponseType_ACCESS_DENIED(), 403, "forbidden", "Not allowed",
			"This credential may not do that.", nil},
		// What API Gateway says of a path or method that it does not have.
		{awsapigateway.ResponseType_MISSING_AUTHENTICATION_TOKEN(), 404, "not-found", "Not found",
			"There is nothing at this path for this method.", nil},
		// The same, to a request with an Authorization header: API Gateway takes
		// it for a signature, and by default quotes it in the answer.
		{awsapigateway.ResponseType_INVALID_SIGNATURE(), 404, "not-found", "Not found",
			"There is nothing at this path for this method.", nil},
		{awsapigateway.ResponseType_RESOURCE_NOT_FOUND(), 404, "not-found", "Not found",
			"There is nothing at this path.", nil},
		{awsapigateway.ResponseType_REQUEST_TOO_LARGE(), 413, "too-large", "Request too large",
			"Split the batch into smaller ones.", nil},
		{awsapigateway.ResponseType_UNSUPPORTED_MEDIA_TYPE(), 415, "unsupported-media-type", "Unsupported media type",
			"Send the body as application/json.", nil},
		{awsapigateway.ResponseType_THROTTLED(), 429, "too-many-requests", "Too many requests",
			"Wait as long as Retry-After says, then try again.", retryLater},
		{awsapigateway.ResponseType_QUOTA_EXCEEDED(), 429, "too-many-requests", "Too many requests",
			"Wait as long as Retry-After says, then try again.", retryLater},
		{awsapigateway.ResponseType_INTEGRATION_TIMEOUT(), 504, "timeout", "Took too long",
			"The request may have been carried out. Send it again with the same Idempotency-Key.", nil},
		{awsapigateway.ResponseType_INTEGRATION_FAILURE(), 500, "internal", "Internal error",
			"Something failed on our side. Send the request again with the same Idempotency-Key.", nil},
		{awsapigateway.ResponseType_DEFAULT_4XX(), 400, "bad-request", "Bad request",
			"The request could not be understood.", nil},
		{awsapigateway.ResponseType_DEFAULT_5XX(), 500, "internal", "Internal error",
			"Something failed on our side. Send the request again with the same Idempotency-Key.", nil},
	}
}

// addProblems makes every such answer a problem document (RFC 9457).
func addProblems(scope constructs.Construct, api awsapigateway.RestApi) {
	for _, p := range problems() {
		body, err := json.Marshal(map[string]any{
			"type":      problemType + p.Name,
			"title":     p.Title,
			"status":    p.Status,
			"detail":    p.Detail,
			"requestId": "$context.requestId",
		})
		if err != nil {
			panic(err) // strings and a number
		}
		// API Gateway picks a template by what the caller accepts and falls
		// back on this key; the header then says what it really is.
		templates := map[string]*string{"application/json": jsii.String(string(body))}
		headers := map[string]*string{"Content-Type": jsii.String("'application/problem+json'")}
		for name, value := range p.Header {
			headers[name] = jsii.String("'" + value + "'")
		}
		awsapigateway.NewGatewayResponse(scope, p.When.ResponseType(), &awsapigateway.GatewayResponseProps{
			RestApi:         api,
			Type:            p.When,
			StatusCode:      jsii.String(strconv.Itoa(p.Status)),
			ResponseHeaders: &headers,
			Templates:       &templates,
		})
	}
}

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAddProblems(t *testing.T) {
	t.Parallel()

	t.Run("every gateway response is a problem document", func(t *testing.T) {
		t.Parallel()

		status := map[string]float64{}
		for id, r := range dev().all(t, "AWS::ApiGateway::GatewayResponse") {
			body := at(r.Properties, "ResponseTemplates", "application/json").(string)
			var problem map[string]any
			if err := json.Unmarshal([]byte(body), &problem); err != nil {
				t.Fatalf("%s: %v in %s", id, err, body)
			}
			kind := r.Properties["ResponseType"].(string)
			status[kind] = problem["status"].(float64)
			same(t, kind+"'s status, as text", r.Properties["StatusCode"], any(text(problem["status"])))
			same(t, kind+"'s type", at(r.Properties, "ResponseParameters", "gatewayresponse.header.Content-Type"), "'application/problem+json'")
			same(t, kind+"'s request", problem["requestId"], "$context.requestId")
			same(t, kind+"'s request as its caller calls it", at(r.Properties, "ResponseParameters", "gatewayresponse.header.X-Request-Id"),
				"method.request.header.X-Request-Id")
			if kind == "ACCESS_DENIED" {
				body = strings.ReplaceAll(body, "$context.authorizer.", "") // the authorizer's own fixed words
			}
			same(t, kind+"'s variables, which could repeat what a caller sent", strings.Count(body, "$context"), 1)
			if name, found := strings.CutPrefix(problem["type"].(string), "/dev/v1/docs#problem-"); !found || name == "" || problem["title"] == "" || problem["detail"] == "" {
				t.Errorf("%s is not a problem document: %s", kind, body)
			}
			switch problem["status"] {
			case 401.0:
				challenge := "'Bearer'"
				if kind == "ACCESS_DENIED" {
					challenge = "context.authorizer.challenge"
				}
				same(t, kind+"'s challenge", at(r.Properties, "ResponseParameters", "gatewayresponse.header.WWW-Authenticate"), any(challenge))
			case 429.0:
				wait := map[string]any{"THROTTLED": "'2'", "QUOTA_EXCEEDED": "'30'"}[kind]
				same(t, kind+"'s wait", at(r.Properties, "ResponseParameters", "gatewayresponse.header.Retry-After"), wait)
				if kind == "THROTTLED" {
					same(t, "the limit", at(r.Properties, "ResponseParameters", "gatewayresponse.header.RateLimit-Policy"), `'"requests";q=100;w=5'`)
					same(t, "what is left", at(r.Properties, "ResponseParameters", "gatewayresponse.header.RateLimit"), `'"requests";r=0;t=5'`)
				}
			}
		}
		for kind, want := range map[string]float64{
			"UNAUTHORIZED": 401, "ACCESS_DENIED": 401, "MISSING_AUTHENTICATION_TOKEN": 404, "RESOURCE_NOT_FOUND": 404,
			"REQUEST_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415, "THROTTLED": 429, "QUOTA_EXCEEDED": 429, "INVALID_API_KEY": 503,
			"INTEGRATION_TIMEOUT": 504, "INTEGRATION_FAILURE": 500, "DEFAULT_4XX": 400, "DEFAULT_5XX": 500,
		} {
			same(t, kind, status[kind], want)
		}
	})
}

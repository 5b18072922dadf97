package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// gatewayResponse is one response of the gateway's own, as the template has it.
type gatewayResponse struct {
	kind    string
	status  any            // as the template has it
	headers any            // expressions, by name
	body    string         // the problem document's template
	problem map[string]any // the same, parsed
}

func (r gatewayResponse) header(name string) any {
	return at(r.headers, "gatewayresponse.header."+name)
}

func gatewayResponses(tb testing.TB, from template) []gatewayResponse {
	tb.Helper()
	var all []gatewayResponse
	for id, r := range from.all(tb, "AWS::ApiGateway::GatewayResponse") {
		response := gatewayResponse{
			kind:    r.Properties["ResponseType"].(string),
			status:  r.Properties["StatusCode"],
			headers: r.Properties["ResponseParameters"],
			body:    at(r.Properties, "ResponseTemplates", "application/json").(string),
		}
		if err := json.Unmarshal([]byte(response.body), &response.problem); err != nil {
			tb.Fatalf("%s: %v in %s", id, err, response.body)
		}
		all = append(all, response)
	}
	return all
}

func TestAddProblems(t *testing.T) {
	t.Parallel()

	t.Run("every gateway response is a problem document", func(t *testing.T) {
		t.Parallel()

		for _, r := range gatewayResponses(t, dev()) {
			same(t, r.kind+"'s status", r.status, any(text(r.problem["status"])))
			same(t, r.kind+"'s content type", r.header("Content-Type"), "'application/problem+json'")
			same(t, r.kind+"'s type, which a browser must not guess", r.header("X-Content-Type-Options"), "'nosniff'")
			same(t, r.kind+"'s demand for HTTPS", r.header("Strict-Transport-Security"), "'max-age=31536000'")
			same(t, r.kind+"'s request id in the body", r.problem["requestId"], "$context.requestId")
			same(t, r.kind+"'s request id in the header, which is the caller's", r.header("X-Request-Id"), "method.request.header.X-Request-Id")
			if name, found := strings.CutPrefix(r.problem["type"].(string), "/dev/v1/docs#problem-"); !found || name == "" {
				t.Errorf("%s has the type %q", r.kind, r.problem["type"])
			}
			for _, member := range []string{"title", "detail"} {
				if r.problem[member] == "" {
					t.Errorf("%s has no %s", r.kind, member)
				}
			}
		}
	})

	t.Run("no response repeats what the caller sent", func(t *testing.T) {
		t.Parallel()

		for _, r := range gatewayResponses(t, dev()) {
			body := r.body
			if r.kind == "ACCESS_DENIED" {
				body = strings.ReplaceAll(body, "$context.authorizer.", "") // the authorizer's own fixed words
			}
			same(t, r.kind+"'s variables, which are only the request's id", strings.Count(body, "$context"), 1)
		}
	})

	t.Run("each type of response has its status", func(t *testing.T) {
		t.Parallel()

		status := map[string]any{}
		for _, r := range gatewayResponses(t, dev()) {
			status[r.kind] = r.problem["status"]
		}
		for kind, want := range map[string]float64{
			"UNAUTHORIZED": 401, "ACCESS_DENIED": 401, "MISSING_AUTHENTICATION_TOKEN": 404, "RESOURCE_NOT_FOUND": 404,
			"REQUEST_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415, "THROTTLED": 429, "WAF_FILTERED": 429, "QUOTA_EXCEEDED": 429, "INVALID_API_KEY": 503,
			"INTEGRATION_TIMEOUT": 504, "INTEGRATION_FAILURE": 500, "DEFAULT_4XX": 400, "DEFAULT_5XX": 500,
		} {
			same(t, kind, status[kind], any(want))
		}
	})

	t.Run("a 401 response has a challenge", func(t *testing.T) {
		t.Parallel()

		for _, r := range gatewayResponses(t, dev()) {
			if r.problem["status"] != 401.0 {
				continue
			}
			challenge := "'Bearer'"
			if r.kind == "ACCESS_DENIED" {
				challenge = "context.authorizer.challenge"
			}
			same(t, r.kind+"'s challenge", r.header("WWW-Authenticate"), any(challenge))
		}
	})

	t.Run("a 429 response says when to try again", func(t *testing.T) {
		t.Parallel()

		for _, r := range gatewayResponses(t, dev()) {
			if r.problem["status"] != 429.0 {
				continue
			}
			wait := map[string]any{"THROTTLED": "'2'", "QUOTA_EXCEEDED": "'30'", "WAF_FILTERED": "'60'"}[r.kind]
			same(t, r.kind+"'s wait", r.header("Retry-After"), wait)
			if r.kind == "THROTTLED" {
				same(t, "the limit", r.header("RateLimit-Policy"), `'"requests";q=100;w=5'`)
				same(t, "the remaining requests", r.header("RateLimit"), `'"requests";r=0;t=5'`)
			}
		}
	})
}

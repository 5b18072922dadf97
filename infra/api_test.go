package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

func TestNewAPI(t *testing.T) {
	t.Parallel()

	t.Run("only the reference needs no credential", func(t *testing.T) {
		t.Parallel()

		behind, open := 0, 0
		for id, m := range dev().all(t, "AWS::ApiGateway::Method") {
			switch {
			case m.Properties["AuthorizationType"] == "CUSTOM":
				behind++
				same(t, id+"'s method", m.Properties["HttpMethod"], "ANY")
				same(t, id+" needs a usage plan's key", m.Properties["ApiKeyRequired"], true)
				if !strings.Contains(text(m.Properties["AuthorizerId"]), "Authorizer") {
					t.Errorf("%s has no authorizer", id)
				}
			case m.Properties["HttpMethod"] != "OPTIONS":
				open++
			}
			if m.Properties["AuthorizationType"] != "CUSTOM" && m.Properties["ApiKeyRequired"] == true {
				t.Errorf("%s needs a key, but has no authorizer that could name it", id)
			}
		}
		same(t, "paths behind the authorizer", behind, len(paths))
		same(t, "public paths", open, len(publicPaths))
		for _, path := range publicPaths {
			same(t, path+" is public in package httpapi", httpapi.IsPublic(path), true)
		}
		for id, r := range dev().all(t, "AWS::ApiGateway::Resource") {
			if strings.Contains(text(r.Properties["PathPart"]), "+") {
				t.Errorf("%s matches every path below it", id)
			}
		}
		authorizer := dev().one(t, "AWS::ApiGateway::Authorizer", "").Properties
		same(t, "what the authorizer's results are cached by", authorizer["IdentitySource"], "method.request.header.Authorization")
		same(t, "the authorizer's type, which gets no other header", authorizer["Type"], "TOKEN")
		same(t, "seconds that they are cached", authorizer["AuthorizerResultTtlInSeconds"], 300.0)
	})

	t.Run("the paths are those of the API's document", func(t *testing.T) {
		t.Parallel()

		data, err := os.ReadFile(filepath.Join("..", "docs", "openapi.json"))
		if err != nil {
			t.Fatal(err)
		}
		var document struct{ Paths map[string]any }
		if err := json.Unmarshal(data, &document); err != nil {
			t.Fatal(err)
		}
		got := slices.Sorted(slices.Values(slices.Concat(paths, publicPaths)))
		same(t, "paths", got, slices.Sorted(maps.Keys(document.Paths)))
	})

	t.Run("requests are throttled and the log names nobody", func(t *testing.T) {
		t.Parallel()

		stage := dev().one(t, "AWS::ApiGateway::Stage", "").Properties
		same(t, "stage", stage["StageName"], "dev")
		if rate, _ := at(stage, "MethodSettings", 0, "ThrottlingRateLimit").(float64); rate <= 0 {
			t.Error("requests are not throttled")
		}
		same(t, "bodies in the log", at(stage, "MethodSettings", 0, "DataTraceEnabled"), false)
		format := at(stage, "AccessLogSetting", "Format").(string)
		for _, personal := range []string{"sourceIp", "userAgent", "$context.path", "header", "querystring", "authorizer.userId", "identity"} {
			if strings.Contains(format, personal) {
				t.Errorf("the access log has %s", personal)
			}
		}
	})

	t.Run("each method that needs no credential has a low throttle of its own", func(t *testing.T) {
		t.Parallel()

		throttles := map[string]any{}
		for _, setting := range list(dev().one(t, "AWS::ApiGateway::Stage", "").Properties["MethodSettings"]) {
			path := strings.ReplaceAll(strings.TrimPrefix(at(setting, "ResourcePath").(string), "/"), "~1", "/") // /~1v1~1docs
			throttles[path+" "+at(setting, "HttpMethod").(string)] = [2]any{at(setting, "ThrottlingRateLimit"), at(setting, "ThrottlingBurstLimit")}
		}
		want := map[string]any{"* *": [2]any{1000.0, 2000.0}}
		for _, path := range paths {
			want[path+" OPTIONS"] = [2]any{10.0, 50.0}
		}
		for _, path := range publicPaths {
			for _, method := range []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"} {
				want[path+" "+method] = [2]any{10.0, 50.0}
			}
		}
		same(t, "throttles", throttles, want)
	})

	t.Run("the rate of each lender is limited", func(t *testing.T) {
		t.Parallel()

		same(t, "the source of keys", dev().one(t, "AWS::ApiGateway::RestApi", "").Properties["ApiKeySourceType"], "AUTHORIZER")
		plan := dev().one(t, "AWS::ApiGateway::UsagePlan", "").Properties
		same(t, "a lender's rate", at(plan, "Throttle"), map[string]any{
			"RateLimit": float64(fairuse.Requests.PerSecond), "BurstLimit": float64(fairuse.Requests.Burst),
		})
		same(t, "stages", len(list(plan["ApiStages"])), 1)
		if stage := text(at(plan, "ApiStages", 0, "Stage")); !strings.Contains(stage, "DeploymentStage") {
			t.Errorf("the plan limits stage %s", stage)
		}
		all := dev().one(t, "AWS::ApiGateway::Stage", "").Properties
		if rate, _ := at(all, "MethodSettings", 0, "ThrottlingRateLimit").(float64); rate <= float64(fairuse.Requests.PerSecond) {
			t.Errorf("one lender can use up all of the stage's %v requests per second", rate)
		}
	})
}

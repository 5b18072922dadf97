package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
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
		same(t, "paths behind the authorizer", behind, len(paths)+len(keyPaths))
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
		same(t, "seconds that they are cached", authorizer["AuthorizerResultTtlInSeconds"], 60.0)
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
		got := slices.Sorted(slices.Values(slices.Concat(paths, keyPaths, publicPaths)))
		same(t, "paths", got, slices.Sorted(maps.Keys(document.Paths)))
	})

	t.Run("each path belongs to the function that has its routes", func(t *testing.T) {
		t.Parallel()

		serves := func(handler http.Handler, path string) bool {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodOptions, path, nil))
			return w.Code == http.StatusNoContent
		}
		api := httpapi.API{Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		keys := api.KeyHandler()
		for _, path := range slices.Concat(paths, publicPaths) {
			same(t, path+" is a route of API keys", serves(keys, path), false)
		}
		for _, path := range keyPaths {
			same(t, path+" is a route of API keys", serves(keys, path), true)
		}
		functionOf := map[string]string{} // by the id of the path's resource
		for id, m := range dev().all(t, "AWS::ApiGateway::Method") {
			resource, integration := text(m.Properties["ResourceId"]), text(at(m.Properties, "Integration", "Uri"))
			function := "Api"
			if strings.Contains(integration, "ManageApiKeys") {
				function = "ManageApiKeys"
			}
			if known := functionOf[resource]; known != "" && known != function {
				t.Errorf("%s: OPTIONS and other methods of a path go to different functions", id)
			}
			functionOf[resource] = function
			same(t, id+" is a path of API keys", strings.Contains(strings.ToLower(id), "apikey"), function == "ManageApiKeys")
		}
	})

	// Anyone can send any text. Only what may be a credential costs an invocation.
	t.Run("only what may be a credential reaches the authorizer", func(t *testing.T) {
		t.Parallel()

		form, _ := dev().one(t, "AWS::ApiGateway::Authorizer", "").Properties["IdentityValidationExpression"].(string)
		matches := regexp.MustCompile("^(?:" + form + ")$").MatchString
		const key, token = "vd__K7EXAMPLE_0000000000000000000000000000000000000000000000000", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2ln-_0"
		for header, want := range map[string]bool{
			key: true, "Bearer " + key: true, "bearer " + key: true, "BEARER   " + key: true, key + " ": true,
			token: true, "Bearer " + token: true, "bEaReR " + token: true,
			// The authorizer says what is wrong with these.
			"vd_K7EXAMPLE_000": true, "Bearer vd__": true, key[:20]: true, "a.b.c": true,

			"": false, " ": false, "Bearer": false, "Bearer ": false, "Basic dXNlcjpwYXNz": false, "x": false, "K7EXAMPLE": false,
			"Bearer Bearer " + key: false, key + ", " + key: false, key + " x": false, "Bearer" + key: false, "Token " + token: false,
			"a.b": false, "a.b.c.d": false, "..": false, "a b.c.d": false, token + "\n" + token: false, "AWS4-HMAC-SHA256 Credential=AKIA/x": false,
			"vd__" + strings.Repeat("é", 10): false, "Digest username=a.b.c": false,
		} {
			if matches(header) != want {
				t.Errorf("%q matches: %v", header, !want)
			}
		}
	})

	t.Run("requests are throttled", func(t *testing.T) {
		t.Parallel()

		stage := dev().one(t, "AWS::ApiGateway::Stage", "").Properties
		same(t, "stage", stage["StageName"], "dev")
		if rate, _ := at(stage, "MethodSettings", 0, "ThrottlingRateLimit").(float64); rate <= 0 {
			t.Error("requests are not throttled")
		}
		same(t, "bodies in the log", at(stage, "MethodSettings", 0, "DataTraceEnabled"), false)
	})

	t.Run("the access log says who called from where, and not about whom", func(t *testing.T) {
		t.Parallel()

		format := at(dev().one(t, "AWS::ApiGateway::Stage", "").Properties, "AccessLogSetting", "Format").(string)
		for _, caller := range []string{"$context.identity.sourceIp", "$context.authorizer.lenderId", "$context.authorizer.userId", "$context.authorizer.keyId"} {
			if !strings.Contains(format, `"`+caller+`"`) {
				t.Errorf("the access log lacks %s", caller)
			}
		}
		for _, personal := range []string{"userAgent", "$context.path", "header", "querystring", "cognito", "apiKey", "claims"} {
			if strings.Contains(format, personal) {
				t.Errorf("the access log has %s", personal)
			}
		}
		values := auth.Caller{LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey, KeyID: "K7EXAMPLE"}.Context()
		for _, name := range regexp.MustCompile(`\$context\.authorizer\.(\w+)"`).FindAllStringSubmatch(format, -1) {
			if _, ok := values[name[1]]; !ok && name[1] != "latency" {
				t.Errorf("the access log has %s, which the authorizer does not set", name[0])
			}
		}
		for stage, want := range map[string]struct {
			synthesized template
			days        float64
			deletion    string
		}{"prod": {prod(), 365, "Retain"}, "dev": {dev(), 30, "Delete"}} {
			logs := want.synthesized.one(t, "AWS::Logs::LogGroup", "AccessLogs")
			same(t, stage+" keeps it for days", logs.Properties["RetentionInDays"], any(want.days))
			same(t, stage+" keeps it", logs.DeletionPolicy, want.deletion)
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
		for _, path := range slices.Concat(paths, keyPaths) {
			want[path+" OPTIONS"] = [2]any{10.0, 50.0}
		}
		for _, path := range publicPaths {
			for _, method := range []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"} {
				want[path+" "+method] = [2]any{10.0, 50.0}
			}
		}
		same(t, "throttles", throttles, want)
		open := 0
		for _, m := range dev().all(t, "AWS::ApiGateway::Method") {
			switch {
			case m.Properties["AuthorizationType"] == "CUSTOM":
			case m.Properties["HttpMethod"] == "ANY":
				open += 7
			default:
				open++
			}
		}
		same(t, "throttled methods", len(throttles)-1, open)
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

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// resource is one resource of the template.
type resource struct {
	Type           string
	Properties     map[string]any
	DeletionPolicy string
}

// template is the part of a CloudFormation template that these tests read.
type template struct {
	Resources map[string]resource
	Outputs   map[string]any
}

// Synthesis takes seconds, so it is done once for each stage that tests look at.
var (
	dev  = sync.OnceValue(func() template { return synthesize("dev") })
	prod = sync.OnceValue(func() template { return synthesize("prod") })
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// synthesis is done one at a time: the CDK lives in one Node.js process.
var synthesis sync.Mutex

// synthesize needs no built functions: it gives each an empty one.
func synthesize(stage string, portal ...string) template {
	synthesis.Lock()
	defer synthesis.Unlock()
	dir, err := os.MkdirTemp("", "functions")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, f := range functions {
		if err := os.MkdirAll(filepath.Join(dir, f.Name), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name, "bootstrap"), []byte(f.Name), 0o755); err != nil {
			panic(err)
		}
	}
	props := Props{Stage: stage, Arch: "arm64", Code: dir, BatchDeadline: inquiry.DefaultDeadline, PortalOrigin: strings.Join(portal, "")}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(filepath.Join(dir, "cdk.out"))})
	stack := NewStack(app, "test-"+props.Stage, props)
	data, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		panic(err)
	}
	var t template
	if err := json.Unmarshal(data, &t); err != nil {
		panic(err)
	}
	return t
}

// all returns the resources of a type, by their logical id.
func (t template) all(tb testing.TB, kind string) map[string]resource {
	tb.Helper()
	found := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	if len(found) == 0 {
		tb.Fatalf("the template has no %s", kind)
	}
	return found
}

// one returns the only resource of a type, or the one whose id has the part.
func (t template) one(tb testing.TB, kind, part string) resource {
	tb.Helper()
	var found []resource
	for id, r := range t.all(tb, kind) {
		if strings.Contains(id, part) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		tb.Fatalf("the template has %d %s with %q in their id; want 1", len(found), kind, part)
	}
	return found[0]
}

// at follows a path of keys and indexes into nested JSON; nil if it ends early.
func at(value any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[s]
		case int:
			list, _ := value.([]any)
			if s >= len(list) {
				return nil
			}
			value = list[s]
		}
	}
	return value
}

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// text is any part of the template as JSON, to search in.
func text(value any) string {
	data, _ := json.Marshal(value)
	return string(data)
}

func list(value any) []any {
	if l, ok := value.([]any); ok {
		return l
	}
	return []any{value}
}

func TestTheTable(t *testing.T) {
	t.Parallel()

	table := dev().one(t, "AWS::DynamoDB::Table", "").Properties
	same(t, "stream", at(table, "StreamSpecification", "StreamViewType"), "NEW_IMAGE")
	same(t, "expiry", at(table, "TimeToLiveSpecification"), map[string]any{"AttributeName": "expiresAt", "Enabled": true})
	same(t, "recovery", at(table, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), true)
	same(t, "encryption", at(table, "SSESpecification", "SSEEnabled"), true)
	same(t, "billing", table["BillingMode"], "PAY_PER_REQUEST")
	same(t, "indexes", len(list(table["GlobalSecondaryIndexes"])), 1)
	same(t, "index", at(table, "GlobalSecondaryIndexes", 0, "Projection", "ProjectionType"), "KEYS_ONLY")
	same(t, "local indexes, which forbid a key's split", table["LocalSecondaryIndexes"], nil)
}

func TestAStageThatMattersKeepsItsData(t *testing.T) {
	t.Parallel()

	for _, kind := range []string{"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Cognito::UserPool", "AWS::S3::Bucket"} {
		part := map[string]string{"AWS::S3::Bucket": "FailedRecords"}[kind]
		same(t, "prod "+kind, prod().one(t, kind, part).DeletionPolicy, "Retain")
		same(t, "dev "+kind, dev().one(t, kind, part).DeletionPolicy, "Delete")
	}
	same(t, "prod table's protection", prod().one(t, "AWS::DynamoDB::Table", "").Properties["DeletionProtectionEnabled"], true)
}

func TestResultsAreKeptForADay(t *testing.T) {
	t.Parallel()

	bucket := dev().one(t, "AWS::S3::Bucket", "Results").Properties
	rule := at(bucket, "LifecycleConfiguration", "Rules", 0)
	same(t, "expiry in days", at(rule, "ExpirationInDays"), 1.0)
	same(t, "expiry of what was never completed", at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"), 1.0)
	same(t, "status", at(rule, "Status"), "Enabled")
	same(t, "encryption", at(bucket, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm"), "AES256")
	same(t, "public access", at(bucket, "PublicAccessBlockConfiguration", "RestrictPublicBuckets"), true)
}

func TestTheQueues(t *testing.T) {
	t.Parallel()

	queue := dev().one(t, "AWS::SQS::Queue", "Queue").Properties
	dead := dev().one(t, "AWS::SQS::Queue", "DeadLetters").Properties
	same(t, "receives", at(queue, "RedrivePolicy", "maxReceiveCount"), 8.0)
	if !strings.Contains(text(at(queue, "RedrivePolicy", "deadLetterTargetArn")), "DeadLetters") {
		t.Error("messages that cannot be delivered do not go to the dead letters")
	}
	for name, q := range map[string]map[string]any{"queue": queue, "dead letters": dead} {
		same(t, name+"' encryption", q["SqsManagedSseEnabled"], true)
	}
	kept, keptDead := queue["MessageRetentionPeriod"].(float64), dead["MessageRetentionPeriod"].(float64)
	if keptDead <= kept {
		t.Errorf("dead letters are kept %v s and their messages are up to %v s old when they arrive", keptDead, kept)
	}
	for reader, q := range map[string]map[string]any{"ProcessInquiry": queue, "FailExhausted": dead} {
		timeout := dev().one(t, "AWS::Lambda::Function", reader).Properties["Timeout"].(float64)
		if visible := q["VisibilityTimeout"].(float64); visible < 6*timeout {
			t.Errorf("a message comes back to %s after %v s; want at least six invocations of %v s", reader, visible, timeout)
		}
	}
}

func TestNothingSpeaksWithoutTLS(t *testing.T) {
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
}

func TestTheStreamsReaders(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		filter                 string
		size, window, parallel float64
	}{
		"SubmittedBatches": {
			filter: `{"dynamodb":{"Keys":{"SK":{"S":["HEADER"]}},"NewImage":{"event":{"S":["SUBMITTED","CANCEL_REQUESTED"]}}}}`,
			size:   10, window: 0, parallel: 10,
		},
		"InquiryStatuses": {
			filter: `{"dynamodb":{"Keys":{"SK":{"S":[{"prefix":"INQUIRY#"}]}},"NewImage":{"status":{"S":[{"exists":true}]}}}}`,
			size:   500, window: 1, parallel: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			m := dev().one(t, "AWS::Lambda::EventSourceMapping", name).Properties
			same(t, "filter", at(m, "FilterCriteria", "Filters"), any([]any{map[string]any{"Pattern": tt.filter}}))
			same(t, "size", m["BatchSize"], tt.size)
			same(t, "window", m["MaximumBatchingWindowInSeconds"], tt.window)
			same(t, "parallel", m["ParallelizationFactor"], tt.parallel)
			same(t, "start", m["StartingPosition"], "TRIM_HORIZON")
			same(t, "answers", m["FunctionResponseTypes"], any([]any{"ReportBatchItemFailures"}))
			same(t, "bisect", m["BisectBatchOnFunctionError"], true)
			same(t, "attempts", m["MaximumRetryAttempts"], 10.0)
			same(t, "age", m["MaximumRecordAgeInSeconds"], 21600.0)
			if !strings.Contains(text(at(m, "DestinationConfig", "OnFailure", "Destination")), "FailedRecords") {
				t.Error("records that are given up on go nowhere")
			}
		})
	}
	same(t, "mappings: two readers of the stream, which is all it allows, and one of each queue",
		len(dev().all(t, "AWS::Lambda::EventSourceMapping")), 4)
}

func TestTheQueuesReader(t *testing.T) {
	t.Parallel()

	m := dev().one(t, "AWS::Lambda::EventSourceMapping", "QueuedInquiries").Properties
	same(t, "size", m["BatchSize"], 10.0)
	same(t, "answers", m["FunctionResponseTypes"], any([]any{"ReportBatchItemFailures"}))
	if most, _ := at(m, "ScalingConfig", "MaximumConcurrency").(float64); most < 2 {
		t.Errorf("maximum concurrency is %v; want a bound of at least 2", most)
	}
}

func TestDeadLettersAreReadToo(t *testing.T) {
	t.Parallel()

	m := dev().one(t, "AWS::Lambda::EventSourceMapping", "DeadLetters").Properties
	if queue, reader := text(m["EventSourceArn"]), text(m["FunctionName"]); !strings.Contains(queue, "DeadLetters") || !strings.Contains(reader, "FailExhausted") {
		t.Errorf("%s is read by %s", queue, reader)
	}
	same(t, "answers", m["FunctionResponseTypes"], any([]any{"ReportBatchItemFailures"}))
	same(t, "bound", m["ScalingConfig"], nil)
}

func TestOpenBatchesAreSweptBySchedule(t *testing.T) {
	t.Parallel()

	rule := dev().one(t, "AWS::Events::Rule", "").Properties
	same(t, "schedule", rule["ScheduleExpression"], "rate(5 minutes)")
	same(t, "state", rule["State"], "ENABLED")
	if target := text(rule["Targets"]); !strings.Contains(target, "SweepOpenBatches") {
		t.Errorf("the schedule calls %s", target)
	}
	sweep := dev().one(t, "AWS::Lambda::Function", "SweepOpenBatches").Properties
	if seconds := sweep["Timeout"].(float64); seconds >= 5*60 {
		t.Errorf("a sweep may take %v s, into the next one", seconds)
	}
	index := dev().one(t, "AWS::DynamoDB::Table", "").Properties["GlobalSecondaryIndexes"]
	same(t, "index", at(index, 0, "IndexName"), "open")
	if may := text(dev().one(t, "AWS::IAM::Role", "SweepOpenBatches").Properties["Policies"]); !strings.Contains(may, "/index/open") {
		t.Errorf("a sweep cannot read the index: %s", may)
	}
}

// A worker's lease must not outlive the deadline at which a sweep gives up.
func TestWorkersAndSweepsKnowTheSameDeadline(t *testing.T) {
	t.Parallel()

	for _, function := range []string{"ProcessInquiry", "SweepOpenBatches"} {
		environment := dev().one(t, "AWS::Lambda::Function", function).Properties["Environment"]
		same(t, function+"'s deadline", at(environment, "Variables", "BATCH_DEADLINE"), "6h0m0s")
	}
}

func TestTheFunctions(t *testing.T) {
	t.Parallel()

	deployed := dev().all(t, "AWS::Lambda::Function")
	same(t, "functions", len(deployed), len(functions))
	roles := map[string]bool{}
	for id, f := range deployed {
		p := f.Properties
		roles[text(p["Role"])] = true
		same(t, id+"'s architecture", p["Architectures"], any([]any{"arm64"}))
		same(t, id+"'s runtime", p["Runtime"], "provided.al2023")
		if text(at(p, "LoggingConfig", "LogGroup")) == "null" {
			t.Errorf("%s has no log group of its own", id)
		}
		for name, value := range at(p, "Environment", "Variables").(map[string]any) {
			if said := text(value); strings.Contains(said, "resolve:") || (strings.Contains(name, "SECRET") && !strings.HasSuffix(name, "_ARN")) {
				t.Errorf("%s holds a secret in %s: %s", id, name, said)
			}
		}
	}
	same(t, "roles", len(roles), len(deployed))
	for id, g := range dev().all(t, "AWS::Logs::LogGroup") {
		same(t, id+"'s retention", g.Properties["RetentionInDays"], 30.0)
	}
	same(t, "secrets", text(dev().one(t, "AWS::SecretsManager::Secret", "").Properties["SecretString"]), "null")
}

// The whole of what each function may do is spelt out here once more, so that a
// permission cannot be added in passing.
func TestEachFunctionMayDoThisAndNoMore(t *testing.T) {
	t.Parallel()

	stream := []string{
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
		"s3:ListBucket", "s3:PutObject",
	}
	queue := []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
	want := map[string][]string{
		"Api": {
			"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Query", "dynamodb:UpdateItem", "s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", "secretsmanager:GetSecretValue",
		},
		"AuthorizeRequest": {"dynamodb:BatchGetItem", "dynamodb:GetItem", "secretsmanager:GetSecretValue"},
		"DispatchBatch":    append([]string{"dynamodb:PutItem", "dynamodb:Query", "sqs:SendMessage"}, stream...),
		"ProcessInquiry":   append([]string{"dynamodb:UpdateItem"}, queue...),
		"TallyStatuses":    append([]string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, stream...),
		"FailExhausted":    append([]string{"dynamodb:UpdateItem"}, queue...),
		"SweepOpenBatches": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem", "sqs:SendMessage"},
	}
	same(t, "functions spelt out", len(want), len(functions))
	for function, actions := range want {
		role := dev().one(t, "AWS::IAM::Role", function+"Role").Properties
		same(t, function+"'s managed policies", role["ManagedPolicyArns"], nil)
		got := map[string]bool{}
		for _, policy := range list(role["Policies"]) {
			for _, s := range list(at(policy, "PolicyDocument", "Statement")) {
				for _, action := range list(at(s, "Action")) {
					got[action.(string)] = true
				}
				checkResource(t, function, s)
			}
		}
		all := append([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, actions...)
		slices.Sort(all)
		same(t, function+"'s actions", slices.Sorted(maps.Keys(got)), all)
	}
	for id, r := range dev().Resources {
		if r.Type == "AWS::IAM::Policy" {
			t.Errorf("%s grants something beside the roles above", id)
		}
	}
}

// checkResource fails for a statement about more than one resource of ours, or
// about the table without saying which keys.
func checkResource(t *testing.T, function string, statement any) {
	t.Helper()
	action, about := text(at(statement, "Action")), text(at(statement, "Resource"))
	if strings.Contains(action, "*") {
		t.Errorf("%s may do %s", function, action)
	}
	// The objects of one bucket and the streams of one table have no names yet.
	named := strings.Contains(action, "s3:PutObject") || strings.Contains(action, "dynamodb:ListStreams")
	if strings.Contains(about, "*") && !named || !strings.Contains(about, "Fn::GetAtt") && !strings.Contains(about, `"Ref"`) {
		t.Errorf("%s may do %s on %s", function, action, about)
	}
	if strings.Contains(action, "Item") || strings.Contains(action, "Query") {
		if at(statement, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys") == nil {
			t.Errorf("%s may do %s on every key", function, action)
		}
	}
}

func TestAWorkerCannotTouchABatchsCounters(t *testing.T) {
	t.Parallel()

	keys := func(function, action string) (like, unlike any) {
		for _, s := range list(at(dev().one(t, "AWS::IAM::Role", function+"Role").Properties, "Policies", 0, "PolicyDocument", "Statement")) {
			if strings.Contains(text(at(s, "Action")), action) {
				c := at(s, "Condition")
				return at(c, "ForAllValues:StringLike", "dynamodb:LeadingKeys"), at(c, "ForAllValues:StringNotLike", "dynamodb:LeadingKeys")
			}
		}
		return nil, nil
	}
	inquiries, headers := any([]any{"LENDER#*#BATCH#*#*"}), any([]any{"LENDER#*#BATCH#*"})
	for function, action := range map[string]string{"ProcessInquiry": "UpdateItem", "FailExhausted": "UpdateItem", "DispatchBatch": "PutItem"} {
		like, unlike := keys(function, action)
		same(t, function+" writes", like, inquiries)
		same(t, function+" is kept from", unlike, nil)
	}
	like, unlike := keys("TallyStatuses", "UpdateItem")
	same(t, "tally-statuses writes", like, headers)
	same(t, "tally-statuses is kept from", unlike, inquiries)
}

func TestWhoCountsMayChangeOneNumberOfALender(t *testing.T) {
	t.Parallel()

	for _, function := range []string{"TallyStatuses", "SweepOpenBatches"} {
		found := false
		for _, s := range list(at(dev().one(t, "AWS::IAM::Role", function+"Role").Properties, "Policies", 0, "PolicyDocument", "Statement")) {
			if keys := text(at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys")); !strings.Contains(keys, `"LENDER#*"`) {
				continue
			}
			found = true
			same(t, function+"'s action", at(s, "Action"), "dynamodb:UpdateItem")
			same(t, function+"'s attributes", at(s, "Condition", "ForAllValues:StringEquals", "dynamodb:Attributes"), any([]any{"PK", "SK", "open"}))
			same(t, function+" is kept from", at(s, "Condition", "ForAllValues:StringNotLike", "dynamodb:LeadingKeys"), any([]any{"LENDER#*#BATCH#*"}))
		}
		if !found {
			t.Errorf("%s cannot give a lender its room back", function)
		}
	}
}

func TestWhoMaySignIn(t *testing.T) {
	t.Parallel()

	pool := dev().one(t, "AWS::Cognito::UserPool", "").Properties
	same(t, "sign-up by administrators only", at(pool, "AdminCreateUserConfig", "AllowAdminCreateUserOnly"), true)
	if shortest, _ := at(pool, "Policies", "PasswordPolicy", "MinimumLength").(float64); shortest < 12 {
		t.Errorf("passwords may have %v characters", shortest)
	}
	client := dev().one(t, "AWS::Cognito::UserPoolClient", "").Properties
	same(t, "attributes that a signed-in user can write", client["WriteAttributes"], any([]any{"name"}))
	same(t, "flows", client["ExplicitAuthFlows"], any([]any{
		"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
	}))
	same(t, "secret", client["GenerateSecret"], false)
	same(t, "user existence", client["PreventUserExistenceErrors"], "ENABLED")
	same(t, "revocation", client["EnableTokenRevocation"], true)
}

func TestEveryRouteButTheReferenceIsBehindTheAuthorizer(t *testing.T) {
	t.Parallel()

	behind, open := 0, 0
	for id, m := range dev().all(t, "AWS::ApiGateway::Method") {
		switch {
		case m.Properties["AuthorizationType"] == "CUSTOM":
			behind++
			same(t, id+"'s method", m.Properties["HttpMethod"], "ANY")
			same(t, id+"'s requests are counted", m.Properties["ApiKeyRequired"], true)
			if !strings.Contains(text(m.Properties["AuthorizerId"]), "Authorizer") {
				t.Errorf("%s has no authorizer", id)
			}
		case m.Properties["HttpMethod"] != "OPTIONS":
			open++
		}
		if m.Properties["AuthorizationType"] != "CUSTOM" && m.Properties["ApiKeyRequired"] == true {
			t.Errorf("%s needs a key, and no authorizer could say which", id)
		}
	}
	same(t, "paths behind the authorizer", behind, len(paths))
	same(t, "public paths", open, len(publicPaths))
	for _, path := range publicPaths {
		same(t, path+" is public to the function", httpapi.IsPublic(path), true)
	}
	for id, r := range dev().all(t, "AWS::ApiGateway::Resource") {
		if strings.Contains(text(r.Properties["PathPart"]), "+") {
			t.Errorf("%s catches every path below it", id)
		}
	}
	authorizer := dev().one(t, "AWS::ApiGateway::Authorizer", "").Properties
	same(t, "what its answers are kept under", authorizer["IdentitySource"], "method.request.header.Authorization")
	same(t, "its type, which sees no other header", authorizer["Type"], "TOKEN")
	same(t, "how long they are kept", authorizer["AuthorizerResultTtlInSeconds"], 300.0)
}

func TestTheGatewayAnswersWithProblems(t *testing.T) {
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
}

// What the function allows the portal, the gateway's own answers allow it too.
func TestThePortalMayReadEveryAnswer(t *testing.T) {
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
}

func TestTheStageIsThrottledAndItsLogNamesNobody(t *testing.T) {
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
}

func TestEachLendersRateIsBounded(t *testing.T) {
	t.Parallel()

	same(t, "whose word a key is", dev().one(t, "AWS::ApiGateway::RestApi", "").Properties["ApiKeySourceType"], "AUTHORIZER")
	plan := dev().one(t, "AWS::ApiGateway::UsagePlan", "").Properties
	same(t, "a lender's rate", at(plan, "Throttle"), map[string]any{
		"RateLimit": float64(fairuse.Requests.PerSecond), "BurstLimit": float64(fairuse.Requests.Burst),
	})
	same(t, "stages", len(list(plan["ApiStages"])), 1)
	if stage := text(at(plan, "ApiStages", 0, "Stage")); !strings.Contains(stage, "DeploymentStage") {
		t.Errorf("the plan is for stage %s", stage)
	}
	all := dev().one(t, "AWS::ApiGateway::Stage", "").Properties
	if rate, _ := at(all, "MethodSettings", 0, "ThrottlingRateLimit").(float64); rate <= float64(fairuse.Requests.PerSecond) {
		t.Errorf("one lender may have all of the stage's %v requests a second", rate)
	}
}

func TestTheOutputs(t *testing.T) {
	t.Parallel()

	want := []string{
		"ApiFunction", "ApiUrl", "AuthorizeRequestFunction", "DeadLetterQueueUrl", "DispatchBatchFunction", "FailExhaustedFunction",
		"MasterKeySecretArn", "ProcessInquiryFunction", "QueueUrl", "SweepOpenBatchesFunction", "TableName", "TallyStatusesFunction",
		"UsagePlanId", "UserPoolClientId", "UserPoolId",
	}
	same(t, "outputs", slices.Sorted(maps.Keys(dev().Outputs)), want)
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

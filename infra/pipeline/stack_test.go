package pipeline

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

const repository = "acme@123456/batch-inquiries@456789"

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// statement is one statement of a policy. Lists of one element may be the element.
type statement struct {
	Effect    string
	Action    any
	Resource  any
	Principal map[string]any
	Condition map[string]map[string]any
}

type policy struct{ Statement []statement }

type resource struct {
	Type       string
	Properties struct {
		Url, Description         string
		ClientIdList             []string
		AssumeRolePolicyDocument policy
		PolicyDocument           policy
		ManagedPolicyArns        []any
		Roles                    []map[string]string
	}
}

type template struct{ Resources map[string]resource }

// synthesis allows one synthesis at a time: the CDK runs in one Node.js process.
var synthesis sync.Mutex

// synthesize returns the template for the account of a stage.
func synthesize(t *testing.T, stage string) template {
	t.Helper()
	synthesis.Lock()
	defer synthesis.Unlock()
	props := Props{Stage: stage, Repository: repository}
	if err := props.Check(); err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())})
	data, err := json.Marshal(assertions.Template_FromStack(NewStack(app, "test", props), nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	var read template
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// role returns the role whose logical id begins with the prefix, and the statements of its
// policies.
func (r template) role(t *testing.T, prefix string) (found resource, allowed []statement) {
	t.Helper()
	id := ""
	for name, candidate := range r.Resources {
		if candidate.Type == "AWS::IAM::Role" && strings.HasPrefix(name, prefix) {
			id, found = name, candidate
		}
	}
	if id == "" {
		t.Fatalf("there is no role %s", prefix)
	}
	for _, candidate := range r.Resources {
		for _, attached := range candidate.Properties.Roles {
			if attached["Ref"] == id {
				allowed = append(allowed, candidate.Properties.PolicyDocument.Statement...)
			}
		}
	}
	return found, allowed
}

// trusts reports whether a token with these claims can assume a role. It knows only the
// operator StringEquals and fails the test on any other.
func trusts(t *testing.T, role resource, claims map[string]string) bool {
	t.Helper()
	for _, s := range role.Properties.AssumeRolePolicyDocument.Statement {
		if s.Effect != "Allow" || s.Action != "sts:AssumeRoleWithWebIdentity" || len(s.Principal) != 1 || s.Principal["Federated"] == nil {
			t.Fatalf("unexpected statement in a trust policy: %+v", s)
		}
		matches := true
		for operator, conditions := range s.Condition {
			if operator != "StringEquals" {
				t.Fatalf("unexpected operator %s in a trust policy", operator)
			}
			for key, want := range conditions {
				got, ok := claims[strings.TrimPrefix(key, issuer+":")]
				matches = matches && ok && got == want
			}
		}
		if matches {
			return true
		}
	}
	return false
}

func TestTrust(t *testing.T) {
	t.Parallel()

	const aws = "sts.amazonaws.com"
	for _, stage := range stages {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			account := synthesize(t, stage)
			environments := map[string]string{"Deploy": stage}
			if stage != Preview {
				environments["Drift"] = stage + "-drift"
			}
			for name, environment := range environments {
				role, _ := account.role(t, name)
				own := "repo:" + repository + ":environment:" + environment
				for subject, want := range map[string]bool{
					own: true,

					"repo:" + repository + ":pull_request":                                    false,
					"repo:" + repository + ":ref:refs/heads/main":                             false,
					"repo:" + repository + ":ref:refs/heads/environment:" + environment:       false,
					"repo:" + repository + ":ref:refs/tags/v1.0.0":                            false,
					"repo:" + repository + ":environment:" + environment + "2":                false,
					"repo:" + repository + ":environment:" + strings.ToUpper(environment):     false,
					"repo:" + repository + ":environment:":                                    false,
					"repo:" + repository + ":environment:*":                                   false,
					"repo:acme@123456/another@456789:environment:" + environment:              false,
					"repo:mallory@123456/batch-inquiries@456789:environment:" + environment:   false,
					"repo:acme@123456/batch-inquiries@999999:environment:" + environment:      false, // made again under its old name
					"repo:acme@999999/batch-inquiries@456789:environment:" + environment:      false,
					"repo:acme/batch-inquiries:environment:" + environment:                    false,
					"repo:acme@123456/batch-inquiries@456789-fork:environment:" + environment: false,
					"": false,
				} {
					if got := trusts(t, role, map[string]string{"aud": aws, "sub": subject}); got != want {
						t.Errorf("role %s and subject %q: trusted = %v; want %v", name, subject, got, want)
					}
				}
				for _, other := range []string{"staging", "prod", "preview", "staging-drift", "prod-drift"} {
					subject := "repo:" + repository + ":environment:" + other
					if got := trusts(t, role, map[string]string{"aud": aws, "sub": subject}); got != (other == environment) {
						t.Errorf("role %s and environment %s: trusted = %v", name, other, got)
					}
				}
				if trusts(t, role, map[string]string{"aud": "https://github.com/acme", "sub": own}) || trusts(t, role, map[string]string{"sub": own}) {
					t.Errorf("role %s trusts a token that was not made for AWS", name)
				}
			}
		})
	}
}

func TestNewStack(t *testing.T) {
	t.Parallel()

	t.Run("GitHub is the only provider, and for AWS only", func(t *testing.T) {
		t.Parallel()
		found := 0
		for _, r := range synthesize(t, "prod").Resources {
			if r.Type == "AWS::IAM::OIDCProvider" {
				found++
				same(t, "its address", r.Properties.Url, "https://token.actions.githubusercontent.com")
				same(t, "its audiences", r.Properties.ClientIdList, []string{"sts.amazonaws.com"})
			}
		}
		same(t, "providers", found, 1)
	})

	// These tests spell the permissions a second time, so that a wider one shows.
	t.Run("a deployment may assume three roles of the bootstrap and nothing else", func(t *testing.T) {
		t.Parallel()
		for _, stage := range []string{"staging", "prod"} {
			role, allowed := synthesize(t, stage).role(t, "Deploy")
			same(t, stage+" statements", actions(allowed), []string{"Allow sts:AssumeRole"})
			same(t, stage+" managed policies", len(role.Properties.ManagedPolicyArns), 0)
			roles := allowed[0].Resource.([]any)
			same(t, stage+" roles", len(roles), 3)
			for i, name := range []string{"deploy", "file-publishing", "lookup"} {
				want := map[string]any{"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-" + name + "-role-${AWS::AccountId}-${AWS::Region}"}
				same(t, stage+" "+name, roles[i], any(want))
			}
		}
	})

	t.Run("previews may also be listed and deleted", func(t *testing.T) {
		t.Parallel()
		_, allowed := synthesize(t, Preview).role(t, "Deploy")
		same(t, "statements", actions(allowed), []string{"Allow cloudformation:DeleteStack", "Allow cloudformation:DescribeStacks", "Allow sts:AssumeRole"})
		for _, s := range allowed {
			if s.Action == "cloudformation:DeleteStack" {
				same(t, "what may be deleted", s.Resource, any(map[string]any{
					"Fn::Sub": "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/batch-inquiries-pr-*/*"}))
			}
		}
	})

	t.Run("drift detection changes nothing and reads no data", func(t *testing.T) {
		t.Parallel()
		_, allowed := synthesize(t, "prod").role(t, "Drift")
		same(t, "statements", actions(allowed), []string{
			"Allow apigateway:GET", "Allow cloudformation:BatchDescribeTypeConfigurations", "Allow cloudformation:DescribeStackDriftDetectionStatus",
			"Allow cloudformation:DescribeStackResourceDrifts", "Allow cloudformation:DescribeStacks", "Allow cloudformation:DetectStackDrift",
			"Allow cloudformation:DetectStackResourceDrift", "Allow cloudformation:GetTemplate",
			"Deny dynamodb:GetItem", "Deny dynamodb:Query", "Deny dynamodb:Scan", "Deny logs:GetLogEvents", "Deny s3:GetObject",
			"Deny secretsmanager:GetSecretValue", "Deny sqs:ReceiveMessage",
		})
	})

	t.Run("a deployment cannot change who may deploy", func(t *testing.T) {
		t.Parallel()
		for _, r := range synthesize(t, "prod").Resources {
			if r.Type != "AWS::IAM::ManagedPolicy" {
				continue
			}
			for _, s := range r.Properties.PolicyDocument.Statement {
				for _, action := range actions([]statement{s}) {
					if where := text(s.Resource); strings.HasPrefix(action, "Allow iam:") && !strings.Contains(where, ":role/batch-inquiries-*\"") {
						t.Errorf("%s applies to %s", action, where)
					}
					if strings.HasPrefix(action, "Allow sts:") || action == "Allow *" || action == "Allow iam:*" {
						t.Errorf("the policy has %s", action)
					}
				}
			}
			if got := text(r.Properties.PolicyDocument.Statement); !strings.Contains(got, `"Effect":"Deny","Action":"iam:*","Resource":{"Fn::Sub":"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/batch-inquiries-pipeline-*"}`) {
				t.Errorf("the roles of the pipeline are not protected: %s", got)
			}
		}
	})
}

func TestPropsCheck(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		props Props
		ok    bool
	}{
		"a repository with ids":        {Props{"prod", repository}, true},
		"an old repository":            {Props{"prod", "acme/batch-inquiries"}, true},
		"every repository of an owner": {Props{"prod", "acme/*"}, false},
		"only one id":                  {Props{"prod", "acme@1/batch-inquiries"}, false},
		"a subject after the name":     {Props{"prod", "acme/batch-inquiries:environment"}, false},
		"no repository":                {Props{"prod", ""}, false},
		"a stage without a workflow":   {Props{"dev", repository}, false},
		"no stage":                     {Props{"", repository}, false},
	} {
		if err := tt.props.Check(); (err == nil) != tt.ok {
			t.Errorf("%s: Check() = %v", name, err)
		}
	}
}

// actions returns the effect and the action of each statement, sorted.
func actions(statements []statement) (all []string) {
	for _, s := range statements {
		list, many := s.Action.([]any)
		if !many {
			list = []any{s.Action}
		}
		for _, action := range list {
			all = append(all, s.Effect+" "+action.(string))
		}
	}
	slices.Sort(all)
	return all
}

// text returns the value as JSON, for searching.
func text(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return strings.TrimSpace(b.String())
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

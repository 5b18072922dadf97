package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

func TestPermissions(t *testing.T) {
	t.Parallel()

	// The permissions are spelled out a second time on purpose, so that nobody adds
	// one in passing.
	t.Run("each function may do exactly this", func(t *testing.T) {
		t.Parallel()

		stream := []string{
			"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
			"s3:ListBucket", "s3:PutObject",
		}
		queue := []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
		want := map[string][]string{
			"Api": {
				"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem",
				"dynamodb:Query", "dynamodb:UpdateItem", "s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject",
			},
			"ManageApiKeys":    {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue"},
			"AuthorizeRequest": {"dynamodb:BatchGetItem", "dynamodb:GetItem", "secretsmanager:GetSecretValue"},
			"DispatchBatch":    append([]string{"dynamodb:PutItem", "dynamodb:Query", "sqs:SendMessage"}, stream...),
			"ProcessInquiry":   append([]string{"dynamodb:UpdateItem"}, queue...),
			"TallyStatuses":    append([]string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, stream...),
			"FailExhausted":    append([]string{"dynamodb:UpdateItem"}, queue...),
			"SweepOpenBatches": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem", "sqs:SendMessage"},
		}
		same(t, "functions listed here", len(want), len(functions))
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
				t.Errorf("%s grants permissions outside the functions' roles", id)
			}
		}
	})

	t.Run("workers write only inquiries, and the tally writes only headers", func(t *testing.T) {
		t.Parallel()

		keys := func(function, action string) (allowed, denied any) {
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
			allowed, denied := keys(function, action)
			same(t, function+" writes", allowed, inquiries)
			same(t, function+" is denied", denied, nil)
		}
		allowed, denied := keys("TallyStatuses", "UpdateItem")
		same(t, "tally-statuses writes", allowed, headers)
		same(t, "tally-statuses is denied", denied, inquiries)
	})

	// IAM distinguishes items by their partition key only.
	t.Run("only these functions may write who has access, and only this of it", func(t *testing.T) {
		t.Parallel()

		type write struct {
			Action, Keys, Not, Attributes string
		}
		got := map[string][]write{}
		for _, f := range functions {
			function := f.constructID()
			for _, s := range list(at(dev().one(t, "AWS::IAM::Role", function+"Role").Properties, "Policies", 0, "PolicyDocument", "Statement")) {
				c := at(s, "Condition")
				w := write{
					Keys:       text(at(c, "ForAllValues:StringLike", "dynamodb:LeadingKeys")),
					Not:        text(at(c, "ForAllValues:StringNotLike", "dynamodb:LeadingKeys")),
					Attributes: text(at(c, "ForAllValues:StringEquals", "dynamodb:Attributes")),
				}
				for _, action := range list(at(s, "Action")) {
					w.Action = strings.TrimPrefix(action.(string), "dynamodb:")
					writes := slices.Contains([]string{"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}, w.Action)
					if writes && (function == "Api" || function == "ManageApiKeys" || function == "AuthorizeRequest" || !strings.Contains(w.Keys, "LENDER#*")) {
						got[function] = append(got[function], w)
					}
				}
			}
		}
		want := map[string][]write{
			"Api": {
				{"PutItem", `["LENDER#*"]`, `["LENDER#*#BATCH#*#*"]`, "null"},
				{"UpdateItem", `["LENDER#*"]`, `["LENDER#*#BATCH#*#*"]`, "null"},
				{"UpdateItem", `["LENDER#*#BATCH#*#*"]`, "null", `["PK","SK","report"]`},
			},
			"ManageApiKeys": {
				{"PutItem", `["APIKEY#*"]`, "null", "null"},
				{"UpdateItem", `["APIKEY#*"]`, "null", `["PK","SK","version","generation","rotations","rotatedAt","revokedAt"]`},
				{"UpdateItem", `["USER#*"]`, "null", `["PK","SK","apiKeyId"]`},
			},
		}
		same(t, "writes", got, want)
	})

	t.Run("only two functions know the master keys", func(t *testing.T) {
		t.Parallel()

		secrets := dev().all(t, "AWS::SecretsManager::Secret")
		same(t, "generations", len(secrets), deployment.MasterKeyGenerations)
		for id, f := range dev().all(t, "AWS::Lambda::Function") {
			trusted := strings.HasPrefix(id, "ManageApiKeys") || strings.HasPrefix(id, "AuthorizeRequest")
			variable := text(at(f.Properties, "Environment", "Variables", "MASTER_KEY_SECRET_ARNS"))
			same(t, id+" knows where they are", variable != "null", trusted)
			for secret := range secrets {
				if trusted && !strings.Contains(variable, secret) {
					t.Errorf("%s does not know %s: %s", id, secret, variable)
				}
				if !trusted && strings.Contains(text(f.Properties), secret) {
					t.Errorf("%s knows %s", id, secret)
				}
			}
		}
	})

	t.Run("counting may change only one number of a lender", func(t *testing.T) {
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
				same(t, function+" is denied", at(s, "Condition", "ForAllValues:StringNotLike", "dynamodb:LeadingKeys"), any([]any{"LENDER#*#BATCH#*"}))
			}
			if !found {
				t.Errorf("%s cannot lower a lender's number of open inquiries", function)
			}
		}
	})
}

func TestFindOpenBatches(t *testing.T) {
	t.Parallel()

	t.Run("a sweep reads every partition of the index and no other key of it", func(t *testing.T) {
		t.Parallel()

		var keys any
		for _, s := range list(at(dev().one(t, "AWS::IAM::Role", "SweepOpenBatchesRole").Properties, "Policies", 0, "PolicyDocument", "Statement")) {
			if strings.Contains(text(at(s, "Resource")), "/index/open") {
				keys = at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys")
			}
		}
		same(t, "partitions", keys, any([]any{"0", "1", "2", "3", "4", "5", "6", "7", "begun"}))
	})
}

// checkResource reports a statement that is not limited to one of our resources,
// or that allows access to the table without limiting the keys.
func checkResource(t *testing.T, function string, statement any) {
	t.Helper()
	action, about := text(at(statement, "Action")), text(at(statement, "Resource"))
	if strings.Contains(action, "*") {
		t.Errorf("%s may do %s", function, action)
	}
	// The objects of a bucket and the streams of a table have no names in advance.
	unnamed := strings.Contains(action, "s3:PutObject") || strings.Contains(action, "dynamodb:ListStreams")
	if strings.Contains(about, "*") && !unnamed || !strings.Contains(about, "Fn::GetAtt") && !strings.Contains(about, `"Ref"`) {
		t.Errorf("%s may do %s on %s", function, action, about)
	}
	if strings.Contains(action, "Item") || strings.Contains(action, "Query") {
		if at(statement, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys") == nil {
			t.Errorf("%s may do %s on all keys", function, action)
		}
	}
}

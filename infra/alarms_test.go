package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
)

var local = sync.OnceValue(func() template { return synthesize("local") })

const (
	alarmType     = "AWS::CloudWatch::Alarm"
	compositeType = "AWS::CloudWatch::CompositeAlarm"
)

// alarmsOf returns the alarms of a stage by their names without the stage. Parts of
// composite alarms are not among them.
func alarmsOf(tb testing.TB, t template, stage string) map[string]resource {
	tb.Helper()
	found := map[string]resource{}
	for _, r := range t.Resources {
		if r.Type == alarmType || r.Type == compositeType {
			full, _ := at(r.Properties, "AlarmName").(string)
			name, ok := strings.CutPrefix(full, "batch-inquiries-"+stage+"-")
			if !ok {
				tb.Fatalf("an alarm of stage %s is named %q", stage, full)
			}
			found[name] = r
		}
	}
	for name, r := range found {
		if r.Type == compositeType {
			delete(found, name+"-long")
			delete(found, name+"-short")
		}
	}
	return found
}

func TestNewAlarms(t *testing.T) {
	t.Parallel()

	runbook, err := os.ReadFile(filepath.Join("..", "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, heading := range regexp.MustCompile(`(?m)^## ([a-z-]+)$`).FindAllStringSubmatch(string(runbook), -1) {
		sections = append(sections, heading[1])
	}

	for stage, synthesized := range map[string]func() template{"local": local, "dev": dev, "prod": prod} {
		t.Run("every alarm of "+stage+" can be acted on", func(t *testing.T) {
			t.Parallel()

			topics := map[level]string{page: "Alarmspage", ticket: "Alarmsticket"}
			want := map[string]level{ // spelled out a second time on purpose
				"answers-are-slow": ticket, "nobody-can-sign-in": page, "work-waits": page, "dead-letters-stay": page,
				"counters-lag": page, "batches-wait-for-dispatch": page, "records-set-aside": ticket, "batches-are-not-repaired": page,
				"sweeps-take-long": ticket, "oldest-open-batch": ticket, "source-is-down-ofac": ticket,
			}
			if stage != "local" {
				want["answers-are-errors"], want["workers-can-do-nothing"] = page, page
				want["table-is-throttled"], want["functions-are-throttled"] = ticket, ticket
				want["error-budget-burns-fast"], want["error-budget-burns-slowly"] = page, ticket
			}
			found := alarmsOf(t, synthesized(), stage)
			same(t, "alarms", len(found), len(want))
			for name, r := range found {
				p := r.Properties
				actions := list(p["AlarmActions"])
				if want[name] == "" || len(actions) != 1 || !strings.Contains(text(actions[0]), topics[want[name]]) {
					t.Errorf("%s tells %s, want the topic of level %q", name, text(actions), want[name])
				}
				if r.Type == alarmType && p["TreatMissingData"] == nil {
					t.Errorf("%s does not say what missing data means", name)
				}
				description, _ := p["AlarmDescription"].(string)
				if !regexp.MustCompile(`^[A-Z].{20,}\. First look: .{10,}\. What to do: docs/runbook\.md#` + name + `$`).MatchString(description) {
					t.Errorf("%s is described as %q", name, description)
				}
				if !slices.Contains(sections, name) {
					t.Errorf("docs/runbook.md has no section %s", name)
				}
			}
		})
	}

	t.Run("the runbook has no section without an alarm", func(t *testing.T) {
		t.Parallel()

		found := alarmsOf(t, prod(), "prod")
		for _, name := range sections {
			if _, ok := found[name]; !ok && name != "money" {
				t.Errorf("section %s has no alarm", name)
			}
		}
		if !slices.Contains(sections, "money") {
			t.Error("the budget has no section")
		}
	})

	t.Run("only a source is a dimension besides AWS's own", func(t *testing.T) {
		t.Parallel()

		allowed := []string{"ApiName", "FunctionName", "GlobalSecondaryIndexName", "QueueName", "Source", "Stage", "TableName"}
		for id, r := range prod().all(t, alarmType) {
			for _, m := range metricsOf(r) {
				for _, d := range list(m["Dimensions"]) {
					if name, _ := at(d, "Name").(string); d != nil && !slices.Contains(allowed, name) {
						t.Errorf("%s has dimension %q", id, name)
					}
				}
			}
		}
	})

	t.Run("every function, queue, mapping and source has its alarm", func(t *testing.T) {
		t.Parallel()

		watched := map[string]string{} // what an alarm watches, by its name
		for name, r := range alarmsOf(t, prod(), "prod") {
			for _, m := range metricsOf(r) {
				watched[name] += text(m["Dimensions"]) + " " + text(m["MetricName"]) + " "
			}
		}
		has := func(alarm, metric, resource string) {
			t.Helper()
			if !strings.Contains(watched[alarm], resource) || !strings.Contains(watched[alarm], `"`+metric+`"`) {
				t.Errorf("alarm %s does not watch %s of %s, but %s", alarm, metric, resource, watched[alarm])
			}
		}
		for _, f := range functions {
			has("functions-are-throttled", "Throttles", f.constructID()+"Function")
		}
		has("nobody-can-sign-in", "Errors", "AuthorizeRequestFunction")
		has("workers-can-do-nothing", "Errors", "ProcessInquiryFunction")
		has("batches-are-not-repaired", "Errors", "SweepOpenBatchesFunction") // the schedule
		has("sweeps-take-long", "Duration", "SweepOpenBatchesFunction")
		has("answers-are-errors", "5XXError", "batch-inquiries-prod") // api, manage-api-keys
		has("work-waits", "ApproximateAgeOfOldestMessage", "InquiriesQueue")
		has("dead-letters-stay", "ApproximateNumberOfMessagesVisible", "InquiriesDeadLetters")
		has("counters-lag", "IteratorAge", "TallyStatusesFunction")
		has("batches-wait-for-dispatch", "IteratorAge", "DispatchBatchFunction")
		has("table-is-throttled", "WriteThrottleEvents", "Table")
		for _, source := range deployment.Sources {
			has("source-is-down-"+source, "SourceFailures", source)
		}
		queues, mappings := prod().all(t, "AWS::SQS::Queue"), prod().all(t, "AWS::Lambda::EventSourceMapping")
		same(t, "queues and mappings, each of which needs a line above", [2]int{len(queues), len(mappings)}, [2]int{2, 4})
	})

	t.Run("an expression has at most 10 metrics", func(t *testing.T) { // CloudWatch's limit for an alarm
		t.Parallel()
		for id, r := range prod().all(t, alarmType) {
			if n := len(metricsOf(r)); n > 10 {
				t.Errorf("%s has %d metrics", id, n)
			}
		}
	})

	t.Run("only this account's alarms and budgets publish, and only with TLS", func(t *testing.T) {
		t.Parallel()

		same(t, "topics", len(prod().all(t, "AWS::SNS::Topic")), 2)
		policies := prod().all(t, "AWS::SNS::TopicPolicy")
		same(t, "policies", len(policies), 2)
		for id, p := range policies {
			for _, s := range list(at(p.Properties, "PolicyDocument", "Statement")) {
				if at(s, "Effect") == "Deny" {
					same(t, id+" denies", at(s, "Condition"), any(map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}))
					continue
				}
				same(t, id+" allows", at(s, "Principal"), any(map[string]any{"Service": []any{"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}}))
				same(t, id+"'s condition", at(s, "Condition"), any(map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": map[string]any{"Ref": "AWS::AccountId"}}}))
			}
			if policy := text(p.Properties); !strings.Contains(policy, `"Deny"`) || !strings.Contains(policy, `"Allow"`) {
				t.Errorf("%s lacks a statement: %s", id, policy)
			}
		}
	})

	t.Run("an email address and a budget are used if they are set", func(t *testing.T) {
		t.Parallel()

		for _, r := range prod().Resources {
			if r.Type == "AWS::SNS::Subscription" || r.Type == "AWS::Budgets::Budget" {
				t.Errorf("a stage without settings has a %s", r.Type)
			}
		}
		set := synthesize("prod", func(p *Props) { p.AlarmEmail, p.MonthlyBudget = "ops@example.com", 200 })
		subscriptions := set.all(t, "AWS::SNS::Subscription")
		same(t, "subscriptions", len(subscriptions), 2)
		for id, s := range subscriptions {
			same(t, id, [2]any{s.Properties["Protocol"], s.Properties["Endpoint"]}, [2]any{"email", "ops@example.com"})
		}
		budget := set.one(t, "AWS::Budgets::Budget", "").Properties
		same(t, "limit", at(budget, "Budget", "BudgetLimit"), any(map[string]any{"Amount": 200.0, "Unit": "USD"}))
		for i, percent := range []float64{80, 100} {
			notice := at(budget, "NotificationsWithSubscribers", i)
			same(t, "forecast", [2]any{at(notice, "Notification", "NotificationType"), at(notice, "Notification", "Threshold")}, [2]any{"FORECASTED", percent})
			if topic := text(at(notice, "Subscribers", 0, "Address")); !strings.Contains(topic, "Alarmsticket") {
				t.Errorf("the budget tells %s", topic)
			}
		}
	})

	t.Run("the local engine gets only what it knows", func(t *testing.T) {
		t.Parallel()

		for _, kind := range []string{compositeType, "AWS::Budgets::Budget"} {
			for id, r := range local().Resources {
				if r.Type == kind {
					t.Errorf("stage local has %s, a %s", id, kind)
				}
			}
		}
		for id, r := range local().all(t, alarmType) {
			if r.Properties["Metrics"] != nil {
				t.Errorf("stage local has %s, which is on an expression", id)
			}
		}
		same(t, "composite alarms of prod", len(prod().all(t, compositeType)), len(burns))
	})

	t.Run("a composite alarm is raised while both of its windows are", func(t *testing.T) {
		t.Parallel()

		for id, r := range prod().all(t, compositeType) {
			rule := joined(r.Properties["AlarmRule"])
			if strings.Count(rule, "ALARM(") != 2 || strings.Count(rule, " AND ") != 1 {
				t.Errorf("%s is raised by %s", id, rule)
			}
			name, _ := r.Properties["AlarmName"].(string)
			for _, part := range []string{"-long", "-short"} {
				name := strings.TrimPrefix(name, "batch-inquiries-prod-") + part
				if p := alarmNamed(t, name).Properties; p["AlarmActions"] != nil {
					t.Errorf("%s tells somebody on its own", name)
				}
			}
		}
	})
}

// metricsOf returns the metrics that an alarm watches, as they are in the template.
func metricsOf(alarm resource) (found []map[string]any) {
	if alarm.Properties["MetricName"] != nil {
		return []map[string]any{alarm.Properties}
	}
	queries, _ := alarm.Properties["Metrics"].([]any)
	for _, q := range queries {
		if m, ok := at(q, "MetricStat", "Metric").(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

func TestNewDashboard(t *testing.T) {
	t.Parallel()

	known := map[string][]string{
		"AWS/ApiGateway": {"4XXError", "5XXError", "Count"},
		"AWS/DynamoDB":   {"ReadThrottleEvents", "WriteThrottleEvents"},
		"AWS/Lambda":     {"Duration", "Errors", "Invocations", "IteratorAge", "Throttles"},
		"AWS/SQS":        {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
	}
	for _, name := range metrics.All() {
		known["batch-inquiries-prod"] = append(known["batch-inquiries-prod"], string(name))
	}
	var shown struct {
		Widgets []struct {
			Type       string
			Y          int
			Properties struct {
				Title   string
				Alarms  []string
				Metrics [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(joined(prod().one(t, "AWS::CloudWatch::Dashboard", "").Properties["DashboardBody"])), &shown); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, w := range shown.Widgets {
		if w.Type == "metric" && len(w.Properties.Metrics) == 0 {
			t.Errorf("%q shows nothing", w.Properties.Title)
		}
		for _, line := range w.Properties.Metrics {
			namespace, ok := line[0].(string)
			if !ok {
				continue // an expression
			}
			name, _ := line[1].(string)
			if used[name] = true; !slices.Contains(known[namespace], name) {
				t.Errorf("%q shows %s %s, which nobody measures", w.Properties.Title, namespace, name)
			}
		}
	}
	for _, name := range metrics.All() {
		if !used[string(name)] {
			t.Errorf("nothing shows %s", name)
		}
	}
	first := shown.Widgets[0]
	same(t, "the first question", first.Properties.Title, "Can lenders work?")
	same(t, "alarms beside it", len(first.Properties.Alarms), len(alarmsOf(t, prod(), "prod")))
	for _, name := range []string{"5XXError", "SubmitMs", "PollMs", "OldestOpenBatchMinutes"} {
		found := false
		for _, w := range shown.Widgets {
			found = found || w.Y == first.Y && strings.Contains(text(w.Properties.Metrics), `"`+name+`"`)
		}
		if !found {
			t.Errorf("the first row does not show %s", name)
		}
	}
}

// joined returns the text of an Fn::Join, with a word for each reference in it.
func joined(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	var all strings.Builder
	for _, part := range list(at(value, "Fn::Join", 1)) {
		if s, ok := part.(string); ok {
			all.WriteString(s)
		} else {
			all.WriteString("reference")
		}
	}
	return all.String()
}

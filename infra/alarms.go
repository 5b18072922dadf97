package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsbudgets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// level says who has to hear of an alarm, and when.
type level string

const (
	page   level = "page"   // somebody must look now, at night too
	ticket level = "ticket" // somebody must look on the next working day
)

// What an alarm makes of a period without data.
const (
	fine = awscloudwatch.TreatMissingData_NOT_BREACHING
	bad  = awscloudwatch.TreatMissingData_BREACHING // for what must run all the time
)

// alarm is one line of the table of alarms. The alarm is raised when the measurement is
// over the threshold in need of the last of periods.
type alarm struct {
	name     string // also the name of its section in docs/runbook.md
	level    level
	measured awscloudwatch.IMetric
	over     float64
	need, of float64
	missing  awscloudwatch.TreatMissingData
	means    string // for the person who gets it
	look     string // where to look first
}

// alarms is the table of alarms. A number of a row of errors is one less than the number
// that raises the alarm, because each alarm is raised above its threshold.
func alarms(m measurements) []alarm {
	table := []alarm{
		{"answers-are-errors", page, m.failedRequests(5), 1, 2, 3, fine,
			"More than 1 % of the requests, and at least 5, got a 5xx.", "The access log: which routes and statuses. Then the log of api."},
		{"answers-are-slow", ticket, m.own(metrics.RequestMs, "p99", 5), 2000, 3, 3, fine,
			"One request in a hundred takes longer than 2 seconds in api.", "The log of api, for slow routes. Then whether the table is throttled."},
		{"nobody-can-sign-in", page, m.function(deployment.AuthorizeRequest, "Errors", sum, 1), 2, 2, 3, fine,
			"The authorizer fails, so lenders get a 500 for every credential that is not cached.", "The log of authorize-request."},
		{"work-waits", page, m.queue("ApproximateAgeOfOldestMessage", most, 5), 15 * 60, 1, 1, fine,
			"An inquiry has waited in the queue for more than 15 minutes.", "Errors and duration of process-inquiry."},
		{"dead-letters-stay", page, m.deadLetters("ApproximateNumberOfMessagesVisible", most, 5), 0, 3, 3, fine,
			"Dead letters have been waiting for 15 minutes: fail-exhausted cannot read them or cannot write to the table.", "The log of fail-exhausted."},
		{"counters-lag", page, m.function(deployment.TallyStatuses, "IteratorAge", most, 1), 60_000, 3, 5, fine,
			"The counters of batches are more than a minute behind.", "The log of tally-statuses. Then whether the table is throttled."},
		{"batches-wait-for-dispatch", page, m.function(deployment.DispatchBatch, "IteratorAge", most, 1), 30_000, 3, 5, fine,
			"Submitted batches wait for more than 30 seconds before their first inquiry is queued.", "The log of dispatch-batch."},
		{"records-set-aside", ticket, m.own(metrics.RecordsSetAside, sum, 5), 0, 1, 1, fine,
			"A stream record or its batch could not be read by dispatch-batch or tally-statuses.", "The failed-records bucket, under the sequenceNumber of the log line."},
		{"batches-are-not-repaired", page, m.function(deployment.SweepOpenBatches, "Errors", sum, 15), 0, 1, 1, bad,
			"A sweep failed, or none ran for 15 minutes. Batches that lost a message stay open.", "The log of sweep-open-batches, for the batchId."},
		{"sweeps-take-long", ticket, m.function(deployment.SweepOpenBatches, "Duration", most, 15), 180_000, 1, 1, fine,
			"A sweep took more than 3 minutes: more batches are due than one run can sweep.", "Why so many batches are unfinished: the queue's age and the log of process-inquiry."},
		// Sweeps see a batch when its age doubles, so the period is longer than the longest gap.
		{"oldest-open-batch", ticket, m.own(metrics.OldestOpenBatchMinutes, most, 130), 60, 1, 1, bad,
			"A batch is more than an hour old and not finished. It ends at its deadline with what it has.", "The log of sweep-open-batches: the oldest \"batch swept\"."},
		{"workers-can-do-nothing", page, m.math(5, "100 * errors / invocations", map[string]awscloudwatch.IMetric{
			"errors":      m.function(deployment.ProcessInquiry, "Errors", sum, 5),
			"invocations": m.function(deployment.ProcessInquiry, "Invocations", sum, 5),
		}), 20, 2, 3, fine,
			"In more than 20 % of the deliveries no inquiry could be processed. Lambda slows down by itself.", "The log of process-inquiry: whether the table or a source is down."},
		{"table-is-throttled", ticket, m.tableThrottles(5), 0, 1, 1, fine,
			"DynamoDB rejected reads or writes. The functions try again, so work slows down.", "Which operation is throttled, and whether one partition is hot."},
		{"functions-are-throttled", ticket, m.functionThrottles(5), 9, 1, 1, fine,
			"A function was throttled at least 10 times in 5 minutes: the account or its reservation has no concurrency left.", "The account's ConcurrentExecutions, by function."},
	}
	for _, source := range deployment.Sources {
		table = append(table, alarm{"source-is-down-" + source, ticket, m.source(source, 15), 0.2, 1, 1, fine,
			"The source did not answer more than 20 % of the questions in 15 minutes.", "The log of process-inquiry, and the source's own status page."})
	}
	return table
}

// budgetBurn is an alarm for two windows at once, which AWS alone can join. The long one
// says that much of the error budget is gone, and the short one that it still burns.
type budgetBurn struct {
	name        string
	level       level
	over        float64 // percent of requests that fail
	long, short float64 // minutes
	means, look string
}

// burns are for the objective that 99.9 % of requests are no 5xx. They are raised at 14.4
// and at 6 times the rate that would use up the budget in the objective's 28 days.
var burns = []budgetBurn{
	{"error-budget-burns-fast", page, 1.44, 60, 5,
		"In the last hour, requests failed 14 times as often as the objective allows.", "As for answers-are-errors."},
	{"error-budget-burns-slowly", ticket, 0.6, 360, 30,
		"In the last six hours, requests failed 6 times as often as the objective allows.", "As for answers-are-errors."},
}

// Alarms are the deployed alarms, and who hears of them.
type Alarms struct {
	All    []interfacesawscloudwatch.IAlarmRef // without the parts of others
	topics map[level]awssns.Topic
}

// NewAlarms declares the alarms and a topic for each level. Lambda, SQS, DynamoDB and API
// Gateway measure most of what they watch; package metrics measures the rest.
func NewAlarms(parent constructs.Construct, props Props, m measurements) Alarms {
	scope := constructs.NewConstruct(parent, jsii.String("Alarms"))
	a := Alarms{topics: map[level]awssns.Topic{}}
	for _, l := range []level{page, ticket} {
		a.topics[l] = newTopic(scope, string(l), props)
	}
	for _, row := range alarms(m) {
		if _, math := row.measured.(awscloudwatch.MathExpression); math && props.Stage == localStage {
			continue // the local engine has no alarms on expressions
		}
		raised := newAlarm(scope, props, row)
		raised.AddAlarmAction(a.action(row.level))
		a.All = append(a.All, raised)
	}
	if props.Stage == localStage {
		return a // nor composite alarms or budgets
	}
	for _, b := range burns {
		a.All = append(a.All, newBurn(scope, props, m, b, a.action(b.level)))
	}
	if props.MonthlyBudget > 0 {
		newBudget(scope, props, a.topics[ticket])
	}
	return a
}

func (a Alarms) action(l level) awscloudwatch.IAlarmAction {
	return awscloudwatchactions.NewSnsAction(a.topics[l])
}

// newTopic declares a topic that only CloudWatch and AWS Budgets of this account may
// publish to, and only with TLS.
func newTopic(scope constructs.Construct, id string, props Props) awssns.Topic {
	topic := awssns.NewTopic(scope, &id, &awssns.TopicProps{
		DisplayName: jsii.String("batch-inquiries " + props.Stage + " " + id),
		EnforceSSL:  jsii.Bool(true),
	})
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{
			awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil),
			awsiam.NewServicePrincipal(jsii.String("budgets.amazonaws.com"), nil),
		},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
	}))
	if props.AlarmEmail != "" {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&props.AlarmEmail, nil))
	}
	return topic
}

func newAlarm(scope constructs.Construct, props Props, a alarm) awscloudwatch.Alarm {
	return awscloudwatch.NewAlarm(scope, &a.name, &awscloudwatch.AlarmProps{
		AlarmName:          jsii.String(props.alarmName(a.name)),
		AlarmDescription:   describe(a.name, a.means, a.look),
		Metric:             a.measured,
		Threshold:          &a.over,
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		DatapointsToAlarm:  &a.need,
		EvaluationPeriods:  &a.of,
		TreatMissingData:   a.missing,
	})
}

// newBurn declares an alarm for each window and the one that joins them.
func newBurn(scope constructs.Construct, props Props, m measurements, b budgetBurn, action awscloudwatch.IAlarmAction) awscloudwatch.IAlarm {
	part := func(suffix string, minutes float64) awscloudwatch.IAlarmRule {
		window := newAlarm(scope, props, alarm{
			name: b.name + suffix, measured: m.failedRequests(minutes), over: b.over, need: 1, of: 1, missing: fine,
			means: "One of the two windows of " + b.name + ".", look: b.look,
		})
		return awscloudwatch.AlarmRule_FromAlarm(window, awscloudwatch.AlarmState_ALARM)
	}
	joined := awscloudwatch.NewCompositeAlarm(scope, &b.name, &awscloudwatch.CompositeAlarmProps{
		CompositeAlarmName: jsii.String(props.alarmName(b.name)),
		AlarmDescription:   describe(b.name, b.means, b.look),
		AlarmRule:          awscloudwatch.AlarmRule_AllOf(part("-long", b.long), part("-short", b.short)),
	})
	joined.AddAlarmAction(action)
	return joined
}

// newBudget declares the budget of the account's month. AWS tells the topic when it
// expects the account to spend 80 % or all of it.
func newBudget(scope constructs.Construct, props Props, topic awssns.Topic) {
	var notices []any
	for _, percent := range []float64{80, 100} {
		notices = append(notices, &awsbudgets.CfnBudget_NotificationWithSubscribersProperty{
			Notification: &awsbudgets.CfnBudget_NotificationProperty{
				NotificationType: jsii.String("FORECASTED"), ComparisonOperator: jsii.String("GREATER_THAN"), Threshold: &percent,
			},
			Subscribers: []any{&awsbudgets.CfnBudget_SubscriberProperty{SubscriptionType: jsii.String("SNS"), Address: topic.TopicArn()}},
		})
	}
	awsbudgets.NewCfnBudget(scope, jsii.String("money"), &awsbudgets.CfnBudgetProps{
		Budget: &awsbudgets.CfnBudget_BudgetDataProperty{
			BudgetName: jsii.String(props.alarmName("money")), BudgetType: jsii.String("COST"), TimeUnit: jsii.String("MONTHLY"),
			BudgetLimit: &awsbudgets.CfnBudget_SpendProperty{Amount: &props.MonthlyBudget, Unit: jsii.String("USD")},
		},
		NotificationsWithSubscribers: notices,
	})
}

// describe returns what a person reads who gets the alarm.
func describe(name, means, look string) *string {
	return jsii.String(means + " First look: " + look + " What to do: docs/runbook.md#" + name)
}

// alarmName returns an alarm's name in the account.
func (p Props) alarmName(name string) string { return "batch-inquiries-" + p.Stage + "-" + name }

// metricsNamespace is the namespace of the metrics that the functions write.
func (p Props) metricsNamespace() *string { return jsii.String("batch-inquiries-" + p.Stage) }

// Statistics of a period.
const (
	sum  = "Sum"
	most = "Maximum"
	mean = "Average"
)

// measurements makes metrics of the deployed resources. Each method takes the length of
// a period in minutes last.
type measurements struct {
	props     Props
	resources Resources
	functions Functions
}

func (m measurements) metric(namespace, name, statistic string, minutes float64, dimensions map[string]*string) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: &namespace, MetricName: &name, Statistic: &statistic, DimensionsMap: &dimensions,
		Period: awscdk.Duration_Minutes(&minutes),
	})
}

// own returns a metric that the functions write.
func (m measurements) own(name metrics.Name, statistic string, minutes float64) awscloudwatch.IMetric {
	return m.metric(*m.props.metricsNamespace(), string(name), statistic, minutes, nil)
}

// source returns the share of questions that the source did not answer.
func (m measurements) source(kind string, minutes float64) awscloudwatch.IMetric {
	return m.metric(*m.props.metricsNamespace(), string(metrics.SourceFailures), mean, minutes, map[string]*string{metrics.SourceDimension: &kind})
}

func (m measurements) function(function, name, statistic string, minutes float64) awscloudwatch.IMetric {
	return m.metric("AWS/Lambda", name, statistic, minutes, map[string]*string{"FunctionName": m.functions[function].FunctionName()})
}

func (m measurements) queue(name, statistic string, minutes float64) awscloudwatch.IMetric {
	return m.metric("AWS/SQS", name, statistic, minutes, map[string]*string{"QueueName": m.resources.Inquiries.Queue.QueueName()})
}

func (m measurements) deadLetters(name, statistic string, minutes float64) awscloudwatch.IMetric {
	return m.metric("AWS/SQS", name, statistic, minutes, map[string]*string{"QueueName": m.resources.Inquiries.DeadLetters.QueueName()})
}

func (m measurements) gateway(name, statistic string, minutes float64) awscloudwatch.IMetric {
	return m.metric("AWS/ApiGateway", name, statistic, minutes, map[string]*string{"ApiName": m.props.apiName(), "Stage": &m.props.Stage})
}

// math returns what the expression says of the metrics. It has no value where a metric
// that it names has none.
func (m measurements) math(minutes float64, expression string, using map[string]awscloudwatch.IMetric) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: &expression, UsingMetrics: &using, Period: awscdk.Duration_Minutes(&minutes),
	})
}

// failedRequests returns the percentage of requests that got a 5xx, or 0 if fewer than
// five did: at night, one of three is no sign of anything.
func (m measurements) failedRequests(minutes float64) awscloudwatch.IMetric {
	return m.math(minutes, "IF(errors >= 5, 100 * errors / requests, 0)", map[string]awscloudwatch.IMetric{
		"errors":   m.gateway("5XXError", sum, minutes),
		"requests": m.gateway("Count", sum, minutes),
	})
}

// tableThrottles returns how many reads and writes of the table and its index DynamoDB
// rejected.
func (m measurements) tableThrottles(minutes float64) awscloudwatch.IMetric {
	using := map[string]awscloudwatch.IMetric{}
	table := m.resources.Table.TableName()
	for _, name := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
		id := strings.ToLower(name[:1]) + name[1:]
		using[id] = m.metric("AWS/DynamoDB", name, sum, minutes, map[string]*string{"TableName": table})
		using[id+"OfIndex"] = m.metric("AWS/DynamoDB", name, sum, minutes,
			map[string]*string{"TableName": table, "GlobalSecondaryIndexName": jsii.String(store.OpenIndex)})
	}
	return m.math(minutes, "SUM(METRICS())", using)
}

// functionThrottles returns how often the function was throttled that was throttled most.
func (m measurements) functionThrottles(minutes float64) awscloudwatch.IMetric {
	using := map[string]awscloudwatch.IMetric{}
	for i, name := range slices.Sorted(maps.Keys(m.functions)) {
		using["f"+strconv.Itoa(i)] = m.function(name, "Throttles", sum, minutes)
	}
	return m.math(minutes, "MAX(METRICS())", using)
}

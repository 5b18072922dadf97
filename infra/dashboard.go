package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
)

// NewDashboard declares the dashboard. Its first row answers whether lenders can work,
// the second how far the work is behind, and the third where it fails.
func NewDashboard(scope constructs.Construct, props Props, m measurements, alarms Alarms) {
	const every = 5 // minutes
	board := awscloudwatch.NewDashboard(scope, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String("batch-inquiries-" + props.Stage),
	})
	board.AddWidgets(
		awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
			Title: jsii.String("Can lenders work?"), Alarms: &alarms.All, Width: jsii.Number(6), Height: jsii.Number(6),
		}),
		graph("Requests that failed (%)", 6, m.failedRequests(every)),
		graph("Time of submits, polls and all requests, p99 (ms)", 6,
			m.own(metrics.SubmitMs, "p99", every), m.own(metrics.PollMs, "p99", every), m.own(metrics.RequestMs, "p99", every)),
		graph("Oldest unfinished batch (minutes)", 6, m.own(metrics.OldestOpenBatchMinutes, most, every)),
	)
	board.AddWidgets(
		graph("Oldest message in the queue (s)", 6, m.queue("ApproximateAgeOfOldestMessage", most, every)),
		graph("Messages that wait", 6, m.queue("ApproximateNumberOfMessagesVisible", most, every), m.deadLetters("ApproximateNumberOfMessagesVisible", most, every)),
		graph("Age of stream records (ms)", 6,
			m.function(deployment.DispatchBatch, "IteratorAge", most, every), m.function(deployment.TallyStatuses, "IteratorAge", most, every)),
		graph("Requests", 6, m.gateway("Count", sum, every), m.gateway("4XXError", sum, every), m.gateway("5XXError", sum, every)),
	)
	var errors, failures []awscloudwatch.IMetric
	for _, f := range functions {
		errors = append(errors, m.function(f.Name, "Errors", sum, every))
	}
	for _, source := range deployment.Sources {
		failures = append(failures, m.source(source, every))
	}
	board.AddWidgets(
		graph("Errors of functions", 6, errors...),
		graph("Throttles of functions and the table", 6, m.functionThrottles(every), m.tableThrottles(every)),
		graph("Share of questions that a source did not answer", 6, failures...),
		graph("Stream records set aside", 6, m.own(metrics.RecordsSetAside, sum, every)),
	)
}

func graph(title string, width float64, lines ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &title, Left: &lines, Width: &width})
}

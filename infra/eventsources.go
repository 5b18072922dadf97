package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// NewEventSources declares the event sources of the asynchronous functions. A stream
// allows two readers, and both are in use.
func NewEventSources(parent constructs.Construct, r Resources, f Functions) {
	scope := constructs.NewConstruct(parent, jsii.String("Events"))
	mapStream(scope, "SubmittedBatches", r, f[deployment.DispatchBatch], streamSpec{
		Filter: streamFilter(
			equals(store.SKAttribute, store.HeaderSK),
			equals(store.EventAttribute, store.EventSubmitted, store.EventCancelRequested)),
		Records: deployment.DispatchRecords,
		Window:  awscdk.Duration_Seconds(jsii.Number(0)), // a lender waits for the first inquiry to run
		Lanes:   deployment.DispatchLanes,
	})
	mapStream(scope, "InquiryStatuses", r, f[deployment.TallyStatuses], streamSpec{
		Filter: streamFilter(
			startsWith(store.SKAttribute, store.InquiryPrefix),
			exists(store.StatusAttribute)),
		Records: deployment.TallyRecords,
		Window:  seconds(deployment.TallyWindow), // so that many inquiries need one write to their header
		Lanes:   deployment.TallyLanes,
	})
	mapQueue(scope, "QueuedInquiries", r.Inquiries.Queue, f[deployment.ProcessInquiry]).SetScalingConfig(
		// This also limits how many lookups the sources get at once. Without a limit,
		// throttled pollers would use up a message's receives.
		&awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(deployment.MaxWorkers)},
	)
	// The dead letters need no limit: nothing waits behind them, and fail-exhausted
	// asks no source.
	mapQueue(scope, "DeadLetters", r.Inquiries.DeadLetters, f[deployment.FailExhausted])

	awsevents.NewRule(scope, jsii.String("Sweep"), &awsevents.RuleProps{
		Description: jsii.String("Looks for unfinished batches"),
		Schedule:    awsevents.Schedule_Rate(seconds(deployment.SweepInterval)),
		Targets:     &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(f[deployment.SweepOpenBatches], nil)},
	})
}

func mapQueue(scope constructs.Construct, id string, queue awssqs.Queue, f awslambda.Function) awslambda.CfnEventSourceMapping {
	return awslambda.NewCfnEventSourceMapping(scope, &id, &awslambda.CfnEventSourceMappingProps{
		EventSourceArn:        queue.QueueArn(),
		FunctionName:          f.FunctionName(),
		BatchSize:             jsii.Number(deployment.MessageBatch),
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
	})
}

// streamSpec describes one reader of the table's stream.
type streamSpec struct {
	Filter  string
	Records float64         // at most, in one invocation
	Window  awscdk.Duration // how long to collect them
	Lanes   float64         // how many batches of one shard run at once
}

func mapStream(scope constructs.Construct, id string, r Resources, f awslambda.Function, spec streamSpec) {
	awslambda.NewCfnEventSourceMapping(scope, &id, &awslambda.CfnEventSourceMappingProps{
		EventSourceArn: r.Table.TableStreamArn(),
		FunctionName:   f.FunctionName(),
		// Start at the oldest record: LATEST can miss records while a mapping is
		// created or changed, and reading a record twice does no harm here.
		StartingPosition: jsii.String("TRIM_HORIZON"),
		FilterCriteria: &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{
			Filters: []any{&awslambda.CfnEventSourceMapping_FilterProperty{Pattern: &spec.Filter}},
		},
		BatchSize:                      &spec.Records,
		MaximumBatchingWindowInSeconds: spec.Window.ToSeconds(nil),
		ParallelizationFactor:          &spec.Lanes,
		FunctionResponseTypes:          jsii.Strings("ReportBatchItemFailures"),
		BisectBatchOnFunctionError:     jsii.Bool(true),
		MaximumRetryAttempts:           jsii.Number(deployment.StreamAttempts),
		MaximumRecordAgeInSeconds:      jsii.Number(deployment.StreamRecordSeconds),
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: r.FailedRecords.BucketArn()},
		},
	})
}

// condition is a condition on one attribute of a stream record.
type condition map[string]any

// streamFilter returns the JSON of a filter that passes only records whose sort key
// and new item meet these conditions. Lambda filters before it invokes, so records
// that do not pass cost nothing. It also keeps the system from reacting to its own
// writes: the counters are in headers, which tally-statuses never gets.
func streamFilter(key, newImage condition) string {
	filter, err := json.Marshal(map[string]any{
		"dynamodb": map[string]any{"Keys": key, "NewImage": newImage},
	})
	if err != nil {
		panic(err) // maps of strings
	}
	return string(filter)
}

// equals requires that a string attribute is one of the values.
func equals[S ~string](attribute string, values ...S) condition {
	return condition{attribute: map[string]any{"S": values}}
}

// startsWith requires that a string attribute starts with the prefix.
func startsWith(attribute, prefix string) condition {
	return condition{attribute: map[string]any{"S": []any{map[string]string{"prefix": prefix}}}}
}

// exists requires that the item has the string attribute.
func exists(attribute string) condition {
	return condition{attribute: map[string]any{"S": []any{map[string]bool{"exists": true}}}}
}

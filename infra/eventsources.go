package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Filters are looked at before a function is invoked, so what they leave out
// costs nothing. They also keep the system from feeding on its own writes: the
// counters live in headers, which the second filter never lets through.
const (
	askingHeaders   = `{"dynamodb":{"Keys":{"SK":{"S":["HEADER"]}},"NewImage":{"event":{"S":["SUBMITTED","CANCEL_REQUESTED"]}}}}`
	inquiryStatuses = `{"dynamodb":{"Keys":{"SK":{"S":[{"prefix":"INQUIRY#"}]}},"NewImage":{"status":{"S":[{"exists":true}]}}}}`
)

const (
	// A record that keeps failing is set aside after this, or it would hold up
	// everything behind it for a day.
	streamAttempts   = 10
	streamAgeSeconds = 6 * 3600

	// maxWorkers bounds how many lookups the sources see at once: ten times
	// this. Unbounded pollers would burn up receives while throttled.
	maxWorkers = 50
)

// NewEventSources declares what invokes the functions that no caller waits for.
// A stream has room for two readers, so these two are all there can be.
func NewEventSources(parent constructs.Construct, r Resources, f Functions) {
	scope := constructs.NewConstruct(parent, jsii.String("Events"))
	mapStream(scope, "SubmittedBatches", r, f.DispatchBatch, streamSpec{
		Filter:          askingHeaders,
		BatchSize:       10,
		WindowSeconds:   0, // a lender waits for the first inquiry to run
		Parallelization: 10,
	})
	mapStream(scope, "InquiryStatuses", r, f.TallyStatuses, streamSpec{
		Filter:          inquiryStatuses,
		BatchSize:       500,
		WindowSeconds:   1, // many inquiries, one write to their header
		Parallelization: 1,
	})
	mapQueue(scope, "QueuedInquiries", r.Inquiries.Queue, f.ProcessInquiry).SetScalingConfig(
		&awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(maxWorkers)},
	)
	// Nothing waits behind the dead letters, and giving up asks no source: they
	// need no bound.
	mapQueue(scope, "DeadLetters", r.Inquiries.DeadLetters, f.FailExhausted)

	awsevents.NewRule(scope, jsii.String("Sweep"), &awsevents.RuleProps{
		Description: jsii.String("Looks for unfinished batches"),
		Schedule:    awsevents.Schedule_Rate(awscdk.Duration_Minutes(jsii.Number(sweepInterval.Minutes()))),
		Targets:     &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(f.SweepOpenBatches, nil)},
	})
}

func mapQueue(scope constructs.Construct, id string, queue awssqs.Queue, f awslambda.Function) awslambda.CfnEventSourceMapping {
	return awslambda.NewCfnEventSourceMapping(scope, &id, &awslambda.CfnEventSourceMappingProps{
		EventSourceArn:        queue.QueueArn(),
		FunctionName:          f.FunctionName(),
		BatchSize:             jsii.Number(10),
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
	})
}

// streamSpec is what differs between the readers of the table's stream.
type streamSpec struct {
	Filter          string
	BatchSize       float64
	WindowSeconds   float64
	Parallelization float64
}

func mapStream(scope constructs.Construct, id string, r Resources, f awslambda.Function, spec streamSpec) {
	awslambda.NewCfnEventSourceMapping(scope, &id, &awslambda.CfnEventSourceMappingProps{
		EventSourceArn: r.Table.TableStreamArn(),
		FunctionName:   f.FunctionName(),
		// From the oldest record on: LATEST can miss records while a mapping is
		// made or changed, and seeing a record twice does no harm here.
		StartingPosition: jsii.String("TRIM_HORIZON"),
		FilterCriteria: &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{
			Filters: []any{&awslambda.CfnEventSourceMapping_FilterProperty{Pattern: &spec.Filter}},
		},
		BatchSize:                      &spec.BatchSize,
		MaximumBatchingWindowInSeconds: &spec.WindowSeconds,
		ParallelizationFactor:          &spec.Parallelization,
		FunctionResponseTypes:          jsii.Strings("ReportBatchItemFailures"),
		BisectBatchOnFunctionError:     jsii.Bool(true),
		MaximumRetryAttempts:           jsii.Number(streamAttempts),
		MaximumRecordAgeInSeconds:      jsii.Number(streamAgeSeconds),
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: r.FailedRecords.BucketArn()},
		},
	})
}

// NewFailedRecords declares where stream records go that were given up on. Only
// a bucket gets the records themselves; a queue would get their whereabouts.
func NewFailedRecords(scope constructs.Construct, props Props) awss3.Bucket {
	return awss3.NewBucket(scope, jsii.String("FailedRecords"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		LifecycleRules: &[]*awss3.LifecycleRule{{
			// They name businesses and their owners: long enough to look into a
			// failure, and no longer.
			Expiration: awscdk.Duration_Days(jsii.Number(30)),
		}},
		RemovalPolicy: props.removal(),
	})
}

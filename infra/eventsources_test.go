package main

import (
	"strings"
	"testing"
)

func TestNewEventSources(t *testing.T) {
	t.Parallel()

	t.Run("the stream has two readers", func(t *testing.T) {
		t.Parallel()

		tests := map[string]struct {
			filter                 string
			records, window, lanes float64
		}{
			"SubmittedBatches": {
				filter:  `{"dynamodb":{"Keys":{"SK":{"S":["HEADER"]}},"NewImage":{"event":{"S":["SUBMITTED","CANCEL_REQUESTED"]}}}}`,
				records: 10, window: 0, lanes: 10,
			},
			"InquiryStatuses": {
				filter:  `{"dynamodb":{"Keys":{"SK":{"S":[{"prefix":"INQUIRY#"}]}},"NewImage":{"status":{"S":[{"exists":true}]}}}}`,
				records: 1000, window: 1, lanes: 1,
			},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()

				m := dev().one(t, "AWS::Lambda::EventSourceMapping", name).Properties
				same(t, "filter", at(m, "FilterCriteria", "Filters"), any([]any{map[string]any{"Pattern": tt.filter}}))
				same(t, "records", m["BatchSize"], tt.records)
				same(t, "window", m["MaximumBatchingWindowInSeconds"], tt.window)
				same(t, "lanes", m["ParallelizationFactor"], tt.lanes)
				same(t, "start", m["StartingPosition"], "TRIM_HORIZON")
				same(t, "response", m["FunctionResponseTypes"], any([]any{"ReportBatchItemFailures"}))
				same(t, "bisect", m["BisectBatchOnFunctionError"], true)
				same(t, "attempts", m["MaximumRetryAttempts"], -1.0)
				same(t, "age", m["MaximumRecordAgeInSeconds"], -1.0)
				if !strings.Contains(text(at(m, "DestinationConfig", "OnFailure", "Destination")), "FailedRecords") {
					t.Error("records that Lambda gives up are not kept")
				}
			})
		}
		same(t, "mappings: two of the stream, which allows no more, and one of each queue",
			len(dev().all(t, "AWS::Lambda::EventSourceMapping")), 4)
	})

	t.Run("the queue has a limited number of workers", func(t *testing.T) {
		t.Parallel()

		m := dev().one(t, "AWS::Lambda::EventSourceMapping", "QueuedInquiries").Properties
		same(t, "size", m["BatchSize"], 10.0)
		same(t, "response", m["FunctionResponseTypes"], any([]any{"ReportBatchItemFailures"}))
		if most, _ := at(m, "ScalingConfig", "MaximumConcurrency").(float64); most < 2 {
			t.Errorf("maximum concurrency is %v; want a limit of at least 2", most)
		}
	})

	t.Run("dead letters are read without a limit", func(t *testing.T) {
		t.Parallel()

		m := dev().one(t, "AWS::Lambda::EventSourceMapping", "DeadLetters").Properties
		if queue, reader := text(m["EventSourceArn"]), text(m["FunctionName"]); !strings.Contains(queue, "DeadLetters") || !strings.Contains(reader, "FailExhausted") {
			t.Errorf("the dead letters' mapping connects %s to %s", queue, reader)
		}
		same(t, "response", m["FunctionResponseTypes"], any([]any{"ReportBatchItemFailures"}))
		same(t, "limit", m["ScalingConfig"], nil)
	})

	t.Run("a schedule sweeps open batches", func(t *testing.T) {
		t.Parallel()

		rule := dev().one(t, "AWS::Events::Rule", "").Properties
		same(t, "schedule", rule["ScheduleExpression"], "rate(5 minutes)")
		same(t, "state", rule["State"], "ENABLED")
		if target := text(rule["Targets"]); !strings.Contains(target, "SweepOpenBatches") {
			t.Errorf("the schedule invokes %s", target)
		}
		sweep := dev().one(t, "AWS::Lambda::Function", "SweepOpenBatches").Properties
		if seconds := sweep["Timeout"].(float64); seconds >= 5*60 {
			t.Errorf("a sweep may take %v s and overlap with the next one", seconds)
		}
		index := dev().one(t, "AWS::DynamoDB::Table", "").Properties["GlobalSecondaryIndexes"]
		same(t, "index", at(index, 0, "IndexName"), "open")
		if policies := text(dev().one(t, "AWS::IAM::Role", "SweepOpenBatches").Properties["Policies"]); !strings.Contains(policies, "/index/open") {
			t.Errorf("a sweep may not read the index: %s", policies)
		}
	})
}

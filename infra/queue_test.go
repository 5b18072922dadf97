package main

import (
	"strings"
	"testing"
)

func TestNewInquiryQueue(t *testing.T) {
	t.Parallel()

	t.Run("a message that fails too often moves to the dead letters", func(t *testing.T) {
		t.Parallel()

		queue := dev().one(t, "AWS::SQS::Queue", "Queue").Properties
		dead := dev().one(t, "AWS::SQS::Queue", "DeadLetters").Properties
		same(t, "receives", at(queue, "RedrivePolicy", "maxReceiveCount"), 8.0)
		if !strings.Contains(text(at(queue, "RedrivePolicy", "deadLetterTargetArn")), "DeadLetters") {
			t.Error("messages that were received too often do not go to the dead letters")
		}
		for name, q := range map[string]map[string]any{"queue": queue, "dead letters": dead} {
			same(t, name+": encryption", q["SqsManagedSseEnabled"], true)
		}
		kept, keptDead := queue["MessageRetentionPeriod"].(float64), dead["MessageRetentionPeriod"].(float64)
		if keptDead <= kept {
			t.Errorf("dead letters are kept for %v s, but a message may be %v s old when it arrives", keptDead, kept)
		}
		for reader, q := range map[string]map[string]any{"ProcessInquiry": queue, "FailExhausted": dead} {
			timeout := dev().one(t, "AWS::Lambda::Function", reader).Properties["Timeout"].(float64)
			if visible := q["VisibilityTimeout"].(float64); visible < 6*timeout {
				t.Errorf("%s may get a message again after %v s; want at least six times its timeout of %v s", reader, visible, timeout)
			}
		}
	})
}

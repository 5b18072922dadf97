package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

// TestAlarms measures too much of everything and expects every alarm of the stack to
// arrive in a queue that listens to the alarm's topic. It shows that alarms are wired, and
// not how CloudWatch judges periods, dimensions and missing data: the tests of infra do.
func TestAlarms(t *testing.T) {
	endpoint, secret := aws.String(local.Endpoint()), credentials.NewStaticCredentialsProvider("test", "test", "")
	watch := cloudwatch.New(cloudwatch.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret})
	topics := sns.New(sns.Options{BaseEndpoint: endpoint, Region: engine.Region, Credentials: secret})
	in := newInternals()

	out, err := watch.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		t.Fatal(err)
	}
	alarms := out.MetricAlarms
	const known = 11 // alarms with one metric, and so in the local stage
	if len(alarms) != known {
		t.Errorf("the stack has %d alarms, want %d", len(alarms), known)
	}
	queues := map[string]string{} // by topic
	for _, a := range alarms {
		for _, topic := range a.AlarmActions {
			if queues[topic] == "" {
				queues[topic] = in.listen(t, topics, topic)
			}
		}
	}
	if len(queues) != 2 {
		t.Fatalf("the alarms have %d topics, want 2", len(queues))
	}

	for _, a := range alarms {
		t.Run(aws.ToString(a.AlarmName), func(t *testing.T) {
			// An earlier test may have raised it already.
			if _, err := watch.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{
				AlarmName: a.AlarmName, StateValue: cwtypes.StateValueOk, StateReason: aws.String("test"),
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := watch.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
				Namespace: a.Namespace,
				MetricData: []cwtypes.MetricDatum{{
					MetricName: a.MetricName, Dimensions: a.Dimensions, Value: aws.Float64(1000*aws.ToFloat64(a.Threshold) + 1000),
				}},
			}); err != nil {
				t.Fatal(err)
			}
			in.awaitAlarm(t, queues[a.AlarmActions[0]], aws.ToString(a.AlarmName))
		})
	}
}

// listen subscribes a new queue to a topic and returns the queue's URL.
func (in internals) listen(t testing.TB, topics *sns.Client, topic string) string {
	t.Helper()
	name := "alarms-" + topic[strings.LastIndexAny(topic, ":-")+1:]
	queue, err := in.queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	about, err := in.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := about.Attributes[string(sqstypes.QueueAttributeNameQueueArn)]
	if _, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &arn}); err != nil {
		t.Fatal(err)
	}
	return *queue.QueueUrl
}

// awaitAlarm waits until the queue has the message that the alarm is raised. It deletes
// the messages before it.
func (in internals) awaitAlarm(t testing.TB, queue, alarm string) {
	t.Helper()
	await(t, "the queue has a message of "+alarm, func() bool {
		out, err := in.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if _, err := in.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
			var notice struct{ Message string }
			var content struct{ AlarmName, NewStateValue, AlarmDescription string }
			if err := json.Unmarshal([]byte(*m.Body), &notice); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(notice.Message), &content); err != nil {
				t.Fatal(err)
			}
			if content.AlarmName == alarm && content.NewStateValue == "ALARM" {
				if !strings.Contains(content.AlarmDescription, "docs/runbook.md#") {
					t.Errorf("the message does not say what to do: %q", content.AlarmDescription)
				}
				return true
			}
		}
		return false
	})
}

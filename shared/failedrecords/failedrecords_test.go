package failedrecords_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/failedrecords"
)

// fakeS3 stores objects by bucket and key. It fails with err after it has stored one.
type fakeS3 struct {
	objects map[string]string
	err     error
}

func (f *fakeS3) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	f.objects[*in.Bucket+"/"+*in.Key] = string(body)
	return &s3.PutObjectOutput{}, f.err
}

func TestPut(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../events/tally-statuses.json")
	if err != nil {
		t.Fatal(err)
	}
	var sample events.DynamoDBEvent
	if err := json.Unmarshal(raw, &sample); err != nil {
		t.Fatal(err)
	}
	record := sample.Records[0]
	key := "failed/tally-statuses/" + record.Change.SequenceNumber + ".json"

	t.Run("the object is the whole record", func(t *testing.T) {
		t.Parallel()
		fake := &fakeS3{objects: map[string]string{}}
		bucket := failedrecords.New(fake, "failed", "tally-statuses")
		for range 2 { // the second time as after a redelivery
			if err := bucket.Put(t.Context(), record); err != nil {
				t.Fatal(err)
			}
		}
		if len(fake.objects) != 1 {
			t.Errorf("%d objects, want one", len(fake.objects))
		}
		var stored events.DynamoDBEventRecord
		if err := json.Unmarshal([]byte(fake.objects[key]), &stored); err != nil {
			t.Fatalf("object %q: %v", key, err)
		}
		want, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("record (-want +stored):\n%s", diff)
		}
	})

	t.Run("an error has the sequence number and nothing of the content", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("no route to host")
		bucket := failedrecords.New(&fakeS3{objects: map[string]string{}, err: broken}, "failed", "tally-statuses")
		err := bucket.Put(t.Context(), record)
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), record.Change.SequenceNumber) {
			t.Fatalf("Put() = %v, want the call's error with the sequence number", err)
		}
		for name, value := range record.Change.NewImage {
			if value.DataType() == events.DataTypeString && strings.Contains(err.Error(), value.String()) {
				t.Errorf("the error quotes attribute %s: %v", name, err)
			}
		}
	})
}

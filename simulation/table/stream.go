package table

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// change is a stream record in short form.
type change struct {
	row      *row
	version  int
	inserted bool
	service  bool // removed by TTL
	at       time.Time
}

// Changes returns the number of records in the stream.
func (t *Table) Changes() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.changes)
}

// Records returns the stream's records from the given index on, in the order of the
// writes and in the form that a function receives, with NEW_IMAGE.
func (t *Table) Records(from int) []events.DynamoDBEventRecord {
	t.mu.Lock()
	defer t.mu.Unlock()
	records := make([]events.DynamoDBEventRecord, 0, len(t.changes)-from)
	for i := from; i < len(t.changes); i++ {
		records = append(records, t.record(i))
	}
	return records
}

func (t *Table) record(i int) events.DynamoDBEventRecord {
	c := t.changes[i]
	written := c.row.versions[c.version]
	r := events.DynamoDBEventRecord{
		AWSRegion:      "us-east-1",
		EventID:        fmt.Sprintf("%032x", i+1),
		EventName:      string(events.DynamoDBOperationTypeModify),
		EventSource:    "aws:dynamodb",
		EventVersion:   "1.1",
		EventSourceArn: "arn:aws:dynamodb:us-east-1:000000000000:table/" + t.name + "/stream/1",
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: c.at.Truncate(time.Second)},
			Keys: map[string]events.DynamoDBAttributeValue{
				partitionAttribute: events.NewStringAttribute(c.row.pk),
				sortAttribute:      events.NewStringAttribute(c.row.sk),
			},
			NewImage:       image(written.item),
			SequenceNumber: fmt.Sprintf("1%020d", i+1),
			SizeBytes:      int64(written.size + len(partitionAttribute) + len(c.row.pk) + len(sortAttribute) + len(c.row.sk)),
			StreamViewType: string(events.DynamoDBStreamViewTypeNewImage),
		},
	}
	switch {
	case written.item == nil:
		r.EventName = string(events.DynamoDBOperationTypeRemove)
	case c.inserted:
		r.EventName = string(events.DynamoDBOperationTypeInsert)
	}
	if c.service {
		r.UserIdentity = &events.DynamoDBUserIdentity{Type: "Service", PrincipalID: "dynamodb.amazonaws.com"}
	}
	return r
}

// image converts an item to the types of an event.
func image(it item) map[string]events.DynamoDBAttributeValue {
	if it == nil {
		return nil
	}
	converted := make(map[string]events.DynamoDBAttributeValue, len(it))
	for name, v := range it {
		converted[name] = eventValue(v)
	}
	return converted
}

func eventValue(v value) events.DynamoDBAttributeValue {
	switch v := copyOf(v).(type) {
	case *stringValue:
		return events.NewStringAttribute(v.Value)
	case *numberValue:
		return events.NewNumberAttribute(v.Value)
	case *binaryValue:
		return events.NewBinaryAttribute(v.Value)
	case *boolValue:
		return events.NewBooleanAttribute(v.Value)
	case *listValue:
		members := make([]events.DynamoDBAttributeValue, len(v.Value))
		for i, m := range v.Value {
			members[i] = eventValue(m)
		}
		return events.NewListAttribute(members)
	case *mapValue:
		return events.NewMapAttribute(image(v.Value))
	}
	return events.NewNullAttribute()
}

func formatUnix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

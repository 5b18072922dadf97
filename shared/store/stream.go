package store

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Transition is a change of one inquiry, as a stream record reports it.
type Transition struct {
	Lender inquiry.LenderID
	Batch  inquiry.BatchID
	Change inquiry.Change
}

// ReadTransition reads a stream record of an inquiry's item. ok is false for a removal:
// DynamoDB removes expired items, and that is not a transition. A record that cannot be
// read, such as one with a status that this version does not know, is
// inquiry.ErrUnreadable.
func ReadTransition(r events.DynamoDBEventRecord) (t Transition, ok bool, err error) {
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		return Transition{}, false, nil
	}
	image, err := fromStream(r.Change.NewImage)
	if err != nil {
		return Transition{}, false, err
	}
	where, read, err := parseRecord(image)
	if err != nil {
		return Transition{}, false, err
	}
	if !read.Status.Known() {
		return Transition{}, false, fmt.Errorf("reading inquiry %s: %w: unknown status %q", read.ID, inquiry.ErrUnreadable, read.Status)
	}
	return Transition{
		Lender: where.lender,
		Batch:  where.batch,
		Change: inquiry.Change{Index: where.index, Status: read.Status, Figures: read.Figures},
	}, true, nil
}

// Occasion is what dispatch-batch has to do after a write of a header.
type Occasion int

const (
	NoOccasion      Occasion = iota // nothing
	Submitted                       // send all inquiries
	CancelRequested                 // cancel the inquiries that no worker has claimed
)

// ReadHeader reads a stream record of a header. It returns what dispatch-batch has to do
// and the batch as it was written then. A record that cannot be read is
// inquiry.ErrUnreadable.
func ReadHeader(r events.DynamoDBEventRecord) (Occasion, inquiry.Batch, error) {
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		return NoOccasion, inquiry.Batch{}, nil
	}
	image, err := fromStream(r.Change.NewImage)
	if err != nil {
		return NoOccasion, inquiry.Batch{}, err
	}
	if textOf(image, SKAttribute) != string(headerKey) {
		return NoOccasion, inquiry.Batch{}, nil
	}
	occasion := map[Event]Occasion{EventSubmitted: Submitted, EventCancelRequested: CancelRequested}[Event(textOf(image, EventAttribute))]
	if occasion == NoOccasion {
		return NoOccasion, inquiry.Batch{}, nil
	}
	_, batch, err := parseHeader(image)
	return occasion, batch, err
}

// fromStream converts an image from the Lambda event's types to the SDK's. The two have
// different types for the same JSON.
func fromStream(image map[string]events.DynamoDBAttributeValue) (item, error) {
	it := make(item, len(image))
	for name, value := range image {
		converted, err := fromStreamValue(value)
		if err != nil {
			return nil, fmt.Errorf("%w: attribute %s: %v", inquiry.ErrUnreadable, name, err)
		}
		it[name] = converted
	}
	return it, nil
}

func fromStreamValue(v events.DynamoDBAttributeValue) (types.AttributeValue, error) {
	switch v.DataType() {
	case events.DataTypeString:
		return text(v.String()), nil
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}, nil
	case events.DataTypeBinary:
		return binary(v.Binary()), nil
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}, nil
	case events.DataTypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case events.DataTypeMap:
		members, err := fromStream(v.Map())
		return &types.AttributeValueMemberM{Value: members}, err
	case events.DataTypeList:
		list := make([]types.AttributeValue, len(v.List()))
		for i, member := range v.List() {
			converted, err := fromStreamValue(member)
			if err != nil {
				return nil, err
			}
			list[i] = converted
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	default:
		return nil, fmt.Errorf("the table does not use data type %d", v.DataType())
	}
}

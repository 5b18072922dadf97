package main

import (
	"context"
	"strconv"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// journal replaces a table's stream: it has one record per write, with the item
// after that write.
type journal struct {
	mu      sync.Mutex
	records []events.DynamoDBEventRecord
	sizes   map[string]int // current size of each item in bytes, by key
	written int
}

// install adds the journal to a client. It makes each update return the item,
// which does not change the capacity that the update consumes.
func (j *journal) install(stack *middleware.Stack) error {
	keep := middleware.InitializeMiddlewareFunc("KeepJournal", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		if update, ok := in.Parameters.(*dynamodb.UpdateItemInput); ok {
			update.ReturnValues = types.ReturnValueAllNew
		}
		out, metadata, err := next.HandleInitialize(ctx, in)
		if err != nil {
			return out, metadata, err
		}
		switch write := in.Parameters.(type) {
		case *dynamodb.UpdateItemInput:
			j.add(out.Result.(*dynamodb.UpdateItemOutput).Attributes)
		case *dynamodb.PutItemInput:
			j.add(write.Item)
		case *dynamodb.TransactWriteItemsInput:
			for _, action := range write.TransactItems {
				if action.Put != nil {
					j.add(action.Put.Item)
				}
			}
		}
		return out, metadata, nil
	})
	return stack.Initialize.Add(keep, middleware.After)
}

func (j *journal) add(item map[string]types.AttributeValue) {
	image := imageOf(item)
	keys := map[string]events.DynamoDBAttributeValue{store.PKAttribute: image[store.PKAttribute], store.SKAttribute: image[store.SKAttribute]}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.written++
	j.records = append(j.records, events.DynamoDBEventRecord{
		EventName: string(events.DynamoDBOperationTypeModify),
		Change:    events.DynamoDBStreamRecord{Keys: keys, NewImage: image, SequenceNumber: strconv.Itoa(j.written)},
	})
	j.sizes[keys[store.PKAttribute].String()+" "+keys[store.SKAttribute].String()] = sizeOf(image)
}

// take returns the records since the last call of take.
func (j *journal) take() []events.DynamoDBEventRecord {
	j.mu.Lock()
	defer j.mu.Unlock()
	records := j.records
	j.records = nil
	return records
}

// stored returns the number of bytes that DynamoDB bills for storing the items:
// their own size and a hundred bytes more for each.
func (j *journal) stored() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	total := 0
	for _, size := range j.sizes {
		total += size + 100
	}
	return total
}

// imageOf converts an item from the SDK's types to those of a stream event.
func imageOf(item map[string]types.AttributeValue) map[string]events.DynamoDBAttributeValue {
	image := make(map[string]events.DynamoDBAttributeValue, len(item))
	for name, value := range item {
		image[name] = imageOfValue(value)
	}
	return image
}

func imageOfValue(value types.AttributeValue) events.DynamoDBAttributeValue {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return events.NewStringAttribute(v.Value)
	case *types.AttributeValueMemberN:
		return events.NewNumberAttribute(v.Value)
	case *types.AttributeValueMemberB:
		return events.NewBinaryAttribute(v.Value)
	case *types.AttributeValueMemberBOOL:
		return events.NewBooleanAttribute(v.Value)
	case *types.AttributeValueMemberM:
		return events.NewMapAttribute(imageOf(v.Value))
	case *types.AttributeValueMemberL:
		list := make([]events.DynamoDBAttributeValue, len(v.Value))
		for i, member := range v.Value {
			list[i] = imageOfValue(member)
		}
		return events.NewListAttribute(list)
	default:
		return events.NewNullAttribute()
	}
}

// sizeOf returns an item's approximate size by DynamoDB's rules: names and values
// in bytes, one byte per two digits of a number, and three more bytes for a map or
// a list.
func sizeOf(image map[string]events.DynamoDBAttributeValue) int {
	size := 0
	for name, value := range image {
		size += len(name) + sizeOfValue(value)
	}
	return size
}

func sizeOfValue(v events.DynamoDBAttributeValue) int {
	switch v.DataType() {
	case events.DataTypeString:
		return len(v.String())
	case events.DataTypeNumber:
		return len(v.Number())/2 + 2
	case events.DataTypeBinary:
		return len(v.Binary())
	case events.DataTypeMap:
		return 3 + sizeOf(v.Map())
	case events.DataTypeList:
		size := 3
		for _, member := range v.List() {
			size += 1 + sizeOfValue(member)
		}
		return size
	default:
		return 1
	}
}

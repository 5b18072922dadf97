package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// usage is a number of table calls and the capacity units that they consumed.
type usage struct {
	calls         int
	writes, reads float64
}

func (u usage) plus(v usage) usage {
	return usage{u.calls + v.calls, u.writes + v.writes, u.reads + v.reads}
}

// usages has the usage of each table operation, by its name.
type usages map[string]usage

func (u usages) total() (sum usage) {
	for _, one := range u {
		sum = sum.plus(one)
	}
	return sum
}

// meter counts one client's table calls, and the capacity units that the engine
// reports for them.
type meter struct {
	mu   sync.Mutex
	used usages
}

// take returns what was counted since the last call of take.
func (m *meter) take() usages {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := maps.Clone(m.used)
	clear(m.used)
	return used
}

// install adds the meter to a client. Each request asks the engine to report the
// capacity that it consumed.
func (m *meter) install(stack *middleware.Stack) error {
	count := middleware.InitializeMiddlewareFunc("CountCapacity", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		operation := awsmiddleware.GetOperationName(ctx)
		option := reflect.ValueOf(in.Parameters).Elem().FieldByName("ReturnConsumedCapacity")
		if !option.IsValid() {
			return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("%s cannot report its consumed capacity", operation)
		}
		option.SetString(string(types.ReturnConsumedCapacityTotal))
		out, metadata, err := next.HandleInitialize(ctx, in)
		units := consumed(out.Result)
		if _, rejected := errors.AsType[*types.ConditionalCheckFailedException](err); rejected {
			units = 1 // DynamoDB charges it like a write; the engine does not say so
		}
		m.add(operation, units)
		return out, metadata, err
	})
	return stack.Initialize.Add(count, middleware.After)
}

func (m *meter) add(operation string, units float64) {
	u := usage{calls: 1}
	if strings.Contains(operation, "Get") || operation == "Query" || operation == "Scan" {
		u.reads = units
	} else {
		u.writes = units
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used == nil {
		m.used = usages{}
	}
	m.used[operation] = m.used[operation].plus(u)
}

// consumed returns the capacity units in a reply, which reports one number, one
// per table, or none if the call failed.
func consumed(reply any) float64 {
	v := reflect.ValueOf(reply)
	if !v.IsValid() || v.IsNil() {
		return 0
	}
	var all []types.ConsumedCapacity
	switch c := v.Elem().FieldByName("ConsumedCapacity").Interface().(type) {
	case *types.ConsumedCapacity:
		if c != nil {
			all = append(all, *c)
		}
	case []types.ConsumedCapacity:
		all = c
	}
	units := 0.0
	for _, c := range all {
		if c.CapacityUnits != nil {
			units += *c.CapacityUnits
		}
	}
	return units
}

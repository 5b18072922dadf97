package main

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// usage is what calls of the table came to, in capacity units.
type usage struct {
	calls         int
	writes, reads float64
}

func (u usage) plus(v usage) usage {
	return usage{u.calls + v.calls, u.writes + v.writes, u.reads + v.reads}
}

// usages are by operation of the table.
type usages map[string]usage

func (u usages) total() (sum usage) {
	for _, one := range u {
		sum = sum.plus(one)
	}
	return sum
}

// meter counts the calls that one client makes of the table, and the units that
// the engine says each consumed.
type meter struct {
	mu   sync.Mutex
	used usages
}

// take returns what was counted since the last take.
func (m *meter) take() usages {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := maps.Clone(m.used)
	clear(m.used)
	return used
}

// install puts the meter into a client: every request asks what it consumed.
func (m *meter) install(stack *middleware.Stack) error {
	count := middleware.InitializeMiddlewareFunc("CountCapacity", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		operation := awsmiddleware.GetOperationName(ctx)
		asked := reflect.ValueOf(in.Parameters).Elem().FieldByName("ReturnConsumedCapacity")
		if !asked.IsValid() {
			return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("%s does not say what it consumes", operation)
		}
		asked.SetString(string(types.ReturnConsumedCapacityTotal))
		out, metadata, err := next.HandleInitialize(ctx, in)
		m.add(operation, consumed(out.Result))
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

// consumed returns the units in a reply: one figure, one for each table, or none
// in an error's.
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

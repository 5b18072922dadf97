package table

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Capacity is a number of capacity units.
type Capacity struct {
	Read, Write float64
	Index       float64 // write units of the index, included in Write
}

// Consumed returns the units that each operation has consumed so far, by its name.
func (t *Table) Consumed() map[string]Capacity {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[string]Capacity, len(t.consumed))
	for operation, c := range t.consumed {
		all[operation] = c
	}
	return all
}

// consume adds a call's units to the total and returns them for the reply, if they
// are wanted.
func (t *Table) consume(operation string, c Capacity, wanted types.ReturnConsumedCapacity) *types.ConsumedCapacity {
	sum := t.consumed[operation]
	sum.Read += c.Read
	sum.Write += c.Write
	sum.Index += c.Index
	t.consumed[operation] = sum
	if wanted == "" || wanted == types.ReturnConsumedCapacityNone {
		return nil
	}
	total := c.Read + c.Write
	reply := &types.ConsumedCapacity{TableName: ptr(t.name), CapacityUnits: &total}
	if strings.HasPrefix(operation, "Transact") {
		reply.ReadCapacityUnits, reply.WriteCapacityUnits = ptr(c.Read), ptr(c.Write)
	}
	return reply
}

func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// readUnits returns the units for reading a number of bytes.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if !consistent {
		units /= 2
	}
	return units
}

// units returns what the write costs: for the larger of the item before and after,
// and for the entries of the index.
func (o outcome) units() Capacity {
	c := Capacity{Write: writeUnits(max(o.oldSize, o.newSize))}
	if !o.changed {
		return c
	}
	before, after := inIndex(o.old), inIndex(o.new)
	switch {
	case before && after && equal(o.old[indexPartitionAttribute], o.new[indexPartitionAttribute]) && equal(o.old[indexSortAttribute], o.new[indexSortAttribute]):
	case before && after:
		c.Index = 2 // one entry is removed and one is added
	case before || after:
		c.Index = 1
	}
	c.Write += c.Index
	return c
}

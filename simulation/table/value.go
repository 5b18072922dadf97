package table

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The SDK's names are long.
type (
	value = types.AttributeValue
	item  = map[string]types.AttributeValue

	stringValue    = types.AttributeValueMemberS
	numberValue    = types.AttributeValueMemberN
	binaryValue    = types.AttributeValueMemberB
	boolValue      = types.AttributeValueMemberBOOL
	nullValue      = types.AttributeValueMemberNULL
	listValue      = types.AttributeValueMemberL
	mapValue       = types.AttributeValueMemberM
	stringSetValue = types.AttributeValueMemberSS
	numberSetValue = types.AttributeValueMemberNS
	binarySetValue = types.AttributeValueMemberBS
)

// kind is the letter or letters by which messages and attribute_type know a
// value's type.
func kind(v value) string {
	switch v.(type) {
	case *stringValue:
		return "S"
	case *numberValue:
		return "N"
	case *binaryValue:
		return "B"
	case *boolValue:
		return "BOOL"
	case *nullValue:
		return "NULL"
	case *listValue:
		return "L"
	case *mapValue:
		return "M"
	case *stringSetValue:
		return "SS"
	case *numberSetValue:
		return "NS"
	case *binarySetValue:
		return "BS"
	}
	return "?"
}

// checkValue refuses what a request must not contain.
func checkValue(v value) error {
	switch v := v.(type) {
	case *stringValue, *binaryValue, *boolValue:
		return nil
	case *numberValue:
		if _, ok := smallInt(v.Value); ok {
			return nil
		}
		_, err := parseNumber(v.Value)
		return err
	case *nullValue:
		if !v.Value {
			return invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return nil
	case *listValue:
		for _, member := range v.Value {
			if err := checkValue(member); err != nil {
				return err
			}
		}
		return nil
	case *mapValue:
		return checkValues(v.Value)
	case *stringSetValue:
		return checkSet("string", v.Value, strings.Compare)
	case *numberSetValue:
		for _, n := range v.Value {
			if _, err := parseNumber(n); err != nil {
				return err
			}
		}
		return checkSet("number", v.Value, compareNumbers)
	case *binarySetValue:
		return checkSet("binary", v.Value, bytes.Compare)
	}
	return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func checkValues(values item) error {
	for _, v := range values {
		if err := checkValue(v); err != nil {
			return err
		}
	}
	return nil
}

func checkSet[T any](what string, members []T, compare func(a, b T) int) error {
	if len(members) == 0 {
		return invalid("One or more parameter values were invalid: An %s set may not be empty", what)
	}
	sorted := slices.SortedFunc(slices.Values(members), compare)
	for i := range len(sorted) - 1 {
		if compare(sorted[i], sorted[i+1]) == 0 {
			return invalid("One or more parameter values were invalid: Input collection contains duplicates.")
		}
	}
	return nil
}

// copyOf returns a valid value in the form in which the table keeps it, sharing
// nothing that can be changed in place but the struct of a string, a number or
// a boolean.
func copyOf(v value) value {
	switch v := v.(type) {
	case *numberValue:
		if n, _ := canonical(v.Value); n != v.Value {
			return &numberValue{Value: n}
		}
		return v
	case *binaryValue:
		return &binaryValue{Value: append([]byte{}, v.Value...)}
	case *listValue:
		members := make([]value, len(v.Value))
		for i, member := range v.Value {
			members[i] = copyOf(member)
		}
		return &listValue{Value: members}
	case *mapValue:
		return &mapValue{Value: copyItem(v.Value)}
	case *stringSetValue:
		return &stringSetValue{Value: slices.Sorted(slices.Values(v.Value))}
	case *numberSetValue:
		members := make([]string, len(v.Value))
		for i, n := range v.Value {
			members[i], _ = canonical(n)
		}
		slices.SortFunc(members, compareNumbers)
		return &numberSetValue{Value: members}
	case *binarySetValue:
		members := make([][]byte, len(v.Value))
		for i, b := range v.Value {
			members[i] = append([]byte{}, b...)
		}
		slices.SortFunc(members, bytes.Compare)
		return &binarySetValue{Value: members}
	}
	return v
}

func copyItem(it item) item {
	if it == nil {
		return nil
	}
	copied := make(item, len(it))
	for name, v := range it {
		copied[name] = copyOf(v)
	}
	return copied
}

// compare orders two strings, numbers or binaries; ok is false when they are
// of different types or of others.
func compare(a, b value) (order int, ok bool) {
	switch a := a.(type) {
	case *stringValue:
		if b, ok := b.(*stringValue); ok {
			return cmp.Compare(a.Value, b.Value), true
		}
	case *numberValue:
		if b, ok := b.(*numberValue); ok {
			return compareNumbers(a.Value, b.Value), true
		}
	case *binaryValue:
		if b, ok := b.(*binaryValue); ok {
			return bytes.Compare(a.Value, b.Value), true
		}
	}
	return 0, false
}

// equal compares values as the table does: numbers by what they are worth, sets
// without regard to order.
func equal(a, b value) bool {
	if a == b {
		return true
	}
	switch a := a.(type) {
	case *boolValue:
		b, ok := b.(*boolValue)
		return ok && a.Value == b.Value
	case *nullValue:
		_, ok := b.(*nullValue)
		return ok
	case *listValue:
		b, ok := b.(*listValue)
		return ok && slices.EqualFunc(a.Value, b.Value, equal)
	case *mapValue:
		b, ok := b.(*mapValue)
		return ok && equalItems(a.Value, b.Value)
	case *stringSetValue:
		b, ok := b.(*stringSetValue)
		return ok && equalSets(a.Value, b.Value, strings.Compare)
	case *numberSetValue:
		b, ok := b.(*numberSetValue)
		return ok && equalSets(a.Value, b.Value, compareNumbers)
	case *binarySetValue:
		b, ok := b.(*binarySetValue)
		return ok && equalSets(a.Value, b.Value, bytes.Compare)
	}
	order, ok := compare(a, b)
	return ok && order == 0
}

func equalSets[T any](a, b []T, compare func(a, b T) int) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(m T) bool { return !member(b, m, compare) })
}

func member[T any](set []T, m T, compare func(a, b T) int) bool {
	return slices.ContainsFunc(set, func(other T) bool { return compare(m, other) == 0 })
}

func equalItems(a, b item) bool {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return false
	}
	for name, v := range a {
		other, found := b[name]
		if !found || !equal(v, other) {
			return false
		}
	}
	return true
}

// sizeOf is how many bytes the value counts towards an item's size.
func sizeOf(v value) int {
	switch v := v.(type) {
	case *stringValue:
		return len(v.Value)
	case *numberValue:
		return numberSize(v.Value)
	case *binaryValue:
		return len(v.Value)
	case *boolValue, *nullValue:
		return 1
	case *listValue:
		size := 3
		for _, member := range v.Value {
			size += 1 + sizeOf(member)
		}
		return size
	case *mapValue:
		return 3 + len(v.Value) + itemSize(v.Value)
	case *stringSetValue:
		size := 0
		for _, s := range v.Value {
			size += len(s)
		}
		return size
	case *numberSetValue:
		size := 0
		for _, n := range v.Value {
			size += numberSize(n)
		}
		return size
	case *binarySetValue:
		size := 0
		for _, b := range v.Value {
			size += len(b)
		}
		return size
	}
	return 0
}

func itemSize(it item) int {
	size := 0
	for name, v := range it {
		size += len(name) + sizeOf(v)
	}
	return size
}

// hashItem returns the same number for equal items, on every machine.
func hashItem(it item) uint64 {
	var sum uint64
	for name, v := range it { // a sum, since the order is not fixed
		sum += mix(hashValue(hashString(hashStart, name), v))
	}
	return mix(sum)
}

func hashValue(h uint64, v value) uint64 {
	h = hashString(h, kind(v))
	switch v := v.(type) {
	case *stringValue:
		return hashString(h, v.Value)
	case *numberValue:
		return hashString(h, v.Value)
	case *binaryValue:
		return hashBytes(h, v.Value)
	case *boolValue:
		if v.Value {
			return h + 1
		}
		return h
	case *listValue:
		for _, member := range v.Value {
			h = mix(hashValue(h, member))
		}
		return h
	case *mapValue:
		return h ^ hashItem(v.Value)
	case *stringSetValue:
		return hashStrings(h, v.Value)
	case *numberSetValue:
		return hashStrings(h, v.Value)
	case *binarySetValue:
		for _, b := range v.Value {
			h = hashBytes(h, b)
		}
	}
	return h
}

// FNV-1a, whose steps a caller can chain.
const (
	hashStart uint64 = 14695981039346656037
	hashPrime uint64 = 1099511628211
)

func hashString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * hashPrime
	}
	return (h ^ 0xff) * hashPrime // where it ends is part of it
}

func hashBytes(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * hashPrime
	}
	return (h ^ uint64(len(b))) * hashPrime
}

func hashStrings(h uint64, all []string) uint64 {
	for _, s := range all {
		h = hashString(h, s)
	}
	return h
}

// mix spreads every bit over the whole number.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

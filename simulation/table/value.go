package table

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Short names for the SDK's types.
type (
	value = types.AttributeValue
	item  = map[string]types.AttributeValue

	stringValue = types.AttributeValueMemberS
	numberValue = types.AttributeValueMemberN
	binaryValue = types.AttributeValueMemberB
	boolValue   = types.AttributeValueMemberBOOL
	nullValue   = types.AttributeValueMemberNULL
	listValue   = types.AttributeValueMemberL
	mapValue    = types.AttributeValueMemberM
)

// kind returns the letters that stand for a value's type in error messages.
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
	}
	return "?"
}

// checkValue rejects values that a request must not contain.
func checkValue(v value) error {
	switch v := v.(type) {
	case *stringValue, *binaryValue, *boolValue:
		return nil
	case *numberValue:
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
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberNS, *types.AttributeValueMemberBS:
		return notModeled("sets")
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

// copyOf returns a copy of a valid value. It shares with the original only the
// structs of strings, numbers and booleans, which nobody changes in place.
func copyOf(v value) value {
	switch v := v.(type) {
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

// compare orders two strings, numbers or binaries. ok is false when their types
// differ or have no order.
func compare(a, b value) (order int, ok bool) {
	switch a := a.(type) {
	case *stringValue:
		if b, ok := b.(*stringValue); ok {
			return cmp.Compare(a.Value, b.Value), true
		}
	case *numberValue:
		if b, ok := b.(*numberValue); ok {
			return cmp.Compare(mustNumber(a.Value), mustNumber(b.Value)), true
		}
	case *binaryValue:
		if b, ok := b.(*binaryValue); ok {
			return bytes.Compare(a.Value, b.Value), true
		}
	}
	return 0, false
}

// equal reports whether two values are equal to DynamoDB.
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
	}
	order, ok := compare(a, b)
	return ok && order == 0
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

// sizeOf returns the bytes that the value adds to an item's size.
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

// maxNumber bounds the numbers that the table models.
const maxNumber = 1_000_000_000_000_000_000

// parseNumber reads a whole number in the form that DynamoDB keeps.
func parseNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s || n <= -maxNumber || n >= maxNumber {
		return 0, notModeled(fmt.Sprintf("the number %q: only whole numbers of up to 18 digits", s))
	}
	return n, nil
}

// mustNumber reads a number that checkValue has accepted.
func mustNumber(s string) int64 {
	n, err := parseNumber(s)
	if err != nil {
		panic(err)
	}
	return n
}

// add returns the sum of two numbers.
func add(a, b *numberValue) (value, error) {
	sum := strconv.FormatInt(mustNumber(a.Value)+mustNumber(b.Value), 10)
	_, err := parseNumber(sum)
	return &numberValue{Value: sum}, err
}

// numberSize returns the bytes that a number adds to an item's size: one byte for
// two digits, one for a sign and one more.
func numberSize(s string) int {
	size := (len(strings.Trim(s, "-0"))+1)/2 + 1
	if strings.HasPrefix(s, "-") {
		size++
	}
	return size
}

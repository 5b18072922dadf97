package table

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// scope is what one request evaluates its expressions in.
type scope struct {
	item   item // nil when there is none
	names  map[string]string
	values item
}

// path leads to an attribute, or into one.
type path []part

type part struct {
	name        string // a placeholder still, if it is one
	placeholder bool
	index       int
	isIndex     bool
}

func (s *scope) name(p part) string {
	if p.placeholder {
		return s.names[p.name]
	}
	return p.name
}

// find returns what lies at the path, or nil.
func (s *scope) find(p path) value {
	v := s.item[s.name(p[0])]
	for _, step := range p[1:] {
		switch container := v.(type) {
		case *mapValue:
			if step.isIndex {
				return nil
			}
			v = container.Value[s.name(step)]
		case *listValue:
			if !step.isIndex || step.index >= len(container.Value) {
				return nil
			}
			v = container.Value[step.index]
		default:
			return nil
		}
	}
	return v
}

// spell writes the path with its names in place, as messages have it.
func (s *scope) spell(p path) string {
	var b strings.Builder
	for i, step := range p {
		switch {
		case step.isIndex:
			b.WriteString("[" + strconv.Itoa(step.index) + "]")
		case i == 0:
			b.WriteString(s.name(step))
		default:
			b.WriteString("." + s.name(step))
		}
	}
	return b.String()
}

// operand is one of a path, a value's placeholder, and the size of another.
type operand struct {
	path  *path
	value string
	size  *operand
}

// of returns the operand's value, or nil when it has none.
func (s *scope) of(o operand) value {
	switch {
	case o.path != nil:
		return s.find(*o.path)
	case o.size != nil:
		if n, ok := lengthOf(s.of(*o.size)); ok {
			return &numberValue{Value: strconv.Itoa(n)}
		}
		return nil
	}
	return s.values[o.value]
}

// given returns the value that the request itself gives the operand, or nil
// when that depends on the item.
func (s *scope) given(o operand) value {
	if o.value != "" {
		return s.values[o.value]
	}
	return nil
}

func lengthOf(v value) (n int, ok bool) {
	switch v := v.(type) {
	case *stringValue:
		return len(v.Value), true
	case *binaryValue:
		return len(v.Value), true
	case *listValue:
		return len(v.Value), true
	case *mapValue:
		return len(v.Value), true
	case *stringSetValue:
		return len(v.Value), true
	case *numberSetValue:
		return len(v.Value), true
	case *binarySetValue:
		return len(v.Value), true
	}
	return 0, false
}

// condition is true or false of an item. check finds what is wrong with it
// whatever the item, and is called first.
type condition interface {
	check(s *scope) error
	holds(s *scope) bool
}

type (
	both   struct{ left, right condition }
	either struct{ left, right condition }
	not    struct{ inner condition }
)

func (c both) check(s *scope) error   { return checkTwo(s, c.left, c.right) }
func (c both) holds(s *scope) bool    { return c.left.holds(s) && c.right.holds(s) }
func (c either) check(s *scope) error { return checkTwo(s, c.left, c.right) }
func (c either) holds(s *scope) bool  { return c.left.holds(s) || c.right.holds(s) }
func (c not) check(s *scope) error    { return c.inner.check(s) }
func (c not) holds(s *scope) bool     { return !c.inner.holds(s) }

func checkTwo(s *scope, left, right condition) error {
	if err := left.check(s); err != nil {
		return err
	}
	return right.check(s)
}

type comparison struct {
	which, operator string
	left, right     operand
}

func (c comparison) check(s *scope) error {
	if err := checkDistinct(c.which, c.operator, s, c.left, c.right); err != nil {
		return err
	}
	if c.operator == "=" || c.operator == "<>" {
		return checkSizes(c.which, s, c.left, c.right)
	}
	return checkOrdered(c.which, c.operator, s, c.left, c.right)
}

func (c comparison) holds(s *scope) bool {
	left, right := s.of(c.left), s.of(c.right)
	switch c.operator {
	case "=":
		return left != nil && right != nil && equal(left, right)
	case "<>":
		return left == nil || right == nil || !equal(left, right)
	}
	if left == nil || right == nil {
		return false
	}
	order, ok := compare(left, right)
	return ok && ordered(c.operator, order)
}

func ordered(operator string, order int) bool {
	switch operator {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// checkDistinct refuses to hold an attribute against itself.
func checkDistinct(which, operator string, s *scope, first operand, rest ...operand) error {
	if first.path == nil {
		return nil
	}
	for _, o := range rest {
		if o.path != nil && len(*o.path) == len(*first.path) && s.spell(*o.path) == s.spell(*first.path) {
			return invalidExpression(which, "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: [%s]", operator, s.spell(*first.path))
		}
	}
	return nil
}

// checkOrdered refuses values that have no order.
func checkOrdered(which, operator string, s *scope, all ...operand) error {
	for _, o := range all {
		switch v := s.given(o).(type) {
		case nil, *stringValue, *numberValue, *binaryValue:
		default:
			return incorrectOperand(which, operator, v)
		}
	}
	return checkSizes(which, s, all...)
}

// checkSizes refuses the size of a value that has none.
func checkSizes(which string, s *scope, all ...operand) error {
	for _, o := range all {
		if o.size == nil {
			continue
		}
		if v := s.given(*o.size); v != nil {
			if _, ok := lengthOf(v); !ok {
				return incorrectOperand(which, "size", v)
			}
		}
	}
	return nil
}

func incorrectOperand(which, operator string, v value) error {
	return invalidExpression(which, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, kind(v))
}

type between struct {
	which           string
	left, low, high operand
}

func (c between) check(s *scope) error {
	if err := checkDistinct(c.which, "BETWEEN", s, c.left, c.low, c.high); err != nil {
		return err
	}
	low, high := s.given(c.low), s.given(c.high)
	if low != nil && high != nil {
		order, ok := compare(low, high)
		if !ok && kind(low) != kind(high) {
			return invalidExpression(c.which, "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}", kind(low), kind(high))
		}
		if ok && order > 0 {
			return invalidExpression(c.which, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}", kind(low), kind(high))
		}
	}
	return checkOrdered(c.which, "BETWEEN", s, c.left, c.low, c.high)
}

func (c between) holds(s *scope) bool {
	v, low, high := s.of(c.left), s.of(c.low), s.of(c.high)
	above, ok := compare(v, low)
	below, also := compare(v, high)
	return ok && also && above >= 0 && below <= 0
}

type oneOf struct {
	which string
	left  operand
	all   []operand
}

func (c oneOf) check(s *scope) error { return checkDistinct(c.which, "IN", s, c.left, c.all...) }
func (c oneOf) holds(s *scope) bool {
	v := s.of(c.left)
	return v != nil && slices.ContainsFunc(c.all, func(o operand) bool {
		other := s.of(o)
		return other != nil && equal(v, other)
	})
}

type exists struct {
	path path
	want bool
}

func (c exists) check(*scope) error  { return nil }
func (c exists) holds(s *scope) bool { return (s.find(c.path) != nil) == c.want }

// function is one of two operands: begins_with, contains or attribute_type.
type function struct {
	which, name string
	left, right operand
}

func (c function) check(s *scope) error {
	if err := checkDistinct(c.which, c.name, s, c.left, c.right); err != nil {
		return err
	}
	given := s.given(c.right)
	switch c.name {
	case "begins_with":
		for _, v := range []value{s.given(c.left), given} {
			switch v.(type) {
			case nil, *stringValue, *binaryValue:
			default:
				return incorrectOperand(c.which, c.name, v)
			}
		}
	case "attribute_type":
		t, ok := given.(*stringValue)
		if !ok {
			return invalidExpression(c.which, "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: %s", kind(given))
		}
		if !slices.Contains([]string{"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}, t.Value) {
			return invalidExpression(c.which, "Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", t.Value)
		}
	}
	return checkSizes(c.which, s, c.left, c.right)
}

func (c function) holds(s *scope) bool {
	left, right := s.of(c.left), s.of(c.right)
	if left == nil || right == nil {
		return false
	}
	switch c.name {
	case "begins_with":
		return beginsWith(left, right)
	case "attribute_type":
		t, ok := right.(*stringValue)
		return ok && t.Value == kind(left)
	default:
		return contains(left, right)
	}
}

func beginsWith(v, prefix value) bool {
	switch v := v.(type) {
	case *stringValue:
		p, ok := prefix.(*stringValue)
		return ok && strings.HasPrefix(v.Value, p.Value)
	case *binaryValue:
		p, ok := prefix.(*binaryValue)
		return ok && bytes.HasPrefix(v.Value, p.Value)
	}
	return false
}

func contains(v, part value) bool {
	switch v := v.(type) {
	case *stringValue:
		p, ok := part.(*stringValue)
		return ok && strings.Contains(v.Value, p.Value)
	case *binaryValue:
		p, ok := part.(*binaryValue)
		return ok && bytes.Contains(v.Value, p.Value)
	case *listValue:
		return slices.ContainsFunc(v.Value, func(m value) bool { return equal(m, part) })
	case *stringSetValue:
		p, ok := part.(*stringValue)
		return ok && slices.Contains(v.Value, p.Value)
	case *numberSetValue:
		p, ok := part.(*numberValue)
		return ok && member(v.Value, p.Value, compareNumbers)
	case *binarySetValue:
		p, ok := part.(*binaryValue)
		return ok && member(v.Value, p.Value, bytes.Compare)
	}
	return false
}

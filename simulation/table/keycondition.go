package table

import "strings"

// keyTest is one part of a key condition: an attribute against one value, or two
// for BETWEEN.
type keyTest struct {
	attribute attribute
	operator  string // of a comparison, "BETWEEN" or "begins_with"
	low, high string
}

// keyCondition reads one or more tests that are joined by AND.
func (p *parser) keyCondition() ([]keyTest, error) {
	var tests []keyTest
	for more := true; more; more = p.accept("AND") {
		next, err := p.keyTest()
		if err != nil {
			return nil, err
		}
		tests = append(tests, next)
	}
	return tests, nil
}

func (p *parser) keyTest() (keyTest, error) {
	if p.is("(") || p.is("NOT") || strings.HasPrefix(p.peek(), ":") {
		return keyTest{}, notModeled("a key condition that does not begin with an attribute")
	}
	if p.peek() == "begins_with" && p.ahead(1) == "(" {
		return p.beginsWith()
	}
	name, err := p.attribute()
	if err != nil {
		return keyTest{}, err
	}
	test := keyTest{attribute: name, operator: strings.ToUpper(p.peek())}
	switch test.operator {
	case "=", "<>", "<", "<=", ">", ">=":
		p.at++
		test.low, err = p.value()
		return test, err
	case "BETWEEN":
		p.at++
		if test.low, err = p.value(); err != nil {
			return test, err
		}
		if err := p.expect("AND"); err != nil {
			return test, err
		}
		test.high, err = p.value()
		return test, err
	case "IN":
		return test, notModeled("IN")
	}
	return test, p.syntax(p.peek())
}

func (p *parser) beginsWith() (keyTest, error) {
	test := keyTest{operator: p.peek()}
	p.at += 2
	var err error
	if test.attribute, err = p.attribute(); err != nil {
		return test, err
	}
	if err := p.expect(","); err != nil {
		return test, err
	}
	if test.low, err = p.value(); err != nil {
		return test, err
	}
	return test, p.expect(")")
}

// rangeCondition bounds the sort key. Without one, nil, every key is admitted.
type rangeCondition struct {
	operator  string
	low, high value // high of BETWEEN only
}

func (c *rangeCondition) admits(v value) bool {
	if c == nil {
		return true
	}
	if c.operator == "begins_with" {
		return strings.HasPrefix(v.(*stringValue).Value, c.low.(*stringValue).Value)
	}
	order, ok := compare(v, c.low)
	if c.operator == "BETWEEN" {
		above, also := compare(v, c.high)
		return ok && also && order >= 0 && above <= 0
	}
	return ok && ordered(c.operator, order)
}

func (c *rangeCondition) admitsKey(sk string) bool {
	return c == nil || c.admits(&stringValue{Value: sk})
}

// keys names the two attributes of a key and the type of the second. The first
// has type S.
type keys struct{ partition, sort, sortType string }

// plan takes a key condition apart into the partition that it names and the range
// of its sort key. Each of the two has at most one test.
func (k keys) plan(tests []keyTest, s *scope) (partition string, sort *rangeCondition, err error) {
	named := false
	for _, test := range tests {
		r := &rangeCondition{test.operator, s.values[test.low], s.values[test.high]}
		switch name := s.name(test.attribute); {
		case name == k.partition && !named && r.operator == "=":
			if err := k.check(r, name, "S"); err != nil {
				return "", nil, err
			}
			partition, named = r.low.(*stringValue).Value, true
		case name == k.sort && sort == nil && r.operator != "<>":
			if err := k.check(r, name, k.sortType); err != nil {
				return "", nil, err
			}
			sort = r
		default:
			return "", nil, invalid("Query key condition not supported")
		}
	}
	if !named {
		return "", nil, invalid("Query condition missed key schema element: %s", k.partition)
	}
	return partition, sort, nil
}

// check rejects values of another type than the key's, empty ones, and bounds in
// the wrong order.
func (k keys) check(r *rangeCondition, name, want string) error {
	if kind(r.low) != want || r.high != nil && kind(r.high) != want {
		return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
	}
	if s, ok := r.low.(*stringValue); ok && s.Value == "" {
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
	}
	if r.high == nil {
		return nil
	}
	if order, _ := compare(r.low, r.high); order > 0 {
		return invalidExpression("KeyConditionExpression", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}", want, want)
	}
	return nil
}

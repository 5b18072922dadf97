package table

import "strings"

// condition is true or false of an item. check reports what is wrong with it
// whatever the item, and is called first.
type condition interface {
	check(s *scope) error
	matches(s *scope) bool
}

type (
	both   struct{ left, right condition }
	either struct{ left, right condition }

	// comparison compares an attribute with a value of the request.
	comparison struct {
		attribute attribute
		operator  string
		value     string
	}

	// exists reports whether an attribute is there, or is not.
	exists struct {
		attribute attribute
		want      bool
	}
)

func (c both) check(s *scope) error    { return checkTwo(s, c.left, c.right) }
func (c both) matches(s *scope) bool   { return c.left.matches(s) && c.right.matches(s) }
func (c either) check(s *scope) error  { return checkTwo(s, c.left, c.right) }
func (c either) matches(s *scope) bool { return c.left.matches(s) || c.right.matches(s) }
func (c exists) check(*scope) error    { return nil }
func (c exists) matches(s *scope) bool { return (s.find(c.attribute) != nil) == c.want }

func checkTwo(s *scope, left, right condition) error {
	if err := left.check(s); err != nil {
		return err
	}
	return right.check(s)
}

// check rejects values that have no order.
func (c comparison) check(s *scope) error {
	switch v := s.values[c.value].(type) {
	case *stringValue, *numberValue, *binaryValue:
	default:
		if c.operator != "=" && c.operator != "<>" {
			return incorrectOperand("ConditionExpression", c.operator, v)
		}
	}
	return nil
}

func (c comparison) matches(s *scope) bool {
	left, right := s.find(c.attribute), s.values[c.value]
	switch {
	case c.operator == "<>":
		return left == nil || !equal(left, right)
	case left == nil:
		return false
	case c.operator == "=":
		return equal(left, right)
	}
	order, ok := compare(left, right)
	return ok && ordered(c.operator, order)
}

// ordered reports whether an order satisfies an operator.
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

func incorrectOperand(which, operator string, v value) error {
	return invalidExpression(which, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, kind(v))
}

// condition = conjunction { OR conjunction }
func (p *parser) condition() (condition, error) {
	left, err := p.conjunction()
	for err == nil && p.accept("OR") {
		var right condition
		if right, err = p.conjunction(); err == nil {
			left = either{left, right}
		}
	}
	return left, err
}

func (p *parser) conjunction() (condition, error) {
	left, err := p.test()
	for err == nil && p.accept("AND") {
		var right condition
		if right, err = p.test(); err == nil {
			left = both{left, right}
		}
	}
	return left, err
}

// test reads a condition in parentheses, a test of existence or a comparison.
func (p *parser) test() (condition, error) {
	switch {
	case p.is("NOT"):
		return nil, notModeled("NOT")
	case p.is("(") && (p.ahead(1) == "(" || p.ahead(2) == ")"):
		return nil, notModeled("parentheses around parentheses or operands") // some of which DynamoDB rejects
	case p.accept("("):
		inner, err := p.condition()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case p.ahead(1) == "(" && (p.peek() == "attribute_exists" || p.peek() == "attribute_not_exists"):
		return p.exists()
	case strings.HasPrefix(p.peek(), ":"):
		return nil, notModeled("a comparison that begins with a value")
	}
	return p.comparison()
}

func (p *parser) exists() (condition, error) {
	want := p.peek() == "attribute_exists"
	p.at += 2
	name, err := p.attribute()
	if err != nil {
		return nil, err
	}
	return exists{name, want}, p.expect(")")
}

func (p *parser) comparison() (condition, error) {
	name, err := p.attribute()
	if err != nil {
		return nil, err
	}
	operator := strings.ToUpper(p.peek())
	switch operator {
	case "=", "<>", "<", "<=", ">", ">=":
		p.at++
		v, err := p.value()
		return comparison{name, operator, v}, err
	case "BETWEEN", "IN":
		return nil, notModeled(operator + " in a condition")
	}
	return nil, p.syntax(p.peek())
}

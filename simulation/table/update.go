package table

import (
	"maps"
	"slices"
	"strings"
)

const updateExpression = "UpdateExpression"

// update is a parsed update expression.
type update struct {
	sets    []assignment
	removes []attribute
	adds    []assignment // of one value each
}

type assignment struct {
	target attribute
	sum    []term // one term, or two that are added
}

// term is an attribute or a value. With an attribute and a fallback it is
// if_not_exists.
type term struct {
	attribute attribute
	value     string
	fallback  *term
}

// update = { SET … | REMOVE … | ADD … }, each at most once
func (p *parser) update() (*update, error) {
	u := &update{}
	seen := map[string]bool{}
	for p.at < len(p.tokens) {
		section := strings.ToUpper(p.peek())
		if seen[section] {
			return nil, p.fail("The %q section can only be used once in an update expression;", section)
		}
		seen[section] = true
		var clause func(*update) error
		switch section {
		case "SET":
			clause = p.set
		case "REMOVE":
			clause = p.remove
		case "ADD":
			clause = p.add
		case "DELETE":
			return nil, notModeled("DELETE")
		default:
			return nil, p.syntax(p.peek())
		}
		p.at++
		for more := true; more; more = p.accept(",") {
			if err := clause(u); err != nil {
				return nil, err
			}
		}
	}
	return u, nil
}

// set reads: attribute = term [ "+" term ]
func (p *parser) set(u *update) error {
	target, err := p.attribute()
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	a := assignment{target: target}
	for more := true; more && len(a.sum) < 2; more = p.accept("+") {
		next, err := p.term()
		if err != nil {
			return err
		}
		a.sum = append(a.sum, next)
	}
	if p.is("-") {
		return notModeled("subtraction")
	}
	u.sets = append(u.sets, a)
	return nil
}

func (p *parser) remove(u *update) error {
	target, err := p.attribute()
	u.removes = append(u.removes, target)
	return err
}

func (p *parser) add(u *update) error {
	target, err := p.attribute()
	if err != nil {
		return err
	}
	v, err := p.value()
	u.adds = append(u.adds, assignment{target, []term{{value: v}}})
	return err
}

func (p *parser) term() (term, error) {
	if p.peek() != "if_not_exists" || p.ahead(1) != "(" {
		return p.operand()
	}
	p.at += 2
	name, err := p.attribute()
	if err != nil {
		return term{}, err
	}
	if err := p.expect(","); err != nil {
		return term{}, err
	}
	fallback, err := p.operand()
	if err != nil {
		return term{}, err
	}
	return term{attribute: name, fallback: &fallback}, p.expect(")")
}

func (p *parser) operand() (t term, err error) {
	switch {
	case p.is("("):
		return t, notModeled("parentheses in an update")
	case strings.HasPrefix(p.peek(), ":"):
		t.value, err = p.value()
	default:
		t.attribute, err = p.attribute()
	}
	return t, err
}

// targets calls yield with every attribute that the update changes.
func (u *update) targets(yield func(attribute) bool) {
	for _, a := range slices.Concat(u.sets, u.adds) {
		if !yield(a.target) {
			return
		}
	}
	for _, a := range u.removes {
		if !yield(a) {
			return
		}
	}
}

// check reports what is wrong with the update whatever the item.
func (u *update) check(s *scope) error {
	var room [32]string // saves an allocation
	names := room[:0]
	for a := range u.targets {
		name := s.name(a)
		if name == partitionAttribute || name == sortAttribute {
			return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
		if slices.Contains(names, name) {
			return invalidExpression(updateExpression, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", name, name)
		}
		names = append(names, name)
	}
	for _, a := range u.sets {
		if len(a.sum) == 2 {
			for _, t := range a.sum {
				if err := checkNumber(s, "+", t.value); err != nil {
					return err
				}
			}
		}
	}
	for _, a := range u.adds {
		if err := checkNumber(s, "ADD", a.sum[0].value); err != nil {
			return err
		}
	}
	return nil
}

// checkNumber rejects a value of the request that is not a number.
func checkNumber(s *scope, operator, placeholder string) error {
	if placeholder == "" {
		return nil // an attribute, which is only known with the item
	}
	if v := s.values[placeholder]; kind(v) != "N" {
		return incorrectOperand(updateExpression, operator, v)
	}
	return nil
}

// apply returns the item after the update. It reads every operand from the item
// as it was before.
func (u *update) apply(s *scope, key item) (item, error) {
	next := maps.Clone(s.item)
	if next == nil {
		next = maps.Clone(key)
	}
	for _, a := range u.sets {
		v, err := a.eval(s)
		if err != nil {
			return nil, err
		}
		next[s.name(a.target)] = v
	}
	for _, a := range u.adds {
		v := copyOf(s.values[a.sum[0].value])
		if old := s.find(a.target); old != nil {
			var err error
			if v, err = sum(old, v); err != nil {
				return nil, err
			}
		}
		next[s.name(a.target)] = v
	}
	for _, a := range u.removes {
		delete(next, s.name(a))
	}
	return next, nil
}

func (a assignment) eval(s *scope) (value, error) {
	v, err := a.sum[0].eval(s)
	if err != nil || len(a.sum) == 1 {
		return v, err
	}
	more, err := a.sum[1].eval(s)
	if err != nil {
		return nil, err
	}
	return sum(v, more)
}

func (t term) eval(s *scope) (value, error) {
	if t.value != "" {
		return copyOf(s.values[t.value]), nil
	}
	if v := s.find(t.attribute); v != nil {
		return v, nil
	}
	if t.fallback != nil {
		return t.fallback.eval(s)
	}
	return nil, invalid("The provided expression refers to an attribute that does not exist in the item")
}

func sum(a, b value) (value, error) {
	first, ok := a.(*numberValue)
	second, also := b.(*numberValue)
	if !ok || !also {
		return nil, invalid("An operand in the update expression has an incorrect data type")
	}
	return add(first, second)
}

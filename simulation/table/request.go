package table

import (
	"slices"
	"strings"
	"sync"
)

// texts are the expressions of one request; "" means none.
type texts struct {
	update, condition, key, projection string
}

// parsed holds the parsed expressions of all requests with the same texts: names
// and values are still placeholders.
type parsed struct {
	update     *update
	condition  condition
	key        []keyTest
	projection []attribute

	names, values []string // every placeholder, once
	err           error
}

// cache holds the parsed form of every text that was ever sent. There are as many
// as the program has calls.
var cache sync.Map // texts → *parsed

func parse(t texts) (*parsed, error) {
	if known, found := cache.Load(t); found {
		p := known.(*parsed)
		return p, p.err
	}
	p := &parsed{}
	p.err = p.read(t)
	cache.Store(t, p)
	return p, p.err
}

func (p *parsed) read(t texts) error {
	for _, one := range []struct {
		which, text string
		read        func(*parser) error
	}{
		{updateExpression, t.update, func(from *parser) (err error) { p.update, err = from.update(); return err }},
		{"ConditionExpression", t.condition, func(from *parser) (err error) { p.condition, err = from.condition(); return err }},
		{"KeyConditionExpression", t.key, func(from *parser) (err error) { p.key, err = from.keyCondition(); return err }},
		{"ProjectionExpression", t.projection, func(from *parser) (err error) { p.projection, err = from.projection(); return err }},
	} {
		if one.text == "" {
			continue
		}
		from, err := newParser(one.which, one.text)
		if err != nil {
			return err
		}
		if err := one.read(from); err != nil {
			return err
		}
		if err := from.end(); err != nil {
			return err
		}
		for _, name := range from.names {
			p.names = appendNew(p.names, name)
		}
		for _, v := range from.values {
			p.values = appendNew(p.values, v)
		}
	}
	return nil
}

// scope is what one request evaluates its expressions with.
type scope struct {
	item   item // nil when there is none
	names  map[string]string
	values item
}

// name returns an attribute's real name.
func (s *scope) name(a attribute) string {
	if a[0] == '#' {
		return s.names[string(a)]
	}
	return string(a)
}

// find returns the item's attribute, or nil.
func (s *scope) find(a attribute) value { return s.item[s.name(a)] }

// text returns an optional expression. One that is there and empty is an error.
func text(which string, s *string) (string, error) {
	if s == nil {
		return "", nil
	}
	if *s == "" {
		return "", invalidExpression(which, "The expression can not be empty;")
	}
	return *s, nil
}

// bind checks the expressions against the names and values of one request.
func (p *parsed) bind(names map[string]string, values item) (scope, error) {
	if err := p.bindNames(names); err != nil {
		return scope{}, err
	}
	if err := p.bindValues(values); err != nil {
		return scope{}, err
	}
	s := scope{names: names, values: values}
	if p.condition != nil {
		if err := p.condition.check(&s); err != nil {
			return scope{}, err
		}
	}
	if p.update != nil {
		return s, p.update.check(&s)
	}
	return s, nil
}

func (p *parsed) bindNames(names map[string]string) error {
	const what = "ExpressionAttributeNames"
	if names != nil && p.update == nil && p.condition == nil && p.key == nil && p.projection == nil {
		return invalid("%s can only be specified when using expressions", what)
	}
	if names != nil && len(names) == 0 {
		return invalid("%s must not be empty", what)
	}
	for _, name := range p.names {
		if _, found := names[name]; !found {
			return invalid("An expression attribute name used in the document path is not defined; attribute name: %s", name)
		}
	}
	if len(names) == len(p.names) {
		return nil
	}
	return unused(what, "#", p.names, names)
}

func (p *parsed) bindValues(values item) error {
	const what = "ExpressionAttributeValues"
	if values != nil && p.update == nil && p.condition == nil && p.key == nil {
		return invalid("%s can only be specified when using expressions", what)
	}
	if values != nil && len(values) == 0 {
		return invalid("%s must not be empty", what)
	}
	if err := checkValues(values); err != nil {
		return err
	}
	for _, v := range p.values {
		if _, found := values[v]; !found {
			return invalid("An expression attribute value used in expression is not defined; attribute value: %s", v)
		}
	}
	if len(values) == len(p.values) {
		return nil
	}
	return unused(what, ":", p.values, values)
}

// unused returns the error for placeholders that a request defines and no
// expression uses.
func unused[V any](what, sign string, used []string, given map[string]V) error {
	var surplus []string
	for name := range given {
		if !strings.HasPrefix(name, sign) || len(name) == 1 {
			return invalid("%s contains invalid key: Syntax error; key: %q", what, name)
		}
		if !slices.Contains(used, name) {
			surplus = append(surplus, name)
		}
	}
	slices.Sort(surplus)
	return invalid("Value provided in %s unused in expressions: keys: {%s}", what, strings.Join(surplus, ", "))
}

package table

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// update is a parsed update expression.
type update struct {
	sets    []assignment
	removes []path
	adds    []assignment
	deletes []assignment
}

type assignment struct {
	target path
	term   term
}

// term is an operand or, with an operator, a sum, a difference, if_not_exists or
// list_append of its two arguments.
type term struct {
	operand
	operator string
	args     []term
}

const updateExpression = "UpdateExpression"

func invalidUpdate(format string, args ...any) error {
	return invalidExpression(updateExpression, format, args...)
}

// targets calls yield with every path that the update changes.
func (u *update) targets(yield func(path) bool) {
	for _, all := range [][]assignment{u.sets, u.adds, u.deletes} {
		for _, a := range all {
			if !yield(a.target) {
				return
			}
		}
	}
	for _, p := range u.removes {
		if !yield(p) {
			return
		}
	}
}

// check finds what is wrong with the update whatever the item.
func (u *update) check(s *scope) error {
	// Nearly all updates change whole attributes, each once.
	var seen [32]string
	names, nested := seen[:0], false
	for p := range u.targets {
		name := s.name(p[0])
		if name == partitionAttribute || name == sortAttribute {
			return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
		nested = nested || len(p) > 1 || slices.Contains(names, name)
		names = append(names, name)
	}
	if nested {
		if err := u.checkOverlap(s); err != nil {
			return err
		}
	}
	for _, a := range u.sets {
		if err := a.term.check(s); err != nil {
			return err
		}
	}
	for _, a := range u.adds {
		switch v := s.given(a.term.operand).(type) {
		case *numberValue, *stringSetValue, *numberSetValue, *binarySetValue:
		default:
			return incorrectOperand(updateExpression, "ADD", v)
		}
	}
	for _, a := range u.deletes {
		switch v := s.given(a.term.operand).(type) {
		case *stringSetValue, *numberSetValue, *binarySetValue:
		default:
			return incorrectOperand(updateExpression, "DELETE", v)
		}
	}
	return nil
}

func (u *update) checkOverlap(s *scope) error {
	all := slices.Collect(u.targets)
	for i, a := range all {
		for _, b := range all[i+1:] {
			short, long := a, b
			if len(short) > len(long) {
				short, long = long, short
			}
			same, kinds := true, false
			for j := range short {
				if short[j].isIndex != long[j].isIndex {
					same, kinds = false, true
					break
				}
				if short[j].index != long[j].index || s.name(short[j]) != s.name(long[j]) {
					same = false
					break
				}
			}
			if same {
				return invalidUpdate("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", s.spell(a), s.spell(b))
			}
			if kinds {
				return invalidUpdate("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", s.spell(a), s.spell(b))
			}
		}
	}
	return nil
}

func (t term) check(s *scope) error {
	for _, arg := range t.args {
		if err := arg.check(s); err != nil {
			return err
		}
		v := s.given(arg.operand)
		if v == nil {
			continue
		}
		_, isNumber := v.(*numberValue)
		_, isList := v.(*listValue)
		if (t.operator == "+" || t.operator == "-") && !isNumber || t.operator == "list_append" && !isList {
			return incorrectOperand(updateExpression, t.operator, v)
		}
	}
	return nil
}

// apply returns the item after the update. Every operand is read from the item
// as it was before.
func (u *update) apply(s *scope, key item) (item, error) {
	next := maps.Clone(s.item)
	if next == nil {
		next = maps.Clone(key)
	}
	edits := edits{scope: s, item: next}
	for _, a := range u.sets {
		v, err := a.term.eval(s)
		if err != nil {
			return nil, err
		}
		if err := edits.put(a.target, v); err != nil {
			return nil, err
		}
	}
	for _, a := range u.adds {
		v, err := added(s.find(a.target), s.given(a.term.operand))
		if err != nil {
			return nil, err
		}
		if err := edits.put(a.target, v); err != nil {
			return nil, err
		}
	}
	for _, a := range u.deletes {
		var v value
		if old := s.find(a.target); old != nil {
			var err error
			if v, err = subtracted(old, s.given(a.term.operand)); err != nil {
				return nil, err
			}
		}
		var err error
		if v == nil {
			err = edits.remove(a.target)
		} else {
			err = edits.put(a.target, v)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, p := range u.removes {
		if err := edits.remove(p); err != nil {
			return nil, err
		}
	}
	edits.finish()
	return next, nil
}

func (t term) eval(s *scope) (value, error) {
	switch t.operator {
	case "":
		if v := s.given(t.operand); v != nil {
			return copyOf(v), nil
		}
		if v := s.of(t.operand); v != nil {
			return v, nil
		}
		return nil, invalid("The provided expression refers to an attribute that does not exist in the item")
	case "if_not_exists":
		if v := s.find(*t.args[0].path); v != nil {
			return v, nil
		}
		return t.args[1].eval(s)
	}
	left, err := t.args[0].eval(s)
	if err != nil {
		return nil, err
	}
	right, err := t.args[1].eval(s)
	if err != nil {
		return nil, err
	}
	if t.operator == "list_append" {
		first, ok := left.(*listValue)
		second, also := right.(*listValue)
		if !ok || !also {
			return nil, wrongType()
		}
		return &listValue{Value: slices.Concat(first.Value, second.Value)}, nil
	}
	first, ok := left.(*numberValue)
	second, also := right.(*numberValue)
	if !ok || !also {
		return nil, wrongType()
	}
	sum, err := addNumbers(first.Value, second.Value, t.operator == "-")
	return &numberValue{Value: sum}, err
}

func wrongType() error {
	return invalid("An operand in the update expression has an incorrect data type")
}

// added is what ADD makes of an attribute, which may be absent.
func added(old, more value) (value, error) {
	if old == nil {
		return copyOf(more), nil
	}
	switch old := old.(type) {
	case *numberValue:
		if more, ok := more.(*numberValue); ok {
			sum, err := addNumbers(old.Value, more.Value, false)
			return &numberValue{Value: sum}, err
		}
	case *stringSetValue:
		if more, ok := more.(*stringSetValue); ok {
			return copyOf(&stringSetValue{Value: union(old.Value, more.Value, strings.Compare)}), nil
		}
	case *numberSetValue:
		if more, ok := more.(*numberSetValue); ok {
			return copyOf(&numberSetValue{Value: union(old.Value, more.Value, compareNumbers)}), nil
		}
	case *binarySetValue:
		if more, ok := more.(*binarySetValue); ok {
			return copyOf(&binarySetValue{Value: union(old.Value, more.Value, bytes.Compare)}), nil
		}
	}
	return nil, wrongType()
}

// subtracted is what DELETE leaves of a set, nil if nothing.
func subtracted(old, less value) (value, error) {
	switch old := old.(type) {
	case *stringSetValue:
		if less, ok := less.(*stringSetValue); ok {
			if left := difference(old.Value, less.Value, strings.Compare); len(left) > 0 {
				return &stringSetValue{Value: left}, nil
			}
			return nil, nil
		}
	case *numberSetValue:
		if less, ok := less.(*numberSetValue); ok {
			if left := difference(old.Value, less.Value, compareNumbers); len(left) > 0 {
				return &numberSetValue{Value: left}, nil
			}
			return nil, nil
		}
	case *binarySetValue:
		if less, ok := less.(*binarySetValue); ok {
			if left := difference(old.Value, less.Value, bytes.Compare); len(left) > 0 {
				return &binarySetValue{Value: left}, nil
			}
			return nil, nil
		}
	}
	return nil, wrongType()
}

func union[T any](a, b []T, compare func(a, b T) int) []T {
	return append(difference(a, b, compare), b...)
}

func difference[T any](a, b []T, compare func(a, b T) int) []T {
	return slices.DeleteFunc(slices.Clone(a), func(m T) bool { return member(b, m, compare) })
}

// edits changes an item whose attributes it shares with older versions: what
// lies inside of one is copied on the way.
type edits struct {
	scope *scope
	item  item
	lists []listEdit
}

// listEdit waits until all are known, since places in a list are counted before
// any of them. A nil value removes.
type listEdit struct {
	list  *[]value
	index int
	value value
}

func invalidPath() error {
	return invalid("The document path provided in the update expression is invalid for update")
}

func (e *edits) put(p path, v value) error {
	if len(p) == 1 {
		e.item[e.scope.name(p[0])] = v
		return nil
	}
	return e.inside(p, v)
}

func (e *edits) remove(p path) error {
	if len(p) == 1 {
		delete(e.item, e.scope.name(p[0]))
		return nil
	}
	return e.inside(p, nil)
}

// inside puts v at the path, or removes what is there if v is nil.
func (e *edits) inside(p path, v value) error {
	name := e.scope.name(p[0])
	root, found := e.item[name]
	if !found {
		return invalidPath()
	}
	changed, err := e.rebuild(root, p[1:], v)
	if err == nil {
		e.item[name] = changed
	}
	return err
}

func (e *edits) rebuild(container value, p path, v value) (value, error) {
	switch container := container.(type) {
	case *mapValue:
		if p[0].isIndex {
			return nil, invalidPath()
		}
		copied, name := maps.Clone(container.Value), e.scope.name(p[0])
		if copied == nil {
			copied = item{}
		}
		switch {
		case len(p) > 1:
			inner, found := copied[name]
			if !found {
				return nil, invalidPath()
			}
			changed, err := e.rebuild(inner, p[1:], v)
			if err != nil {
				return nil, err
			}
			copied[name] = changed
		case v == nil:
			delete(copied, name)
		default:
			copied[name] = v
		}
		return &mapValue{Value: copied}, nil
	case *listValue:
		if !p[0].isIndex {
			return nil, invalidPath()
		}
		if len(p) > 1 && p[0].index >= len(container.Value) {
			return nil, invalidPath()
		}
		if len(p) == 1 {
			return e.later(container, p[0].index, v), nil
		}
		copied := &listValue{Value: slices.Clone(container.Value)}
		changed, err := e.rebuild(copied.Value[p[0].index], p[1:], v)
		if err != nil {
			return nil, err
		}
		copied.Value[p[0].index] = changed
		e.follow(container, copied)
		return copied, nil
	}
	return nil, invalidPath()
}

// later notes an edit of the list itself.
func (e *edits) later(list *listValue, index int, v value) value {
	if !slices.ContainsFunc(e.lists, func(l listEdit) bool { return l.list == &list.Value }) {
		list = &listValue{Value: slices.Clone(list.Value)}
	}
	e.lists = append(e.lists, listEdit{&list.Value, index, v})
	return list
}

// follow moves edits that wait for a list to its copy.
func (e *edits) follow(from, to *listValue) {
	for i := range e.lists {
		if e.lists[i].list == &from.Value {
			e.lists[i].list = &to.Value
		}
	}
}

// finish replaces list members, then adds new ones at the end, then removes.
func (e *edits) finish() {
	slices.SortStableFunc(e.lists, func(a, b listEdit) int { return a.index - b.index })
	for _, l := range e.lists {
		switch {
		case l.value == nil:
		case l.index < len(*l.list):
			(*l.list)[l.index] = l.value
		default:
			*l.list = append(*l.list, l.value)
		}
	}
	for _, l := range slices.Backward(e.lists) {
		if l.value == nil && l.index < len(*l.list) {
			*l.list = slices.Delete(*l.list, l.index, l.index+1)
		}
	}
}

package table

import (
	"slices"
	"strconv"
	"strings"
)

// What the service bounds an expression by.
const (
	maxExpressionBytes     = 4096
	maxExpressionOperators = 300
)

// parser reads one expression. Names and values stay placeholders, so that the
// result serves every request with the same text.
type parser struct {
	which     string // as messages call the expression
	tokens    []string
	at        int
	operators int
	names     []string // each placeholder once
	values    []string
}

func newParser(which, text string) (*parser, error) {
	p := &parser{which: which}
	if strings.TrimSpace(text) == "" {
		return nil, p.fail("The expression can not be empty;")
	}
	if len(text) > maxExpressionBytes {
		return nil, p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	for i := 0; i < len(text); {
		start := i
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '#' || c == ':' || wordByte(c):
			for i++; i < len(text) && wordByte(text[i]); {
				i++
			}
		case strings.IndexByte("()[],.=<>+-", c) >= 0:
			i++
			if c == '<' && i < len(text) && (text[i] == '=' || text[i] == '>') || c == '>' && i < len(text) && text[i] == '=' {
				i++
			}
		default:
			return nil, p.syntax(string(c))
		}
		p.tokens = append(p.tokens, text[start:i])
	}
	return p, nil
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func (p *parser) fail(format string, args ...any) error {
	return invalidExpression(p.which, format, args...)
}

func (p *parser) syntax(token string) error {
	if token == "" {
		token = "<EOF>"
	}
	return p.fail("Syntax error; token: %q", token)
}

func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

// is reports whether the next token is the keyword, in whichever case.
func (p *parser) is(keyword string) bool { return strings.EqualFold(p.peek(), keyword) }

func (p *parser) accept(token string) bool {
	if p.is(token) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(token string) error {
	if !p.accept(token) {
		return p.syntax(p.peek())
	}
	return nil
}

func (p *parser) end() error {
	if p.at < len(p.tokens) {
		return p.syntax(p.peek())
	}
	if p.operators > maxExpressionOperators {
		return p.fail("The expression contains more than %d operators", maxExpressionOperators)
	}
	return nil
}

// condition = conjunction { OR conjunction }
func (p *parser) condition() (condition, error) {
	left, err := p.conjunction()
	for err == nil && p.accept("OR") {
		p.operators++
		var right condition
		if right, err = p.conjunction(); err == nil {
			left = either{left, right}
		}
	}
	return left, err
}

func (p *parser) conjunction() (condition, error) {
	left, err := p.negation()
	for err == nil && p.accept("AND") {
		p.operators++
		var right condition
		if right, err = p.negation(); err == nil {
			left = both{left, right}
		}
	}
	return left, err
}

func (p *parser) negation() (condition, error) {
	if p.accept("NOT") {
		p.operators++
		inner, err := p.negation()
		return not{inner}, err
	}
	return p.test()
}

// test is a parenthesis, a function that is true or false, or a comparison.
func (p *parser) test() (condition, error) {
	if p.accept("(") {
		p.at--
		if left, ok := p.enclosedOperand(); ok {
			return p.comparison(left)
		}
		p.at++
		redundant := p.peek() == "("
		inner, err := p.condition()
		if err != nil {
			return nil, err
		}
		redundant = redundant && p.at >= 1 && p.tokens[p.at-1] == ")" && p.enclosed()
		if redundant && p.peek() == ")" {
			return nil, p.fail("The expression has redundant parentheses;")
		}
		return inner, p.expect(")")
	}
	if p.at+1 < len(p.tokens) && p.tokens[p.at+1] == "(" && p.peek() != "size" {
		return p.predicate()
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.comparison(left)
}

// enclosedOperand reads an operand in parentheses that is compared with
// something. If that is not what follows, it reads nothing.
func (p *parser) enclosedOperand() (operand, bool) {
	before := *p
	p.at++
	if o, err := p.operand(); err == nil && p.accept(")") {
		switch strings.ToUpper(p.peek()) {
		case "=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN":
			return o, true
		}
	}
	*p = before
	return operand{}, false
}

// enclosed reports whether the tokens since the parenthesis that was opened
// last, and not closed yet, are one parenthesis themselves.
func (p *parser) enclosed() bool {
	depth := 0
	for i := p.at - 1; i >= 0; i-- {
		switch p.tokens[i] {
		case ")":
			depth++
		case "(":
			depth--
			if depth == 0 {
				return i > 0 && p.tokens[i-1] == "(" && !(i > 1 && wordByte(p.tokens[i-2][0]) && !keyword(p.tokens[i-2]))
			}
		}
	}
	return false
}

func keyword(token string) bool {
	return slices.ContainsFunc([]string{"AND", "OR", "NOT"}, func(k string) bool { return strings.EqualFold(k, token) })
}

func (p *parser) comparison(left operand) (condition, error) {
	p.operators++
	operator := strings.ToUpper(p.peek())
	p.at++
	switch operator {
	case "=", "<>", "<", "<=", ">", ">=":
		right, err := p.operand()
		return comparison{p.which, operator, left, right}, err
	case "BETWEEN":
		low, err := p.operand()
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		high, err := p.operand()
		return between{p.which, left, low, high}, err
	case "IN":
		if err := p.expect("("); err != nil {
			return nil, err
		}
		all, err := p.list(p.operand)
		if err != nil {
			return nil, err
		}
		if len(all) > 100 {
			return nil, p.fail("The IN operator is provided with too many operands; number of operands: %d", len(all))
		}
		return oneOf{p.which, left, all}, p.expect(")")
	}
	p.at--
	return nil, p.syntax(p.peek())
}

func (p *parser) predicate() (condition, error) {
	name := p.peek()
	count, known := map[string]int{
		"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2,
	}[name]
	if !known {
		if name == "if_not_exists" || name == "list_append" {
			return nil, p.fail("The function is not allowed to be used this way in an expression; function: %s", name)
		}
		return nil, p.fail("Invalid function name; function: %s", name)
	}
	p.operators++
	p.at += 2
	args, err := p.list(p.operand)
	if err != nil {
		return nil, err
	}
	if len(args) != count {
		return nil, p.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	}
	if name == "attribute_exists" || name == "attribute_not_exists" {
		if args[0].path == nil {
			return nil, p.fail("Operator or function requires a document path; operator or function: %s", name)
		}
		return exists{*args[0].path, name == "attribute_exists"}, p.expect(")")
	}
	return function{p.which, name, args[0], args[1]}, p.expect(")")
}

func (p *parser) list(one func() (operand, error)) ([]operand, error) {
	var all []operand
	for {
		next, err := one()
		if err != nil {
			return nil, err
		}
		all = append(all, next)
		if !p.accept(",") {
			return all, nil
		}
	}
}

// operand is a path, a value or the size of a path.
func (p *parser) operand() (operand, error) {
	token := p.peek()
	switch {
	case strings.HasPrefix(token, ":") && len(token) > 1:
		p.at++
		p.values = appendNew(p.values, token)
		return operand{value: token}, nil
	case token == "size" && p.at+1 < len(p.tokens) && p.tokens[p.at+1] == "(":
		p.operators++
		p.at += 2
		inner, err := p.operand()
		if err != nil {
			return operand{}, err
		}
		return operand{size: &inner}, p.expect(")")
	}
	path, err := p.path()
	return operand{path: &path}, err
}

// path = name { "." name | "[" index "]" }
func (p *parser) path() (path, error) {
	first, err := p.name()
	if err != nil {
		return nil, err
	}
	parts := path{first}
	for {
		switch {
		case p.accept("."):
			next, err := p.name()
			if err != nil {
				return nil, err
			}
			parts = append(parts, next)
		case p.accept("["):
			index, err := strconv.Atoi(p.peek())
			if err != nil {
				return nil, p.syntax(p.peek())
			}
			p.at++
			parts = append(parts, part{index: index, isIndex: true})
			if err := p.expect("]"); err != nil {
				return nil, err
			}
		default:
			return parts, nil
		}
	}
}

func (p *parser) name() (part, error) {
	token := p.peek()
	switch {
	case strings.HasPrefix(token, "#") && len(token) > 1:
		p.names = appendNew(p.names, token)
	case token == "" || !wordByte(token[0]) || token[0] == '_' || token[0] >= '0' && token[0] <= '9':
		return part{}, p.syntax(token)
	case reserved(token):
		return part{}, p.fail("Attribute name is a reserved keyword; reserved keyword: %s", token)
	}
	p.at++
	return part{name: token, placeholder: token[0] == '#'}, nil
}

// update = { SET … | REMOVE … | ADD … | DELETE … }, each at most once
func (p *parser) update() (*update, error) {
	u := &update{}
	seen := map[string]bool{}
	for p.at < len(p.tokens) {
		section := strings.ToUpper(p.peek())
		if seen[section] {
			return nil, p.fail("The %q section can only be used once in an update expression;", section)
		}
		seen[section] = true
		p.at++
		var clause func() error
		switch section {
		case "SET":
			clause = func() error { return p.set(u) }
		case "REMOVE":
			clause = func() error {
				target, err := p.path()
				u.removes = append(u.removes, target)
				return err
			}
		case "ADD":
			clause = func() error { return p.change(&u.adds) }
		case "DELETE":
			clause = func() error { return p.change(&u.deletes) }
		default:
			p.at--
			return nil, p.syntax(p.peek())
		}
		for more := true; more; more = p.accept(",") {
			if err := clause(); err != nil {
				return nil, err
			}
		}
	}
	return u, nil
}

func (p *parser) set(u *update) error {
	target, err := p.path()
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	v, err := p.sum()
	u.sets = append(u.sets, assignment{target, v})
	return err
}

func (p *parser) change(all *[]assignment) error {
	target, err := p.path()
	if err != nil {
		return err
	}
	v, err := p.term()
	if err == nil && v.value == "" {
		return p.syntax(p.tokens[p.at-1])
	}
	*all = append(*all, assignment{target, v})
	return err
}

// sum = term [ ("+" | "-") term ]
func (p *parser) sum() (term, error) {
	left, err := p.term()
	if err != nil {
		return term{}, err
	}
	for _, operator := range []string{"+", "-"} {
		if p.accept(operator) {
			p.operators++
			right, err := p.term()
			return term{operator: operator, args: []term{left, right}}, err
		}
	}
	return left, nil
}

func (p *parser) term() (term, error) {
	if p.accept("(") {
		inner, err := p.sum()
		if err != nil {
			return term{}, err
		}
		return inner, p.expect(")")
	}
	name := p.peek()
	if p.at+1 < len(p.tokens) && p.tokens[p.at+1] == "(" && wordByte(name[0]) {
		if name != "if_not_exists" && name != "list_append" {
			return term{}, p.fail("Invalid function name; function: %s", name)
		}
		p.operators++
		p.at += 2
		return p.call(name)
	}
	o, err := p.operand()
	return term{operand: o}, err
}

// call reads the two arguments of a function whose name has been read.
func (p *parser) call(name string) (term, error) {
	left, err := p.sum()
	if err != nil {
		return term{}, err
	}
	if err := p.expect(","); err != nil {
		return term{}, err
	}
	right, err := p.sum()
	if err != nil {
		return term{}, err
	}
	if name == "if_not_exists" && left.path == nil {
		return term{}, p.fail("Operator or function requires a document path; operator or function: if_not_exists")
	}
	return term{operator: name, args: []term{left, right}}, p.expect(")")
}

func (p *parser) projection() ([]path, error) {
	var paths []path
	for more := true; more; more = p.accept(",") {
		next, err := p.path()
		if err != nil {
			return nil, err
		}
		paths = append(paths, next)
	}
	return paths, nil
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

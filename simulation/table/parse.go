package table

import (
	"slices"
	"strings"
)

// Limits of one expression. DynamoDB limits operators to 300; counting all tokens
// is simpler and stricter.
const (
	maxExpressionBytes  = 4096
	maxExpressionTokens = 300
)

// attribute is an attribute's name as an expression spells it: itself, or a
// placeholder that begins with #.
type attribute string

// parser reads one expression. Names and values remain placeholders, so that the
// result serves every request with the same text.
type parser struct {
	which  string // the expression's name in error messages
	tokens []string
	at     int
	names  []string // every placeholder for a name, once
	values []string // every placeholder for a value, once
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
	if len(p.tokens) > maxExpressionTokens {
		return nil, notModeled("expressions of more than 300 tokens")
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

// peek returns the next token, or "" at the end.
func (p *parser) peek() string { return p.ahead(0) }

// ahead returns the token that is n tokens after the next one, or "".
func (p *parser) ahead(n int) string {
	if p.at+n < len(p.tokens) {
		return p.tokens[p.at+n]
	}
	return ""
}

// is reports whether the next token is the keyword, in upper or lower case.
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
	return nil
}

// attribute reads the name of a whole attribute.
func (p *parser) attribute() (attribute, error) {
	token := p.peek()
	switch next := p.ahead(1); {
	case next == "." || next == "[":
		return "", notModeled("paths into attributes")
	case next == "(":
		return "", notModeled("the function " + token + " here")
	case strings.HasPrefix(token, "#") && len(token) > 1:
		p.names = appendNew(p.names, token)
	case token == "" || !wordByte(token[0]) || token[0] == '_' || token[0] >= '0' && token[0] <= '9':
		return "", p.syntax(token)
	case reserved(token):
		return "", p.fail("Attribute name is a reserved keyword; reserved keyword: %s", token)
	}
	p.at++
	return attribute(token), nil
}

// value reads a placeholder for a value.
func (p *parser) value() (string, error) {
	token := p.peek()
	if token != "" && (token[0] == '#' || token[0] == '(' || wordByte(token[0])) {
		return "", notModeled("the operand " + token + " here: only a value")
	}
	if !strings.HasPrefix(token, ":") || len(token) == 1 {
		return "", p.syntax(token)
	}
	p.at++
	p.values = appendNew(p.values, token)
	return token, nil
}

// projection reads a list of attributes.
func (p *parser) projection() ([]attribute, error) {
	var all []attribute
	for more := true; more; more = p.accept(",") {
		next, err := p.attribute()
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	return all, nil
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

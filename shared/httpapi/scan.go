package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	// maxDepth is how deep a body may nest. The deepest valid body has 5 levels.
	maxDepth = 16

	// maxNumber is the maximum length of a number in characters. A short number with
	// a huge exponent would take gigabytes to compare.
	maxNumber = 32
)

// scan reads the body token by token. It returns an error if the body is not JSON,
// and a fault for each duplicate name in an object, for nesting that is too deep and
// for numbers of unreasonable size.
func scan(raw []byte) ([]inquiry.Fault, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	var (
		faults []inquiry.Fault
		names  []map[string]bool // names seen so far in each open object; nil for an array
	)
	fail := func(code, message string) {
		faults = append(faults, inquiry.Fault{Pointer: string(decoder.StackPointer()), Index: -1, Code: code, Message: message})
	}
	for {
		token, err := decoder.ReadToken()
		if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
			return nil, errors.New("it starts with a byte order mark; save it as UTF-8 without one")
		}
		if err != nil {
			return nil, errors.New(syntaxFault(err, decoder.InputOffset()))
		}
		switch token.Kind() {
		case '{':
			names = append(names, map[string]bool{})
		case '[':
			names = append(names, nil)
		case '}', ']':
			names = names[:len(names)-1]
		case '0':
			if _, err := strconv.ParseFloat(token.String(), 64); err != nil || len(token.String()) > maxNumber {
				fail(codeBadNumber, "use a plain number of reasonable size")
			}
		case '"':
			if seen := names[max(len(names)-1, 0):]; len(seen) == 1 && seen[0] != nil {
				// In an object, names and values alternate; a name comes at an odd position.
				if _, position := decoder.StackIndex(decoder.StackDepth()); position%2 == 1 {
					if name := token.String(); seen[0][name] {
						fail("duplicate-name", "the object has this name twice; remove one of them")
					} else {
						seen[0][name] = true
					}
				}
			}
		}
		if len(names) > maxDepth {
			fail(codeTooDeep, fmt.Sprintf("a body can nest at most %d levels", maxDepth))
			return faults, nil
		}
		if len(names) == 0 { // the body's only value is complete
			if rest := bytes.TrimLeft(raw[decoder.InputOffset():], " \t\r\n"); len(rest) > 0 {
				return nil, fmt.Errorf("there is more text after the JSON value, at byte %d", len(raw)-len(rest))
			}
			return faults, nil
		}
	}
}

// syntaxFault describes where a body stops being valid JSON, without quoting it.
func syntaxFault(err error, offset int64) string {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = syntactic.ByteOffset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return "there is an error at byte " + strconv.FormatInt(offset, 10)
}

// withoutNulls removes members that are null: many clients send null for an absent
// field.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(member)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

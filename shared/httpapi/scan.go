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

	// maxValues is how many values an inquiry may contain, and the body outside its list.
	// The largest valid inquiry has 153. Without this limit, 5 MiB of tiny values would
	// take gigabytes to check.
	maxValues = 200
)

// scanned is what scan found in a body.
type scanned struct {
	faults []inquiry.Fault

	// stopped means that the rest of the body was not read, so it must not be used.
	stopped bool

	body   []byte // the body without the elements of its list that are beyond the limit
	length int    // of the list, including these elements
}

// scan reads a body token by token and builds nothing from it, so that whatever follows
// only gets a body of reasonable size. It returns an error if the body is not JSON. It
// finds duplicate names in an object and numbers of unreasonable size. It stops at
// nesting that is too deep, at too many values, and when there are more faults than an
// answer lists.
//
// list points to the body's list, and most is how many of its elements are read. A body
// without a list has "".
func scan(raw []byte, list jsontext.Pointer, most int) (scanned, error) {
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return scanned{}, errors.New("it starts with a byte order mark; save it as UTF-8 without one")
	}
	s := &scanner{
		raw: raw, list: list, most: most,
		decoder: jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true)),
	}
	for !s.stopped {
		end, err := s.next()
		if err != nil {
			return scanned{}, errors.New(syntaxFault(err, s.decoder.InputOffset()))
		}
		if !end {
			continue
		}
		if rest := bytes.TrimLeft(raw[s.decoder.InputOffset():], " \t\r\n"); len(rest) > 0 {
			return scanned{}, fmt.Errorf("there is more text after the JSON value, at byte %d", len(raw)-len(rest))
		}
		break
	}
	if s.body = raw; s.from > 0 {
		s.body = append(s.kept, raw[s.from:]...)
	}
	return s.scanned, nil
}

// scanner is the state of one scan.
type scanner struct {
	scanned
	raw     []byte
	decoder *jsontext.Decoder
	list    jsontext.Pointer
	most    int

	names  []map[string]bool // names seen so far in each open object; nil for an array
	inList bool
	inside int // values in the current element of the list
	beside int // values outside the list

	kept []byte // the parts of raw before what was left out
	from int    // where raw continues after that
}

// next reads one token. end is true after the last one.
func (s *scanner) next() (end bool, err error) {
	if s.inList && len(s.names) == 2 {
		if err := s.nextElement(); err != nil {
			return false, err
		}
	}
	token, err := s.decoder.ReadToken()
	if err != nil {
		return false, err
	}
	switch token.Kind() {
	case '{':
		s.names = append(s.names, map[string]bool{})
	case '[':
		s.names = append(s.names, nil)
		s.inList = s.inList || len(s.names) == 2 && s.decoder.StackPointer() == s.list
	case '}', ']':
		s.names = s.names[:len(s.names)-1]
		s.inList = s.inList && len(s.names) > 1
		return len(s.names) == 0, nil
	case '0':
		if _, err := strconv.ParseFloat(token.String(), 64); err != nil || len(token.String()) > maxNumber {
			s.fail(codeBadNumber, "use a plain number of reasonable size")
		}
	case '"':
		if s.name(token) {
			return false, nil
		}
	}
	s.count()
	if len(s.names) > maxDepth {
		s.fail(codeTooDeep, fmt.Sprintf("a body can nest at most %d levels", maxDepth))
		s.stopped = true
	}
	return len(s.names) == 0, nil
}

// nextElement begins the next element of the list. It leaves out of the body what is
// beyond the limit.
func (s *scanner) nextElement() error {
	if s.inside = 0; s.decoder.PeekKind() == ']' {
		return nil
	}
	if s.length++; s.length <= s.most {
		return nil
	}
	start := int(s.decoder.InputOffset())
	for s.length--; s.decoder.PeekKind() != ']'; s.length++ {
		if err := s.decoder.SkipValue(); err != nil {
			return err
		}
	}
	s.kept, s.from = append(s.kept, s.raw[s.from:start]...), int(s.decoder.InputOffset())
	return nil
}

// name reports whether the text is a name in an object, where names and values
// alternate. It remembers the name.
func (s *scanner) name(token jsontext.Token) bool {
	if len(s.names) == 0 || s.names[len(s.names)-1] == nil {
		return false
	}
	if _, position := s.decoder.StackIndex(s.decoder.StackDepth()); position%2 == 0 {
		return false
	}
	seen, name := s.names[len(s.names)-1], token.String()
	if seen[name] {
		s.fail("duplicate-name", "the object has this name twice; remove one of them")
	}
	seen[name] = true
	return true
}

// count counts a value, and stops the scan if there are too many.
func (s *scanner) count() {
	values := &s.beside
	if s.inList {
		values = &s.inside
	}
	if *values++; *values > maxValues {
		s.failAt(s.decoder.StackPointer().Parent(), codeTooMany, fmt.Sprintf("there are too many values here; the whole can have at most %d", maxValues))
		s.stopped = true
	}
}

func (s *scanner) fail(code, message string) { s.failAt(s.decoder.StackPointer(), code, message) }

func (s *scanner) failAt(pointer jsontext.Pointer, code, message string) {
	s.faults = append(s.faults, inquiry.Fault{Pointer: string(pointer), Index: -1, Code: code, Message: message})
	s.stopped = s.stopped || len(s.faults) > maxFaults
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

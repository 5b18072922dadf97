package httpapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	// maxBody is the most bytes that a request body may have.
	maxBody = 5 << 20

	// maxDepth is how deep a body may nest; the deepest that means anything is 5.
	maxDepth = 16

	// maxNumber is how many characters a number may have: a short number with a
	// huge exponent would cost gigabytes to compare.
	maxNumber = 32
)

// submission is a request body that passed every check.
type submission struct {
	name         string
	metadata     map[string]string
	inquiries    []inquiry.Inquiry
	skip         bool // faulty inquiries are rejected one by one
	validateOnly bool
	fingerprint  [sha256.Size]byte

	// faults are those of rejected inquiries and, with validateOnly, all others.
	faults []inquiry.Fault
}

// rejected is how many inquiries have faults.
func (s submission) rejected() int {
	indexes := map[int]bool{}
	for _, f := range s.faults {
		if f.Index >= 0 {
			indexes[f.Index] = true
		}
	}
	return len(indexes)
}

// bodyReader checks and reads the body of a submission.
type bodyReader struct {
	schema *jsonschema.Schema
	now    func() time.Time
}

// newBodyReader compiles the body's schema out of the API's own document, so
// that the two cannot differ. It panics if that fails, for both are our own.
func newBodyReader(document *huma.OpenAPI, name string, now func() time.Time) *bodyReader {
	schema, err := compileSchema(document, name)
	if err != nil {
		panic(fmt.Sprintf("httpapi: schema %s does not compile: %v", name, err))
	}
	return &bodyReader{schema: schema, now: now}
}

func compileSchema(document *huma.OpenAPI, name string) (*jsonschema.Schema, error) {
	raw, err := json.Marshal(map[string]any{"components": document.Components})
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("urn:openapi", doc); err != nil {
		return nil, err
	}
	return compiler.Compile("urn:openapi#/components/schemas/" + name)
}

// read returns the submission in raw, or a *inquiry.ValidationError that lists
// everything wrong with it, or a *Problem when it cannot be read as JSON at all.
// A submission that is only to be validated is returned with its faults.
func (b *bodyReader) read(raw []byte, batchMax int) (submission, error) {
	var body SubmitBody
	faults, err := b.decode(raw, &body)
	if err != nil {
		return submission{}, err
	}
	sub := submission{
		name: strings.TrimSpace(body.Name), metadata: body.Metadata,
		skip: body.OnInvalid == "skip" && !has(faults, codeBadNumber), validateOnly: body.ValidateOnly,
	}
	for _, in := range body.Inquiries {
		sub.inquiries = append(sub.inquiries, in.inquiry().Normalize())
	}
	sub.faults = tidy(append(faults, b.rules(sub, body, batchMax)...), sub.inquiries)
	if sub.validateOnly {
		return sub, nil
	}
	if sub.fingerprint, err = sub.digest(raw); err != nil {
		return submission{}, err
	}
	if len(sub.faults) > 0 && !sub.reject() {
		return submission{}, &inquiry.ValidationError{Faults: sub.faults}
	}
	return sub, nil
}

// decode reads a body of the reader's schema into body and returns every fault
// that JSON and the schema know of.
func (b *bodyReader) decode(raw []byte, body any) ([]inquiry.Fault, error) {
	faults, err := scan(raw)
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "malformed", "The body is not valid JSON: "+err.Error()+".")
	}
	if has(faults, codeTooDeep) {
		return nil, &inquiry.ValidationError{Faults: faults}
	}
	if !has(faults, codeBadNumber) { // which the schema's arithmetic must not see
		var tree any
		if err := json.Unmarshal(raw, &tree); err != nil {
			return nil, err // scan has read it, so this is ours
		}
		faults = append(faults, b.shape(withoutNulls(tree))...)
	}
	// A value of the wrong type is in faults already; the rest is still read,
	// so that its faults are listed in the same answer.
	if err := json.Unmarshal(raw, body); err != nil {
		if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); !wrongType {
			return nil, err
		}
	}
	return faults, nil
}

func has(faults []inquiry.Fault, code string) bool {
	return slices.ContainsFunc(faults, func(f inquiry.Fault) bool { return f.Code == code })
}

// digest tells this submission from others under the same idempotency key. Of an
// inquiry in order, all that was sent has been read. One with faults may have
// members that were not, so it counts as it was sent, and with what was found.
func (s submission) digest(raw []byte) ([sha256.Size]byte, error) {
	content := map[string]any{"name": s.name, "inquiries": s.inquiries}
	if len(s.metadata) > 0 {
		content["metadata"] = s.metadata
	}
	if s.skip {
		content["onInvalid"] = "skip"
	}
	if s.skip && len(s.faults) > 0 {
		content["faulty"], content["faults"] = s.faulty(raw)
	}
	canonical, err := json.Marshal(content)
	return sha256.Sum256(canonical), err
}

// faulty returns the inquiries with faults as they are in the body, by position,
// and what the faults are.
func (s submission) faulty(raw []byte) (sent map[int]any, faults []string) {
	var body struct {
		Inquiries []any `json:"inquiries"`
	}
	_ = json.Unmarshal(raw, &body) // without a list of inquiries, the faults alone tell
	sent = map[int]any{}
	for _, f := range s.faults {
		faults = append(faults, f.Pointer+" "+f.Code)
		if f.Index >= 0 && f.Index < len(body.Inquiries) && sent[f.Index] == nil {
			sent[f.Index] = withoutNulls(body.Inquiries[f.Index])
		}
	}
	return sent, faults
}

// reject rejects the inquiries that have faults, if the submission asks for that
// and is otherwise in order; ok is false when it has to be refused as a whole.
func (s *submission) reject() (ok bool) {
	outside := slices.ContainsFunc(s.faults, func(f inquiry.Fault) bool { return f.Index < 0 })
	if !s.skip || outside || s.rejected() == len(s.inquiries) {
		return false
	}
	for rest := s.faults; len(rest) > 0; { // sorted by inquiry
		index, n := rest[0].Index, 1
		for n < len(rest) && rest[n].Index == index {
			n++
		}
		s.inquiries[index] = s.inquiries[index].Reject(rest[:n])
		rest = rest[n:]
	}
	return true
}

// rules checks what a schema cannot state.
func (b *bodyReader) rules(sub submission, body SubmitBody, batchMax int) []inquiry.Fault {
	faults := inquiry.Check(sub.inquiries, b.now())
	if body.Name != "" && sub.name == "" {
		faults = append(faults, inquiry.Fault{Pointer: "/name", Index: -1, Code: "required", Message: "give the batch a name"})
	}
	if code, message := inquiry.CheckText(sub.name); code != "" {
		faults = append(faults, inquiry.Fault{Pointer: "/name", Index: -1, Code: code, Message: message})
	}
	faults = append(faults, inquiry.CheckMetadata(sub.metadata)...)
	if n := len(sub.inquiries); n > batchMax {
		faults = append(faults, inquiry.Fault{Pointer: "/inquiries", Index: -1, Code: "too-many",
			Message: fmt.Sprintf("there are %d inquiries; your limit is %d in one batch", n, batchMax)})
	}
	return faults
}

const (
	codeTooDeep   = "too-deep"
	codeBadNumber = "bad-number"
	codeType      = "type"
)

// scan reads the body token by token. It returns an error for what is not JSON
// and a fault for each name that an object has twice, for what nests too deep
// and for numbers that are out of all proportion.
func scan(raw []byte) ([]inquiry.Fault, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	var (
		faults []inquiry.Fault
		names  []map[string]bool // names seen so far in each open object, nil in an array
	)
	fail := func(code, message string) {
		faults = append(faults, inquiry.Fault{Pointer: string(decoder.StackPointer()), Index: -1, Code: code, Message: message})
	}
	for {
		token, err := decoder.ReadToken()
		if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
			return nil, errors.New("it begins with a byte order mark; save it as UTF-8 without one")
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
						fail("duplicate-name", "the object has this name twice; remove one")
					} else {
						seen[0][name] = true
					}
				}
			}
		}
		if len(names) > maxDepth {
			fail(codeTooDeep, fmt.Sprintf("a body nests at most %d levels", maxDepth))
			return faults, nil
		}
		if len(names) == 0 { // the one value that a body has is complete
			if rest := bytes.TrimLeft(raw[decoder.InputOffset():], " \t\r\n"); len(rest) > 0 {
				return nil, fmt.Errorf("more follows after its one value, at byte %d", len(raw)-len(rest))
			}
			return faults, nil
		}
	}
}

// syntaxFault says where a body stops being JSON, without quoting it.
func syntaxFault(err error, offset int64) string {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = syntactic.ByteOffset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return "it breaks off at byte " + strconv.FormatInt(offset, 10)
}

// withoutNulls removes members that are null: many clients send null for a
// field that they leave out.
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

// shape lists every breach of the schema.
func (b *bodyReader) shape(tree any) []inquiry.Fault {
	breach, ok := errors.AsType[*jsonschema.ValidationError](b.schema.Validate(tree))
	if !ok {
		return nil
	}
	var faults []inquiry.Fault
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			faults = append(faults, faultsOf(e)...)
		}
	}
	walk(breach)
	return faults
}

// faultsOf turns one breach into faults. A breach knows the value that caused
// it; none of that is used.
func faultsOf(e *jsonschema.ValidationError) []inquiry.Fault {
	var pointer strings.Builder
	for _, step := range e.InstanceLocation {
		pointer.WriteString("/" + inquiry.EscapePointer(step))
	}
	one := func(code, format string, args ...any) []inquiry.Fault {
		return []inquiry.Fault{{Pointer: pointer.String(), Index: -1, Code: code, Message: fmt.Sprintf(format, args...)}}
	}
	each := func(names []string, code, message string) []inquiry.Fault {
		var list []inquiry.Fault
		for _, name := range names {
			list = append(list, inquiry.Fault{Pointer: pointer.String() + "/" + inquiry.EscapePointer(name), Index: -1, Code: code, Message: message})
		}
		return list
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, "required", "this field is required")
	case *kind.AdditionalProperties:
		return each(k.Properties, "unknown-field", "there is no such field; remove it or correct its name")
	case *kind.Type:
		return one(codeType, "must be of type %s", strings.Join(k.Want, " or "))
	case *kind.MinLength:
		return one("too-short", "at least %d characters", k.Want)
	case *kind.MaxLength:
		return one("too-long", "at most %d characters", k.Want)
	case *kind.MinItems:
		return one("too-few", "at least %d", k.Want)
	case *kind.MaxItems:
		return one("too-many", "at most %d", k.Want)
	case *kind.MaxProperties:
		return one("too-many", "at most %d", k.Want)
	case *kind.Minimum:
		return one("out-of-range", "at least %s", k.Want.RatString())
	case *kind.Maximum:
		return one("out-of-range", "at most %s", k.Want.RatString())
	case *kind.Pattern:
		field := ""
		if n := len(e.InstanceLocation); n > 0 {
			field = e.InstanceLocation[n-1]
		}
		return one("form", "%s", cmp.Or(hints[field], "the form is not the one that this field has"))
	default:
		return one("invalid", "the value is not allowed here")
	}
}

// tidy adds each fault's inquiry, sorts by place in the body, and drops what is
// said twice about one place or about the inside of a value of the wrong type.
func tidy(faults []inquiry.Fault, inquiries []inquiry.Inquiry) []inquiry.Fault {
	for i, f := range faults {
		rest, ok := strings.CutPrefix(f.Pointer, "/inquiries/")
		position, _, _ := strings.Cut(rest, "/")
		index, err := strconv.Atoi(position)
		faults[i].Index = -1
		if ok && err == nil && index < len(inquiries) {
			faults[i].Index, faults[i].ExternalID = index, inquiries[index].ValidExternalID()
		}
	}
	slices.SortStableFunc(faults, func(a, b inquiry.Fault) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Pointer, b.Pointer))
	})
	kept := faults[:0]
	for _, f := range faults {
		if n := len(kept); n > 0 {
			last := kept[n-1]
			if f.Pointer == last.Pointer || last.Code == codeType && strings.HasPrefix(f.Pointer, last.Pointer+"/") {
				continue
			}
		}
		kept = append(kept, f)
	}
	return kept
}

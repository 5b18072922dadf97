package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// bodyReader checks and reads JSON bodies of one type.
type bodyReader struct {
	schema *jsonschema.Schema
	now    func() time.Time
}

// newBodyReader compiles the schema of Body from the API's own document, so the check
// and the document cannot differ. It panics if that fails: both are part of the
// program.
func newBodyReader[Body any](document *huma.OpenAPI, now func() time.Time) *bodyReader {
	ref := document.Components.Schemas.Schema(reflect.TypeFor[Body](), true, "").Ref
	schema, err := compileSchema(document, ref)
	if err != nil {
		panic(fmt.Sprintf("httpapi: schema %s does not compile: %v", ref, err))
	}
	return &bodyReader{schema: schema, now: now}
}

func compileSchema(document *huma.OpenAPI, ref string) (*jsonschema.Schema, error) {
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
	return compiler.Compile("urn:openapi" + ref)
}

// read returns the submission in raw. If it is invalid, the error is an
// *inquiry.ValidationError that lists everything wrong with it, or a *Problem if raw
// is not JSON. A submission that is only to be validated is returned with its faults.
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

// decode parses a body into the value that body points to, and returns every fault
// that JSON and the schema reveal.
func (b *bodyReader) decode(raw []byte, body any) ([]inquiry.Fault, error) {
	faults, err := scan(raw)
	if err != nil {
		return nil, notJSON(err)
	}
	if has(faults, codeTooDeep) {
		return nil, &inquiry.ValidationError{Faults: faults}
	}
	if !has(faults, codeBadNumber) { // the schema's arithmetic must not see one
		var tree any
		if err := json.Unmarshal(raw, &tree); err != nil {
			return nil, err // scan accepted it, so this is our own error
		}
		faults = append(faults, b.shape(withoutNulls(tree))...)
	}
	// A value of the wrong type is already among the faults. The rest is still read,
	// so that one answer lists all faults.
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

// notJSON is the problem of a body that scan rejected.
func notJSON(err error) *Problem {
	return newProblem(problem.Malformed, "The body is not valid JSON: "+err.Error()+".")
}

// rules checks what a schema cannot express.
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
			Message: fmt.Sprintf("there are %d inquiries, but your limit is %d in one batch", n, batchMax)})
	}
	return faults
}

// Codes of faults that are used in more than one place.
const (
	codeTooDeep   = "too-deep"
	codeBadNumber = "bad-number"
	codeType      = "type"
	codeInvalid   = "invalid"
)

// shape lists every violation of the schema.
func (b *bodyReader) shape(tree any) []inquiry.Fault {
	violation, ok := errors.AsType[*jsonschema.ValidationError](b.schema.Validate(tree))
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
	walk(violation)
	return faults
}

// faultsOf turns one schema violation into faults. It does not repeat the value, which
// may be personal data.
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
		return each(k.Properties, "unknown-field", "this field does not exist; remove it or correct its name")
	case *kind.Type:
		return one(codeType, "must be of type %s", strings.Join(k.Want, " or "))
	case *kind.MinLength:
		return one("too-short", "must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return one("too-long", "must have at most %d characters", k.Want)
	case *kind.MinItems:
		return one("too-few", "must have at least %d", k.Want)
	case *kind.MaxItems:
		return one("too-many", "must have at most %d", k.Want)
	case *kind.MaxProperties:
		return one("too-many", "must have at most %d", k.Want)
	case *kind.Minimum:
		return one("out-of-range", "must be at least %s", k.Want.RatString())
	case *kind.Maximum:
		return one("out-of-range", "must be at most %s", k.Want.RatString())
	case *kind.Pattern:
		field := ""
		if n := len(e.InstanceLocation); n > 0 {
			field = e.InstanceLocation[n-1]
		}
		return one("form", "%s", cmp.Or(hints[field], "the value does not have the required format"))
	default:
		return one(codeInvalid, "this value is not allowed here")
	}
}

// tidy adds each fault's inquiry, sorts the faults by position in the body, and drops
// a second fault at the same place and any fault inside a value of the wrong type.
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

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
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// bodyReader checks and reads JSON bodies of one type.
type bodyReader struct {
	list    string             // name of the body's list
	schema  *jsonschema.Schema // of everything but the elements of the list
	element *jsonschema.Schema // of each of them
	longest int                // of the list, by the schema
	now     func() time.Time
}

// newBodyReader compiles the schema of Body from the API's own document, so the check
// and the document cannot differ. It panics if that fails: both are part of the
// program.
//
// The elements of the list are checked one by one: the memory that the check takes for
// all violations at once would be a hundred times that of the body.
func newBodyReader[Body any](document *huma.OpenAPI, list string, now func() time.Time) *bodyReader {
	ref := document.Components.Schemas.Schema(reflect.TypeFor[Body](), true, "").Ref
	schema, err := compileSchema(document, ref)
	if err != nil {
		panic(fmt.Sprintf("httpapi: schema %s does not compile: %v", ref, err))
	}
	elements := schema.Properties[list]
	b := &bodyReader{list: list, schema: schema, element: elements.Items2020, longest: *elements.MaxItems, now: now}
	elements.Items2020 = nil
	return b
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
// If there are more than batchMax inquiries, only the first are read, and the others are
// counted.
func (b *bodyReader) read(raw []byte, batchMax int) (submission, error) {
	var body SubmitBody
	found, err := b.decode(raw, &body, batchMax)
	if err != nil {
		return submission{}, err
	}
	sub := submission{
		total: found.length,
		name:  strings.TrimSpace(body.Name), metadata: body.Metadata,
		skip: body.OnInvalid == "skip" && !has(found.faults, codeBadNumber), validateOnly: body.ValidateOnly,
	}
	for _, in := range body.Inquiries {
		sub.inquiries = append(sub.inquiries, in.inquiry().Normalize())
	}
	sub.faults = tidy(append(found.faults, b.rules(sub, body, batchMax)...), sub.inquiries)
	if sub.validateOnly {
		return sub, nil
	}
	if sub.fingerprint, err = sub.digest(found.body); err != nil {
		return submission{}, err
	}
	if len(sub.faults) > 0 && !sub.reject() {
		return submission{}, &inquiry.ValidationError{Faults: sub.faults}
	}
	return sub, nil
}

// decode parses a body into the value that body points to, with at most this many
// elements of its list. It returns what scan found, with every fault that the schema
// reveals.
func (b *bodyReader) decode(raw []byte, body any, most int) (scanned, error) {
	found, err := scan(raw, jsontext.Pointer("/"+b.list), most)
	if err != nil {
		return scanned{}, notJSON(err)
	}
	if found.stopped {
		return scanned{}, &inquiry.ValidationError{Faults: tidy(found.faults, nil)}
	}
	if !has(found.faults, codeBadNumber) { // the schema's arithmetic must not see one
		var tree any
		if err := json.Unmarshal(found.body, &tree); err != nil {
			return scanned{}, err // scan accepted it, so this is our own error
		}
		found.faults = append(found.faults, b.shape(withoutNulls(tree))...)
	}
	// A value of the wrong type is already among the faults. The rest is still read,
	// so that one answer lists all faults.
	if err := json.Unmarshal(found.body, body); err != nil {
		if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); !wrongType {
			return scanned{}, err
		}
	}
	return found, nil
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
	if sub.total > batchMax {
		faults = append(faults, inquiry.Fault{Pointer: "/inquiries", Index: -1, Code: codeTooMany,
			Message: fmt.Sprintf("there are %d inquiries, but your limit is %d in one batch", sub.total, batchMax)})
	}
	return faults
}

// Codes of faults that are used in more than one place.
const (
	codeTooDeep   = "too-deep"
	codeBadNumber = "bad-number"
	codeType      = "type"
	codeInvalid   = "invalid"
	codeTooMany   = "too-many"
)

// shape lists every violation of the schema.
func (b *bodyReader) shape(tree any) []inquiry.Fault {
	faults := violations(b.schema, tree, "")
	object, _ := tree.(map[string]any)
	elements, _ := object[b.list].([]any)
	for i, element := range elements {
		faults = append(faults, violations(b.element, element, "/"+b.list+"/"+strconv.Itoa(i))...)
	}
	return faults
}

// violations lists every violation of one schema in the value at this place.
func violations(schema *jsonschema.Schema, value any, place string) []inquiry.Fault {
	violation, ok := errors.AsType[*jsonschema.ValidationError](schema.Validate(value))
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
			faults = append(faults, faultsOf(e, place)...)
		}
	}
	walk(violation)
	return faults
}

// faultsOf turns one schema violation in the value at this place into faults. It does not
// repeat the value, which may be personal data.
func faultsOf(e *jsonschema.ValidationError, place string) []inquiry.Fault {
	var pointer strings.Builder
	pointer.WriteString(place)
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
		return one(codeTooMany, "must have at most %d", k.Want)
	case *kind.MaxProperties:
		return one(codeTooMany, "must have at most %d", k.Want)
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

package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

var (
	//go:embed reference.html
	source string
	//go:embed reference.css
	style string
	//go:embed reference.js
	script string
)

// renderPage returns the document as one HTML page.
func renderPage(doc *huma.OpenAPI) ([]byte, error) {
	content, err := newPage(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = pageTemplate().Execute(&out, content)
	return out.Bytes(), err
}

func pageTemplate() *template.Template {
	return template.Must(template.New("reference").Funcs(template.FuncMap{
		"prose":  prose,
		"style":  func() template.CSS { return template.CSS(style) },
		"script": func() template.JS { return template.JS(script) },
	}).Parse(source))
}

// page is the content of the reference page in its order.
type page struct {
	Title, Version, Introduction string
	Security                     []pageField
	Sections                     []pageSection
	Schemas                      []pageSchema
	Problems                     []pageProblem
	Headers                      []pageField
}

// pageProblem is one kind of problem, as the document lists it.
type pageProblem struct {
	Name, Title, Help string
	Status            int
	Example           string
}

type pageSection struct {
	Name, Description string
	Operations        []pageOperation
}

type pageOperation struct {
	ID, Method, Path, Summary, Description string
	Public                                 bool
	Parameters                             []pageField
	BodyDescription                        string
	Body                                   []pageMedia
	Responses                              []pageResponse
}

type pageResponse struct {
	Status, Reason, Description string
	Kinds                       []string // of problems; their paragraphs have the examples
	Media                       []pageMedia
	Headers                     []pageField
	Shared                      []string // headers with a paragraph of their own
}

// pageMedia is a body in one media type. Lines is the schema of its lines and Columns are
// those of its table, if it has any.
type pageMedia struct {
	Name, Description string
	Type, Lines       template.HTML
	Columns           []pageField
	Examples          []pageExample
}

type pageExample struct{ Summary, Text string }

// pageField is one row of a table: a parameter, a header or a schema member.
type pageField struct {
	Name, In, Description string
	Type                  template.HTML
	Required              bool
	Limits                []string
	Example               string
}

type pageSchema struct {
	Name, Description string
	Members           []pageField
}

func newPage(doc *huma.OpenAPI) (page, error) {
	p := page{Title: doc.Info.Title, Version: doc.Info.Version, Introduction: doc.Info.Description}
	var err error
	if p.Problems, err = pageProblemsOf(doc); err != nil {
		return p, err
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.SecuritySchemes)) {
		p.Security = append(p.Security, pageField{Name: name, Description: doc.Components.SecuritySchemes[name].Description})
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Headers)) {
		header := doc.Components.Headers[name]
		p.Headers = append(p.Headers, fieldOf(name, "", header.Description, header.Schema, false, header.Example))
	}
	for _, tag := range doc.Tags {
		section := pageSection{Name: tag.Name, Description: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
			for _, op := range operationsOf(doc.Paths[path]) {
				if slices.Contains(op.Tags, tag.Name) {
					section.Operations = append(section.Operations, pageOperationOf(doc, op))
				}
			}
		}
		p.Sections = append(p.Sections, section)
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		p.Schemas = append(p.Schemas, pageSchema{Name: name, Description: schemas[name].Description, Members: membersOf(schemas[name])})
	}
	return p, nil
}

func pageProblemsOf(doc *huma.OpenAPI) (problems []pageProblem, err error) {
	text, err := json.Marshal(doc.Extensions["x-problems"])
	if err != nil {
		return nil, err
	}
	var listed []struct {
		Name, Title, Help string
		Status            int
		Example           json.RawMessage
	}
	err = json.Unmarshal(text, &listed)
	for _, p := range listed {
		problems = append(problems, pageProblem{p.Name, p.Title, p.Help, p.Status, indented(p.Example)})
	}
	return problems, err
}

func pageOperationOf(doc *huma.OpenAPI, op *huma.Operation) pageOperation {
	out := pageOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
		Public: op.Security != nil && len(op.Security) == 0,
	}
	for _, param := range op.Parameters {
		if name, ok := strings.CutPrefix(param.Ref, "#/components/parameters/"); ok {
			param = doc.Components.Parameters[name]
		}
		out.Parameters = append(out.Parameters, fieldOf(param.Name, param.In, param.Description, param.Schema, param.Required, param.Example))
	}
	if op.RequestBody != nil {
		out.BodyDescription, out.Body = op.RequestBody.Description, mediaOf(op.RequestBody.Content)
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
		out.Responses = append(out.Responses, pageResponseOf(doc, code, op.Responses[code]))
	}
	return out
}

func pageResponseOf(doc *huma.OpenAPI, code string, response *huma.Response) pageResponse {
	if name, ok := strings.CutPrefix(response.Ref, "#/components/responses/"); ok {
		response = doc.Components.Responses[name]
	}
	status, _ := strconv.Atoi(code)
	out := pageResponse{Status: code, Reason: http.StatusText(status), Description: response.Description}
	if media := response.Content["application/problem+json"]; media != nil {
		out.Description, out.Kinds = "", slices.Sorted(maps.Keys(media.Examples))
	} else {
		out.Media = mediaOf(response.Content)
	}
	for _, name := range slices.Sorted(maps.Keys(response.Headers)) {
		header := response.Headers[name]
		if header.Ref != "" {
			out.Shared = append(out.Shared, name)
			continue
		}
		out.Headers = append(out.Headers, fieldOf(name, "", header.Description, header.Schema, false, header.Example))
	}
	return out
}

func mediaOf(content map[string]*huma.MediaType) []pageMedia {
	var all []pageMedia
	for _, name := range slices.Sorted(maps.Keys(content)) {
		media := content[name]
		one := pageMedia{Name: name, Description: media.Schema.Description, Type: typeOf(media.Schema)}
		if lines, ok := media.Extensions["x-item-schema"].(*huma.Schema); ok {
			one.Lines = typeOf(lines)
		}
		columns, _ := media.Extensions["x-columns"].([]httpapi.Column)
		for _, c := range columns {
			one.Columns = append(one.Columns, pageField{Name: c.Name, Type: "text", Description: c.Description})
		}
		if media.Example != nil {
			one.Examples = append(one.Examples, pageExample{"", indented(media.Example)})
		}
		for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
			one.Examples = append(one.Examples, pageExample{media.Examples[name].Summary, indented(media.Examples[name].Value)})
		}
		all = append(all, one)
	}
	return all
}

func membersOf(schema *huma.Schema) []pageField {
	var members []pageField
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		property := schema.Properties[name]
		members = append(members, fieldOf(name, "", property.Description, property, slices.Contains(schema.Required, name), nil))
	}
	slices.SortStableFunc(members, func(a, b pageField) int {
		return cmp.Compare(rank(b.Required), rank(a.Required))
	})
	return members
}

func rank(required bool) int {
	if required {
		return 1
	}
	return 0
}

func fieldOf(name, in, description string, schema *huma.Schema, required bool, example any) pageField {
	f := pageField{Name: name, In: in, Description: description, Type: typeOf(schema), Required: required}
	if schema == nil {
		return f
	}
	f.Limits = limitsOf(schema)
	if example == nil && len(schema.Examples) > 0 {
		example = schema.Examples[0]
	}
	f.Example = written(example)
	return f
}

// written returns an example as it is written: a string unchanged, anything else as JSON.
func written(example any) string {
	switch example := example.(type) {
	case nil:
		return ""
	case string:
		return example
	}
	text, err := json.Marshal(example)
	if err != nil {
		return fmt.Sprint(example)
	}
	return string(text)
}

// typeOf describes a value's type in a word or two, with a link to its schema.
func typeOf(s *huma.Schema) template.HTML {
	if s == nil {
		return ""
	}
	more, isMap := s.AdditionalProperties.(*huma.Schema)
	switch {
	case s.Ref != "":
		name := template.HTMLEscapeString(s.Ref[strings.LastIndexByte(s.Ref, '/')+1:])
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`)
	case len(s.AnyOf)+len(s.OneOf) > 0:
		var words []string
		for _, choice := range slices.Concat(s.OneOf, s.AnyOf) {
			words = append(words, string(typeOf(choice)))
		}
		return template.HTML(strings.Join(words, " or "))
	case s.Items != nil:
		return "list of " + typeOf(s.Items)
	case isMap:
		return "map of names to " + typeOf(more)
	}
	word := cmp.Or(s.Type, "any value")
	if s.Format != "" && !strings.HasPrefix(s.Format, "int") && s.Format != "double" {
		word += " (" + s.Format + ")"
	}
	if s.Nullable {
		word += " or null"
	}
	return template.HTML(template.HTMLEscapeString(word))
}

// limitsOf describes the limits of a value.
func limitsOf(s *huma.Schema) []string {
	var limits []string
	add := func(format string, args ...any) { limits = append(limits, fmt.Sprintf(format, args...)) }
	if len(s.Enum) > 0 {
		var words []string
		for _, word := range s.Enum {
			if word != nil { // the type already says "or null"
				words = append(words, fmt.Sprint(word))
			}
		}
		if len(words) == 1 {
			add("always %s", words[0])
		} else {
			add("one of %s", strings.Join(words, ", "))
		}
	}
	if s.Pattern != "" {
		add("matches %s", s.Pattern)
	}
	if s.Minimum != nil {
		add("at least %v", *s.Minimum)
	}
	if s.Maximum != nil {
		add("at most %v", strconv.FormatFloat(*s.Maximum, 'f', -1, 64))
	}
	if s.MinLength != nil {
		add("at least %d characters", *s.MinLength)
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if s.MinItems != nil {
		add("at least %d items", *s.MinItems)
	}
	if s.MaxItems != nil {
		add("at most %d items", *s.MaxItems)
	}
	if s.MaxProperties != nil {
		add("at most %d names", *s.MaxProperties)
	}
	if s.Default != nil {
		add("default %v", s.Default)
	}
	return limits
}

func indented(example any) string {
	if text, ok := example.(string); ok {
		return text // the lines of a file, which are not JSON
	}
	text, err := json.MarshalIndent(example, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}

var (
	codeMark = regexp.MustCompile("`([^`]+)`")
	boldMark = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// prose turns our own texts into HTML. They contain only paragraphs, code and emphasis.
func prose(text string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		safe := template.HTMLEscapeString(paragraph)
		safe = codeMark.ReplaceAllString(safe, "<code>$1</code>")
		safe = boldMark.ReplaceAllString(safe, "<strong>$1</strong>")
		out.WriteString("<p>" + safe + "</p>\n")
	}
	return template.HTML(out.String())
}

// operationsOf lists the operations of one path in the order of their methods' names.
func operationsOf(path *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{path.Delete, path.Get, path.Patch, path.Post, path.Put},
		func(op *huma.Operation) bool { return op == nil })
}

package httpapi

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

	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// In tests the page is made anew, and the one that is served elsewhere is held
// against it.
func init() {
	for i, r := range renderings {
		if r.path == problem.Page {
			renderings[i].render = renderPage
		}
	}
}

func renderPage(doc *huma.OpenAPI) ([]byte, error) {
	var page bytes.Buffer
	if err := pageTemplate().Execute(&page, newPage(doc)); err != nil {
		return nil, fmt.Errorf("rendering the page: %w", err)
	}
	return page.Bytes(), nil
}

//go:embed reference.html
var pageSource string

func pageTemplate() *template.Template {
	return template.Must(template.New("reference").Funcs(template.FuncMap{
		"prose":  prose,
		"style":  func() template.CSS { return template.CSS(pageStyle) },
		"script": func() template.JS { return template.JS(pageScript) },
	}).Parse(pageSource))
}

// page is what the reference page shows, in its order.
type page struct {
	Title, Version, Introduction string
	Security                     []pageField
	Sections                     []pageSection
	Schemas                      []pageSchema
	Problems                     []pageProblem
	Headers                      []pageField
}

type pageProblem struct {
	problem.Kind
	Example string
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
	Kinds                       []string // of problems, whose paragraphs have the examples
	Media                       []pageMedia
	Headers                     []pageField
	Shared                      []string // headers that have a paragraph of their own
}

// pageMedia is a body in one of its forms. Lines are the schemas of its lines,
// Columns those of its table, if it has either.
type pageMedia struct {
	Name, Description string
	Type, Lines       template.HTML
	Columns           []pageField
	Examples          []pageExample
}

type pageExample struct{ Summary, Text string }

// pageField is one line of a table: a parameter, a header or a member.
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

func newPage(doc *huma.OpenAPI) page {
	p := page{Title: doc.Info.Title, Version: doc.Info.Version, Introduction: doc.Info.Description}
	examples := exampleProblems()
	for _, k := range problem.Kinds {
		p.Problems = append(p.Problems, pageProblem{k, indented(examples[k.Name])})
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
	return p
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
	if media := response.Content[problemMedia]; media != nil {
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
		if lines, ok := media.Extensions[extensionLines].(*huma.Schema); ok {
			one.Lines = typeOf(lines)
		}
		columns, _ := media.Extensions[extensionColumns].([]column)
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

// written is an example as it is written: a text as it stands, anything else as JSON.
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

// typeOf says in a word or two what a value is, with a link to its schema.
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

// limitsOf says in words what a value has to keep to.
func limitsOf(s *huma.Schema) []string {
	var limits []string
	say := func(format string, args ...any) { limits = append(limits, fmt.Sprintf(format, args...)) }
	if len(s.Enum) > 0 {
		var words []string
		for _, word := range s.Enum {
			if word != nil { // the type says that it may be null
				words = append(words, fmt.Sprint(word))
			}
		}
		if len(words) == 1 {
			say("always %s", words[0])
		} else {
			say("one of %s", strings.Join(words, ", "))
		}
	}
	if s.Pattern != "" {
		say("matches %s", s.Pattern)
	}
	if s.Minimum != nil {
		say("at least %v", *s.Minimum)
	}
	if s.Maximum != nil {
		say("at most %v", strconv.FormatFloat(*s.Maximum, 'f', -1, 64))
	}
	if s.MinLength != nil {
		say("at least %d characters", *s.MinLength)
	}
	if s.MaxLength != nil {
		say("at most %d characters", *s.MaxLength)
	}
	if s.MinItems != nil {
		say("at least %d items", *s.MinItems)
	}
	if s.MaxItems != nil {
		say("at most %d items", *s.MaxItems)
	}
	if s.MaxProperties != nil {
		say("at most %d names", *s.MaxProperties)
	}
	if s.Default != nil {
		say("default %v", s.Default)
	}
	return limits
}

func indented(example any) string {
	if text, ok := example.(string); ok {
		return text // not JSON: a file's lines
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

// prose turns our own texts into HTML: paragraphs, code and emphasis are all
// that they have.
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

package httpapi_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/batch-inquiries/batch-inquiries/shared/cors"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	kinds "github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// reference gets a page that needs no credential.
func reference(t testing.TB, path string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r = r.WithContext(httpapi.WithRequest(t.Context(), httpapi.Request{ID: "req-1"})) // without a caller
	w := httptest.NewRecorder()
	newClient(t, nil, io.Discard).handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Result(), w.Body.String()
}

func document(t testing.TB) map[string]any {
	t.Helper()
	_, body := reference(t, "/v1/openapi.json")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// operation is one operation of the document and its name in messages.
type operation struct {
	name string
	body map[string]any
}

func operations(t testing.TB, doc map[string]any) []operation {
	t.Helper()
	var all []operation
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			all = append(all, operation{strings.ToUpper(method) + " " + path, op.(map[string]any)})
		}
	}
	if len(all) < 8 {
		t.Fatalf("the document has %d operations", len(all))
	}
	return all
}

// walker visits each part of the document and reports what is missing.
type walker struct {
	testing.TB
	doc map[string]any
}

// at returns the part of the document that a reference points to. A part that is not a
// reference is returned unchanged.
func (w walker) at(part any) map[string]any {
	m, _ := part.(map[string]any)
	ref, _ := m["$ref"].(string)
	if ref == "" {
		return m
	}
	var found any = w.doc
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		found = found.(map[string]any)[step]
	}
	if found == nil {
		w.Errorf("%s does not exist", ref)
	}
	return found.(map[string]any)
}

// described checks that the description is a sentence, not just the name of a status.
func (w walker) described(where string, part any) {
	text, _ := w.at(part)["description"].(string)
	if !strings.HasSuffix(text, ".") && !strings.HasPrefix(text, "`") || strings.Count(text, " ") == 0 {
		w.Errorf("%s has no description: %q", where, text)
	}
}

// illustrated checks that there is an example beside the schema or in it.
func (w walker) illustrated(where string, part any) {
	m := w.at(part)
	schema, _ := m["schema"].(map[string]any)
	named, _ := m["examples"].(map[string]any)
	inside, _ := schema["examples"].([]any)
	if m["example"] == nil && len(named) == 0 && len(inside) == 0 {
		w.Errorf("%s has no example", where)
	}
	if schema["type"] == nil && schema["$ref"] == nil && schema["oneOf"] == nil {
		w.Errorf("%s has no schema", where)
	}
}

func (w walker) content(where string, content any) {
	all, _ := content.(map[string]any)
	for media, body := range all {
		where := where + ": " + media
		body := body.(map[string]any)
		if body["schema"] == nil {
			w.Errorf("%s has no schema", where)
		}
		switch media {
		case "application/openapi+json", "application/yaml", "text/html": // the reference itself
			continue
		case "application/x-ndjson":
			if body["x-item-schema"] == nil {
				w.Errorf("%s: no schema of a line", where)
			}
		case "text/csv":
			columns, _ := body["x-columns"].([]any)
			if len(columns) == 0 {
				w.Errorf("%s: no columns", where)
			}
			for _, c := range columns {
				w.described(where+": column "+c.(map[string]any)["name"].(string), c)
			}
		}
		w.illustrated(where, body)
	}
}

func (w walker) answer(where string, response any) {
	w.described(where, response)
	r := w.at(response)
	headers, _ := r["headers"].(map[string]any)
	for _, always := range []string{"X-Request-Id", "Cache-Control"} {
		if headers[always] == nil {
			w.Errorf("%s: %s is not declared", where, always)
		}
	}
	for name, header := range headers {
		w.described(where+": header "+name, header)
		w.illustrated(where+": header "+name, header)
	}
	w.content(where, r["content"])
}

// schema checks that the schema and its members are described and that each member has
// an example, unless it refers to another schema.
func (w walker) schema(name string, schema any) {
	w.described("schema "+name, schema)
	properties, _ := schema.(map[string]any)["properties"].(map[string]any)
	for member, property := range properties {
		p, where := property.(map[string]any), "schema "+name+": "+member
		text, _ := p["description"].(string)
		if !strings.HasSuffix(text, ".") {
			w.Errorf("%s has no description: %q", where, text)
		}
		if examples, _ := p["examples"].([]any); len(examples) == 0 && !strings.Contains(string(must(json.Marshal(p))), `"$ref"`) {
			w.Errorf("%s has no example: add it to an example of a route, or as a tag on the field", where)
		}
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()

	t.Run("everything is described", func(t *testing.T) {
		t.Parallel()
		doc := document(t)
		w := walker{t, doc}
		for _, op := range operations(t, doc) {
			for _, member := range []string{"summary", "operationId", "tags"} {
				if op.body[member] == nil {
					t.Errorf("%s has no %s", op.name, member)
				}
			}
			w.described(op.name, op.body)
			parameters, _ := op.body["parameters"].([]any)
			for _, p := range parameters {
				where := op.name + ": parameter " + w.at(p)["name"].(string)
				w.described(where, p)
				w.illustrated(where, p)
			}
			if body := op.body["requestBody"]; body != nil {
				w.described(op.name+": body", body)
				w.content(op.name+": body", body.(map[string]any)["content"])
			}
			for status, response := range op.body["responses"].(map[string]any) {
				w.answer(op.name+": answer "+status, response)
			}
		}
		components := doc["components"].(map[string]any)
		for name, schema := range components["schemas"].(map[string]any) {
			w.schema(name, schema)
		}
		whole := string(must(json.Marshal(doc)))
		for _, group := range []string{"schemas", "responses", "headers", "parameters", "securitySchemes"} {
			for name, thing := range components[group].(map[string]any) {
				w.described(group+" "+name, thing)
				if group != "securitySchemes" && !strings.Contains(whole, `"#/components/`+group+"/"+name+`"`) {
					t.Errorf("%s %s is not used", group, name)
				}
			}
		}
	})

	// Each kind of problem has its own example, in each response that may be of the kind.
	t.Run("every kind of problem has an example", func(t *testing.T) {
		t.Parallel()
		doc := document(t)
		details := map[string]string{}
		for _, entry := range doc["x-problems"].([]any) {
			kind := entry.(map[string]any)
			example, _ := kind["example"].(map[string]any)
			name, detail := kind["name"].(string), ""
			if example != nil {
				detail, _ = example["detail"].(string)
			}
			if detail == "" || example["status"] != kind["status"] || example["title"] != kind["title"] {
				t.Errorf("%s: its example is %v: add one to problemexamples.go", name, example)
			}
			if other := details[detail]; other != "" {
				t.Errorf("%s and %s have the same detail", name, other)
			}
			details[detail] = name
		}
		if len(details) != len(kinds.Kinds) {
			t.Errorf("%d details, %d kinds", len(details), len(kinds.Kinds))
		}
		for name, response := range doc["components"].(map[string]any)["responses"].(map[string]any) {
			r := response.(map[string]any)
			examples, _ := r["content"].(map[string]any)["application/problem+json"].(map[string]any)["examples"].(map[string]any)
			if told := strings.Count(r["description"].(string), "`") / 2; told != len(examples) {
				t.Errorf("%s: %d kinds, %d examples", name, told, len(examples))
			}
			for kind, example := range examples {
				p := example.(map[string]any)["value"].(map[string]any)
				if !strings.HasSuffix(p["type"].(string), "#problem-"+kind) || !strings.Contains(r["description"].(string), "`"+kind+"`") {
					t.Errorf("%s: %s is an example of %s", name, kind, p["type"])
				}
			}
		}
	})

	// An example of a finished, canceled or deleted batch must look like one.
	t.Run("examples show what their responses describe", func(t *testing.T) {
		t.Parallel()
		doc := document(t)
		answer := func(path, method, status string) map[string]any {
			op := doc["paths"].(map[string]any)[path].(map[string]any)[method].(map[string]any)
			media := op["responses"].(map[string]any)[status].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)
			return media["example"].(map[string]any)
		}
		const one = "/v1/batch-inquiries/{batch_id}"
		for name, tt := range map[string]struct {
			batch      map[string]any
			want       map[string]any
			isSet, not []string
		}{
			"an accepted cancel": {answer(one+"/cancel", "post", "202"),
				map[string]any{"status": "RUNNING", "isTerminal": false}, []string{"cancelRequestedAt"}, []string{"finishedAt", "deletedAt"}},
			"a completed cancel": {answer(one+"/cancel", "post", "200"),
				map[string]any{"status": "CANCELLED", "isTerminal": true}, []string{"cancelRequestedAt", "finishedAt"}, []string{"deletedAt"}},
			"a deletion": {answer(one, "delete", "200"),
				map[string]any{"batchName": "", "isTerminal": true}, []string{"deletedAt", "finishedAt"}, []string{"metadata"}},
		} {
			for member, want := range tt.want {
				if tt.batch[member] != want {
					t.Errorf("%s: %s is %v", name, member, tt.batch[member])
				}
			}
			for _, member := range tt.isSet {
				if tt.batch[member] == nil {
					t.Errorf("%s: no %s", name, member)
				}
			}
			for _, member := range tt.not {
				if tt.batch[member] != nil {
					t.Errorf("%s: %s is %v", name, member, tt.batch[member])
				}
			}
		}
	})

	t.Run("every example matches its schema", func(t *testing.T) {
		t.Parallel()
		doc := document(t)
		compiler := compilerOf(t, doc)
		fits := func(where, pointer string, example any) {
			compiled, err := compiler.Compile("urn:document#" + pointer)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			if err := compiled.Validate(must(jsonschema.UnmarshalJSON(bytes.NewReader(must(json.Marshal(example)))))); err != nil {
				t.Errorf("%s: the example does not match: %v", where, err)
			}
		}
		checked := 0
		var walk func(pointer string, part any)
		walk = func(pointer string, part any) {
			list, _ := part.([]any)
			for i, item := range list {
				walk(pointer+"/"+strconv.Itoa(i), item)
			}
			m, _ := part.(map[string]any)
			schema, beside := m["schema"].(map[string]any)
			if beside && m["example"] != nil {
				checked++
				fits(pointer, pointer+"/schema", m["example"])
			}
			if named, _ := m["examples"].(map[string]any); beside && schema != nil {
				for name, e := range named {
					checked++
					fits(pointer+" "+name, pointer+"/schema", e.(map[string]any)["value"])
				}
			}
			if inside, _ := m["examples"].([]any); strings.Contains(pointer, "/properties/") {
				for _, e := range inside {
					checked++
					fits(pointer, pointer, e)
				}
			}
			for name, member := range m {
				if name != "example" && name != "examples" && name != "x-problems" {
					walk(pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name), member)
				}
			}
		}
		walk("", doc)
		if checked < 300 {
			t.Errorf("only %d examples", checked)
		}
	})

	t.Run("only the reference needs no credential", func(t *testing.T) {
		t.Parallel()
		for _, op := range operations(t, document(t)) {
			security, said := op.body["security"].([]any)
			public := said && len(security) == 0
			_, path, _ := strings.Cut(op.name, " ")
			if public != httpapi.IsPublic(path) {
				t.Errorf("%s: public in the document: %t, in the function: %t", op.name, public, httpapi.IsPublic(path))
			}
			if refused := op.body["responses"].(map[string]any)["401"] != nil; refused == public {
				t.Errorf("%s: public: %t, can answer 401: %t", op.name, public, refused)
			}
		}
	})

	// The exposed headers, those that every script can read, and those that only browsers
	// use include all headers in the document.
	t.Run("scripts may read every header", func(t *testing.T) {
		t.Parallel()
		seen := strings.Split(cors.ExposedHeaders+", Cache-Control, X-Content-Type-Options, Strict-Transport-Security", ", ")
		for _, op := range operations(t, document(t)) {
			if _, path, _ := strings.Cut(op.name, " "); httpapi.IsPublic(path) {
				continue
			}
			for status, response := range op.body["responses"].(map[string]any) {
				headers, _ := response.(map[string]any)["headers"].(map[string]any)
				for name := range headers {
					if !slices.Contains(seen, name) {
						t.Errorf("%s: %s: scripts cannot read %s", op.name, status, name)
					}
				}
			}
		}
	})

	t.Run("it is also available as YAML", func(t *testing.T) {
		t.Parallel()
		resp, body := reference(t, "/v1/openapi.yaml")
		if !strings.Contains(body, "batchName: November renewals") {
			t.Error("the examples are not YAML")
		}
		if resp.Header.Get("Content-Type") != "application/yaml; charset=utf-8" || !strings.Contains(body, "openapi: 3.1.0") || !strings.Contains(body, "operationId: submit-batch") {
			t.Errorf("%.200s", body)
		}
	})

	// The document lists every code that the program has.
	t.Run("it lists the codes", func(t *testing.T) {
		t.Parallel()
		schemas := document(t)["components"].(map[string]any)["schemas"].(map[string]any)
		for name, tt := range map[string]struct {
			dir, constants string // the package and the names of its constants
			member         [2]string
		}{
			"outcomes of a source":                 {"../inquiry", `^Outcome[A-Z]`, [2]string{"ReportSourceSummary", "outcome"}},
			"failures of an inquiry":               {"../inquiry", `^Failure[A-Z]`, [2]string{"InquiryFailure", "code"}},
			"failures of a report":                 {"../report", `^Code[A-Z]`, [2]string{"Failure", "code"}},
			"failures of a report, in its inquiry": {"../report", `^Code[A-Z]`, [2]string{"InquiryFailure", "code"}},
		} {
			text := schemas[tt.member[0]].(map[string]any)["properties"].(map[string]any)[tt.member[1]].(map[string]any)["description"].(string)
			words := constantsIn(t, tt.dir, regexp.MustCompile(tt.constants))
			if len(words) < 2 {
				t.Errorf("%s: found only %q", name, words)
			}
			for _, word := range words {
				if !strings.Contains(text, word+" (") {
					t.Errorf("%s: the document lacks %s", name, word)
				}
			}
		}
	})
}

// compilerOf returns a compiler for the schemas of a document, which are parts of urn:document.
func compilerOf(t testing.TB, doc map[string]any) *jsonschema.Compiler {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("urn:document", must(jsonschema.UnmarshalJSON(bytes.NewReader(must(json.Marshal(doc)))))); err != nil {
		t.Fatal(err)
	}
	return compiler
}

func TestReference(t *testing.T) {
	t.Parallel()

	// Whoever has the current version gets only its headers.
	t.Run("it answers 304 to a current ETag", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, newFake(), io.Discard)
		tags := map[string]string{}
		for _, path := range []string{"/v1/docs", "/v1/openapi.json", "/v1/openapi.yaml"} {
			full, body := c.do(t, http.MethodGet, path, "")
			tag := full.Header.Get("ETag")
			if other := tags[tag]; full.StatusCode != http.StatusOK || body == "" || tag == "" || other != "" {
				t.Fatalf("%s: %s, ETag %s, also of %q", path, full.Status, tag, other)
			}
			tags[tag] = path
			for sent, want := range map[string]int{tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, `"other"`: 200, "": 200} {
				resp, body := c.do(t, http.MethodGet, path, "", "If-None-Match", sent)
				if resp.StatusCode != want || (body == "") != (want == 304) {
					t.Errorf("%s, If-None-Match %s: %d with %d bytes, want %d", path, sent, resp.StatusCode, len(body), want)
				}
				for _, name := range []string{"ETag", "Cache-Control", "Content-Security-Policy"} {
					if got := resp.Header.Get(name); got != full.Header.Get(name) {
						t.Errorf("%s: %d with %s %q, want %q", path, resp.StatusCode, name, got, full.Header.Get(name))
					}
				}
			}
		}
	})
}

func TestPage(t *testing.T) {
	t.Parallel()

	t.Run("it is self-contained", func(t *testing.T) {
		t.Parallel()
		resp, page := reference(t, "/v1/docs")
		if media := resp.Header.Get("Content-Type"); media != "text/html; charset=utf-8" {
			t.Errorf("Content-Type %q", media)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("Content-Security-Policy %q", policy)
		}
		ids := map[string]bool{}
		for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
			if ids[id[1]] {
				t.Errorf("two elements have the id %s", id[1])
			}
			ids[id[1]] = true
		}
		for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			target, inside := strings.CutPrefix(link[1], "#")
			if inside && !ids[target] || !inside && regexp.MustCompile(`^(https?:|//)`).MatchString(link[1]) {
				t.Errorf("the page links to %s", link[1])
			}
		}
		for _, kind := range kinds.Kinds {
			if !ids["problem-"+string(kind.Name)] {
				t.Errorf("the page has no paragraph on %s", kind.Name)
			}
		}
		for _, op := range operations(t, document(t)) {
			if !ids[op.body["operationId"].(string)] {
				t.Errorf("the page has nothing on %s", op.name)
			}
		}
		if strings.Contains(page, "ZgotmplZ") {
			t.Error("the template rejected some of its content")
		}
	})

	// The page is complete without the JSON: it has the document's values, formats and problems.
	t.Run("it says what the document says", func(t *testing.T) {
		t.Parallel()
		_, page := reference(t, "/v1/docs")
		page = html.UnescapeString(page)
		var walk func(name string, part any)
		walk = func(name string, part any) {
			switch part := part.(type) {
			case []any:
				for _, item := range part {
					if word, ok := item.(string); ok && name == "enum" && !strings.Contains(page, word) {
						t.Errorf("the page lacks the value %s", word)
					}
					walk("", item)
				}
			case map[string]any:
				for member, value := range part {
					walk(member, value)
				}
			case string:
				if (name == "pattern" || name == "description" || name == "detail") && !strings.Contains(page, part) && !strings.ContainsAny(part, "`*\n") {
					t.Errorf("the page lacks the %s %q", name, part)
				}
			}
		}
		doc := document(t)
		walk("", doc["components"].(map[string]any)["schemas"])
		walk("", doc["x-problems"])
		for _, op := range operations(t, doc) {
			walk("", op.body["parameters"])
			for status, response := range op.body["responses"].(map[string]any) {
				content, _ := response.(map[string]any)["content"].(map[string]any)
				for media := range content {
					if _, after, _ := strings.Cut(page, `id="`+op.body["operationId"].(string)+`"`); !strings.Contains(before(after, "</article>"), "as <code>"+media+"</code>") {
						t.Errorf("%s: the page does not say that %s may be %s", op.name, status, media)
					}
				}
			}
		}
	})

	// The links work from both addresses of the page, with any prefix.
	t.Run("it links to the document", func(t *testing.T) {
		t.Parallel()
		for _, prefix := range []string{"", "/prod", `/a"b`} {
			for _, path := range []string{"/v1/docs", "/v1/docs/"} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r = r.WithContext(httpapi.WithRequest(t.Context(), httpapi.Request{ID: "req-1", Prefix: prefix}))
				w := httptest.NewRecorder()
				newClient(t, nil, io.Discard).handler.ServeHTTP(w, r)
				for _, file := range []string{"json", "yaml"} {
					if link := `href="` + html.EscapeString(prefix) + "/v1/openapi." + file + `"`; !strings.Contains(w.Body.String(), link) {
						t.Errorf("%s%s has no %s", prefix, path, link)
					}
				}
			}
		}
	})
}

func before(s, end string) string {
	found, _, _ := strings.Cut(s, end)
	return found
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// constantsIn returns the values of a package's string constants with matching names.
func constantsIn(t testing.TB, dir string, name *regexp.Regexp) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, path := range files {
		file := must(parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution))
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && name.MatchString(spec.Names[0].Name) && len(spec.Values) == 1 {
				if text, ok := spec.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
					words = append(words, must(strconv.Unquote(text.Value)))
				}
			}
			return true
		})
	}
	return words
}

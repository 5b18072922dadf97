package httpapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	kinds "github.com/batch-inquiries/batch-inquiries/shared/problem"
)

var update = flag.Bool("update", false, "write docs/openapi.json and page.html anew")

// reference asks for a page that needs no credential.
func reference(t testing.TB, path string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r = r.WithContext(httpapi.WithRequest(t.Context(), httpapi.Request{ID: "req-1"})) // and nobody's
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

func TestTheCommittedPageIsTheMadeOne(t *testing.T) {
	t.Parallel()
	const committed = "page.html"
	_, made := reference(t, "/v1/docs")
	if *update {
		if err := os.WriteFile(committed, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != made {
		t.Errorf("%s is not what the code makes; go test ./shared/httpapi -update writes it anew", committed)
	}
}

func TestTheCommittedDocumentIsTheServedOne(t *testing.T) {
	t.Parallel()
	const committed = "../../docs/openapi.json"
	_, served := reference(t, "/v1/openapi.json")
	served += "\n"
	if *update {
		if err := os.WriteFile(committed, []byte(served), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), served); diff != "" {
		t.Errorf("docs/openapi.json is not what the code serves; go test ./shared/httpapi -update writes it anew:\n%.2000s", diff)
	}
}

// operation is one operation of the document, and what it is called in messages.
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

func TestEverythingInTheDocumentIsDescribed(t *testing.T) {
	t.Parallel()
	doc := document(t)
	described := func(where string, thing any) {
		if m, _ := thing.(map[string]any); m["description"] == nil && m["$ref"] == nil {
			t.Errorf("%s has no description", where)
		}
	}
	for _, op := range operations(t, doc) {
		for _, member := range []string{"summary", "description", "operationId", "tags"} {
			if op.body[member] == nil {
				t.Errorf("%s has no %s", op.name, member)
			}
		}
		parameters, _ := op.body["parameters"].([]any)
		for _, p := range parameters {
			described(op.name+": parameter "+string(must(json.Marshal(p))), p)
		}
		for status, response := range op.body["responses"].(map[string]any) {
			described(op.name+": answer "+status, response)
			headers, _ := response.(map[string]any)["headers"].(map[string]any)
			for name, header := range headers {
				described(op.name+": header "+name, header)
			}
		}
	}
	components := doc["components"].(map[string]any)
	for name, schema := range components["schemas"].(map[string]any) {
		properties, _ := schema.(map[string]any)["properties"].(map[string]any)
		for member, property := range properties {
			if property.(map[string]any)["description"] == nil {
				t.Errorf("schema %s: %s has no description", name, member)
			}
		}
	}
	for _, group := range []string{"responses", "headers", "parameters", "securitySchemes"} {
		for name, thing := range components[group].(map[string]any) {
			described(group+" "+name, thing)
		}
	}
}

// Every body of JSON has an example, and every example is one.
func TestEveryExampleFitsItsSchema(t *testing.T) {
	t.Parallel()
	doc := document(t)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("urn:document", must(jsonschema.UnmarshalJSON(bytes.NewReader(must(json.Marshal(doc)))))); err != nil {
		t.Fatal(err)
	}
	check := func(where string, content any) {
		for media, body := range content.(map[string]any) {
			if !strings.HasSuffix(media, "json") || media == "application/openapi+json" || media == "application/x-ndjson" {
				continue
			}
			schema := body.(map[string]any)["schema"].(map[string]any)
			if choices, ok := schema["oneOf"].([]any); ok {
				schema = choices[0].(map[string]any) // the usual one comes first
			}
			ref, _ := schema["$ref"].(string)
			if ref == "" {
				t.Errorf("%s has no schema of its own: %v", where, schema)
			}
			example := body.(map[string]any)["example"]
			if example == nil {
				t.Errorf("%s has no example: put one into examples.go", where)
				continue
			}
			compiled, err := compiler.Compile("urn:document" + ref)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			if err := compiled.Validate(must(jsonschema.UnmarshalJSON(bytes.NewReader(must(json.Marshal(example)))))); err != nil {
				t.Errorf("%s: the example does not fit: %v", where, err)
			}
		}
	}
	for _, op := range operations(t, doc) {
		if body, ok := op.body["requestBody"].(map[string]any); ok {
			check(op.name+": body", body["content"])
		}
		for status, response := range op.body["responses"].(map[string]any) {
			if content := response.(map[string]any)["content"]; content != nil {
				check(op.name+": answer "+status, content)
			}
		}
	}
	for name, response := range doc["components"].(map[string]any)["responses"].(map[string]any) {
		check(name, response.(map[string]any)["content"])
	}
}

func TestOnlyTheReferenceNeedsNoCredential(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t, document(t)) {
		security, said := op.body["security"].([]any)
		public := said && len(security) == 0
		_, path, _ := strings.Cut(op.name, " ")
		if public != httpapi.IsPublic(path) {
			t.Errorf("%s: public in the document: %t, to the function: %t", op.name, public, httpapi.IsPublic(path))
		}
		if refused := op.body["responses"].(map[string]any)["401"] != nil; refused == public {
			t.Errorf("%s: public %t, and can answer 401: %t", op.name, public, refused)
		}
	}
}

func TestThePageStandsAlone(t *testing.T) {
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
		if !ids["problem-"+kind.Name] {
			t.Errorf("the page has no paragraph about %s", kind.Name)
		}
	}
	for _, op := range operations(t, document(t)) {
		if !ids[op.body["operationId"].(string)] {
			t.Errorf("the page has nothing on %s", op.name)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template refused something that it was to write")
	}
}

func TestTheDocumentIsYAMLToo(t *testing.T) {
	t.Parallel()
	resp, body := reference(t, "/v1/openapi.yaml")
	if resp.Header.Get("Content-Type") != "application/yaml; charset=utf-8" || !strings.Contains(body, "openapi: 3.1.0") || !strings.Contains(body, "operationId: submit-batch") {
		t.Errorf("%.200s", body)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

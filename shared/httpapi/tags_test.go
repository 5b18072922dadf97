package httpapi_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

func TestTags(t *testing.T) {
	t.Parallel()
	doc := document(t)
	t.Run("every text written for a parameter or header is in the document", func(t *testing.T) {
		t.Parallel()
		described := map[string]map[string]bool{} // texts by the name that they describe
		add := func(name string, part any) {
			if described[name] == nil {
				described[name] = map[string]bool{}
			}
			text, _ := part.(map[string]any)["description"].(string)
			described[name][text] = true
		}
		components := doc["components"].(map[string]any)
		for name, p := range components["parameters"].(map[string]any) {
			add(name, p)
		}
		for _, op := range operations(t, doc) {
			parameters, _ := op.body["parameters"].([]any)
			for _, p := range parameters {
				if name, own := p.(map[string]any)["name"].(string); own {
					add(name, p)
				}
			}
			for _, response := range op.body["responses"].(map[string]any) {
				headers, _ := response.(map[string]any)["headers"].(map[string]any)
				for name, header := range headers {
					add(name, header)
				}
			}
		}
		checked := 0
		for _, tag := range tags(t) {
			for _, place := range []string{"path", "query", "header"} {
				name, text := tag.Get(place), tag.Get("doc")
				if name == "" || text == "" {
					continue
				}
				if checked++; !described[name][text] {
					t.Errorf("the document lacks the text of the %s parameter or header %s: %s", place, name, text)
				}
			}
		}
		if checked < 25 {
			t.Errorf("only %d texts", checked)
		}
	})
	t.Run("every text written for a member is in the document", func(t *testing.T) {
		t.Parallel()
		var described []string
		for _, schema := range doc["components"].(map[string]any)["schemas"].(map[string]any) {
			properties, _ := schema.(map[string]any)["properties"].(map[string]any)
			for name, property := range properties {
				text, _ := property.(map[string]any)["description"].(string)
				described = append(described, name+": "+text)
			}
		}
		all, checked := strings.Join(described, "\n"), 0
		for _, tag := range tags(t) {
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			if name == "" || tag.Get("doc") == "" {
				continue
			}
			if checked++; !strings.Contains(all, name+": "+tag.Get("doc")) {
				t.Errorf("the document lacks the text of %s: %s", name, tag.Get("doc"))
			}
		}
		if checked < 150 {
			t.Errorf("only %d texts", checked)
		}
	})
	t.Run("the maximum of limit is pageMax", func(t *testing.T) {
		t.Parallel()
		_, body := newClient(t, newFull(), io.Discard).do(t, "GET", "/v1/users/me", "")
		var me httpapi.MeBody
		if err := json.Unmarshal([]byte(body), &me); err != nil {
			t.Fatal(err)
		}
		lists := 0
		for _, op := range operations(t, doc) {
			parameters, _ := op.body["parameters"].([]any)
			for _, p := range parameters {
				if p.(map[string]any)["name"] != "limit" {
					continue
				}
				lists++
				if most := p.(map[string]any)["schema"].(map[string]any)["maximum"]; most != float64(me.Limits.PageMax) {
					t.Errorf("%s: the maximum is %v, pageMax is %d", op.name, most, me.Limits.PageMax)
				}
			}
		}
		if lists != 2 {
			t.Errorf("%d lists", lists)
		}
	})
}

// tags returns the tags of all struct fields in the package.
func tags(t *testing.T) []reflect.StructTag {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []reflect.StructTag
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file := must(parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution))
		ast.Inspect(file, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && field.Tag != nil {
				all = append(all, reflect.StructTag(must(strconv.Unquote(field.Tag.Value))))
			}
			return true
		})
	}
	return all
}

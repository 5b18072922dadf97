package problem_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	t.Run("each constant has exactly one kind", func(t *testing.T) {
		t.Parallel()
		listed := map[problem.Name]int{}
		for _, k := range problem.Kinds {
			listed[k.Name]++
		}
		names := constants(t)
		for _, name := range names {
			if listed[name] != 1 {
				t.Errorf("Kinds lists %s %d times", name, listed[name])
			}
		}
		if len(names) != len(problem.Kinds) {
			t.Errorf("%d constants, %d kinds", len(names), len(problem.Kinds))
		}
	})
	t.Run("each has a status, a title and help", func(t *testing.T) {
		t.Parallel()
		for _, k := range problem.Kinds {
			if k.Status < 400 || k.Status > 599 {
				t.Errorf("%s: status %d", k.Name, k.Status)
			}
			if k.Title == "" || strings.HasSuffix(k.Title, ".") {
				t.Errorf("%s: title %q", k.Name, k.Title)
			}
			if !strings.HasSuffix(k.Help, ".") {
				t.Errorf("%s: help %q", k.Name, k.Help)
			}
		}
	})
}

// These texts are copied into headers and templates without escaping.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, detail := range problem.Refusals {
		if strings.ContainsAny(detail, "\"\\") {
			t.Errorf("%s: the detail needs escaping: %s", name, detail)
		}
		if status := name.Kind().Status; status != 401 {
			t.Errorf("%s: status %d", name, status)
		}
	}
}

// constants returns the values of all constants of type Name.
func constants(t *testing.T) []problem.Name {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "problem.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []problem.Name
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Name" {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, problem.Name(name))
		return true
	})
	return names
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// resource is one resource of the template.
type resource struct {
	Type           string
	Properties     map[string]any
	DeletionPolicy string
}

// template is the part of a CloudFormation template that these tests read. The tests
// spell out its numbers and names on purpose, so that a change of a shared constant
// shows what it changes in the deployment.
type template struct {
	Resources map[string]resource
	Outputs   map[string]any
}

// Synthesis takes seconds, so each stage is synthesized once for all tests.
var (
	dev  = sync.OnceValue(func() template { return synthesize("dev") })
	prod = sync.OnceValue(func() template { return synthesize("prod") })
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// synthesis allows one synthesis at a time: the CDK runs in one Node.js process.
var synthesis sync.Mutex

// synthesize returns the template of a stage, with changed settings if there are any. It
// puts an empty program in place of each function.
func synthesize(stage string, changes ...func(*Props)) template {
	synthesis.Lock()
	defer synthesis.Unlock()
	dir, err := os.MkdirTemp("", "functions")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, f := range functions {
		if err := os.MkdirAll(filepath.Join(dir, f.Name), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name, "bootstrap"), []byte(f.Name), 0o755); err != nil {
			panic(err)
		}
	}
	props := Props{Stage: stage, Arch: "arm64", Code: dir, BatchDeadline: inquiry.DefaultDeadline}
	for _, change := range changes {
		change(&props)
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(filepath.Join(dir, "cdk.out"))})
	stack := NewStack(app, "test-"+props.Stage, props)
	data, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		panic(err)
	}
	var t template
	if err := json.Unmarshal(data, &t); err != nil {
		panic(err)
	}
	return t
}

// all returns the resources of a type, by their logical id.
func (t template) all(tb testing.TB, kind string) map[string]resource {
	tb.Helper()
	found := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	if len(found) == 0 {
		tb.Fatalf("the template has no %s", kind)
	}
	return found
}

// one returns the only resource of a type whose logical id contains the part.
func (t template) one(tb testing.TB, kind, part string) resource {
	tb.Helper()
	var found []resource
	for id, r := range t.all(tb, kind) {
		if strings.Contains(id, part) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		tb.Fatalf("the template has %d resources of type %s with %q in their id; want 1", len(found), kind, part)
	}
	return found[0]
}

// at follows a path of keys and indexes into nested JSON. It returns nil if the
// path leads nowhere.
func at(value any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[s]
		case int:
			list, _ := value.([]any)
			if s >= len(list) {
				return nil
			}
			value = list[s]
		}
	}
	return value
}

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// text returns a part of the template as JSON, for searching.
func text(value any) string {
	data, _ := json.Marshal(value)
	return string(data)
}

// list returns the value as a list. CloudFormation writes some lists of one
// element as the element.
func list(value any) []any {
	if l, ok := value.([]any); ok {
		return l
	}
	return []any{value}
}

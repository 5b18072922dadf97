// Package shared_test checks which folder of this module may import which. The
// design keeps them apart, but the compiler does not.
package shared_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/batch-inquiries/batch-inquiries/"
	root   = ".."
)

// pkg is one package of the module, as go list describes it.
type pkg struct {
	ImportPath                string
	Deps                      []string // direct and indirect
	TestImports, XTestImports []string
}

// packages lists the packages of the module.
//
// The go command caches a test's result until a file changes that the test opened.
// Files that go list opens do not count. TestEngine in this package reads every file
// of the module, so that any change makes these tests run again.
func packages(tb testing.TB) []pkg {
	tb.Helper()
	list := exec.CommandContext(tb.Context(), "go", "list", "-e", "-json=ImportPath,Deps,TestImports,XTestImports", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			tb.Fatalf("go list: %v\n%s", err, failed.Stderr)
		}
		tb.Fatal(err)
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			tb.Fatal(err)
		}
		all = append(all, p)
	}
}

// in reports whether a package is in one of the module's folders, or below.
func in(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return path == module+folder || strings.HasPrefix(path, module+folder+"/")
	})
}

// functionOf returns the folder of the function that a package belongs to, or "".
func functionOf(path string) string {
	rest, ok := strings.CutPrefix(path, module+"functions/")
	name, _, _ := strings.Cut(rest, "/")
	if !ok {
		return ""
	}
	return "functions/" + name
}

// standard reports whether a package is part of the standard library.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

const (
	aws      = "github.com/aws/"
	services = aws + "aws-sdk-go-v2/service/"
)

// TestImports checks the dependencies of the packages, direct and indirect.
func TestImports(t *testing.T) {
	t.Parallel()
	all := packages(t)

	for name, rule := range map[string]struct {
		applies func(path string) bool
		forbids func(path, dep string) bool
	}{
		"shared/inquiry is the domain: it imports only the standard library and shared/deployment": {
			applies: func(path string) bool { return in(path, "shared/inquiry") },
			forbids: func(_, dep string) bool { return !standard(dep) && !in(dep, "shared/inquiry", "shared/deployment") },
		},
		"shared/deployment is constants: it imports only the standard library": {
			applies: func(path string) bool { return in(path, "shared/deployment") },
			forbids: func(_, dep string) bool { return !standard(dep) },
		},
		"shared/httpapi is the HTTP interface: it does not know the table or the queue": {
			applies: func(path string) bool { return in(path, "shared/httpapi") },
			forbids: func(_, dep string) bool {
				return in(dep, "shared/store", "shared/queue") || strings.HasPrefix(dep, services+"dynamodb") || strings.HasPrefix(dep, services+"sqs")
			},
		},
		"shared/auth proves credentials: it does not know the table or the API": {
			applies: func(path string) bool { return in(path, "shared/auth") },
			forbids: func(_, dep string) bool { return in(dep, "shared/store", "shared/access", "shared/httpapi") },
		},
		"shared/access decides who may use the service: it does not know the API or the queue": {
			applies: func(path string) bool { return in(path, "shared/access") },
			forbids: func(_, dep string) bool { return in(dep, "shared/httpapi", "shared/queue") },
		},
		"shared/boot is linked into every function: it imports nothing of the domain and no SDK client": {
			applies: func(path string) bool { return in(path, "shared/boot") },
			forbids: func(_, dep string) bool {
				return in(dep, "shared") && !in(dep, "shared/boot") || strings.HasPrefix(dep, services)
			},
		},
		"sources, name matching and reports would work on another cloud: they do not know AWS": {
			applies: func(path string) bool { return in(path, "shared/source", "shared/match", "shared/report") },
			forbids: func(_, dep string) bool { return strings.HasPrefix(dep, aws) },
		},
		"shared packages do not import their users: functions, infra": {
			applies: func(path string) bool { return in(path, "shared") },
			forbids: func(_, dep string) bool { return in(dep, "functions", "infra") },
		},
		"one folder is one Lambda function: a function does not import another": {
			applies: func(path string) bool { return in(path, "functions") },
			forbids: func(path, dep string) bool { return in(dep, "functions") && functionOf(dep) != functionOf(path) },
		},
		"a function does not know how it is deployed: it does not import infra": {
			applies: func(path string) bool { return in(path, "functions") },
			forbids: func(_, dep string) bool { return in(dep, "infra") },
		},
		"infra deploys functions but does not import them, except to measure their cost": {
			applies: func(path string) bool { return in(path, "infra") && !in(path, "infra/bench") },
			forbids: func(_, dep string) bool { return in(dep, "functions") },
		},
		"the simulator is for tests: no production package imports it": {
			applies: func(path string) bool { return in(path, "shared", "functions", "infra", "client") },
			forbids: func(_, dep string) bool { return in(dep, "simulation") },
		},
		"lenders build the client into their programs: it imports only the standard library and a package for retries": {
			applies: func(path string) bool { return path == module+"client" },
			forbids: func(path, dep string) bool {
				return !standard(dep) && dep != path && dep != "github.com/cenkalti/backoff/v5"
			},
		},
		"the client knows the API from outside only: it imports nothing of the service": {
			applies: func(path string) bool { return in(path, "client") },
			forbids: func(_, dep string) bool {
				return in(dep, "shared", "functions", "infra") || strings.HasPrefix(dep, aws)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := false
			for _, p := range all {
				if !rule.applies(p.ImportPath) {
					continue
				}
				found = true
				for _, dep := range p.Deps {
					if rule.forbids(p.ImportPath, dep) {
						t.Errorf("%s depends on %s", strings.TrimPrefix(p.ImportPath, module), strings.TrimPrefix(dep, module))
					}
				}
			}
			if !found {
				t.Error("the rule applies to no package")
			}
		})
	}
}

// TestImportsOfTests checks what tests import beyond their package. They may use a
// real table engine, but not another function or the rest of infra.
func TestImportsOfTests(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, dep := range slices.Concat(p.TestImports, p.XTestImports) {
			name, imported := strings.TrimPrefix(p.ImportPath, module), strings.TrimPrefix(dep, module)
			switch {
			case in(dep, "functions") && functionOf(dep) != functionOf(p.ImportPath) && in(p.ImportPath, "shared", "functions", "client"):
				t.Errorf("the tests of %s import %s: no other package may use a function", name, imported)
			case in(dep, "infra") && !in(dep, "infra/local/enginetest") && !in(p.ImportPath, "infra"):
				t.Errorf("the tests of %s import %s: of infra, they may import only infra/local/enginetest", name, imported)
			}
		}
	}
}

// TestEngine checks that only infra/local names the local engines, and what people read
// about choosing one. Then any server that offers the AWS APIs on one endpoint can be
// added.
func TestEngine(t *testing.T) {
	t.Parallel()
	// Each name is in two parts, so that this file does not break the rule.
	engines := [][]byte{[]byte("mini" + "stack"), []byte("local" + "stack")}
	built := []string{".git", ".local", "dist", "cdk.out", "node_modules"}
	mayKnow := func(path string) bool {
		return strings.HasPrefix(path, "infra/local/") || strings.HasPrefix(path, ".ci/") ||
			path == "Makefile" || strings.HasPrefix(path, "README") || path == "CHANGELOG.md" || path == "docs/decisions/local-engine.md"
	}
	names := func(content []byte) bool {
		content = bytes.ToLower(content)
		return slices.ContainsFunc(engines, func(engine []byte) bool { return bytes.Contains(content, engine) })
	}

	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(built, entry.Name()):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file of another program
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if !mayKnow(filepath.ToSlash(name)) && names(content) {
			t.Errorf("%s names a local engine: only infra/local may know which one is used", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

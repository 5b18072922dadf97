// Package shared_test holds the import lines between the folders of this module,
// which design keeps apart and the compiler does not.
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

// pkg is one package of the module, as go list knows it.
type pkg struct {
	ImportPath                string
	Deps                      []string // all, not only its own imports
	TestImports, XTestImports []string
}

// packages lists the whole module.
//
// The go command takes a test's old result for good as long as the files are the
// same that the test has opened, and those that go list opens do not count. What
// sees to it that this test runs again is TestTheEngineHasOneHome, which reads
// every file.
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

// functionOf is the folder of the function that a package is a part of, or "".
func functionOf(path string) string {
	rest, ok := strings.CutPrefix(path, module+"functions/")
	name, _, _ := strings.Cut(rest, "/")
	if !ok {
		return ""
	}
	return "functions/" + name
}

// standard reports whether a package comes with Go.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

const aws = "github.com/aws/"

func TestImportLines(t *testing.T) {
	t.Parallel()
	all := packages(t)

	for rule, line := range map[string]struct {
		of      func(path string) bool
		forbids func(path, dep string) bool
	}{
		"shared/inquiry is the domain: standard library, and the deployment's constants": {
			of:      func(path string) bool { return in(path, "shared/inquiry") },
			forbids: func(_, dep string) bool { return !standard(dep) && !in(dep, "shared/inquiry", "shared/deployment") },
		},
		"shared/httpapi speaks HTTP: no table and no queue": {
			of: func(path string) bool { return in(path, "shared/httpapi") },
			forbids: func(_, dep string) bool {
				return in(dep, "shared/store", "shared/queue") ||
					strings.HasPrefix(dep, aws+"aws-sdk-go-v2/service/dynamodb") || strings.HasPrefix(dep, aws+"aws-sdk-go-v2/service/sqs")
			},
		},
		"sources, names and reports would be true on another cloud: nothing of AWS": {
			of:      func(path string) bool { return in(path, "shared/source", "shared/match", "shared/report") },
			forbids: func(_, dep string) bool { return strings.HasPrefix(dep, aws) },
		},
		"shared packages do not import their users: no function, no infra": {
			of:      func(path string) bool { return in(path, "shared") },
			forbids: func(_, dep string) bool { return in(dep, "functions", "infra") },
		},
		"shared/deployment is constants only: standard library": {
			of:      func(path string) bool { return in(path, "shared/deployment") },
			forbids: func(_, dep string) bool { return !standard(dep) },
		},
		"the simulator is for tests: no production package imports it": {
			of:      func(path string) bool { return in(path, "shared", "functions", "infra", "client") },
			forbids: func(_, dep string) bool { return in(dep, "simulation") },
		},
		"one folder is one Lambda: a function imports no sibling": {
			of:      func(path string) bool { return in(path, "functions") },
			forbids: func(path, dep string) bool { return in(dep, "functions") && functionOf(dep) != functionOf(path) },
		},
		"a function does not know how it is deployed: no infra": {
			of:      func(path string) bool { return in(path, "functions") },
			forbids: func(_, dep string) bool { return in(dep, "infra") },
		},
		"the client is what lenders build into their programs: standard library and one for trying again": {
			of: func(path string) bool { return path == module+"client" },
			forbids: func(path, dep string) bool {
				return !standard(dep) && dep != path && dep != "github.com/cenkalti/backoff/v5"
			},
		},
		"what stands before the API knows it from outside only: nothing of its insides": {
			of: func(path string) bool { return in(path, "client") },
			forbids: func(_, dep string) bool {
				return in(dep, "shared", "functions", "infra") || strings.HasPrefix(dep, aws)
			},
		},
		"infra deploys functions and runs none, but to count what they use: no function": {
			of:      func(path string) bool { return in(path, "infra") && !in(path, "infra/bench") },
			forbids: func(_, dep string) bool { return in(dep, "functions") },
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			found := false
			for _, p := range all {
				if !line.of(p.ImportPath) {
					continue
				}
				found = true
				for _, dep := range p.Deps {
					if line.forbids(p.ImportPath, dep) {
						t.Errorf("%s depends on %s", strings.TrimPrefix(p.ImportPath, module), strings.TrimPrefix(dep, module))
					}
				}
			}
			if !found {
				t.Error("there is no package that this rule is about")
			}
		})
	}
}

// Tests may use a real table engine; else the lines are theirs too.
func TestImportLinesOfTests(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, dep := range slices.Concat(p.TestImports, p.XTestImports) {
			name, of := strings.TrimPrefix(p.ImportPath, module), strings.TrimPrefix(dep, module)
			switch {
			case in(dep, "functions") && functionOf(dep) != functionOf(p.ImportPath) && in(p.ImportPath, "shared", "functions", "client"):
				t.Errorf("the tests of %s import %s: a function is nobody else's", name, of)
			case in(dep, "infra") && !in(dep, "infra/local/enginetest") && !in(p.ImportPath, "infra"):
				t.Errorf("the tests of %s import %s: of infra, tests may use infra/local/enginetest alone", name, of)
			}
		}
	}
}

// Any server that speaks AWS on one endpoint can take the local engine's place,
// as long as nothing else knows which one runs.
func TestTheEngineHasOneHome(t *testing.T) {
	t.Parallel()
	engine := []byte("mini" + "stack") // in two parts, or this file would break the rule
	built := []string{".git", ".local", "dist", "cdk.out", "node_modules"}
	mayKnow := func(path string) bool {
		return strings.HasPrefix(path, "infra/local/") || strings.HasPrefix(path, ".ci/") ||
			path == "Makefile" || strings.HasPrefix(path, "README")
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
			return nil // another program's, and gone again
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if !mayKnow(filepath.ToSlash(name)) && bytes.Contains(bytes.ToLower(content), engine) {
			t.Errorf("%s names the local engine: nothing but infra/local may know which one runs", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

package client_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goBlock matches a Go program in a README.
var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// The READMEs show one Go program each, which is run as they say: the one in
// README.md as first/main.go, which exists only for the go command, and the one in
// client/README.md as the example that it is a copy of.
func TestREADMEPrograms(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(exampleAPI())
	t.Cleanup(api.Close)
	for name, tt := range map[string]struct {
		mentions []string
		run      func(t *testing.T, root string, program []byte) []string // returns the arguments of go run
		want     string
	}{
		"README.md": {
			[]string{"`first/main.go`", "`go run ./first`"}, overlayFirst,
			"019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000 PARTIAL_SUCCESS",
		},
		"client/README.md": {
			[]string{"(examples/first/main.go)", "`go run ./client/examples/first`"}, sameAsExample,
			"LOAN-1001 COMPLETED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := repositoryRoot(t)
			text := readFile(t, filepath.Join(root, name))
			for _, mention := range tt.mentions {
				if !strings.Contains(string(text), mention) {
					t.Errorf("the README does not say %s", mention)
				}
			}
			programs := goBlock.FindAllSubmatch(text, -1)
			if len(programs) != 1 {
				t.Fatalf("the README shows %d programs, want 1", len(programs))
			}
			cmd := exec.CommandContext(t.Context(), "go", append([]string{"run"}, tt.run(t, root, programs[0][1])...)...)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "BI_URL="+api.URL, "BI_API_KEY="+key)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("running the program: %v", err)
			}
			if !strings.Contains(string(out), tt.want) {
				t.Errorf("the output does not contain %q:\n%s", tt.want, out)
			}
		})
	}
}

// overlayFirst makes the program visible to the go command as first/main.go.
func overlayFirst(t *testing.T, root string, program []byte) []string {
	t.Helper()
	folder := t.TempDir()
	source, overlay := filepath.Join(folder, "main.go"), filepath.Join(folder, "overlay.json")
	files, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, "first", "main.go"): source}})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{source: program, overlay: files} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"-overlay", overlay, "./first"}
}

// sameAsExample checks that the program is that of examples/first.
func sameAsExample(t *testing.T, root string, program []byte) []string {
	t.Helper()
	example := string(readFile(t, filepath.Join(root, "client", "examples", "first", "main.go")))
	if start := strings.Index(example, "package main"); start < 0 || example[start:] != string(program) {
		t.Errorf("client/README.md shows another program than client/examples/first/main.go:\n%s", program)
	}
	return []string{"./client/examples/first"}
}

// Every file that a README submits with bi must exist.
func TestREADMESampleFiles(t *testing.T) {
	t.Parallel()
	root := repositoryRoot(t)
	for _, name := range []string{"README.md", "client/README.md"} {
		text := readFile(t, filepath.Join(root, name))
		submitted := regexp.MustCompile(`(?m)^dist/bi submit (\S+)`).FindAllSubmatch(text, -1)
		for _, file := range submitted {
			if _, err := os.Stat(filepath.Join(root, string(file[1]))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(submitted) == 0 {
			t.Errorf("%s submits no file", name)
		}
	}
}

func repositoryRoot(tb testing.TB) string {
	tb.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

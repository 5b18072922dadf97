package client_test

import (
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

// The README's Go program is a copy of the example, which is run.
func TestREADMEProgram(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(exampleAPI())
	t.Cleanup(api.Close)
	root := repositoryRoot(t)
	text := readFile(t, filepath.Join(root, "client", "README.md"))
	for _, mention := range []string{"(examples/first/main.go)", "`go run ./client/examples/first`"} {
		if !strings.Contains(string(text), mention) {
			t.Errorf("the README does not say %s", mention)
		}
	}
	programs := goBlock.FindAllSubmatch(text, -1)
	if len(programs) != 1 {
		t.Fatalf("the README shows %d programs, want 1", len(programs))
	}
	example := string(readFile(t, filepath.Join(root, "client", "examples", "first", "main.go")))
	if start := strings.Index(example, "package main"); start < 0 || example[start:] != string(programs[0][1]) {
		t.Errorf("the README shows another program than client/examples/first/main.go:\n%s", example)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./client/examples/first")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "BI_URL="+api.URL, "BI_API_KEY="+key)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("running the program: %v", err)
	}
	if want := "LOAN-1001 COMPLETED"; !strings.Contains(string(out), want) {
		t.Errorf("the output does not contain %q:\n%s", want, out)
	}
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

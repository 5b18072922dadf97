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

// block is what a README shows in Go.
var block = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// What the READMEs show in Go is run where they say to save it: as first/main.go
// in this repository, which the go command is told of without a file there.
func TestWhatTheREADMEsShowRuns(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(exampleAPI())
	t.Cleanup(api.Close)
	for name, want := range map[string]string{
		"README.md":        "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000 PARTIAL_SUCCESS",
		"client/README.md": "LOAN-1001 COMPLETED",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			shown := block.FindAllSubmatch(text, -1)
			if len(shown) != 1 || !strings.Contains(string(text), "`first/main.go`") || !strings.Contains(string(text), "`go run ./first`") {
				t.Fatalf("it shows %d programs, or not where to save them", len(shown))
			}
			folder := t.TempDir()
			program, overlay := filepath.Join(folder, "main.go"), filepath.Join(folder, "overlay.json")
			files, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, "first", "main.go"): program}})
			if err != nil {
				t.Fatal(err)
			}
			for path, data := range map[string][]byte{program: shown[0][1], overlay: files} {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "go", "run", "-overlay", overlay, "./first")
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "BI_URL="+api.URL, "BI_API_KEY="+key)
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// A file that a README names for bi to submit is there.
func TestWhatTheREADMEsSubmitIsThere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"README.md", "client/README.md"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile(`(?m)^dist/bi submit (\S+)`).FindAllSubmatch(text, -1)
		for _, file := range named {
			if _, err := os.Stat(filepath.Join("..", string(file[1]))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(named) == 0 {
			t.Errorf("%s submits nothing", name)
		}
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	t.Parallel()
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
	for path, want := range files {
		t.Run(filepath.Base(path)+" is up to date", func(t *testing.T) {
			t.Parallel()
			got, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(path)))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is stale: run go generate ./shared/httpapi", path)
			}
		})
	}
}

// The page's Content-Security-Policy allows exactly what is between these tags.
func TestRenderPage(t *testing.T) {
	t.Parallel()
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	page := string(files["page.html"])
	for name, element := range map[string]string{
		"the style is inserted unchanged":  "<style>" + style + "</style>",
		"the script is inserted unchanged": "<script>" + script + "</script>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(page, element) != 1 {
				t.Error("it is not in the page exactly once")
			}
		})
	}
}

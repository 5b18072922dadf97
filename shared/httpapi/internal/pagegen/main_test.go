package main

import (
	"bytes"
	"os"
	"path/filepath"
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

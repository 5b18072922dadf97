package ofac

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// realList is the real list that lies beside the repository on development
// machines and is no part of it.
func realList(t testing.TB) string {
	t.Helper()

	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(here), "../../../../shared/data/ofac")
	if _, err := os.Stat(filepath.Join(dir, "sdn.csv")); err != nil {
		t.Skip("the real list is not beside the repository (../shared/data/ofac)")
	}
	return dir
}

func BenchmarkLoad(b *testing.B) {
	dir := os.DirFS(realList(b))
	for b.Loop() {
		if _, err := Load(dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadAndIndex(b *testing.B) {
	dir := os.DirFS(realList(b))
	for b.Loop() {
		l, err := Load(dir)
		if err != nil {
			b.Fatal(err)
		}
		l.index()
	}
}

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

const table = "index,status\n0,FAILED\n"

// respondResults sends results in the requested format.
func respondResults(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Accept"))
	w.Header().Set("Results-Complete", fmt.Sprint(r.URL.Query().Get("scope") == "failed"))
	w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
	io.WriteString(w, map[string]string{"text/csv": table, "application/x-ndjson": "{}\n"}[r.Header.Get("Accept")])
}

func TestResults(t *testing.T) {
	t.Parallel()

	t.Run("the file is complete or absent", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, map[string]http.HandlerFunc{
			"GET " + oneBatch + "/results": respondResults,
			"GET " + batches + "/" + absentID + "/results": func(w http.ResponseWriter, r *http.Request) {
				respondResults(w, r)
				panic(http.ErrAbortHandler)
			},
			"GET " + batches + "/" + parentID + "/results": respond(200, "<html>Please sign in</html>"),
		})
		path := filepath.Join(t.TempDir(), "results.csv")
		l.expect(t, l.bi(t, "results", absentID, "--format", "csv", "-o", path), exitError, "results are incomplete")
		l.expect(t, l.bi(t, "results", parentID, "--format", "csv", "-o", path), exitError, "is the address right?")
		l.expect(t, l.bi(t, "results", parentID), exitError, "is the address right?")
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
			t.Errorf("bi left files behind: %v", left)
		}
		if l.out.Len() != 0 {
			t.Errorf("stdout is %q", l.out.String())
		}
		l.expect(t, l.bi(t, "results", batchID, "--format", "csv", "--scope", "failed", "-o", path), exitCompleted)
		if data, err := os.ReadFile(path); err != nil || string(data) != table || l.errOut.Len() > 0 {
			t.Errorf("the file contains %q, %v; stderr is %s", data, err, &l.errOut)
		}
		l.expect(t, l.bi(t, "results", batchID), exitCompleted, "The batch is not finished", "bi watch "+batchID)
		if l.out.String() != "{}\n" {
			t.Errorf("stdout is %q", l.out.String())
		}
	})
}

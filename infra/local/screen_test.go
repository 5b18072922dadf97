package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
)

func TestRun(t *testing.T) {
	t.Parallel()

	t.Run("a missing batch file is reported before anything starts", func(t *testing.T) {
		t.Parallel()

		var out bytes.Buffer
		err := run(t.Context(), func() {}, options{batch: filepath.Join(t.TempDir(), "absent.csv")}, &out)
		if want := "BATCH must name a .json or .csv file"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run() = %v; want an error that says %q", err, want)
		}
		if out.Len() > 0 {
			t.Errorf("run() printed %q", out.String())
		}
	})
}

// transport answers requests without a network.
type transport func(w http.ResponseWriter)

func (t transport) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	t(w)
	return w.Result(), nil
}

func TestFollow(t *testing.T) {
	t.Parallel()

	t.Run("a batch is followed until it is final", func(t *testing.T) {
		t.Parallel()

		synctest.Test(t, func(t *testing.T) {
			const id = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000"
			requests := 0
			api := transport(func(w http.ResponseWriter) {
				if requests++; requests == 1 {
					io.WriteString(w, `{"batchId":"`+id+`","status":"RUNNING","total":3,"running":2,"completed":1}`)
					return
				}
				io.WriteString(w, `{"batchId":"`+id+`","status":"PARTIAL_SUCCESS","isTerminal":true,"total":3,"completed":2,"failed":1}`)
			})
			c, err := client.New("https://api.example", "vd__test", client.WithPollInterval(pollEvery), client.WithHTTPClient(&http.Client{Transport: api}))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			last, err := follow(t.Context(), &out, c, id)
			if err != nil {
				t.Fatal(err)
			}
			if last.Status != client.BatchPartialSuccess {
				t.Errorf("follow() returned the status %s", last.Status)
			}
			if want := "  1 of 3: 2 running, 1 completed\n  3 of 3: 2 completed, 1 failed\n"; out.String() != want {
				t.Errorf("follow() printed %q; want %q", out.String(), want)
			}
		})
	})
}

func TestInFile(t *testing.T) {
	t.Parallel()

	path := filepath.Join(t.TempDir(), "loans.csv")
	if err := os.WriteFile(path, []byte("businessName\nA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := batchfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("a fault names its row and column", func(t *testing.T) {
		t.Parallel()

		invalid := &client.Problem{Status: 422, Errors: []client.Fault{{Pointer: "/inquiries/0/ein", Message: "nine digits"}}}
		err := inFile(invalid, file)
		if want := "row 2, column ein: nine digits"; !strings.Contains(err.Error(), want) {
			t.Errorf("inFile() = %v; want %q", err, want)
		}
		if strings.Contains(err.Error(), seeLog) {
			t.Errorf("inFile() = %v; the log does not help with an invalid file", err)
		}
	})

	t.Run("an error of the API names the log", func(t *testing.T) {
		t.Parallel()

		if err := inFile(&client.Problem{Status: 500}, file); !strings.Contains(err.Error(), seeLog) {
			t.Errorf("inFile() = %v; want %q", err, seeLog)
		}
	})

	t.Run("other errors are returned unchanged", func(t *testing.T) {
		t.Parallel()

		for _, other := range []error{errors.New("another"), nil} {
			if err := inFile(other, file); err != other {
				t.Errorf("inFile(%v) = %v", other, err)
			}
		}
	})
}

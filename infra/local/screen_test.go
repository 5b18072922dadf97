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

func TestAMissingBatchIsSaidBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), func() {}, options{batch: filepath.Join(t.TempDir(), "absent.csv")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "BATCH must name a .json or .csv file") {
		t.Error(err)
	}
}

// transport answers requests without a network.
type transport func(w http.ResponseWriter)

func (t transport) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	t(w)
	return w.Result(), nil
}

func TestABatchIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const id = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000"
		asked := 0
		api := transport(func(w http.ResponseWriter) {
			if asked++; asked == 1 {
				io.WriteString(w, `{"batchId":"`+id+`","status":"RUNNING","total":3,"running":2,"completed":1}`)
				return
			}
			io.WriteString(w, `{"batchId":"`+id+`","status":"PARTIAL_SUCCESS","isTerminal":true,"total":3,"completed":2,"failed":1}`)
		})
		c, err := client.New("https://api.example", "vd__test", client.WithPollInterval(pollEvery), client.WithHTTPClient(&http.Client{Transport: api}))
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		last, err := follow(t.Context(), &said, c, id)
		if err != nil || last.Status != client.BatchPartialSuccess {
			t.Errorf("%+v, %v", last, err)
		}
		if want := "  1 of 3: 2 running, 1 completed\n  3 of 3: 2 completed, 1 failed\n"; said.String() != want {
			t.Errorf("said %q", said.String())
		}
	})
}

func TestFaultsAreShownInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "loans.csv")
	if err := os.WriteFile(path, []byte("businessName\nA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := batchfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	faulty := &client.Problem{Status: 422, Errors: []client.Fault{{Pointer: "/inquiries/0/ein", Message: "nine digits"}}}
	if err := inFile(faulty, file); !strings.Contains(err.Error(), "row 2, column ein: nine digits") || strings.Contains(err.Error(), seeLog) {
		t.Errorf("of a bad file: %v", err)
	}
	if err := inFile(&client.Problem{Status: 500}, file); !strings.Contains(err.Error(), seeLog) {
		t.Errorf("of a fault of ours: %v", err)
	}
	if other := errors.New("another"); inFile(other, file) != other || inFile(nil, file) != nil {
		t.Error("other errors change")
	}
}

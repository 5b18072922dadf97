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
	"sync/atomic"
	"testing"
	"time"

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

func TestABatchIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			io.WriteString(w, `{"status":"RUNNING","total":3,"running":2,"completed":1}`)
			return
		}
		io.WriteString(w, `{"status":"PARTIAL_SUCCESS","isTerminal":true,"total":3,"completed":2,"failed":1}`)
	}))
	defer server.Close()
	c, err := client.New(server.URL, "vd__test", client.WithPollInterval(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	last, err := follow(t.Context(), &said, c, "b")
	if err != nil || last.Status != client.StatusPartialSuccess {
		t.Errorf("%+v, %v", last, err)
	}
	if want := "  1 of 3: 2 running, 1 completed\n  3 of 3: 2 completed, 1 failed\n"; said.String() != want {
		t.Errorf("said %q", said.String())
	}
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

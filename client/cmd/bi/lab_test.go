package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

const testKey = "vd__secret_of_the_test"

// The ids of a batch, of one that does not exist, and of one that is run again.
const (
	batchID  = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000"
	absentID = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a3f0000"
	parentID = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a4f0000"

	batches  = "/v1/batch-inquiries"
	oneBatch = batches + "/" + batchID
)

// lab runs bi against a fake API and keeps its output.
type lab struct {
	api         http.Handler
	stdin       string // what the person types; empty means that there is no person
	interrupt   func() // presses Ctrl-C while bi runs
	took        time.Duration
	out, errOut bytes.Buffer
}

// newLab returns a lab whose API has these handlers, by method and path.
func newLab(tb testing.TB, routes map[string]http.HandlerFunc) *lab {
	tb.Helper()
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.HandleFunc(pattern, h)
	}
	return &lab{api: mux}
}

// RoundTrip answers without a network, so that bi's pauses take no time. When a
// handler aborts, its response is cut off at that point or, if it is empty, lost.
func (l *lab) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	defer func() {
		p := recover()
		if p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
		if p != nil && w.Body.Len() == 0 {
			err = errors.New("connection reset by peer")
			return
		}
		resp = w.Result()
		resp.Request = req
		if p != nil {
			resp.Body = io.NopCloser(io.MultiReader(w.Body, iotest.ErrReader(io.ErrUnexpectedEOF)))
		}
	}()
	l.api.ServeHTTP(w, req)
	return nil, nil // the deferred function sets the results
}

// bi runs the command like main and returns its exit code.
func (l *lab) bi(t *testing.T, args ...string) (code int) {
	t.Helper()
	l.out.Reset()
	l.errOut.Reset()
	env := map[string]string{"BI_URL": "https://api.example", "BI_API_KEY": testKey}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var ctx context.Context
		ctx, l.interrupt = context.WithCancel(t.Context())
		defer l.interrupt()
		p := process{
			env: func(name string) string { return env[name] }, stdin: strings.NewReader(l.stdin),
			stdout: &l.out, stderr: &l.errOut, attended: l.stdin != "",
		}
		code = run(ctx, args, p, client.WithHTTPClient(&http.Client{Transport: l}))
		l.took = time.Since(begun)
	})
	return code
}

// expect checks the exit code and that the output, on either stream, contains all
// texts.
func (l *lab) expect(t *testing.T, code, want int, texts ...string) {
	t.Helper()
	if code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
	output := l.out.String() + l.errOut.String()
	for _, text := range texts {
		if !strings.Contains(output, text) {
			t.Errorf("the output does not contain %q", text)
		}
	}
	if strings.Contains(output, testKey) {
		t.Error("the output contains the key")
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", &l.out, &l.errOut)
	}
}

// file writes a file for one test and returns its path.
func file(tb testing.TB, name, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func batchBody(s client.BatchStatus, done, total int) string {
	final := s != client.BatchRunning && s != client.BatchPending
	return fmt.Sprintf(`{"batchId":"`+batchID+`","batchName":"November","status":%q,"statusReason":"Because.","isTerminal":%t,"total":%d,"running":%d,"completed":%d,"createdAt":"2026-11-23T10:00:00Z"}`,
		s, final, total, total-done, done)
}

// turns sends each text once and then repeats the last one. For an empty text, it
// closes the connection.
func turns(texts ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		text := texts[0]
		if len(texts) > 1 {
			texts = texts[1:]
		}
		mu.Unlock()
		if text == "" {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, text)
	}
}

const loans = "businessName,ein,externalId\nKylderon,470555102,LOAN-1\n\nSablefin,12,LOAN-2\n"

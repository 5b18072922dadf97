package client_test

import (
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
)

const key = "vd__test"

// The ids of a batch, of an inquiry in it, and of another batch.
const (
	batchID   = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000"
	inquiryID = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0001"
	otherID   = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a300000"
)

// inMemory answers requests without a network, so that waiting in a synctest bubble
// takes no time. A handler that panics with errLost loses its response after its
// work is done.
type inMemory struct{ http.Handler }

var errLost = errors.New("connection reset by peer")

func (m inMemory) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if p := recover(); p == errLost {
			resp, err = nil, errLost
		} else if p != nil {
			panic(p)
		}
	}()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, req)
	resp = w.Result()
	resp.Request = req
	return resp, nil
}

// newClient returns a client whose API is a handler in memory.
func newClient(tb testing.TB, h http.HandlerFunc, options ...client.Option) *client.Client {
	tb.Helper()
	c, err := client.New("https://api.example/dev/", key, append(options, client.WithHTTPClient(&http.Client{Transport: inMemory{h}}))...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// respond sends a JSON response.
func respond(w http.ResponseWriter, status int, body string, header ...string) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func problemBody(kind string) string {
	return `{"type":"/dev/v1/docs#problem-` + kind + `","title":"No","status":1,"detail":"Not so.","requestId":"r-1"}`
}

func firstError[T any](all iter.Seq2[T, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

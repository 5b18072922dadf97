package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
)

const table = "index,status\n0,COMPLETED\n"

// respondResults answers like the API when the response contains the results.
func respondResults(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Accept"))
	w.Header().Set("Results-Complete", "true")
	w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
	io.WriteString(w, table)
}

// redirectTo answers like the API when the results are in a file.
func redirectTo(address string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Results-Complete", "true")
		w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
		w.Header().Set("Location", address)
		w.WriteHeader(http.StatusSeeOther)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()

	t.Run("reads the results from the response or from a file", func(t *testing.T) {
		t.Parallel()
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("the credential was sent to another address")
			}
			w.Header().Set("Content-Type", "text/csv")
			io.WriteString(w, table)
		}))
		defer store.Close()
		tries := 0
		for name, h := range map[string]http.HandlerFunc{
			"in the response": respondResults,
			"in a file":       redirectTo(store.URL + "/file?signature=x"),
			"on the second try": func(w http.ResponseWriter, r *http.Request) {
				if tries++; tries == 1 {
					panic(http.ErrAbortHandler)
				}
				respondResults(w, r)
			},
		} {
			t.Run(name, func(t *testing.T) {
				api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/v1/batch-inquiries/"+batchID+"/results" || r.URL.RawQuery != "scope=failed" || r.Header.Get("Accept") != "text/csv" {
						t.Errorf("the client requested %s as %s", r.URL, r.Header.Get("Accept"))
					}
					h(w, r)
				}))
				defer api.Close()
				c, err := client.New(api.URL, key)
				if err != nil {
					t.Fatal(err)
				}
				r, err := c.Results(t.Context(), batchID, client.ResultsQuery{Format: client.CSV, Scope: client.ScopeFailed})
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(r)
				if err != nil || string(data) != table {
					t.Errorf("the results are %q, %v", data, err)
				}
				if !r.Complete || r.AsOf.IsZero() {
					t.Errorf("complete is %t, as of %s", r.Complete, r.AsOf)
				}
				if err := r.Close(); err != nil {
					t.Errorf("closing: %v", err)
				}
			})
		}
	})

	t.Run("a cut connection is an error", func(t *testing.T) {
		t.Parallel()
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			respondResults(w, r)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}))
		defer api.Close()
		c, err := client.New(api.URL, key)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Results(t.Context(), batchID, client.ResultsQuery{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the error is %v", err)
		}
	})

	// Callers save results as they arrive, so anything that is not certainly results must
	// be an error before the first byte.
	t.Run("a response that is not results is an error", func(t *testing.T) {
		t.Parallel()
		const elsewhere = "https://store.example"
		for name, tt := range map[string]struct {
			answer http.HandlerFunc
			want   string
		}{
			"unknown batch": {func(w http.ResponseWriter, _ *http.Request) { respond(w, 404, problemBody("not-found")) }, "404 No"},
			"page of a hotel's network": {func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, "<html>Please sign in</html>")
			}, `is the address right?): it is "text/html"`},
			"no time": {func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/csv")
				io.WriteString(w, table)
			}, "is the address right?"},
			"another format": {func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("Accept", "application/x-ndjson")
				respondResults(w, r)
			}, `it is "application/x-ndjson"`},
			"no content": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "status 204"},
			"redirect to another address": {func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
			}, "another address: " + elsewhere},
			"redirect to a sign-in page": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusSeeOther) }, "another address: " + elsewhere},
			"expired file":               {redirectTo(elsewhere + "/gone?signature=x"), "the results file cannot be read"},
			"file that is a page":        {redirectTo(elsewhere + "/page?signature=x"), `the results file is "text/html"`},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				requests := 0
				c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
					requests++
					switch r.URL.Path {
					case "/gone":
						w.WriteHeader(http.StatusForbidden)
					case "/page":
						io.WriteString(w, "<html>Please sign in</html>")
					default:
						tt.answer(w, r)
					}
				})
				r, err := c.Results(t.Context(), batchID, client.ResultsQuery{Format: client.CSV})
				if err == nil || r != nil {
					t.Fatalf("Results returns %v, %v", r, err)
				}
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("the error is %v, want %q", err, tt.want)
				}
				if strings.Contains(err.Error(), "signature") {
					t.Errorf("the error contains the file's signed address: %v", err)
				}
				if requests > 2 {
					t.Errorf("the client sent %d requests", requests)
				}
			})
		}
	})
}

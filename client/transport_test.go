package client_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func TestUnexpectedResponse(t *testing.T) {
	t.Parallel()

	t.Run("a page instead of JSON is an error", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<html>Please sign in to the hotel's network</html>")
		})
		if _, err := c.Batch(t.Context(), batchID); err == nil || !strings.Contains(err.Error(), "is the address right?") {
			t.Errorf("the error is %v", err)
		}
	})

	// Any JSON object decodes into an empty value of any type, so the client must check
	// that a response contains what it requested.
	t.Run("JSON without the requested content is an error", func(t *testing.T) {
		t.Parallel()
		for name, body := range map[string]string{
			"empty object": `{}`, "another batch": `{"batchId":"` + otherID + `","inquiryId":"` + otherID + `x"}`, "null": `null`,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				requests := 0
				c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
					requests++
					respond(w, 200, body)
				})
				for method, call := range map[string]func() error{
					"Batch":     func() error { _, err := c.Batch(t.Context(), batchID); return err },
					"Cancel":    func() error { _, err := c.Cancel(t.Context(), batchID); return err },
					"Delete":    func() error { _, err := c.Delete(t.Context(), batchID); return err },
					"Wait":      func() error { _, err := c.Wait(t.Context(), batchID); return err },
					"Validate":  func() error { _, err := c.Validate(t.Context(), client.Submission{}); return err },
					"Inquiry":   func() error { _, err := c.Inquiry(t.Context(), inquiryID); return err },
					"Inquiries": func() error { return firstError(c.Inquiries(t.Context(), batchID, client.InquiryFilter{})) },
					"Batches":   func() error { return firstError(c.Batches(t.Context(), client.BatchFilter{})) },
					"Single":    func() error { _, err := c.SubmitInquiry(t.Context(), client.InquiryInput{}, ""); return err },
					"Me":        func() error { _, err := c.Me(t.Context()); return err },
					"APIKey":    func() error { _, err := c.APIKey(t.Context()); return err },
					"Rotate":    func() error { _, err := c.RotateAPIKey(t.Context()); return err },
					"Revoke":    func() error { return c.RevokeAPIKey(t.Context()) },
				} {
					requests = 0
					if call() == nil {
						t.Errorf("%s accepts the response", method)
					}
					if requests != 1 {
						t.Errorf("%s sends %d requests, want 1", method, requests)
					}
				}
			})
		}
	})
}

func TestCall(t *testing.T) {
	t.Parallel()

	// A path with an empty id would be the list's, and one with a slash could be any.
	t.Run("rejects a malformed id without a request", func(t *testing.T) {
		t.Parallel()
		for name, id := range map[string]string{
			"nothing": "", "a word": "abc", "a path": "../users/me", "with a line": batchID + "\n", "too long": batchID + "0", "bare digits": strings.ReplaceAll(batchID, "-", ""),
		} {
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				t.Errorf("%s: the client requested %s", name, r.URL)
				respond(w, 200, `{}`)
			})
			for method, call := range map[string]func() error{
				"Batch":     func() error { _, err := c.Batch(t.Context(), id); return err },
				"Cancel":    func() error { _, err := c.Cancel(t.Context(), id); return err },
				"Delete":    func() error { _, err := c.Delete(t.Context(), id); return err },
				"Rerun":     func() error { _, err := c.Rerun(t.Context(), id, client.Rerun{}); return err },
				"Results":   func() error { _, err := c.Results(t.Context(), id, client.ResultsQuery{}); return err },
				"Wait":      func() error { _, err := c.Wait(t.Context(), id); return err },
				"Inquiry":   func() error { _, err := c.Inquiry(t.Context(), id); return err },
				"Inquiries": func() error { return firstError(c.Inquiries(t.Context(), id, client.InquiryFilter{})) },
			} {
				if err := call(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q is not the id of", id)) {
					t.Errorf("%s of %s: the error is %v", method, name, err)
				}
			}
		}
	})

	t.Run("does not follow a redirect with the credential", func(t *testing.T) {
		t.Parallel()
		requests := 0
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			requests++
			w.Header().Set("Location", "https://other.example/v1/users/me")
			w.WriteHeader(http.StatusMovedPermanently)
		})
		if _, err := c.Me(t.Context()); err == nil || !strings.Contains(err.Error(), "https://other.example") {
			t.Errorf("the error is %v", err)
		}
		if requests != 1 {
			t.Errorf("the client sent %d requests, want 1", requests)
		}
	})

	t.Run("uses the routes of the user and the key", func(t *testing.T) {
		t.Parallel()
		var requests []string
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			requests = append(requests, r.Method+" "+r.URL.Path)
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			respond(w, 200, `{"apiKey":"vd__new","userId":"u-1"}`)
		})
		if k, err := c.APIKey(t.Context()); err != nil || k != "vd__new" {
			t.Error(k, err)
		}
		if k, err := c.RotateAPIKey(t.Context()); err != nil || k != "vd__new" {
			t.Error(k, err)
		}
		if err := c.RevokeAPIKey(t.Context()); err != nil {
			t.Error(err)
		}
		if me, err := c.Me(t.Context()); err != nil || me.UserID != "u-1" {
			t.Error(me, err)
		}
		const path = "/dev/v1/users/me"
		if want := []string{"GET " + path + "/api-key", "POST " + path + "/api-key/rotate", "DELETE " + path + "/api-key", "GET " + path}; !slices.Equal(requests, want) {
			t.Errorf("the requests were %q, want %q", requests, want)
		}
	})
}

package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func TestProblem(t *testing.T) {
	t.Parallel()

	t.Run("is retried only if it is temporary", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			status int
			body   string
			header []string
			tries  int
			kind   string
			want   string
		}{
			"invalid request":              {422, problemBody("validation"), nil, 1, "validation", "422 No: Not so. (request r-1)"},
			"older form of the type":       {404, `{"type":"urn:batch-inquiries:problem:not-found","title":"Not found"}`, nil, 1, "not-found", "404 Not found"},
			"conflict":                     {409, problemBody("not-cancellable"), nil, 1, "not-cancellable", "409"},
			"Retry-After of an hour":       {429, problemBody("rate-limited"), []string{"Retry-After", "3600"}, 1, "rate-limited", "429"},
			"HTML page of a proxy":         {502, "<html>Bad Gateway</html>", nil, 5, "", "502 Bad Gateway: the response did not come from the API"},
			"message of the gateway":       {403, `{"message":"Limit Exceeded"}`, nil, 1, "", "403 Forbidden: Limit Exceeded"},
			"internal error that persists": {500, problemBody("internal"), nil, 5, "internal", "500"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					tries := 0
					c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
						tries++
						respond(w, tt.status, tt.body, tt.header...)
					})
					_, err := c.Batch(t.Context(), batchID)
					p, ok := errors.AsType[*client.Problem](err)
					if !ok {
						t.Fatalf("the error is %v, want a Problem", err)
					}
					if p.Status != tt.status {
						t.Errorf("the status is %d, want %d", p.Status, tt.status)
					}
					if p.Kind() != tt.kind {
						t.Errorf("the kind is %q, want %q", p.Kind(), tt.kind)
					}
					if !strings.HasPrefix(err.Error(), tt.want) {
						t.Errorf("the text is %q, want it to start with %q", err, tt.want)
					}
					if tries != tt.tries {
						t.Errorf("the client made %d tries, want %d", tries, tt.tries)
					}
					if tt.kind != "" && !client.IsKind(err, tt.kind) {
						t.Errorf("IsKind does not report %q", tt.kind)
					}
					if client.IsKind(errLost, tt.kind) {
						t.Errorf("IsKind reports %q for a connection error", tt.kind)
					}
				})
			})
		}
	})

	t.Run("lists its faults", func(t *testing.T) {
		t.Parallel()
		var faults []string
		for i := range 12 {
			faults = append(faults, fmt.Sprintf(`{"pointer":"/inquiries/%d/ein","index":%d,"externalId":"LOAN-%d","code":"pattern","message":"nine digits"}`, i, i, i))
		}
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			respond(w, 422, `{"type":"/v1/docs#problem-validation","title":"No","detail":"Not so.","errors":[`+strings.Join(faults, ",")+`]}`)
		})
		_, err := c.Submit(t.Context(), client.Submission{})
		p, _ := errors.AsType[*client.Problem](err)
		if p == nil || len(p.Errors) != 12 || *p.Errors[11].Index != 11 {
			t.Fatalf("the error is %+v, want a Problem with 12 faults", p)
		}
		for _, want := range []string{"\n  /inquiries/0/ein (LOAN-0): nine digits\n", "\n  and 2 more"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the text does not contain %q: %v", want, err)
			}
		}
	})
}

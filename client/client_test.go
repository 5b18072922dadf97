package client_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("rejects an invalid address or key without printing the key", func(t *testing.T) {
		t.Parallel()
		for name, in := range map[string]struct{ url, key string }{
			"no scheme":       {"api.example", key},
			"another scheme":  {"ftp://api.example", key},
			"nothing":         {"", key},
			"no key":          {"https://api.example", ""},
			"key with a line": {"https://api.example", key + "\n"},
		} {
			if c, err := client.New(in.url, in.key); err == nil || strings.Contains(err.Error(), key) {
				t.Errorf("%s: New returns %v, %v", name, c, err)
			}
		}
	})

	// Over http, everybody on the way could read the key.
	t.Run("accepts http only for this machine", func(t *testing.T) {
		t.Parallel()
		for host, accepted := range map[string]bool{
			"localhost": true, "LOCALHOST:4566": true, "127.0.0.1:4566": true, "127.8.9.10": true, "[::1]:80": true, "[::ffff:127.0.0.1]": true,
			"api.example": false, "10.0.0.1": false, "[fe80::1]": false, "0.0.0.0": false, "localhost.example": false,
			"127.0.0.1.example": false, "localhost@api.example": false, "[::]": false, "2130706433": false,
		} {
			c, err := client.New("http://"+host+"/dev", key)
			if accepted != (err == nil) {
				t.Errorf("http://%s: New returns %v, %v", host, c, err)
			}
			if !accepted && (err == nil || !strings.Contains(err.Error(), "https://")) {
				t.Errorf("http://%s: the error does not say what to use: %v", host, err)
			}
			if _, err := client.New("https://"+host+"/dev", key); err != nil {
				t.Errorf("https://%s: %v", host, err)
			}
		}
	})

	t.Run("accepts an address with or without v1 and a slash", func(t *testing.T) {
		t.Parallel()
		for _, address := range []string{"https://api.example/dev", "https://api.example/dev/", "https://api.example/dev/v1", "https://api.example/dev/v1/"} {
			c, err := client.New(address, "vd__k1_secret")
			if err != nil {
				t.Errorf("%s: %v", address, err)
			} else if c.BaseURL() != "https://api.example/dev" {
				t.Errorf("%s: BaseURL is %s", address, c.BaseURL())
			}
		}
	})
}

func TestCredential(t *testing.T) {
	t.Parallel()

	t.Run("is sent with every request and never printed", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.EscapedPath() != "/dev/v1/batch-inquiries/"+strings.ToUpper(batchID) {
				t.Errorf("the path is %s", r.URL.EscapedPath())
			}
			if got := r.Header.Get("Authorization"); got != "Bearer "+key {
				t.Errorf("Authorization is %q", got)
			}
			if got := r.Header.Get("Accept"); got != "application/json" {
				t.Errorf("Accept is %q", got)
			}
			respond(w, http.StatusOK, `{"batchId":"`+batchID+`","status":"RUNNING","total":2,"running":1,"completed":1}`)
		})
		b, err := c.Batch(t.Context(), strings.ToUpper(batchID))
		if err != nil {
			t.Fatal(err)
		}
		if b.BatchID != batchID || b.Status != client.BatchRunning || b.Settled() != 1 {
			t.Errorf("the batch is %+v", b)
		}
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "client", c)
		if shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, logged.String()); strings.Contains(shown, key) {
			t.Errorf("the key is printed: %s", shown)
		}
	})
}

func TestPersonalData(t *testing.T) {
	t.Parallel()

	t.Run("is neither printed nor logged", func(t *testing.T) {
		t.Parallel()
		in := client.InquiryInput{BusinessName: "Kylderon", Principals: []client.PrincipalInput{{LastName: "Kylder"}}}
		one := client.Inquiry{InquirySummary: client.InquirySummary{InquiryID: "i-1", BusinessName: "Kylderon"}, Inquiry: in}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "in", in, "one", one, "row", one.InquirySummary)
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", in, in, in, in), fmt.Sprintf("%v %+v %#v %s", one, one, one, one), log.String()} {
			if strings.Contains(shown, "Kylder") {
				t.Errorf("personal data is printed: %s", shown)
			}
		}
	})
}

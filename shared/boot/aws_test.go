package boot_test

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

func TestAWS(t *testing.T) {
	t.Parallel()
	variables := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
	}

	t.Run("the configuration comes from the environment", func(t *testing.T) {
		t.Parallel()
		env := envOf(variables)
		cfg := env.AWS()
		if err := env.Err(); err != nil {
			t.Fatal(err)
		}
		found, err := cfg.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if found.AccessKeyID != "id" || found.SecretAccessKey != "secret" || found.SessionToken != "token" {
			t.Errorf("credentials of %s", found.Source)
		}
		if cfg.Region != "us-east-1" {
			t.Errorf("region %q", cfg.Region)
		}
		if cfg.BaseEndpoint == nil || *cfg.BaseEndpoint != variables["AWS_ENDPOINT_URL"] {
			t.Errorf("endpoint %v", cfg.BaseEndpoint)
		}
		if !cfg.Retryer().IsErrorRetryable(&smithy.GenericAPIError{Code: "TransactionConflictException"}) {
			t.Error("a write that conflicts with a transaction is not retried")
		}
	})

	for _, missing := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Run(missing+" is required", func(t *testing.T) {
			t.Parallel()
			incomplete := maps.Clone(variables)
			delete(incomplete, missing)
			env := envOf(incomplete)
			env.AWS()
			if err := env.Err(); err == nil || err.Error() != "environment variables not set: "+missing {
				t.Errorf("error %v, want one about %s", err, missing)
			}
		})
	}
}

// A function that makes many calls at the same time must not open a connection for each
// of them again and again.
func TestConnectionsStayOpen(t *testing.T) {
	t.Parallel()
	const calls = 32
	var opened atomic.Int32
	var all sync.WaitGroup // of the calls of one round
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		all.Done()
		all.Wait()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()

	client := envOf(nil).AWS().HTTPClient
	for range 3 {
		all.Add(calls)
		var g errgroup.Group
		for range calls {
			g.Go(func() error {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
				if err != nil {
					return err
				}
				resp, err := client.Do(req)
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, resp.Body)
				return errors.Join(err, resp.Body.Close())
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != calls {
		t.Errorf("3 rounds of %d calls opened %d connections, want %d", calls, n, calls)
	}
}

package gateway_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/gateway"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var (
	errDown = errors.New("no answer")
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// newStore returns a store on a new table in a real engine.
func newStore(tb testing.TB) *store.Store {
	tb.Helper()
	db, name := enginetest.NewTable(tb)
	return store.New(db, name, func() time.Time { return noon })
}

// fakeSecrets returns the master key, after as many failures as failures says.
type fakeSecrets struct{ failures, reads atomic.Int32 }

func (f *fakeSecrets) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	f.reads.Add(1)
	if f.failures.Add(-1) >= 0 {
		return nil, errDown
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String("0123456789abcdef0123456789abcdef")}, nil
}

// fakeRecords creates API keys in the table and then loses as many replies as losses
// says.
type fakeRecords struct {
	access.Records
	losses atomic.Int32
}

func (f *fakeRecords) EnsureAPIKey(ctx context.Context, userID string, generation int) (store.APIKey, error) {
	key, err := f.Records.EnsureAPIKey(ctx, userID, generation)
	if f.losses.Add(-1) >= 0 {
		return store.APIKey{}, errDown
	}
	return key, err
}

var (
	acme   = auth.Caller{LenderID: "acme", UserID: "u1", Role: auth.RoleMember, Credential: auth.CredentialUser}
	globex = auth.Caller{LenderID: "globex", UserID: "u2", Role: auth.RoleMember, Credential: auth.CredentialUser}
)

type fixture struct {
	api, keys *gateway.Handler // of the functions api and manage-api-keys

	store   *store.Store
	secrets *fakeSecrets
	records *fakeRecords
}

// newFixture returns both functions as wire makes them, on a real table with the
// lenders acme and globex and one user each.
func newFixture(tb testing.TB) fixture {
	tb.Helper()
	f := fixture{store: newStore(tb), secrets: &fakeSecrets{}}
	f.records = &fakeRecords{Records: f.store}
	for _, c := range []auth.Caller{acme, globex} {
		if _, _, err := f.store.CreateLender(tb.Context(), inquiry.Lender{ID: c.LenderID, Name: "A Lender"}); err != nil {
			tb.Fatal(err)
		}
		if _, _, err := f.store.AddUser(tb.Context(), store.User{ID: c.UserID, LenderID: c.LenderID, Role: string(c.Role)}); err != nil {
			tb.Fatal(err)
		}
	}
	now, log := func() time.Time { return noon }, slog.New(slog.DiscardHandler)
	api := httpapi.API{Batches: f.store, Access: access.Checker{Members: f.store}, Now: now, Log: log}
	f.api = gateway.New(api.Handler(), log)
	keys := httpapi.API{
		Keys: &access.APIKeys{Records: f.records, Master: auth.NewMasterKeys(f.secrets, []string{"arn:aws:secretsmanager:us-east-1:123456789012:secret:master"})},
		Now:  now, Log: log,
	}
	f.keys = gateway.New(keys.KeyHandler(), log)
	return f
}

// Handle sends a request to the function to which API Gateway sends it.
func (f fixture) Handle(ctx context.Context, ev events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	if strings.Contains(ev.Path, "/me/api-key") {
		return f.keys.Handle(ctx, ev)
	}
	return f.api.Handle(ctx, ev)
}

// request returns a request as API Gateway's stage "prod" sends it.
func request(c auth.Caller, method, path, body string) events.APIGatewayProxyRequest {
	return events.APIGatewayProxyRequest{
		HTTPMethod: method, Path: path, Body: body,
		MultiValueHeaders: map[string][]string{"Content-Type": {"application/json"}},
		RequestContext: events.APIGatewayProxyRequestContext{
			RequestID: "req-1", Stage: "prod", Path: "/prod" + path, DomainName: "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
			Authorizer: c.Context(),
		},
	}
}

func (f fixture) ask(tb testing.TB, ev events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	tb.Helper()
	resp, err := f.Handle(tb.Context(), ev)
	if err != nil {
		tb.Fatal(err)
	}
	return resp
}

// header returns the first value of a response's header, or "".
func header(resp events.APIGatewayProxyResponse, name string) string {
	return http.Header(resp.MultiValueHeaders).Get(name)
}

const oneInquiry = `{"name":"A batch","inquiries":[{"businessName":"Ash LLC"}]}`

// submit submits a batch of one inquiry and returns the batch's id.
func (f fixture) submit(tb testing.TB, c auth.Caller) inquiry.BatchID {
	tb.Helper()
	resp := f.ask(tb, request(c, "POST", "/v1/batch-inquiries", oneInquiry))
	var body httpapi.SubmittedBody
	if err := json.Unmarshal([]byte(resp.Body), &body); err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("submitting: %d %s, %v", resp.StatusCode, resp.Body, err)
	}
	return body.BatchID
}

func TestHandle(t *testing.T) {
	t.Parallel()

	// A request that did not pass the authorizer means that the deployment is wrong. It must
	// be an error that operators notice, and no route may see it.
	t.Run("a request without a caller is an error", func(t *testing.T) {
		t.Parallel()
		for name, context := range map[string]map[string]any{
			"no authorizer":             nil,
			"another authorizer":        {"principalId": "u1", "claims": map[string]any{"sub": "u1"}},
			"no lender":                 {"userId": "u1", "role": "member", "credential": "user"},
			"a lender that is not text": {"lenderId": 7, "userId": "u1", "role": "member", "credential": "user"},
			"a role of a later version": {"lenderId": "acme", "userId": "u1", "role": "auditor", "credential": "user"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := gateway.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a route saw the request") }), slog.New(slog.DiscardHandler))
				ev := request(acme, "GET", "/v1/batch-inquiries", "")
				ev.RequestContext.Authorizer = context
				resp, err := h.Handle(t.Context(), ev)
				if err == nil || resp.StatusCode != 0 || resp.Body != "" {
					t.Errorf("answered %d %q, error %v; want only an error", resp.StatusCode, resp.Body, err)
				}
			})
		}
	})

	// Lambda ends an invocation at its timeout, and the client would get the gateway's answer
	// to that.
	t.Run("a request is answered before the function times out", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			api := httpapi.API{Batches: silent{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
			h := gateway.New(api.Handler(), slog.New(slog.DiscardHandler))
			ctx, done := context.WithTimeout(t.Context(), deployment.APITimeout)
			defer done()
			started := time.Now()
			resp, err := h.Handle(ctx, request(acme, "GET", "/v1/batch-inquiries/"+inquiry.NewBatchID(noon).String(), ""))
			if err != nil {
				t.Fatal(err)
			}
			if ctx.Err() != nil {
				t.Error("there was no answer before the timeout")
			}
			if resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d %s, want 503", resp.StatusCode, resp.Body)
			}
			if got := header(resp, "Retry-After"); got != "2" {
				t.Errorf("Retry-After %q, want 2", got)
			}
			if took := time.Since(started); took != deployment.APITimeout-time.Second {
				t.Errorf("answered after %s", took)
			}
		})
	})

	// Public routes show no lender's data.
	t.Run("public routes need no caller", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for name, c := range map[string]struct {
			method, path string
			want         int
		}{
			"the document":                   {"GET", "/v1/openapi.json", 200},
			"the page, with a slash":         {"GET", "/v1/docs/", 200},
			"the document's headers":         {"HEAD", "/v1/openapi.yaml", 200},
			"another method":                 {"DELETE", "/v1/docs", 405},
			"the methods of a path":          {"OPTIONS", "/v1/batch-inquiries", 204},
			"the methods of an unknown path": {"OPTIONS", "/v1/nothing", 404},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ev := request(acme, c.method, c.path, "")
				ev.RequestContext.Authorizer = nil
				if resp := f.ask(t, ev); resp.StatusCode != c.want || header(resp, "X-Request-Id") != "req-1" {
					t.Errorf("%d %.200s; want %d", resp.StatusCode, resp.Body, c.want)
				}
			})
		}
	})

	// A script with an empty variable must not be redirected to another route.
	t.Run("an unclean path is not redirected", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, path := range []string{
			"//v1//batch-inquiries", "/v1/batch-inquiries//inquiries", "/v1/batch-inquiries/./cancel", "/v1/batch-inquiries/../cancel", "/v1/batch-inquiries/%2e%2e/cancel",
		} {
			for _, method := range []string{"GET", "POST"} {
				resp := f.ask(t, request(acme, method, path, ""))
				if got := header(resp, "Content-Type"); resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed ||
					got != "application/problem+json" || header(resp, "Location") != "" {
					t.Errorf("%s %s: %d %q %s", method, path, resp.StatusCode, got, resp.Body)
				}
			}
		}
	})

	t.Run("a trailing slash makes no difference", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		id := f.submit(t, acme)
		for name, path := range map[string]string{
			"batches":   "/v1/batch-inquiries",
			"a batch":   "/v1/batch-inquiries/" + id.String(),
			"inquiries": "/v1/batch-inquiries/" + id.String() + "/inquiries",
			"inquiry":   "/v1/inquiries/" + id.Inquiry(0).String(),
			"API key":   "/users/me/api-key",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				without, with := uncounted(f.ask(t, request(acme, "GET", path, ""))), uncounted(f.ask(t, request(acme, "GET", path+"/", "")))
				if without.StatusCode != http.StatusOK {
					t.Fatalf("%d %s", without.StatusCode, without.Body)
				}
				if diff := cmp.Diff(without, with); diff != "" {
					t.Errorf("answers (-without +with the slash):\n%s", diff)
				}
			})
		}
	})

	t.Run("a submission returns the location of its batch", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for name, c := range map[string]struct {
			path, clientPath, wantPrefix string
		}{
			"the API's own address":  {"/v1/batch-inquiries", "/prod/v1/batch-inquiries", "/prod/v1/batch-inquiries/"},
			"the same, with a slash": {"/v1/batch-inquiries/", "/prod/v1/batch-inquiries/", "/prod/v1/batch-inquiries/"},
			"a custom domain":        {"/v1/batch-inquiries", "/v1/batch-inquiries", "/v1/batch-inquiries/"},
			"an unknown client path": {"/v1/batch-inquiries", "", "/v1/batch-inquiries/"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ev := request(acme, "POST", c.path, oneInquiry)
				ev.RequestContext.Path = c.clientPath
				resp := f.ask(t, ev)
				id, ok := strings.CutPrefix(header(resp, "Location"), c.wantPrefix)
				if _, err := inquiry.ParseBatchID(id); !ok || err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%d, Location %q, want %s<batch id>", resp.StatusCode, header(resp, "Location"), c.wantPrefix)
				}
			})
		}
	})

	t.Run("every response contains the request id", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for name, c := range map[string]struct {
			method, path, body string
			want               int
		}{
			"a list":                        {"GET", "/v1/batch-inquiries", "", 200},
			"an invalid body":               {"POST", "/v1/batch-inquiries", `{}`, 422},
			"no body":                       {"POST", "/v1/batch-inquiries", "", 400},
			"an invalid id":                 {"GET", "/v1/batch-inquiries/7/inquiries", "", 404},
			"an unknown route":              {"GET", "/v2", "", 404},
			"an invalid escape in the path": {"GET", "/v1/inquiries/%zz", "", 404},
			"a question mark in the path":   {"GET", "/v1/inquiries/a?limit=x", "", 404},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				resp := f.ask(t, request(acme, c.method, c.path, c.body))
				if resp.StatusCode != c.want || header(resp, "X-Request-Id") != "req-1" {
					t.Errorf("%d, X-Request-Id %q; want %d, req-1", resp.StatusCode, header(resp, "X-Request-Id"), c.want)
				}
				if c.want != http.StatusOK && !strings.Contains(resp.Body, `"requestId":"req-1"`) {
					t.Errorf("the problem does not contain the request id: %s", resp.Body)
				}
			})
		}
	})

	// Nobody can find out whether another lender uses an id.
	t.Run("another lender's id looks like an unknown id", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		own, never := f.submit(t, acme), inquiry.NewBatchID(noon)
		for name, path := range map[string]func(inquiry.BatchID) string{
			"batch":     func(id inquiry.BatchID) string { return "/v1/batch-inquiries/" + id.String() },
			"inquiries": func(id inquiry.BatchID) string { return "/v1/batch-inquiries/" + id.String() + "/inquiries" },
			"inquiry":   func(id inquiry.BatchID) string { return "/v1/inquiries/" + id.Inquiry(0).String() },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if resp := f.ask(t, request(acme, "GET", path(own), "")); resp.StatusCode != http.StatusOK {
					t.Fatalf("the owner gets %d %s", resp.StatusCode, resp.Body)
				}
				ask := func(path string) events.APIGatewayProxyResponse {
					return uncounted(f.ask(t, request(globex, "GET", path, "")))
				}
				unknown := ask(path(never))
				if unknown.StatusCode != http.StatusNotFound {
					t.Fatalf("an unknown id: %d %s", unknown.StatusCode, unknown.Body)
				}
				if diff := cmp.Diff(unknown, ask(path(own))); diff != "" {
					t.Errorf("answers (-unknown +foreign):\n%s", diff)
				}
				noID := strings.ReplaceAll(strings.ReplaceAll(path(own), own.Inquiry(0).String(), "7"), own.String(), "7")
				if diff := cmp.Diff(unknown, ask(noID)); diff != "" {
					t.Errorf("answers (-unknown +invalid id):\n%s", diff)
				}
				again := request(globex, "GET", path(own), "")
				again.RequestContext.RequestID = "req-2"
				if body := f.ask(t, again).Body; strings.Replace(body, "req-2", "req-1", 1) != unknown.Body {
					t.Errorf("another request differs in more than its id: %s", body)
				}
			})
		}
	})

	t.Run("sample events", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		submitted := f.ask(t, f.sample(t, "api-submit-batch"))
		var made httpapi.SubmittedBody
		if err := json.Unmarshal([]byte(submitted.Body), &made); err != nil || made.Total != 2 {
			t.Fatalf("%d %s, %v", submitted.StatusCode, submitted.Body, err)
		}
		if want := "/prod/v1/batch-inquiries/" + made.BatchID.String(); header(submitted, "Location") != want {
			t.Errorf("Location %q, want %s", header(submitted, "Location"), want)
		}

		get := f.sample(t, "api-get-batch")
		get = f.sample(t, "api-get-batch", get.PathParameters["batch_id"], made.BatchID.String())
		status := f.ask(t, get)
		var batch httpapi.BatchBody
		if err := json.Unmarshal([]byte(status.Body), &batch); err != nil || batch.Planning != 2 || batch.Status != "PENDING" {
			t.Errorf("%d %s, %v", status.StatusCode, status.Body, err)
		}
	})

	// A client that got no answer sends its request again.
	t.Run("delivered twice", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		ev := f.sample(t, "api-submit-batch")
		first := f.ask(t, ev)
		ev.Body, ev.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(ev.Body)), true // as for a binary media type
		again := f.ask(t, ev)
		if first.Body != again.Body {
			t.Errorf("answered %s, then %s", first.Body, again.Body)
		}
		if a, b := header(first, "Idempotent-Replayed"), header(again, "Idempotent-Replayed"); a != "" || b != "true" {
			t.Errorf("Idempotent-Replayed %q, then %q", a, b)
		}
		lender, err := f.store.Lender(t.Context(), acme.LenderID)
		if err != nil || lender.BatchCount != 1 {
			t.Errorf("the lender has %d batches, %v", lender.BatchCount, err)
		}
	})
}

// silent is a table that never answers.
type silent struct{ httpapi.Batches }

func (silent) Batch(ctx context.Context, _ inquiry.LenderID, _ inquiry.BatchID) (inquiry.Batch, error) {
	<-ctx.Done()
	return inquiry.Batch{}, ctx.Err()
}

// uncounted returns a response without the headers that depend on earlier requests.
func uncounted(resp events.APIGatewayProxyResponse) events.APIGatewayProxyResponse {
	delete(resp.MultiValueHeaders, "Ratelimit")
	delete(resp.MultiValueHeaders, "Ratelimit-Policy")
	return resp
}

// shown requests the caller's API key.
func (f fixture) shown(tb testing.TB, c auth.Caller) (status int, key string) {
	tb.Helper()
	resp := f.ask(tb, request(c, "GET", "/users/me/api-key", ""))
	var body httpapi.APIKeyBody
	if err := json.Unmarshal([]byte(resp.Body), &body); err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, body.APIKey
}

func TestShowAPIKey(t *testing.T) {
	t.Parallel()

	t.Run("a user has one key", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		keys := make(chan string)
		for range 4 {
			go func() {
				resp, err := f.Handle(t.Context(), request(acme, "GET", "/users/me/api-key", ""))
				keys <- fmt.Sprint(resp.StatusCode, resp.Body, err)
			}()
		}
		first := <-keys
		for range 3 {
			if next := <-keys; next != first {
				t.Error("two concurrent calls showed different keys")
			}
		}
		status, key := f.shown(t, acme)
		_, others := f.shown(t, globex)
		if status != http.StatusOK || !auth.IsKey(key) {
			t.Errorf("status %d; has the form of a key: %t", status, auth.IsKey(key))
		}
		if !strings.Contains(first, key) {
			t.Error("a later call showed a different key")
		}
		if others == key {
			t.Error("another user has the same key")
		}
		if n := f.secrets.reads.Load(); n != 1 {
			t.Errorf("the master key was read %d times", n)
		}
	})

	t.Run("the call after a failure shows the key", func(t *testing.T) {
		t.Parallel()
		for name, fault := range map[string]func(fixture){
			"the master key cannot be read":            func(f fixture) { f.secrets.failures.Store(1) },
			"the key is created and the reply is lost": func(f fixture) { f.records.losses.Store(1) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				fault(f)
				if status, key := f.shown(t, acme); status != http.StatusInternalServerError || key != "" {
					t.Errorf("status %d; a key is shown: %t", status, key != "")
				}
				status, key := f.shown(t, acme)
				if status != http.StatusOK || !auth.IsKey(key) {
					t.Errorf("status %d; has the form of a key: %t", status, auth.IsKey(key))
				}
				if _, again := f.shown(t, acme); again != key {
					t.Error("the third call showed a different key than the second")
				}
			})
		}
	})

	t.Run("a revoked key is not shown", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		record, err := f.store.EnsureAPIKey(t.Context(), acme.UserID, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.store.RevokeAPIKey(t.Context(), record.ID, store.AnyVersion); err != nil {
			t.Fatal(err)
		}
		if status, key := f.shown(t, acme); status != http.StatusNotFound || key != "" {
			t.Errorf("status %d; a key is shown: %t", status, key != "")
		}
	})
}

// sample reads a sample event of acme's user with their key, and replaces words in it,
// given in pairs.
func (f fixture) sample(tb testing.TB, name string, replaced ...string) events.APIGatewayProxyRequest {
	tb.Helper()
	raw, err := os.ReadFile("../../events/" + name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	key := f.keyed(tb)
	replaced = append(replaced, `"keyId": "k1"`, `"keyId": "`+key.KeyID+`"`, `"keyVersion": "2"`, `"keyVersion": "1"`)
	var ev events.APIGatewayProxyRequest
	if err := json.Unmarshal([]byte(strings.NewReplacer(replaced...).Replace(string(raw))), &ev); err != nil {
		tb.Fatal(err)
	}
	return ev
}

// Package e2e tests the whole service as its users see it: the real template is
// deployed to a local AWS engine and called over HTTP with real credentials.
package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// All tests share one engine and one stack on it.
var (
	local *engine.Engine
	stack engine.Outputs
)

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		serveAsFunction()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := runOnStack(ctx, m)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

// runOnStack starts an engine, deploys the stack and runs the tests on it.
func runOnStack(ctx context.Context, m *testing.M) (code int, err error) {
	if err := engine.Install(ctx, nil); err != nil {
		return 0, err
	}
	root, err := engine.Root()
	if err != nil {
		return 0, err
	}
	local, err = engine.Start(ctx, engine.Options{LogPath: filepath.Join(root, ".local", "log", "e2e-engine.log")})
	if err != nil {
		return 0, err
	}
	defer local.Stop()
	if stack, err = local.Deploy(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// admin runs the operator's command line.
func admin(t testing.TB, stdin string, args ...string) {
	t.Helper()
	root, err := engine.Root()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "dist", "admin"), args...)
	cmd.Env = append(append(os.Environ(), local.Environ()...),
		"TABLE_NAME="+stack.TableName, "USER_POOL_ID="+stack.UserPoolID, "USAGE_PLAN_ID="+stack.UsagePlanID,
		"MASTER_KEY_GENERATION="+stack.MasterKeyGeneration)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("admin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

const password = "Correct-Horse-7-Battery"

// user is one user of a lender, with both of their credentials.
type user struct {
	lender string
	email  string
	token  string // the ID token from Cognito
	apiKey string
}

// newUser creates a lender with one user, both named after the test. The user signs
// in and reads their API key.
func newUser(t testing.TB, suffix, role string) user {
	t.Helper()
	lender := notInID.ReplaceAllString(strings.ToLower(t.Name()), "-") + suffix
	lender = strings.Trim(lender[max(0, len(lender)-60):], "-")
	u := user{lender: lender, email: lender + "@lender.example"}
	admin(t, "", "lender", "create", "--id", u.lender, "--name", "Lender "+suffix)
	admin(t, password, "user", "invite", "--lender", u.lender, "--email", u.email, "--role", role, "--password-stdin")
	u.token = signIn(t, u.email).id
	var body struct{ APIKey string }
	u.bearer(u.token).get(t, "/users/me/api-key", http.StatusOK, &body)
	u.apiKey = body.APIKey
	return u
}

// notInID matches what a lender's ID cannot contain.
var notInID = regexp.MustCompile(`[^a-z0-9]+`)

type tokens struct{ id, access string }

// userPool returns a client of the engine's Cognito.
func userPool() *cognito.Client {
	return cognito.New(cognito.Options{
		BaseEndpoint: aws.String(local.Endpoint()),
		Region:       engine.Region,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func signIn(t testing.TB, email string) tokens {
	t.Helper()
	out, err := userPool().AdminInitiateAuth(t.Context(), &cognito.AdminInitiateAuthInput{
		UserPoolId: &stack.UserPoolID, ClientId: &stack.UserPoolClientID,
		AuthFlow:       types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": password},
	})
	if err != nil {
		t.Fatalf("signing in as %s: %v", email, err)
	}
	return tokens{*out.AuthenticationResult.IdToken, *out.AuthenticationResult.AccessToken}
}

// session calls the API with one Authorization header, or with none if it is empty.
type session struct{ authorization string }

func (user) bearer(credential string) session { return session{"Bearer " + credential} }

// key returns a session with the user's API key, as a lender's systems use it.
func (u user) key() session { return u.bearer(u.apiKey) }

var client = &http.Client{Timeout: 30 * time.Second}

// do sends one request, and checks the headers that every response has. header alternates
// names and values.
func (s session) do(t testing.TB, method, path, body string, header ...string) (*http.Response, []byte) {
	t.Helper()
	resp, data, err := s.send(t.Context(), method, path, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.HasPrefix(resp.Request.URL.String(), stack.APIURL) // and not a file that we were redirected to
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000"} {
		if got := resp.Header.Get(name); ours && got != want {
			t.Errorf("%s %s: status %s with %s %q, want %q", method, path, resp.Status, name, got, want)
		}
	}
	return resp, data
}

// send is like do, for goroutines, which must not call t.Fatal.
func (s session) send(ctx context.Context, method, path, body string, header ...string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, stack.APIURL+path, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if s.authorization != "" {
		req.Header.Set("Authorization", s.authorization)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, data, err
}

// get sends a GET request and decodes a JSON response with the given status into out.
func (s session) get(t testing.TB, path string, status int, out any) {
	t.Helper()
	resp, data := s.do(t, http.MethodGet, path, "")
	decode(t, resp, data, status, out)
}

// page is like get for a page of a list. Pages count as several requests, so it reads them
// as fast as the limit allows.
func (s session) page(t testing.TB, path string, out any) {
	t.Helper()
	for range 10 {
		resp, data := s.do(t, http.MethodGet, path, "")
		if resp.StatusCode != http.StatusTooManyRequests {
			decode(t, resp, data, http.StatusOK, out)
			return
		}
		checkProblem(t, "a page above the limit", resp, data, http.StatusTooManyRequests)
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		select {
		case <-t.Context().Done():
		case <-time.After(time.Duration(seconds) * time.Second):
		}
	}
	t.Fatalf("%s: always rejected", path)
}

func decode(t testing.TB, resp *http.Response, data []byte, status int, out any) {
	t.Helper()
	if resp.StatusCode != status {
		t.Fatalf("%s %s: status %s, want %d\n%s", resp.Request.Method, resp.Request.URL.Path, resp.Status, status, data)
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(out); err != nil {
		t.Fatalf("%s: decoding the response: %v\n%s", resp.Request.URL.Path, err, data)
	}
}

// submitted is the response to a submission.
type submitted struct {
	BatchID   string
	BatchName string
	Total     int
	Message   string
}

// batch has the fields of a status that tests check.
type batch struct {
	BatchID            string
	Status             string
	IsTerminal         bool
	ProgressPercentage float64

	Total, Planning, Running, Completed, PartialSuccess, Failed, Cancelled int

	SourceRecordTotals *struct {
		Total    int
		BySource map[string]struct{ Found, NotFound, Ambiguous, NotApplicable, Failed int }
	}
	TimingSummary *struct{ Attempts int }
}

func (b batch) sum() int {
	return b.Planning + b.Running + b.Completed + b.PartialSuccess + b.Failed + b.Cancelled
}

// row has the fields of an inquiry's summary that tests check.
type row struct {
	InquiryID         string
	Index             int
	ExternalID        string
	Status            string
	SourceRecordCount int
	Sources           map[string]string
}

// submit submits a batch and returns the response.
func (s session) submit(t testing.TB, body string, header ...string) submitted {
	t.Helper()
	if len(header) == 0 {
		// A busy local engine may give one request to the function twice.
		header = []string{"Idempotency-Key", rand.Text()}
	}
	resp, data := s.do(t, http.MethodPost, "/v1/batch-inquiries/", body, header...)
	var out submitted
	decode(t, resp, data, http.StatusOK, &out)
	return out
}

// wait polls a batch until it is final, as often as the limit allows, and checks
// each response.
func (s session) wait(t testing.TB, id string) batch {
	t.Helper()
	deadline := time.After(3 * time.Minute)
	progress := 0.0
	for {
		var b batch
		s.get(t, "/v1/batch-inquiries/"+id, http.StatusOK, &b)
		if b.sum() != b.Total {
			t.Fatalf("the counters add up to %d, want the total %d: %+v", b.sum(), b.Total, b)
		}
		if min(b.Planning, b.Running, b.Completed, b.PartialSuccess, b.Failed, b.Cancelled) < 0 {
			t.Fatalf("a counter is negative: %+v", b)
		}
		if b.ProgressPercentage < progress {
			t.Fatalf("progress went back from %v to %v: %+v", progress, b.ProgressPercentage, b)
		}
		if b.IsTerminal != (b.ProgressPercentage == 100) {
			t.Fatalf("isTerminal is %t at %v percent: %+v", b.IsTerminal, b.ProgressPercentage, b)
		}
		progress = b.ProgressPercentage
		if b.IsTerminal {
			return b
		}
		select {
		case <-deadline:
			t.Fatalf("the batch is not final after three minutes: %+v", b)
		case <-time.After(time.Second / time.Duration(fairuse.Polls.PerSecond)):
		}
	}
}

// rows pages through all inquiries of a batch.
func (s session) rows(t testing.TB, id string, limit int) []row {
	t.Helper()
	var all []row
	for {
		var page struct {
			BatchID              string
			Total, Limit, Offset int
			Inquiries            []row
		}
		s.page(t, fmt.Sprintf("/v1/batch-inquiries/%s/inquiries?limit=%d&offset=%d", id, limit, len(all)), &page)
		if page.BatchID != id || page.Limit != limit || page.Offset != len(all) {
			t.Fatalf("the page at offset %d with limit %d is %+v", len(all), limit, page)
		}
		all = append(all, page.Inquiries...)
		if len(all) >= page.Total || len(page.Inquiries) == 0 {
			return all
		}
	}
}

// businesses returns the body of a batch of n inquiries.
func businesses(name string, n int) string {
	type inquiry struct {
		BusinessName string `json:"businessName"`
		ExternalID   string `json:"externalId"`
	}
	body := struct {
		Name      string    `json:"name"`
		Inquiries []inquiry `json:"inquiries"`
	}{Name: name}
	for i := range n {
		body.Inquiries = append(body.Inquiries, inquiry{fmt.Sprintf("Quiet Meadow %d LLC", i), fmt.Sprintf("LOAN-%d", i)})
	}
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(data)
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

const testKey = "vd__secret_of_the_test"

// lab is a fake API and everything that a run of bi says.
type lab struct {
	url         string
	out, errOut bytes.Buffer
}

// newLab answers with the handlers, by method and path.
func newLab(tb testing.TB, routes map[string]http.HandlerFunc) *lab {
	tb.Helper()
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.HandleFunc(pattern, h)
	}
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	return &lab{url: server.URL}
}

// bi runs the command, as main does, and returns its exit code.
func (l *lab) bi(ctx context.Context, args ...string) int {
	l.out.Reset()
	l.errOut.Reset()
	env := map[string]string{"BI_URL": l.url, "BI_API_KEY": testKey}
	return run(ctx, args, func(name string) string { return env[name] }, &l.out, &l.errOut,
		client.WithPollInterval(time.Millisecond), client.WithTries(2))
}

// expect fails unless a run ended with the code and said all of the texts, on
// either stream.
func (l *lab) expect(t *testing.T, code, want int, texts ...string) {
	t.Helper()
	if code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
	said := l.out.String() + l.errOut.String()
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("%q was not said", text)
		}
	}
	if strings.Contains(said, testKey) {
		t.Error("the key was said")
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

func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func status(s client.Status, done, total int) string {
	final := s != client.StatusRunning && s != client.StatusPending
	return fmt.Sprintf(`{"batchId":"b-1","batchName":"November","status":%q,"statusReason":"Because.","isTerminal":%t,"total":%d,"running":%d,"completed":%d,"createdAt":"2026-11-23T10:00:00Z"}`,
		s, final, total, total-done, done)
}

// turns answers with each text once, and with the last from then on. An empty
// one hangs up.
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

func TestSubmitPrintsTheBatch(t *testing.T) {
	t.Parallel()
	var body string
	l := newLab(t, map[string]http.HandlerFunc{"POST /v1/batch-inquiries": func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		io.WriteString(w, `{"batchId":"b-1","batchName":"November","total":2,"accepted":2}`)
	}})
	path := file(t, "loans.csv", loans)
	code := l.bi(t.Context(), "submit", path, "--name", "November", "--skip-invalid")
	l.expect(t, code, exitCompleted, "Accepted 2 inquiries", "bi watch b-1")
	if l.out.String() != "b-1\n" {
		t.Errorf("stdout, which scripts read, is %q", l.out.String())
	}
	if want := `{"inquiries":[{"businessName":"Kylderon","ein":"470555102","externalId":"LOAN-1"},{"businessName":"Sablefin","ein":"12","externalId":"LOAN-2"}],"name":"November","onInvalid":"skip"}`; body != want {
		t.Errorf("sent %s", body)
	}
}

func TestFaultsAreShownByTheSpreadsheetsRows(t *testing.T) {
	t.Parallel()
	fault := `{"pointer":"/inquiries/1/ein","index":1,"externalId":"LOAN-2","code":"pattern","message":"must be nine digits"}`
	l := newLab(t, map[string]http.HandlerFunc{"POST /v1/batch-inquiries": func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(string(data), "validateOnly"):
			say(200, `{"validateOnly":true,"valid":false,"total":2,"rejected":1,"errors":[`+fault+`],"duplicates":[{"index":1,"duplicateOf":0,"by":"ein"}]}`)(w, r)
		case strings.Contains(string(data), "onInvalid"):
			say(200, `{"batchId":"b-1","total":2,"accepted":1,"rejected":1,"errors":[`+fault+`]}`)(w, r)
		default:
			say(422, `{"type":"/v1/docs#problem-validation","title":"No","detail":"Nothing was stored.","errors":[`+fault+`]}`)(w, r)
		}
	}})
	path := file(t, "loans.csv", loans)
	place := "row 4, column ein (LOAN-2): must be nine digits"

	l.expect(t, l.bi(t.Context(), "submit", path), exitError, "loans.csv was refused and nothing was stored", place)
	l.expect(t, l.bi(t.Context(), "submit", path, "--skip-invalid"), exitCompleted, "1 of 2 inquiries break the rules", place, "b-1")
	l.expect(t, l.bi(t.Context(), "submit", path, "--dry-run"), exitError, place, "would be refused", "row 4 seems to be the business of row 2 (by ein)")
}

// Whatever became of the first try, the command that bi names submits once.
func TestALostSubmissionCanBeRepeated(t *testing.T) {
	t.Parallel()
	keys := map[string]int{}
	l := newLab(t, map[string]http.HandlerFunc{"POST /v1/batch-inquiries": func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get("Idempotency-Key")]++
		if len(keys) > 1 || keys[r.Header.Get("Idempotency-Key")] < 3 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Idempotent-Replayed", "true")
		io.WriteString(w, `{"batchId":"b-1","total":2,"accepted":2}`)
	}})
	path := file(t, "no'vember loans.csv", loans)
	l.expect(t, l.bi(t.Context(), "submit", path), exitError, "is not known", `no'\''vember loans.csv' --idempotency-key `)
	_, key, _ := strings.Cut(strings.TrimSpace(l.errOut.String()), "--idempotency-key ")
	l.expect(t, l.bi(t.Context(), "submit", path, "--idempotency-key", key), exitCompleted, "b-1", "it is the same batch")
}

func TestTheExitCodeTellsTheOutcome(t *testing.T) {
	t.Parallel()
	for s, want := range map[client.Status]int{
		client.StatusCompleted: exitCompleted, client.StatusPartialSuccess: exitPartial,
		client.StatusFailed: exitFailed, client.StatusCancelled: exitCancelled,
	} {
		l := newLab(t, map[string]http.HandlerFunc{
			"POST /v1/batch-inquiries":    say(200, `{"batchId":"b-1","total":4,"accepted":4}`),
			"GET /v1/batch-inquiries/b-1": turns(status(client.StatusRunning, 1, 4), status(client.StatusRunning, 3, 4), status(s, 4, 4)),
		})
		l.expect(t, l.bi(t.Context(), "submit", file(t, "loans.csv", loans), "--wait"), want,
			"  1 of 4: 3 running, 1 completed\n  3 of 4: 1 running, 3 completed\n", string(s)+": Because.")
		l.expect(t, l.bi(t.Context(), "watch", "b-1"), want, string(s))
	}
}

func TestWatchOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]http.HandlerFunc{
		"GET /v1/batch-inquiries/b-1": turns(status(client.StatusRunning, 1, 4), "", "", status(client.StatusCompleted, 4, 4)),
	})
	l.expect(t, l.bi(t.Context(), "watch", "b-1"), exitCompleted,
		"The connection is lost. The batch goes on without it", "`bi watch b-1` resumes", "The connection is back.", "COMPLETED")
	if n := strings.Count(l.out.String(), "is lost"); n != 1 {
		t.Errorf("one outage was told %d times", n)
	}
}

func TestInterruptedWatchSaysHowToResume(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l := newLab(t, map[string]http.HandlerFunc{"GET /v1/batch-inquiries/b-1": func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		io.WriteString(w, status(client.StatusRunning, 1, 4))
	}})
	l.expect(t, l.bi(ctx, "watch", "b-1"), exitInterrupted, "the batch goes on without us", "bi watch b-1")
}

func TestListAndCancel(t *testing.T) {
	t.Parallel()
	var query string
	l := newLab(t, map[string]http.HandlerFunc{
		"GET /v1/batch-inquiries": func(w http.ResponseWriter, r *http.Request) {
			query = r.URL.RawQuery
			fmt.Fprintf(w, `{"batches":[%s,%s],"nextCursor":null}`, strings.Replace(status(client.StatusRunning, 1, 4), "November", `Nov\u001b[2Jember`, 1), status(client.StatusCompleted, 4, 4))
		},
		"POST /v1/batch-inquiries/b-1/cancel": say(202, status(client.StatusRunning, 1, 4)),
	})
	l.expect(t, l.bi(t.Context(), "list", "--limit", "1", "--status", "running"), exitCompleted, "BATCH", "b-1  ", "RUNNING", "1/4", "Nov [2Jember")
	if query != "limit=1&status=RUNNING" || strings.Contains(l.out.String(), "COMPLETED") {
		t.Errorf("asked %s", query)
	}
	l.expect(t, l.bi(t.Context(), "cancel", "b-1"), exitCompleted, "RUNNING: Because. (3 running, 1 completed)")
}

func TestAFileOfResultsIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	const csv = "index,status\n0,FAILED\n"
	l := newLab(t, map[string]http.HandlerFunc{
		"GET /v1/batch-inquiries/b-1/results": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Results-Complete", fmt.Sprint(r.URL.Query().Get("scope") == "failed"))
			w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
			io.WriteString(w, map[string]string{"text/csv": csv, "application/x-ndjson": "{}\n"}[r.Header.Get("Accept")])
		},
		"GET /v1/batch-inquiries/b-2/results": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, csv)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	})
	path := filepath.Join(t.TempDir(), "results.csv")
	l.expect(t, l.bi(t.Context(), "results", "b-2", "--format", "csv", "-o", path), exitError, "not all results")
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	l.expect(t, l.bi(t.Context(), "results", "b-1", "--format", "csv", "--scope", "failed", "-o", path), exitCompleted)
	if data, err := os.ReadFile(path); err != nil || string(data) != csv || l.errOut.Len() > 0 {
		t.Errorf("the file has %q, %v; said %s", data, err, &l.errOut)
	}
	l.expect(t, l.bi(t.Context(), "results", "b-1"), exitCompleted, "The batch is not finished", "bi watch b-1")
	if l.out.String() != "{}\n" {
		t.Errorf("printed %q", l.out.String())
	}
	l.expect(t, l.bi(t.Context(), "results", "b-1", "--format", "xml"), exitUsage, "neither ndjson nor csv")
}

func TestRerunSaysWhichInquiries(t *testing.T) {
	t.Parallel()
	var body string
	l := newLab(t, map[string]http.HandlerFunc{
		"POST /v1/batch-inquiries/b-0/rerun": func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			body = string(data)
			io.WriteString(w, `{"batchId":"b-1","parentBatchId":"b-0","total":3,"accepted":3}`)
		},
		"POST /v1/batch-inquiries/b-9/rerun": say(422, `{"type":"/v1/docs#problem-nothing-to-rerun","title":"Nothing to run again"}`),
		"POST /v1/batch-inquiries/b-8/rerun": turns(""),
		"GET /v1/batch-inquiries/b-1":        say(200, status(client.StatusCompleted, 3, 3)),
	})
	for flags, want := range map[string]string{
		"--failed":            `{"scope":"failed"}`,
		"--partial":           `{"scope":"partial"}`,
		"--failed --partial":  `{"scope":"unsuccessful"}`,
		"--failed --name Two": `{"scope":"failed","name":"Two"}`,
	} {
		l.expect(t, l.bi(t.Context(), append([]string{"rerun", "b-0"}, strings.Fields(flags)...)...), exitCompleted, "3 inquiries run again", "bi watch b-1")
		if body != want || l.out.String() != "b-1\n" {
			t.Errorf("%s: sent %s, printed %q", flags, body, l.out.String())
		}
	}
	l.expect(t, l.bi(t.Context(), "rerun", "--failed", "b-0", "--wait"), exitCompleted, "COMPLETED: Because.")
	l.expect(t, l.bi(t.Context(), "rerun", "--failed", "b-9"), exitError, "Nothing to run again")
	l.expect(t, l.bi(t.Context(), "rerun", "--failed", "b-8"), exitError, "is not known", "--idempotency-key ")
	l.expect(t, l.bi(t.Context(), "rerun", "b-0"), exitUsage, "[failed partial]")
}

func TestKeysAreKeptAndNotSaid(t *testing.T) {
	t.Parallel()
	const fresh = "vd__another"
	gone := false
	l := newLab(t, map[string]http.HandlerFunc{
		"GET /v1/users/me":                 say(200, `{"userId":"u-1","role":"member","lender":{"lenderId":"north","name":"North"},"limits":{"batchMax":250}}`),
		"GET /v1/users/me/api-key":         say(200, `{"apiKey":"`+fresh+`"}`),
		"POST /v1/users/me/api-key/rotate": say(200, `{"apiKey":"`+fresh+`"}`),
		"DELETE /v1/users/me/api-key":      func(w http.ResponseWriter, _ *http.Request) { gone = true; w.WriteHeader(204) },
	})
	l.expect(t, l.bi(t.Context(), "whoami"), exitCompleted, "user u-1, member of North (north), at most 250 inquiries")
	l.expect(t, l.bi(t.Context(), "key", "show"), exitCompleted)
	if l.out.String() != fresh+"\n" {
		t.Errorf("key show: %q", l.out.String())
	}
	path := filepath.Join(t.TempDir(), "key")
	l.expect(t, l.bi(t.Context(), "key", "rotate", "--to", path), exitCompleted, "in "+path)
	if strings.Contains(l.out.String()+l.errOut.String(), fresh) {
		t.Error("key rotate prints the key")
	}
	info, err := os.Stat(path)
	if data, _ := os.ReadFile(path); err != nil || info.Mode().Perm() != 0o600 || string(data) != fresh+"\n" {
		t.Errorf("the file has %q, %v, %v", data, info.Mode(), err)
	}
	l.expect(t, l.bi(t.Context(), "key", "rotate", "--to", path), exitError, "exists")
	l.expect(t, l.bi(t.Context(), "key", "revoke"), exitCompleted, "has ended")
	if !gone {
		t.Error("key revoke asked nobody")
	}
}

func TestWhatIsWrongIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]http.HandlerFunc{
		"GET /v1/batch-inquiries":     say(401, `{"type":"/v1/docs#problem-key-revoked","title":"The API key has ended","detail":"Make a new one."}`),
		"GET /v1/batch-inquiries/b-9": say(404, `{"type":"/v1/docs#problem-not-found","title":"Not found","detail":"There is no such thing, or it is not yours."}`),
	})
	for name, tt := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a refused key":      {[]string{"list"}, exitError, []string{"The API key has ended", "Check BI_API_KEY"}},
		"no such batch":      {[]string{"watch", "b-9"}, exitError, []string{"Not found", "`bi list` shows"}},
		"no batch named":     {[]string{"watch"}, exitUsage, []string{"accepts 1 arg(s), received 0"}},
		"no such command":    {[]string{"sumbit"}, exitUsage, []string{`"sumbit"`}},
		"no such flag":       {[]string{"list", "--all"}, exitUsage, []string{"unknown flag: --all"}},
		"no such file":       {[]string{"submit", "absent.csv"}, exitUsage, []string{"absent.csv", "no such file"}},
		"an unknown column":  {[]string{"submit", file(t, "x.csv", "company\nA\n")}, exitUsage, []string{`there is no column "company"`}},
		"an address of none": {[]string{"list", "--url", "localhost"}, exitUsage, []string{"must look like https://"}},
	} {
		l.expect(t, l.bi(t.Context(), tt.args...), tt.code, tt.says...)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	for _, missing := range []string{"BI_URL", "BI_API_KEY"} {
		env := map[string]string{"BI_URL": l.url, "BI_API_KEY": testKey}
		delete(env, missing)
		l.errOut.Reset()
		code := run(t.Context(), []string{"list"}, func(name string) string { return env[name] }, &l.out, &l.errOut)
		l.expect(t, code, exitUsage, "Set "+missing)
	}
}

func TestHelpAndCompletionNeedNoAPI(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}, {"submit", "--help"}, {"completion", "bash"}, {"key"}} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), args, func(string) string { return "" }, &out, &errOut); code != exitCompleted || out.Len() == 0 {
			t.Errorf("bi %q: exit code %d, %s", args, code, &errOut)
		}
	}
}

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
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

const testKey = "vd__secret_of_the_test"

// The ids of a batch, of one that is not there, and of the one that a rerun repeats.
const (
	batchID  = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000"
	absentID = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a3f0000"
	parentID = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a4f0000"

	batches  = "/v1/batch-inquiries"
	oneBatch = batches + "/" + batchID
)

// lab is a fake API and everything that a run of bi says.
type lab struct {
	api         http.Handler
	stdin       string // what a person answers; nobody is there when it is empty
	interrupt   func() // Ctrl-C, while bi runs
	took        time.Duration
	out, errOut bytes.Buffer
}

// newLab answers with the handlers, by method and path.
func newLab(tb testing.TB, routes map[string]http.HandlerFunc) *lab {
	tb.Helper()
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.HandleFunc(pattern, h)
	}
	return &lab{api: mux}
}

// RoundTrip answers without a network, so that bi's pauses pass at once. A
// handler that aborts has its answer cut where it is, or lost.
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
	return nil, nil // what is returned is set above
}

// bi runs the command, as main does, and returns its exit code.
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

func status(s client.BatchStatus, done, total int) string {
	final := s != client.BatchRunning && s != client.BatchPending
	return fmt.Sprintf(`{"batchId":"`+batchID+`","batchName":"November","status":%q,"statusReason":"Because.","isTerminal":%t,"total":%d,"running":%d,"completed":%d,"createdAt":"2026-11-23T10:00:00Z"}`,
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
	l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		io.WriteString(w, `{"batchId":"`+batchID+`","batchName":"November","total":2,"accepted":2}`)
	}})
	path := file(t, "loans.csv", loans)
	code := l.bi(t, "submit", path, "--name", "November", "--skip-invalid")
	l.expect(t, code, exitCompleted, "Accepted 2 inquiries", "bi watch "+batchID)
	if l.out.String() != batchID+"\n" {
		t.Errorf("stdout, which scripts read, is %q", l.out.String())
	}
	if want := `{"inquiries":[{"businessName":"Kylderon","ein":"470555102","externalId":"LOAN-1"},{"businessName":"Sablefin","ein":"12","externalId":"LOAN-2"}],"name":"November","onInvalid":"skip"}`; body != want {
		t.Errorf("sent %s", body)
	}
}

func TestFaultsAreShownByTheSpreadsheetsRows(t *testing.T) {
	t.Parallel()
	fault := `{"pointer":"/inquiries/1/ein","index":1,"externalId":"LOAN-2","code":"pattern","message":"must be nine digits"}`
	l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(string(data), "validateOnly"):
			say(200, `{"validateOnly":true,"valid":false,"total":2,"rejected":1,"limits":{"batchMax":250},"errors":[`+fault+`],"duplicates":[{"index":1,"duplicateOf":0,"by":"ein"}]}`)(w, r)
		case strings.Contains(string(data), "onInvalid"):
			say(200, `{"batchId":"`+batchID+`","total":2,"accepted":1,"rejected":1,"errors":[`+fault+`]}`)(w, r)
		default:
			say(422, `{"type":"/v1/docs#problem-validation","title":"No","detail":"Nothing was stored.","errors":[`+fault+`]}`)(w, r)
		}
	}})
	path := file(t, "loans.csv", loans)
	place := "row 4, column ein (LOAN-2): must be nine digits"

	l.expect(t, l.bi(t, "submit", path), exitError, "loans.csv and stored nothing", place)
	l.expect(t, l.bi(t, "submit", path, "--skip-invalid"), exitCompleted, "1 of 2 inquiries are invalid", place, batchID)
	l.expect(t, l.bi(t, "submit", path, "--dry-run"), exitError, place, "would be rejected", "row 4 seems to be the same business as row 2 (same ein)")
}

// Whatever became of the first try, the command that bi names submits once.
func TestALostSubmissionCanBeRepeated(t *testing.T) {
	t.Parallel()
	keys, lost := map[string]int{}, 6
	l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get("Idempotency-Key")]++
		if keys[r.Header.Get("Idempotency-Key")] < lost {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Idempotent-Replayed", "true")
		io.WriteString(w, `{"batchId":"`+batchID+`","total":2,"accepted":2}`)
	}})
	path := file(t, "no'vember loans.csv", loans)
	l.expect(t, l.bi(t, "submit", path), exitError, "It is not known", `no'\''vember loans.csv' --idempotency-key `)
	_, key, _ := strings.Cut(strings.TrimSpace(l.errOut.String()), "--idempotency-key ")
	// Other flags make another request, so that they are named too.
	l.expect(t, l.bi(t, "submit", path, "--skip-invalid", "--name", "Lost one", "--api-key", "vd__k1_secret"), exitError,
		`loans.csv' --api-key … --name 'Lost one' --skip-invalid=true --idempotency-key `)
	if strings.Contains(l.errOut.String(), "secret") {
		t.Errorf("a key is shown: %s", &l.errOut)
	}
	lost = 2
	l.expect(t, l.bi(t, "submit", path, "--idempotency-key", key), exitCompleted, batchID, "This is the same batch")
	l.expect(t, l.bi(t, "submit", path), exitCompleted, batchID)
	if strings.Contains(l.errOut.String(), "same key") {
		t.Errorf("of a key that nobody gave, bi says: %s", &l.errOut)
	}
}

func TestTheExitCodeTellsTheOutcome(t *testing.T) {
	t.Parallel()
	for s, want := range map[client.BatchStatus]int{
		client.BatchCompleted: exitCompleted, client.BatchPartialSuccess: exitPartial,
		client.BatchFailed: exitFailed, client.BatchCancelled: exitCancelled,
	} {
		l := newLab(t, map[string]http.HandlerFunc{
			"POST " + batches: say(200, `{"batchId":"`+batchID+`","total":4,"accepted":4}`),
			"GET " + oneBatch: turns(status(client.BatchRunning, 1, 4), status(client.BatchRunning, 3, 4), status(s, 4, 4)),
		})
		l.expect(t, l.bi(t, "submit", file(t, "loans.csv", loans), "--wait"), want,
			"  1 of 4: 3 running, 1 completed\n  3 of 4: 1 running, 3 completed\n", string(s)+": Because.")
		if l.out.String() != batchID+"\n" {
			t.Errorf("submit --wait: stdout, which scripts read, is %q", l.out.String())
		}
		l.expect(t, l.bi(t, "watch", batchID), want, "  4 of 4: 4 completed\n")
		if l.out.String() != string(s)+": Because.\n" {
			t.Errorf("watch: stdout is %q", l.out.String())
		}
	}
}

func TestWatchOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]http.HandlerFunc{
		"GET " + oneBatch: turns(status(client.BatchRunning, 1, 4), "", "", status(client.BatchCompleted, 4, 4)),
	})
	l.expect(t, l.bi(t, "watch", batchID), exitCompleted,
		"The API cannot be reached (connection reset by peer). The batch continues", "`bi watch "+batchID+"` resumes", "The connection is back.", "COMPLETED")
	if n := strings.Count(l.errOut.String(), "reached"); n != 1 {
		t.Errorf("one outage was told %d times", n)
	}
}

func TestInterruptedWatchSaysHowToResume(t *testing.T) {
	t.Parallel()
	var l *lab
	l = newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch: func(w http.ResponseWriter, _ *http.Request) {
		l.interrupt()
		io.WriteString(w, status(client.BatchRunning, 1, 4))
	}})
	l.expect(t, l.bi(t, "watch", batchID), exitInterrupted, "the batch continues", "bi watch "+batchID)
}

// Of an address where nobody answers, the cause is said at once, and soon it is
// an error: there is no batch that would go on.
func TestAWatchOfNothingEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		api  http.HandlerFunc
		says string
		soon time.Duration
	}{
		"refused":         {turns(""), "The API cannot be reached (connection reset by peer). Trying again in ", 30 * time.Second},
		"a black hole":    {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(http.ErrAbortHandler) }, "The API cannot be reached (no response within 10s)", 90 * time.Second},
		"not there today": {say(503, `{"message":"Service Unavailable"}`), "The API is not available (503 Service Unavailable). Trying again in ", 30 * time.Second},
		"another's":       {say(200, `{}`), "is the address right?", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch: tt.api})
			l.expect(t, l.bi(t, "watch", batchID), exitError, tt.says)
			if said := l.errOut.String(); l.took > tt.soon || strings.Contains(said, "continues") {
				t.Errorf("after %s: %s", l.took, said)
			}
		})
	}
}

// A lender without room for a batch is like a printer without paper: the command
// says so, waits, and goes on by itself.
func TestSubmitWaitsForRoom(t *testing.T) {
	t.Parallel()
	const noRoom = `{"type":"/v1/docs#problem-too-many-open","title":"Too many open inquiries","detail":"Your lender has 9900 inquiries in unfinished batches."}`
	for _, command := range [][]string{{"submit", file(t, "loans.csv", loans)}, {"rerun", "--failed", parentID}} {
		t.Run(command[0], func(t *testing.T) {
			t.Parallel()
			keys := map[string]int{}
			tries, stopAt := 0, 0
			var l *lab
			answer := func(w http.ResponseWriter, r *http.Request) {
				keys[r.Header.Get("Idempotency-Key")]++
				if tries++; tries == stopAt {
					l.interrupt()
				}
				if tries > 20 {
					io.WriteString(w, `{"batchId":"`+batchID+`","total":2,"accepted":2}`)
					return
				}
				w.Header().Set("Retry-After", []string{"30", "300"}[tries%2]) // the longer one is more than the client waits by itself
				w.WriteHeader(429)
				io.WriteString(w, noRoom)
			}
			l = newLab(t, map[string]http.HandlerFunc{"POST " + batches: answer, "POST " + batches + "/" + parentID + "/rerun": answer})
			l.expect(t, l.bi(t, command...), exitCompleted, "Your lender has 9900 inquiries", "Waiting for room: 30 s\n", "Waiting for room: 300 s\n")
			if n := strings.Count(l.errOut.String(), "Your lender has"); n != 1 || len(keys) != 1 || l.took < 3300*time.Second || l.out.String() != batchID+"\n" {
				t.Errorf("said %d times, under %d keys, after %s; printed %q", n, len(keys), l.took, l.out.String())
			}
			for stopAt = range 4 {
				if tries = 0; stopAt > 0 {
					l.expect(t, l.bi(t, command...), exitInterrupted, "nothing was submitted")
				}
			}
		})
	}
}

func TestABusyAPIIsWaitedForAloud(t *testing.T) {
	t.Parallel()
	tries := 0
	l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			w.Header().Set("Retry-After", "7")
			say(429, `{"type":"/v1/docs#problem-rate-limited","title":"Too many requests"}`)(w, r)
			return
		}
		say(200, `{"batchId":"`+batchID+`","total":2,"accepted":2}`)(w, r)
	}})
	l.expect(t, l.bi(t, "submit", file(t, "loans.csv", loans)), exitCompleted, "The API is not available (429 Too many requests). Trying again in 7 s.")
	if l.took < 14*time.Second {
		t.Errorf("it waited %s", l.took)
	}
}

func TestListAndCancel(t *testing.T) {
	t.Parallel()
	var query string
	l := newLab(t, map[string]http.HandlerFunc{
		"GET " + batches: func(w http.ResponseWriter, r *http.Request) {
			query = r.URL.RawQuery
			fmt.Fprintf(w, `{"batches":[%s,%s],"nextCursor":null}`, strings.Replace(status(client.BatchRunning, 1, 4), "November", `Nov\u001b[2Jember`, 1), status(client.BatchCompleted, 4, 4))
		},
		"POST " + oneBatch + "/cancel": say(202, status(client.BatchRunning, 1, 4)),
	})
	l.expect(t, l.bi(t, "list", "--limit", "1", "--status", "running"), exitCompleted, "BATCH", batchID+"  ", "RUNNING", "1/4", "Nov [2Jember")
	if query != "limit=1&status=RUNNING" || strings.Contains(l.out.String(), "COMPLETED") {
		t.Errorf("asked %s", query)
	}
	l.expect(t, l.bi(t, "cancel", batchID), exitCompleted, "RUNNING: Because. (3 running, 1 completed)")
}

const table = "index,status\n0,FAILED\n"

// exported answers with results, in the form that is asked for.
func exported(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Accept"))
	w.Header().Set("Results-Complete", fmt.Sprint(r.URL.Query().Get("scope") == "failed"))
	w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
	io.WriteString(w, map[string]string{"text/csv": table, "application/x-ndjson": "{}\n"}[r.Header.Get("Accept")])
}

func TestAFileOfResultsIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]http.HandlerFunc{
		"GET " + oneBatch + "/results": exported,
		"GET " + batches + "/" + absentID + "/results": func(w http.ResponseWriter, r *http.Request) {
			exported(w, r)
			panic(http.ErrAbortHandler)
		},
		"GET " + batches + "/" + parentID + "/results": say(200, "<html>Please sign in</html>"),
	})
	path := filepath.Join(t.TempDir(), "results.csv")
	l.expect(t, l.bi(t, "results", absentID, "--format", "csv", "-o", path), exitError, "results are incomplete")
	l.expect(t, l.bi(t, "results", parentID, "--format", "csv", "-o", path), exitError, "is the address right?")
	l.expect(t, l.bi(t, "results", parentID), exitError, "is the address right?")
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 || l.out.Len() != 0 {
		t.Errorf("left behind: %v, printed %s", left, &l.out)
	}
	l.expect(t, l.bi(t, "results", batchID, "--format", "csv", "--scope", "failed", "-o", path), exitCompleted)
	if data, err := os.ReadFile(path); err != nil || string(data) != table || l.errOut.Len() > 0 {
		t.Errorf("the file has %q, %v; said %s", data, err, &l.errOut)
	}
	l.expect(t, l.bi(t, "results", batchID), exitCompleted, "The batch is not finished", "bi watch "+batchID)
	if l.out.String() != "{}\n" {
		t.Errorf("printed %q", l.out.String())
	}
}

func TestRerunSaysWhichInquiries(t *testing.T) {
	t.Parallel()
	var body string
	l := newLab(t, map[string]http.HandlerFunc{
		"POST " + batches + "/" + parentID + "/rerun": func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			body = string(data)
			io.WriteString(w, `{"batchId":"`+batchID+`","parentBatchId":"`+parentID+`","total":3,"accepted":3}`)
		},
		"POST " + batches + "/" + absentID + "/rerun": turns(""),
		"GET " + oneBatch: say(200, status(client.BatchCompleted, 3, 3)),
	})
	for flags, want := range map[string]string{
		"--failed":            `{"scope":"failed"}`,
		"--partial":           `{"scope":"partial"}`,
		"--failed --partial":  `{"scope":"unsuccessful"}`,
		"--failed --name Two": `{"scope":"failed","name":"Two"}`,
	} {
		l.expect(t, l.bi(t, append([]string{"rerun", parentID}, strings.Fields(flags)...)...), exitCompleted, "3 inquiries are being looked up again", "bi watch "+batchID)
		if body != want || l.out.String() != batchID+"\n" {
			t.Errorf("%s: sent %s, printed %q", flags, body, l.out.String())
		}
	}
	l.expect(t, l.bi(t, "rerun", "--failed", parentID, "--wait"), exitCompleted, "COMPLETED: Because.")
	if l.out.String() != batchID+"\n" {
		t.Errorf("stdout, which scripts read, is %q", l.out.String())
	}
	l.expect(t, l.bi(t, "rerun", "--failed", absentID), exitError, "It is not known", "--idempotency-key ")
	l.expect(t, l.bi(t, "rerun", parentID), exitUsage, "[failed partial]")
}

func TestARerunOfNothingSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		counts, flags, says string
	}{
		"only partly":                {`"partialSuccess":2`, "--failed", "--partial selects inquiries whose report lacks a source"},
		"only cancelled":             {`"cancelled":2`, "--failed", "--failed --partial selects canceled inquiries"},
		"partly and cancelled":       {`"partialSuccess":1,"cancelled":1`, "--failed", "--failed --partial selects canceled inquiries"},
		"only failed":                {`"failed":2`, "--partial", "--failed selects inquiries without a useful report"},
		"only rejected":              {`"failed":2`, "--failed", "were rejected as invalid: correct them and submit them"},
		"only rejected, all scopes":  {`"failed":2`, "--failed --partial", "were rejected as invalid: correct them and submit them"},
		"all completed, of no scope": {`"completed":2`, "--failed", "The batch has: 2 completed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]http.HandlerFunc{
				"POST " + oneBatch + "/rerun": say(422, `{"type":"/v1/docs#problem-nothing-to-rerun","title":"Nothing to run again"}`),
				"GET " + oneBatch:             say(200, `{"batchId":"`+batchID+`","isTerminal":true,"total":2,`+tt.counts+`}`),
			})
			l.expect(t, l.bi(t, append([]string{"rerun", batchID}, strings.Fields(tt.flags)...)...), exitError, "Nothing to run again", tt.says)
		})
	}
}

func TestKeysAreKeptAndNotSaid(t *testing.T) {
	t.Parallel()
	const fresh = "vd__another"
	gone := false
	l := newLab(t, map[string]http.HandlerFunc{
		"GET /v1/users/me":                 say(200, `{"userId":"u-1","role":"member","lender":{"lenderId":"north","name":"North"},"limits":{"batchMax":250,"openMax":10000,"open":260,"requestsPerSecond":20,"requestsAtOnce":100,"pollsPerSecond":2}}`),
		"GET /v1/users/me/api-key":         say(200, `{"apiKey":"`+fresh+`"}`),
		"POST /v1/users/me/api-key/rotate": say(200, `{"apiKey":"`+fresh+`"}`),
		"DELETE /v1/users/me/api-key":      func(w http.ResponseWriter, _ *http.Request) { gone = true; w.WriteHeader(204) },
	})
	l.expect(t, l.bi(t, "whoami"), exitCompleted, "user u-1, member of North (north)\n",
		"at most 250 inquiries in a batch, and 10000 in unfinished batches, which have 260 now\n", "20 requests per second, or 100 at once after a pause; 2 polls of one batch per second\n")
	l.expect(t, l.bi(t, "key", "show"), exitCompleted)
	if l.out.String() != fresh+"\n" {
		t.Errorf("key show: %q", l.out.String())
	}
	path := filepath.Join(t.TempDir(), "key")
	l.expect(t, l.bi(t, "key", "rotate", "--to", path), exitCompleted, "in "+path)
	if strings.Contains(l.out.String()+l.errOut.String(), fresh) {
		t.Error("key rotate prints the key")
	}
	info, err := os.Stat(path)
	if data, _ := os.ReadFile(path); err != nil || info.Mode().Perm() != 0o600 || string(data) != fresh+"\n" {
		t.Errorf("the file has %q, %v, %v", data, info.Mode(), err)
	}
	l.expect(t, l.bi(t, "key", "rotate", "--to", path), exitError, "exists")
	l.expect(t, l.bi(t, "key", "revoke"), exitCompleted, "has ended")
	if !gone {
		t.Error("key revoke asked nobody")
	}
}

func TestWhatIsWrongIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	const absent = `{"type":"/v1/docs#problem-not-found","title":"Not found","detail":"There is no such thing, or it is not yours."}`
	l := newLab(t, map[string]http.HandlerFunc{
		"GET " + batches:                     say(401, `{"type":"/v1/docs#problem-key-revoked","title":"The API key has ended","detail":"Make a new one."}`),
		"GET " + batches + "/" + absentID:    say(404, absent),
		"GET /v1/users/me/api-key":           say(404, absent),
		"DELETE " + batches + "/" + absentID: say(404, absent),
	})
	for name, tt := range map[string]struct {
		args []string
		says []string
	}{
		"a refused key":   {[]string{"list"}, []string{"The API key has ended", "Check that BI_API_KEY"}},
		"no such batch":   {[]string{"watch", absentID}, []string{"Not found", listHint}},
		"none to delete":  {[]string{"delete", "--yes", absentID}, []string{"Not found", listHint}},
		"no key as yet":   {[]string{"key", "show"}, []string{"Not found"}},
		"another address": {[]string{"whoami"}, []string{"404", "Check BI_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			l.expect(t, l.bi(t, tt.args...), exitError, tt.says...)
			if strings.Contains(l.errOut.String(), listHint) != slices.Contains(tt.says, listHint) {
				t.Errorf("of a batch: %s", &l.errOut)
			}
		})
	}
}

func TestWrongUsageAsksNothing(t *testing.T) {
	t.Parallel()
	l := &lab{api: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked %s", r.URL) })}
	loans := file(t, "loans.csv", loans)
	folder := filepath.Dir(loans)
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"no batch named":         {[]string{"watch"}, "bi watch needs exactly one argument, but it got 0\nUsage: bi watch BATCH"},
		"watch: empty id":        {[]string{"watch", ""}, `BATCH must be a batch's id`},
		"results: empty id":      {[]string{"results", "", "-o", filepath.Join(folder, "out")}, `BATCH must be a batch's id`},
		"cancel: empty id":       {[]string{"cancel", ""}, `BATCH must be a batch's id`},
		"rerun: a word":          {[]string{"rerun", "--failed", "abc"}, `but it is "abc"`},
		"delete: a path":         {[]string{"delete", "--yes", batchID + "/"}, listHint},
		"delete, and nobody":     {[]string{"delete", batchID}, "add --yes"},
		"no such command":        {[]string{"sumbit"}, `"sumbit"`},
		"no such flag":           {[]string{"list", "--all"}, "unknown flag: --all"},
		"none to list":           {[]string{"list", "--limit", "0"}, "1 or more"},
		"a limit in letters":     {[]string{"list", "--limit", "abc"}, `invalid argument "abc" for "--limit" flag: it must be a whole number, 1 or more`},
		"no such status":         {[]string{"list", "--status", "foo"}, "one of pending, running, completed, partial_success, failed, cancelled"},
		"no such scope":          {[]string{"results", batchID, "--scope", "foo"}, "one of all, succeeded, failed"},
		"no such format":         {[]string{"results", batchID, "--format", "xml"}, "one of ndjson, csv"},
		"results into a folder":  {[]string{"results", batchID, "-o", folder}, "is a folder"},
		"a folder to be":         {[]string{"results", batchID, "-o", filepath.Join(folder, "new") + "/"}, "is a folder"},
		"results in no folder":   {[]string{"results", batchID, "-o", filepath.Join(folder, "none", "x.csv")}, "no such file or directory"},
		"completion of no shell": {[]string{"completion", "foo"}, `unknown command "foo"`},
		"no such file":           {[]string{"submit", "absent.csv"}, "absent.csv: no such file"},
		"an unknown column":      {[]string{"submit", file(t, "x.csv", "company\nA\n")}, `the column "company" is unknown`},
		"an address of none":     {[]string{"list", "--url", "localhost"}, "must look like https://"},
	} {
		t.Run(name, func(t *testing.T) {
			l.expect(t, l.bi(t, tt.args...), exitUsage, tt.says)
			if strings.Contains(l.errOut.String(), "strconv") || strings.Contains(l.errOut.String(), "results are incomplete") {
				t.Errorf("said %s", &l.errOut)
			}
		})
	}
	if left, err := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, missing := range []string{"BI_URL", "BI_API_KEY"} {
		env := map[string]string{"BI_URL": "https://api.example", "BI_API_KEY": testKey}
		delete(env, missing)
		l.errOut.Reset()
		code := run(t.Context(), []string{"list"}, process{env: func(name string) string { return env[name] }, stdout: &l.out, stderr: &l.errOut})
		l.expect(t, code, exitUsage, "Set "+missing)
	}
}

func TestDeletingAsksFirst(t *testing.T) {
	t.Parallel()
	const deleted = `{"batchId":"` + batchID + `","isTerminal":true,"total":4,"completed":3,"failed":1,"deletedAt":"2026-11-23T17:00:00Z"}`
	for name, tt := range map[string]struct {
		answer string
		args   []string
		status int
		body   string
		code   int
		says   []string
	}{
		"yes":          {"y\n", nil, 200, deleted, exitCompleted, []string{`"November" of `, "4 inquiries, COMPLETED", "[y/N]", "The batch's times and counts remain: 3 completed, 1 failed"}},
		"in capitals":  {"YES\n", nil, 200, deleted, exitCompleted, []string{"[y/N]", "Deleted"}},
		"no":           {"n\n", nil, 0, "", exitError, []string{"nothing was deleted"}},
		"just Enter":   {"\n", nil, 0, "", exitError, []string{"nothing was deleted"}},
		"Ctrl-D":       {" ", nil, 0, "", exitError, []string{"nothing was deleted"}},
		"beforehand":   {"", []string{"--yes"}, 200, deleted, exitCompleted, []string{"Deleted"}},
		"still at it":  {"", []string{"--yes"}, 409, `{"type":"/v1/docs#problem-not-finished","title":"Not finished"}`, exitError, []string{"Not finished", "bi cancel " + batchID}},
		"nobody there": {"", nil, 0, "", exitUsage, []string{"--yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]http.HandlerFunc{
				"GET " + oneBatch: say(200, status(client.BatchCompleted, 4, 4)),
				"DELETE " + oneBatch: func(w http.ResponseWriter, r *http.Request) {
					if tt.status == 0 {
						t.Error("deleted")
					}
					say(tt.status, tt.body)(w, r)
				},
			})
			l.stdin = tt.answer
			l.expect(t, l.bi(t, append([]string{"delete", batchID}, tt.args...)...), tt.code, tt.says...)
			if asked := strings.Contains(l.errOut.String(), "[y/N]"); asked != (tt.answer != "") {
				t.Errorf("asked: %t", asked)
			}
		})
	}
}

func TestHelpAndCompletionNeedNoAPI(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}, {"submit", "--help"}, {"completion", "bash"}, {"key"}} {
		var out, errOut bytes.Buffer
		p := process{env: func(string) string { return "" }, stdout: &out, stderr: &errOut}
		if code := run(t.Context(), args, p); code != exitCompleted || out.Len() == 0 {
			t.Errorf("bi %q: exit code %d, %s", args, code, &errOut)
		}
	}
}

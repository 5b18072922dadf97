package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

const key = "vd__test"

// The ids of a batch, of an inquiry in it, and of another batch.
const (
	batchID   = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000"
	inquiryID = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0001"
	otherID   = "019ab0c2-f6a0-7bd3-9d5e-3c4b8a300000"
)

// inMemory answers requests without a network, so that time in a synctest bubble
// passes at once. A handler that panics with errLost has its reply lost, after
// whatever it did.
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

// against returns a client of a handler in memory.
func against(tb testing.TB, h http.HandlerFunc, options ...client.Option) *client.Client {
	tb.Helper()
	c, err := client.New("https://api.example/dev/", key, append(options, client.WithHTTPClient(&http.Client{Transport: inMemory{h}}))...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// say answers with JSON.
func say(w http.ResponseWriter, status int, body string, header ...string) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func problem(kind string) string {
	return `{"type":"/dev/v1/docs#problem-` + kind + `","title":"No","status":1,"detail":"Not so.","requestId":"r-1"}`
}

func TestEveryRequestSaysWhoAsks(t *testing.T) {
	t.Parallel()
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/dev/v1/batch-inquiries/"+strings.ToUpper(batchID) {
			t.Errorf("path %s", r.URL.EscapedPath())
		}
		if r.Header.Get("Authorization") != "Bearer "+key || r.Header.Get("Accept") != "application/json" {
			t.Errorf("header %v", r.Header)
		}
		say(w, http.StatusOK, `{"batchId":"`+batchID+`","status":"RUNNING","total":2,"running":1,"completed":1}`)
	})
	b, err := c.Batch(t.Context(), strings.ToUpper(batchID))
	if err != nil || b.BatchID != batchID || b.Status != client.BatchRunning || b.Settled() != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "client", c)
	if shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, logged.String()); strings.Contains(shown, key) {
		t.Errorf("the key is shown: %s", shown)
	}
}

func TestWhatCannotBeCalledIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]struct{ url, key string }{
		"no scheme":       {"api.example", key},
		"another scheme":  {"ftp://api.example", key},
		"nothing":         {"", key},
		"no key":          {"https://api.example", ""},
		"key with a line": {"https://api.example", key + "\n"},
	} {
		if c, err := client.New(in.url, in.key); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

// The API does the work and its reply is lost: the same submission is sent again
// under the same key, and another call has another key.
func TestALostReplyIsOneBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		made := map[string]int{} // tries by key
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			made[r.Header.Get("Idempotency-Key")]++
			var body struct{ Name string }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Name != "Renewals" {
				t.Errorf("body: %+v, %v", body, err)
			}
			if made[r.Header.Get("Idempotency-Key")] < 3 {
				panic(errLost)
			}
			say(w, http.StatusOK, `{"batchId":"`+batchID+`","total":1}`, "Idempotent-Replayed", "true")
		})
		for range 2 {
			s, err := c.Submit(t.Context(), client.Submission{Name: "Renewals", Inquiries: []client.InquiryInput{{BusinessName: "A"}}})
			if err != nil || s.BatchID != batchID || !s.Replayed {
				t.Errorf("submitted: %+v, %v", s, err)
			}
		}
		if _, err := c.Submit(t.Context(), client.Submission{Name: "Renewals", IdempotencyKey: "nightly"}); err != nil {
			t.Error(err)
		}
		if len(made) != 3 || made["nightly"] != 3 || made[""] != 0 {
			t.Errorf("tries by key: %v", made)
		}
	})
}

func TestABusyAPIIsGivenTheTimeItAsksFor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		retryAfter func() string
		atLeast    time.Duration
	}{
		"429 in seconds":           {429, func() string { return "7" }, 14 * time.Second},
		"503 until a date":         {503, func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, 38 * time.Second},
		"503 without a time":       {503, func() string { return "" }, 500 * time.Millisecond},
		"409 of the same, running": {409, func() string { return "1" }, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun, tries, told := time.Now(), 0, 0
				c := against(t, func(w http.ResponseWriter, _ *http.Request) {
					if tries++; tries < 3 {
						say(w, tt.status, problem("busy"), "Retry-After", tt.retryAfter())
						return
					}
					say(w, http.StatusOK, status(1))
				}, client.WithOnRetry(func(err error, wait time.Duration) { told++ }))
				if _, err := c.Cancel(t.Context(), batchID); err != nil {
					t.Error(err)
				}
				if took := time.Since(begun); took < tt.atLeast || took > tt.atLeast+10*time.Second || told != 2 {
					t.Errorf("it took %s with %d pauses told, want about %s", took, told, tt.atLeast)
				}
			})
		})
	}
}

func TestWhatIsRefusedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		header []string
		tries  int
		kind   string
		says   string
	}{
		"a validation":            {422, problem("validation"), nil, 1, "validation", "422 No: Not so. (request r-1)"},
		"an older form of type":   {404, `{"type":"urn:batch-inquiries:problem:not-found","title":"Not found"}`, nil, 1, "not-found", "404 Not found"},
		"a conflict":              {409, problem("not-cancellable"), nil, 1, "not-cancellable", "409"},
		"asked to wait an hour":   {429, problem("rate-limited"), []string{"Retry-After", "3600"}, 1, "rate-limited", "429"},
		"a proxy's page":          {502, "<html>Bad Gateway</html>", nil, 5, "", "502 Bad Gateway: the response did not come from the API"},
		"the gateway's own words": {403, `{"message":"Limit Exceeded"}`, nil, 1, "", "403 Forbidden: Limit Exceeded"},
		"ours, and it stays":      {500, problem("internal"), nil, 5, "internal", "500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				c := against(t, func(w http.ResponseWriter, _ *http.Request) {
					tries++
					say(w, tt.status, tt.body, tt.header...)
				})
				_, err := c.Batch(t.Context(), batchID)
				p, ok := errors.AsType[*client.Problem](err)
				if !ok || p.Status != tt.status || p.Kind() != tt.kind || !strings.HasPrefix(err.Error(), tt.says) {
					t.Errorf("%v", err)
				}
				if tries != tt.tries {
					t.Errorf("%d tries, want %d", tries, tt.tries)
				}
				if tt.kind != "" && !client.IsKind(err, tt.kind) || client.IsKind(errLost, tt.kind) {
					t.Error("IsKind tells another kind")
				}
			})
		})
	}
}

func TestAProblemListsItsFaults(t *testing.T) {
	t.Parallel()
	var faults []string
	for i := range 12 {
		faults = append(faults, fmt.Sprintf(`{"pointer":"/inquiries/%d/ein","index":%d,"externalId":"LOAN-%d","code":"pattern","message":"nine digits"}`, i, i, i))
	}
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		say(w, 422, `{"type":"/v1/docs#problem-validation","title":"No","detail":"Not so.","errors":[`+strings.Join(faults, ",")+`]}`)
	})
	_, err := c.Submit(t.Context(), client.Submission{})
	p, _ := errors.AsType[*client.Problem](err)
	if p == nil || len(p.Errors) != 12 || *p.Errors[11].Index != 11 {
		t.Fatalf("%+v", p)
	}
	for _, want := range []string{"\n  /inquiries/0/ein (LOAN-0): nine digits\n", "\n  and 2 more"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestASuccessThatIsNotTheAPIsIsAnError(t *testing.T) {
	t.Parallel()
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<html>Please sign in to the hotel's network</html>")
	})
	if _, err := c.Batch(t.Context(), batchID); err == nil || !strings.Contains(err.Error(), "is the address right?") {
		t.Error(err)
	}
}

func TestAContextEndsTheWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := against(t, func(http.ResponseWriter, *http.Request) { panic(errLost) })
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		begun := time.Now()
		_, err := c.Batch(ctx, batchID)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errLost) || time.Since(begun) > time.Second {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

// The other tests lose replies in memory; here a real server hangs up, before an
// answer and in the middle of one.
func TestARealServerHangsUp(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		try := len(keys)
		mu.Unlock()
		switch try {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"batchId":`)
			panic(http.ErrAbortHandler)
		}
		say(w, http.StatusOK, `{"batchId":"`+batchID+`"}`)
	}))
	defer server.Close()
	c, err := client.New(server.URL, key)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := c.Submit(t.Context(), client.Submission{Name: "x"}); err != nil || s.BatchID != batchID {
		t.Errorf("%+v, %v", s, err)
	}
	if len(keys) != 3 || len(slices.Compact(keys)) != 1 || keys[0] == "" {
		t.Errorf("sent under the keys %q", keys)
	}
}

func TestTheKeysRoutes(t *testing.T) {
	t.Parallel()
	var asked []string
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		say(w, 200, `{"apiKey":"vd__new","userId":"u-1"}`)
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
	if want := []string{"GET " + path + "/api-key", "POST " + path + "/api-key/rotate", "DELETE " + path + "/api-key", "GET " + path}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
}

// A rerun and a single inquiry make batches too, and so make them once.
func TestEverythingThatMakesABatchMakesItOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		made := map[string]int{}
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			request := r.URL.Path + " " + string(body) + " " + r.Header.Get("Idempotency-Key")
			if made[request]++; made[request] == 1 {
				panic(errLost)
			}
			say(w, 200, `{"batchId":"`+otherID+`","parentBatchId":"`+batchID+`","inquiryId":"`+inquiryID+`"}`, "Idempotent-Replayed", "true")
		})
		if s, err := c.Rerun(t.Context(), batchID, client.Rerun{IdempotencyKey: "again"}); err != nil || !s.Replayed || s.ParentBatchID != batchID {
			t.Errorf("%+v, %v", s, err)
		}
		if s, err := c.SubmitInquiry(t.Context(), client.InquiryInput{BusinessName: "A"}, "one"); err != nil || !s.Replayed || s.InquiryID != inquiryID {
			t.Errorf("%+v, %v", s, err)
		}
		if made["/dev/v1/batch-inquiries/"+batchID+"/rerun {} again"] != 2 || made[`/dev/v1/inquiries {"businessName":"A"} one`] != 2 {
			t.Errorf("requests: %v", made)
		}
	})
}

func TestDeletingAgainDoesNoHarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked == 1 {
				panic(errLost)
			}
			say(w, 200, `{"batchId":"`+batchID+`","isTerminal":true,"total":4,"completed":4,"deletedAt":"2026-11-23T17:00:00Z"}`)
		})
		if b, err := c.Delete(t.Context(), batchID); err != nil || b.DeletedAt == nil || b.Settled() != 4 || asked != 2 {
			t.Errorf("%+v, %v after %d tries", b, err, asked)
		}
	})
}

// list answers pages of n numbered items.
func list(w http.ResponseWriter, r *http.Request, array, id string, n int) {
	var limit, from int
	fmt.Sscan(r.URL.Query().Get("limit"), &limit)
	fmt.Sscan(r.URL.Query().Get("cursor"), &from)
	var items []string
	for i := from; i < min(from+limit, n); i++ {
		items = append(items, fmt.Sprintf(`{%q:"%d"}`, id, i))
	}
	next := "null"
	if from+limit < n {
		next = fmt.Sprintf(`"%d"`, from+limit)
	}
	say(w, http.StatusOK, fmt.Sprintf(`{%q:[%s],"total":%d,"nextCursor":%s}`, array, strings.Join(items, ","), n, next))
}

func TestListsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	for total, pages := range map[int]int{0: 1, 1: 1, 100: 1, 101: 2, 1234: 13} {
		asked := 0
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			list(w, r, "inquiries", "inquiryId", total)
		})
		all := c.Inquiries(t.Context(), batchID, client.InquiryFilter{})
		for range 2 { // a second loop begins at the head again
			got := 0
			for i, err := range all {
				if err != nil || i.InquiryID != fmt.Sprint(got) {
					t.Fatalf("inquiry %d of %d: %v, %v", got, total, i, err)
				}
				got++
			}
			if got != total {
				t.Errorf("%d of %d inquiries", got, total)
			}
		}
		if asked != 2*pages {
			t.Errorf("%d requests for two times %d inquiries", asked, total)
		}
	}
}

func TestALoopThatStopsEarlyAsksNoMore(t *testing.T) {
	t.Parallel()
	asked := 0
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		list(w, r, "batches", "batchId", 5000)
	})
	for b, err := range c.Batches(t.Context(), client.BatchFilter{PageSize: 20}) {
		if err != nil || b.BatchID == "20" {
			break
		}
	}
	if asked != 2 {
		t.Errorf("%d requests", asked)
	}
}

// A filter may leave nothing on a page that others follow.
func TestAnEmptyPageIsNotTheLast(t *testing.T) {
	t.Parallel()
	var asked []string
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		if len(asked) < 3 {
			say(w, 200, fmt.Sprintf(`{"batches":[],"nextCursor":"c%d"}`, len(asked)))
			return
		}
		say(w, 200, `{"batches":[{"batchId":"b"}],"nextCursor":null}`)
	})
	n := 0
	filter := client.BatchFilter{Status: client.BatchFailed, NamePrefix: "nov", CreatedFrom: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	for b, err := range c.Batches(t.Context(), filter) {
		if err != nil || b.BatchID != "b" {
			t.Fatal(b, err)
		}
		n++
	}
	if n != 1 || len(asked) != 3 || asked[2] != "createdFrom=2026-11-01T00%3A00%3A00Z&cursor=c2&limit=100&namePrefix=nov&status=FAILED" {
		t.Errorf("%d batches; asked %q", n, asked)
	}
}

func TestAnErrorEndsAList(t *testing.T) {
	t.Parallel()
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("cursor") {
			say(w, 404, problem("not-found"))
			return
		}
		list(w, r, "inquiries", "inquiryId", 5000)
	})
	var last error
	n := 0
	for _, err := range c.Inquiries(t.Context(), batchID, client.InquiryFilter{Status: client.InquiryFailed}) {
		last = err
		n++
	}
	if n != 101 || !client.IsKind(last, client.KindNotFound) {
		t.Errorf("%d pairs, the last with %v", n, last)
	}
}

const table = "index,status\n0,COMPLETED\n"

// exported answers as the API does when results are in the answer itself.
func exported(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Accept"))
	w.Header().Set("Results-Complete", "true")
	w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
	io.WriteString(w, table)
}

// lyingAt answers as the API does when results lie in a file.
func lyingAt(address string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Results-Complete", "true")
		w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
		w.Header().Set("Location", address)
		w.WriteHeader(http.StatusSeeOther)
	}
}

func TestResultsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the credential goes to another address")
		}
		w.Header().Set("Content-Type", "text/csv")
		io.WriteString(w, table)
	}))
	defer store.Close()
	tries := 0
	for name, h := range map[string]http.HandlerFunc{
		"in the answer": exported,
		"in a file":     lyingAt(store.URL + "/file?signature=x"),
		"at the second try": func(w http.ResponseWriter, r *http.Request) {
			if tries++; tries == 1 {
				panic(http.ErrAbortHandler)
			}
			exported(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v1/batch-inquiries/"+batchID+"/results" || r.URL.RawQuery != "scope=failed" || r.Header.Get("Accept") != "text/csv" {
					t.Errorf("asked %s for %s", r.URL, r.Header.Get("Accept"))
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
			if err != nil || string(data) != table || !r.Complete || r.AsOf.IsZero() || r.Close() != nil {
				t.Errorf("%q, %v, complete %t as of %s", data, err, r.Complete, r.AsOf)
			}
		})
	}
}

func TestAPartOfResultsIsNotTakenForTheWhole(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		exported(w, r)
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
		t.Error(err)
	}
}

// Results are saved as they come, so that only what is certainly theirs may come.
func TestWhatIsNoResultsIsAnError(t *testing.T) {
	t.Parallel()
	const elsewhere = "https://store.example"
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"no such batch": {func(w http.ResponseWriter, _ *http.Request) { say(w, 404, problem("not-found")) }, "404 No"},
		"a hotel's page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>Please sign in</html>")
		}, `is the address right?): it is "text/html"`},
		"of no time": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			io.WriteString(w, table)
		}, "is the address right?"},
		"another form": {func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Accept", "application/x-ndjson")
			exported(w, r)
		}, `it is "application/x-ndjson"`},
		"nothing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "status 204"},
		"another address": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		}, "another address: " + elsewhere},
		"a sign-in's":       {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusSeeOther) }, "another address: " + elsewhere},
		"a file that ended": {lyingAt(elsewhere + "/gone?signature=x"), "the results file cannot be read"},
		"a file of another": {lyingAt(elsewhere + "/page?signature=x"), `the results file is "text/html"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			c := against(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
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
			if err == nil || r != nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "signature") || asked > 2 {
				t.Errorf("%v, %v after %d requests", r, err, asked)
			}
		})
	}
}

func TestNoAnswerIsWaitedForWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *client.Client) error{
		"Batch": func(ctx context.Context, c *client.Client) error { _, err := c.Batch(ctx, batchID); return err },
		"Results": func(ctx context.Context, c *client.Client) error {
			_, err := c.Results(ctx, batchID, client.ResultsQuery{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				c := against(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(errLost) }, client.WithTries(2))
				err := call(t.Context(), c)
				if took := time.Since(begun); err == nil || !strings.Contains(err.Error(), "no response within 1m0s") || took > 3*time.Minute {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

// An empty id would ask for the list, and one with a slash for anything.
func TestWhatIsNoIDAsksNothing(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"nothing": "", "a word": "abc", "a path": "../users/me", "with a line": batchID + "\n", "too long": batchID + "0", "bare digits": strings.ReplaceAll(batchID, "-", ""),
	} {
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("%s: asked %s", name, r.URL)
			say(w, 200, `{}`)
		})
		for what, call := range map[string]func() error{
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
				t.Errorf("%s of %s: %v", what, name, err)
			}
		}
	}
}

func firstError[T any](all iter.Seq2[T, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// JSON from anywhere reads as an empty answer of any type; what was asked for has
// to be in it.
func TestJSONOfAnotherIsNoAnswer(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty": `{}`, "of another batch": `{"batchId":"` + otherID + `","inquiryId":"` + otherID + `x"}`, "null": `null`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			c := against(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				say(w, 200, body)
			})
			for what, call := range map[string]func() error{
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
				if asked = 0; call() == nil || asked != 1 {
					t.Errorf("%s takes it, or asks %d times", what, asked)
				}
			}
		})
	}
}

func TestACredentialFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	asked := 0
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Location", "https://other.example/v1/users/me")
		w.WriteHeader(http.StatusMovedPermanently)
	})
	if _, err := c.Me(t.Context()); err == nil || asked != 1 || !strings.Contains(err.Error(), "https://other.example") {
		t.Errorf("%d requests, %v", asked, err)
	}
}

// status is a batch of four, of which so many are completed.
func status(completed int) string {
	state := client.BatchRunning
	if completed == 4 {
		state = client.BatchCompleted
	}
	return fmt.Sprintf(`{"batchId":%q,"status":%q,"isTerminal":%t,"total":4,"running":%d,"completed":%d}`, batchID, state, completed == 4, 4-completed, completed)
}

func TestWaitSurvivesAnHourWithoutAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := against(t, func(w http.ResponseWriter, _ *http.Request) {
			switch since := time.Since(begun); {
			case since > time.Minute && since < 45*time.Minute:
				panic(errLost)
			case since >= 45*time.Minute && since < time.Hour:
				say(w, 502, "<html>")
			case since >= time.Hour:
				say(w, 200, status(4))
			default:
				say(w, 200, status(1))
			}
		})
		b, err := c.Wait(t.Context(), batchID)
		if err != nil || b.Status != client.BatchCompleted || time.Since(begun) > 62*time.Minute {
			t.Errorf("after %s: %+v, %v", time.Since(begun), b, err)
		}
	})
}

func TestWatchSeesEachChangeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			completed := asked / 3 // each is there to be seen three times
			asked++
			tag := fmt.Sprintf(`"%d"`, completed)
			if asked > 1 && r.Header.Get("If-None-Match") == "" {
				t.Error("asked for what it knows already")
			}
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			say(w, 200, status(completed), "ETag", tag)
		})
		var seen []int
		for b, err := range c.Watch(t.Context(), batchID) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, b.Completed)
		}
		if !slices.Equal(seen, []int{0, 1, 2, 3, 4}) {
			t.Errorf("seen: %v", seen)
		}
	})
}

func TestWatchAsksWhenTheAPISuggests(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		retryAfter  string
		options     []client.Option
		least, most time.Duration // for four pauses
	}{
		"as the API says":    {"30", nil, 120 * time.Second, 120 * time.Second},
		"as the caller says": {"30", []client.Option{client.WithPollInterval(time.Second)}, 4 * time.Second, 4 * time.Second},
		"as we would":        {"", nil, 4 * time.Second, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun, completed := time.Now(), 0
				c := against(t, func(w http.ResponseWriter, _ *http.Request) {
					say(w, 200, status(completed), "Retry-After", tt.retryAfter)
					completed++
				}, tt.options...)
				if _, err := c.Wait(t.Context(), batchID); err != nil {
					t.Error(err)
				}
				if took := time.Since(begun); took < tt.least || took > tt.most {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A wrong address is an error soon, whatever is wrong with it.
func TestWaitEndsWhereNobodyEverAnswered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		most   time.Duration
		says   string
	}{
		"refused":       {func(http.ResponseWriter, *http.Request) { panic(errLost) }, 20 * time.Second, errLost.Error()},
		"a black hole":  {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(errLost) }, 70 * time.Second, "no response within 10s"},
		"always busy":   {func(w http.ResponseWriter, _ *http.Request) { say(w, 503, problem("unavailable")) }, 20 * time.Second, "503 No"},
		"another's 304": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, 0, "304"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun, told := time.Now(), time.Duration(0)
				c := against(t, tt.answer, client.WithLongPoll(), client.WithOnRetry(func(err error, _ time.Duration) {
					if told == 0 {
						told = time.Since(begun)
					}
					if !strings.Contains(err.Error(), tt.says) {
						t.Errorf("told: %v", err)
					}
				}))
				_, err := c.Wait(t.Context(), batchID)
				if took := time.Since(begun); err == nil || !strings.Contains(err.Error(), tt.says) || took > tt.most || told > 10*time.Second {
					t.Errorf("%v after %s, told of it after %s", err, took, told)
				}
			})
		})
	}
}

// An API that took the batch is there: an outage from then on is waited out.
func TestWaitIsPatientWithAnAPIThatHasAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost:
				say(w, 200, `{"batchId":"`+batchID+`"}`)
			case time.Since(begun) < time.Hour:
				panic(errLost)
			default:
				say(w, 200, status(4))
			}
		})
		s, err := c.Submit(t.Context(), client.Submission{})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := c.Wait(t.Context(), s.BatchID); err != nil || b.Completed != 4 {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

// While a long poll is held back, silence is to be expected; for longer it is an
// outage, and told.
func TestALongPollThatIsLostIsToldSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begun time.Time
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("waitSeconds") {
				begun = time.Now()
				<-r.Context().Done()
				panic(errLost)
			}
			say(w, 200, status(1), "ETag", `"1"`)
		}, client.WithLongPoll(), client.WithOnRetry(func(err error, _ time.Duration) {
			if took := time.Since(begun); took < 20*time.Second || took > 30*time.Second || !strings.Contains(err.Error(), "no response within 30s") {
				t.Errorf("after %s: %v", took, err)
			}
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := c.Wait(ctx, batchID); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// The API takes two polls a second of one batch, with a burst that is for others
// who watch it too.
func TestNobodyPollsMoreOftenThanTheAPIAllows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  func(try int, w http.ResponseWriter)
		options []client.Option
	}{
		"each answer is new":     {func(try int, w http.ResponseWriter) { say(w, 200, status(try%4), "Retry-After", "0") }, nil},
		"in a great hurry":       {func(try int, w http.ResponseWriter) { say(w, 200, status(try%4)) }, []client.Option{client.WithPollInterval(time.Nanosecond)}},
		"no long poll is held":   {func(try int, w http.ResponseWriter) { say(w, 200, status(try%4), "ETag", fmt.Sprint(try)) }, []client.Option{client.WithLongPoll()}},
		"the connection is lost": {func(try int, w http.ResponseWriter) { lostBut(try, w) }, []client.Option{client.WithPollInterval(time.Nanosecond)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var last time.Time
				tries := 0
				c := against(t, func(w http.ResponseWriter, _ *http.Request) {
					if pause := time.Since(last); pause < time.Second/2 {
						t.Errorf("poll %d comes after %s", tries, pause)
					}
					last = time.Now()
					tries++
					tt.answer(tries, w)
				}, tt.options...)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				if _, err := c.Wait(ctx, batchID); !errors.Is(err, context.DeadlineExceeded) || tries < 10 {
					t.Errorf("%v after %d polls", err, tries)
				}
			})
		})
	}
}

// lostBut loses every reply but each third.
func lostBut(try int, w http.ResponseWriter) {
	if try%3 != 1 {
		panic(errLost)
	}
	say(w, 200, status(1))
}

// A poll that is refused as one too many is made when the API says.
func TestAWatchThatIsRefusedWaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, tries := time.Now(), 0
		c := against(t, func(w http.ResponseWriter, _ *http.Request) {
			switch tries++; tries {
			case 1:
				say(w, 200, status(1))
			case 2:
				say(w, 429, problem("rate-limited"), "Retry-After", "300")
			default:
				say(w, 200, status(4))
			}
		})
		if b, err := c.Wait(t.Context(), batchID); err != nil || !b.IsTerminal || tries != 3 || time.Since(begun) < 300*time.Second {
			t.Errorf("%+v, %v after %d polls and %s", b, err, tries, time.Since(begun))
		}
	})
}

// The API holds a long poll back until there is news, or its time is up.
func TestALongPollHearsOfAChangeSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, asked := time.Now(), 0
		state := func() int { return min(int(time.Since(begun)/time.Minute), 4) } // changes once a minute
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			var wait int
			fmt.Sscan(r.URL.Query().Get("waitSeconds"), &wait)
			tag := func() string { return fmt.Sprintf(`"%d"`, state()) }
			for until := time.Now().Add(time.Duration(wait) * time.Second); r.Header.Get("If-None-Match") == tag() && time.Now().Before(until); {
				time.Sleep(time.Second)
			}
			if r.Header.Get("If-None-Match") == tag() {
				w.Header().Set("ETag", tag())
				w.WriteHeader(http.StatusNotModified)
				return
			}
			say(w, 200, status(state()), "ETag", tag(), "Retry-After", "30")
		}, client.WithLongPoll())
		for b, err := range c.Watch(t.Context(), batchID) {
			if late := time.Since(begun) % time.Minute; err != nil || late > 2*time.Second {
				t.Errorf("%d completed, heard %s late, %v", b.Completed, late, err)
			}
		}
		if asked > 20 {
			t.Errorf("asked %d times in four minutes", asked)
		}
	})
}

func TestABatchThatIsQuietIsAskedForLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := against(t, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			say(w, 200, status(1))
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := c.Wait(ctx, batchID); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if asked < 115 || asked > 135 {
			t.Errorf("asked %d times in an hour", asked)
		}
	})
}

func TestWaitEndsWithWhatTimeDoesNotMend(t *testing.T) {
	t.Parallel()
	c := against(t, func(w http.ResponseWriter, _ *http.Request) { say(w, 404, problem("not-found")) })
	if b, err := c.Wait(t.Context(), batchID); !client.IsKind(err, client.KindNotFound) || b != nil {
		t.Errorf("%v, %v", b, err)
	}
}

func TestPeopleAreNotPrinted(t *testing.T) {
	t.Parallel()
	in := client.InquiryInput{BusinessName: "Kylderon", Principals: []client.PrincipalInput{{LastName: "Kylder"}}}
	one := client.Inquiry{InquirySummary: client.InquirySummary{InquiryID: "i-1", BusinessName: "Kylderon"}, Inquiry: in}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "in", in, "one", one, "row", one.InquirySummary)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", in, in, in, in), fmt.Sprintf("%v %+v %#v %s", one, one, one, one), log.String()} {
		if strings.Contains(shown, "Kylder") {
			t.Errorf("shown: %s", shown)
		}
	}
}

func TestTheAddressMayEndInV1(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://api.example/dev", "https://api.example/dev/", "https://api.example/dev/v1", "https://api.example/dev/v1/"} {
		c, err := client.New(address, "vd__k1_secret")
		if err != nil || c.BaseURL() != "https://api.example/dev" {
			t.Errorf("%s: %v, error %v", address, c, err)
		}
	}
}

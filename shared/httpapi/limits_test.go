package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()

	t.Run("a lender's requests are limited", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t) // it has sent one request
		const path = "/v1/users/me"
		for left := fairuse.Requests.Burst - 2; left >= 0; left-- {
			p.caller.UserID = strconv.Itoa(left) // all users of a lender share the limit
			resp, body := p.do(t, "GET", path, "")
			if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("RateLimit"), `"requests";r=`+strconv.Itoa(left)+";") {
				t.Fatalf("with %d left: %s, RateLimit %s, %s", left, resp.Status, resp.Header.Get("RateLimit"), body)
			}
		}
		for name, ask := range map[string]func() (*http.Response, string){
			"the same request": func() (*http.Response, string) { return p.do(t, "GET", path, "") },
			"a poll":           func() (*http.Response, string) { return p.do(t, "GET", p.path, "") },
			"HEAD":             func() (*http.Response, string) { return p.do(t, "HEAD", path, "") },
			"an unknown path":  func() (*http.Response, string) { return p.do(t, "GET", "/v1/nothing", "") },
			"with a portal":    func() (*http.Response, string) { return p.do(t, "GET", path, "", "Origin", "https://portal.example") },
			"a submission":     func() (*http.Response, string) { return p.do(t, "POST", "/v1/batch-inquiries", `{}`) },
			"a malformed body": func() (*http.Response, string) { return p.do(t, "POST", "/v1/inquiries", `{`) },
			"with a bad key":   func() (*http.Response, string) { return p.do(t, "GET", path, "", "Idempotency-Key", "") },
			"another user":     func() (*http.Response, string) { p.caller.UserID = "other"; return p.do(t, "GET", path, "") },
		} {
			reads := p.batches.reads
			resp, body := ask()
			if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
				t.Errorf("%s: %s, Retry-After %q; want a 429 and 1", name, resp.Status, resp.Header.Get("Retry-After"))
			}
			if limit, policy := resp.Header.Get("RateLimit"), resp.Header.Get("RateLimit-Policy"); limit != `"requests";r=0;t=5` || policy != `"requests";q=100;w=5` {
				t.Errorf("%s: RateLimit %s, RateLimit-Policy %s", name, limit, policy)
			}
			if p.batches.reads != reads {
				t.Errorf("%s: a rejected request read %d times", name, p.batches.reads-reads)
			}
			if name == "HEAD" {
				continue
			}
			if answer := problem(t, resp, body); !strings.HasSuffix(answer.Type, "#problem-rate-limited") {
				t.Errorf("%s: %s", name, answer.Type)
			}
		}
		for name, c := range map[string]struct {
			lender inquiry.LenderID
			path   string
			want   int
		}{
			"another lender": {"globex", path, http.StatusOK},
			"no lender":      {"", "/v1/openapi.json", http.StatusOK}, // as for the reference
		} {
			other := p.client
			other.caller.LenderID = c.lender
			if resp, _ := other.do(t, "GET", c.path, ""); resp.StatusCode != c.want {
				t.Errorf("%s: %s", name, resp.Status)
			}
		}
		*p.now = p.now.Add(time.Second) // as Retry-After said
		if resp, _ := p.do(t, "GET", path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("after the wait: %s", resp.Status)
		}
	})

	// What a request counts as follows what it reads.
	t.Run("a request that reads many rows counts as several", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			query string // behind the path of the list of batches
			total int    // of the batch
			want  int
		}{
			"a page of one":            {query: "?limit=1", want: 1},
			"a page of 50":             {query: "?limit=50", want: 1},
			"the default page":         {want: 2},
			"the largest page":         {query: "?limit=500", want: 10},
			"a filtered page":          {query: "?limit=1&status=FAILED", want: 10},
			"inquiries":                {query: "/%s/inquiries?limit=500", want: 10},
			"some inquiries":           {query: "/%s/inquiries?limit=50&status=FAILED", want: 1},
			"an externalId":            {query: "/%s/inquiries?limit=1&externalId=A", total: 250, want: 5},
			"results of a small batch": {query: "/%s/results", total: 50, want: 1},
			"results of a batch":       {query: "/%s/results", total: 250, want: 5},
			"results of a large batch": {query: "/%s/results?scope=failed", total: 65_535, want: fairuse.MaxTokens},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := newPoller(t) // it has sent one request
				if c.total > 0 {
					p.batches.batches[0].Tally = inquiry.NewTally(c.total)
				}
				path := "/v1/batch-inquiries" + strings.Replace(c.query, "%s", p.batches.batches[0].ID.String(), 1)
				for left := fairuse.Requests.Burst - 1 - c.want; left >= 0; left -= c.want {
					resp, body := p.do(t, "GET", path, "")
					if got := resp.Header.Get("RateLimit"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, `"requests";r=`+strconv.Itoa(left)+";") || strings.Contains(got, ",") {
						t.Fatalf("with %d left: %s, RateLimit %s, %.300s", left, resp.Status, got, body)
					}
				}
				reads := p.batches.lists
				resp, body := p.do(t, "GET", path, "")
				answer := problem(t, resp, body)
				if resp.StatusCode != http.StatusTooManyRequests || !strings.HasSuffix(answer.Type, "#problem-rate-limited") || p.batches.lists != reads {
					t.Errorf("without tokens: %s after %d reads: %s", resp.Status, p.batches.lists-reads, body)
				}
				wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
				*p.now = p.now.Add(time.Duration(wait) * time.Second)
				if resp, body := p.do(t, "GET", path, ""); resp.StatusCode != http.StatusOK {
					t.Errorf("after the wait of %d seconds: %s %s", wait, resp.Status, body)
				}
			})
		}
	})

	// It reads everything that was submitted, even if it then finds nothing to rerun.
	t.Run("a rerun counts as several requests", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t) // it has sent one request
		p.batches.batches[0].Tally = inquiry.NewTally(250)
		for left := fairuse.Requests.Burst - 6; left >= 0; left -= 5 {
			resp, body := p.do(t, "POST", p.path+"/rerun", "")
			if got := resp.Header.Get("RateLimit"); resp.StatusCode != http.StatusConflict || !strings.HasPrefix(got, `"requests";r=`+strconv.Itoa(left)+";") {
				t.Fatalf("with %d left: %s, RateLimit %s, %s", left, resp.Status, got, body)
			}
		}
		for name, header := range map[string][]string{"with an idempotency key": {"Idempotency-Key", "1"}, "without": nil} {
			if resp, body := p.do(t, "POST", p.path+"/rerun", "", header...); resp.StatusCode != http.StatusTooManyRequests {
				t.Errorf("without tokens, %s: %s %s", name, resp.Status, body)
			}
		}
	})

	t.Run("the polls of a batch are limited", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t)
		p.do(t, "POST", "/v1/batch-inquiries/", `{"name":"Other","inquiries":[{"businessName":"B"}]}`)
		for left := fairuse.Polls.Burst - 1; left >= 0; left-- {
			resp, _ := p.do(t, "GET", p.path, "", "If-None-Match", "*")
			if want := `"polls";r=` + strconv.Itoa(left) + ";"; resp.StatusCode != http.StatusNotModified || !strings.Contains(resp.Header.Get("RateLimit"), want) {
				t.Fatalf("with %d left: %s, RateLimit %s", left, resp.Status, resp.Header.Get("RateLimit"))
			}
		}
		reads := p.batches.reads
		for _, path := range []string{p.path, p.path + "/", strings.ToUpper(p.path[len(p.path)-36:])} {
			if !strings.HasPrefix(path, "/") {
				path = "/v1/batch-inquiries/" + path
			}
			resp, body := p.do(t, "GET", path, "")
			answer := problem(t, resp, body)
			if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" || !strings.Contains(answer.Detail, "waitSeconds") {
				t.Errorf("%s: %s, Retry-After %s, %s", path, resp.Status, resp.Header.Get("Retry-After"), answer.Detail)
			}
			if policy := resp.Header.Get("RateLimit-Policy"); policy != `"requests";q=100;w=5, "polls";q=20;w=10` {
				t.Errorf("RateLimit-Policy %s", policy)
			}
		}
		if p.batches.reads != reads {
			t.Errorf("rejected polls read %d times", p.batches.reads-reads)
		}
		for name, path := range map[string]string{
			"another batch":           "/v1/batch-inquiries/" + p.batches.batches[1].ID.String(),
			"the batch's inquiries":   p.path + "/inquiries",
			"the lender's other page": "/v1/batch-inquiries",
		} {
			if resp, _ := p.do(t, "GET", path, ""); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", name, resp.Status)
			}
		}
		*p.now = p.now.Add(time.Second)
		if resp, _ := p.do(t, "GET", p.path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("after the wait: %s", resp.Status)
		}
	})
}

// full has a lender with room for only five more open inquiries.
type full struct{ *fakeBatches }

func newFull() full {
	f := full{newFake()}
	f.lender.Open = f.lender.OpenMax - 5
	return f
}

func (f full) Submit(ctx context.Context, l inquiry.Lender, sub inquiry.Submission) (inquiry.BatchID, bool, error) {
	if len(sub.Inquiries) > l.Room() {
		return inquiry.BatchID{}, false, inquiry.ErrTooManyOpen
	}
	return f.fakeBatches.Submit(ctx, l, sub)
}

func businesses(n int) string {
	return `{"name":"A","inquiries":[` + strings.TrimSuffix(strings.Repeat(`{"businessName":"B"},`, n), ",") + `]}`
}

func TestOpenLimit(t *testing.T) {
	t.Parallel()

	t.Run("a lender without room gets an estimate", func(t *testing.T) {
		t.Parallel()
		// running returns a batch that is expected to take this many more seconds. Without
		// progress, there is no estimate.
		running := func(total int, done int, seconds int) inquiry.Batch {
			created := noon.Add(-time.Duration(seconds*done/max(total-done, 1)) * time.Second)
			b := inquiry.Batch{ID: inquiry.NewBatchID(created), LenderID: acme, Tally: inquiry.NewTally(total)}
			for i := range done {
				at := created.Add(noon.Sub(created) * time.Duration(i+1) / time.Duration(done))
				b.Tally, _ = b.Merge(inquiry.Change{Index: i, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{StartedAt: at.Add(-time.Second), FinishedAt: at}})
			}
			return b
		}
		for name, c := range map[string]struct {
			batches     []inquiry.Batch
			total       int
			least, most int
		}{
			"no batches":                  {nil, 6, 30, 30},
			"no progress yet":             {[]inquiry.Batch{running(100, 0, 0)}, 6, 30, 30},
			"one batch is enough":         {[]inquiry.Batch{running(100, 50, 60), running(100, 50, 200)}, 50, 61, 199},
			"both batches are needed":     {[]inquiry.Batch{running(100, 50, 20), running(100, 50, 60)}, 150, 61, 300},
			"both batches are not enough": {[]inquiry.Batch{running(100, 50, 20), running(100, 50, 60)}, 250, 30, 30},
			"a batch is nearly done":      {[]inquiry.Batch{running(100, 99, 1)}, 6, 2, 10},
			"the wait is capped":          {[]inquiry.Batch{running(100, 50, 5000)}, 6, 300, 300},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFull()
				f.batches = c.batches
				resp, body := newClient(t, f, t.Output()).do(t, "POST", "/v1/batch-inquiries", businesses(c.total))
				answer := problem(t, resp, body)
				if resp.StatusCode != http.StatusTooManyRequests || !strings.HasSuffix(answer.Type, "#problem-too-many-open") {
					t.Fatalf("%s %s", resp.Status, body)
				}
				wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
				if err != nil || wait < c.least || wait > c.most {
					t.Errorf("Retry-After %s, want %d to %d", resp.Header.Get("Retry-After"), c.least, c.most)
				}
				if limit := resp.Header.Get("RateLimit"); !strings.HasSuffix(limit, `"open-inquiries";r=5`) {
					t.Errorf("RateLimit %s", limit)
				}
				if !strings.Contains(answer.Detail, "9995") || !strings.Contains(answer.Detail, "10000") {
					t.Errorf("detail %s", answer.Detail)
				}
			})
		}
	})

	t.Run("every submission reports the remaining room", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct{ path, body, left string }{
			"a batch":          {"/v1/batch-inquiries", businesses(3), "2"},
			"a single inquiry": {"/v1/inquiries", `{"businessName":"B"}`, "4"},
			"a dry run":        {"/v1/batch-inquiries", strings.Replace(businesses(9), "{", `{"validateOnly":true,`, 1), "5"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				resp, body := newClient(t, newFull(), t.Output()).do(t, "POST", c.path, c.body)
				if limit := resp.Header.Get("RateLimit"); resp.StatusCode != http.StatusOK || !strings.HasSuffix(limit, `"open-inquiries";r=`+c.left) {
					t.Errorf("%s, RateLimit %s\n%s", resp.Status, limit, body)
				}
				if policy := resp.Header.Get("RateLimit-Policy"); !strings.HasSuffix(policy, `"open-inquiries";q=10000;qu="inquiries"`) {
					t.Errorf("RateLimit-Policy %s", policy)
				}
				var dry httpapi.ValidatedBody
				if err := json.Unmarshal([]byte(body), &dry); err != nil || dry.ValidateOnly && (dry.Limits.OpenMax != 10_000 || dry.Limits.OpenLeft != 5) {
					t.Errorf("limits %+v, %v", dry.Limits, err)
				}
			})
		}
	})
}

func TestMe(t *testing.T) {
	t.Parallel()

	t.Run("it shows the limits", func(t *testing.T) {
		t.Parallel()
		_, body := newClient(t, newFull(), t.Output()).do(t, "GET", "/v1/users/me", "")
		var me httpapi.MeBody
		if err := json.Unmarshal([]byte(body), &me); err != nil {
			t.Fatal(err)
		}
		want := httpapi.MeLimits{
			BatchMax: 250, BodyBytesMax: 5 << 20, PageMax: 500, OpenMax: 10_000, Open: 9_995,
			RequestsPerSecond: fairuse.Requests.PerSecond, RequestsAtOnce: fairuse.Requests.Burst, PollsPerSecond: fairuse.Polls.PerSecond,
		}
		if me.Limits != want {
			t.Errorf("%+v, want %+v", me.Limits, want)
		}
	})
}

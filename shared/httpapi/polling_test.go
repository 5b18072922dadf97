package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
)

// watched counts the reads of its batch, and of lists.
type watched struct {
	*fakeBatches
	reads, lists int
}

func (w *watched) ListBatches(ctx context.Context, lender inquiry.LenderID, q inquiry.BatchQuery) (inquiry.BatchPage, error) {
	w.lists++
	return w.fakeBatches.ListBatches(ctx, lender, q)
}

func (w *watched) ListEntries(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID, q inquiry.EntryQuery) (inquiry.EntryPage, error) {
	w.lists++
	return w.fakeBatches.ListEntries(ctx, lender, id, q)
}

func (w *watched) Batch(ctx context.Context, lender inquiry.LenderID, id inquiry.BatchID) (inquiry.Batch, error) {
	w.reads++
	return w.fakeBatches.Batch(ctx, lender, id)
}

// poller polls one batch with a clock that the test controls.
type poller struct {
	client
	batches *watched
	path    string
	now     *time.Time
	seconds int                     // total time paused
	during  func(seconds int) error // called during each pause
}

func newPoller(t testing.TB) *poller {
	t.Helper()
	p := &poller{batches: &watched{fakeBatches: newFake()}, now: new(time.Time)}
	*p.now = noon
	api := httpapi.API{
		Batches: p.batches, Keys: fakeKeys{}, Access: trusting{}, Now: func() time.Time { return *p.now }, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Pause: func(_ context.Context, d time.Duration) error {
			p.seconds += int(d.Seconds())
			if p.during == nil {
				return nil
			}
			return p.during(p.seconds)
		},
	}
	p.client = client{api.Handler(), auth.Caller{LenderID: acme, UserID: "user-1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey}}
	p.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B"},{"businessName":"C"}]}`)
	p.path = "/v1/batch-inquiries/" + p.batches.batches[0].ID.String()
	return p
}

// reach moves an inquiry of the batch to a status.
func (p *poller) reach(index int, s inquiry.Status) {
	b := &p.batches.batches[0]
	b.Tally, _ = b.Merge(inquiry.Change{Index: index, Status: s, Figures: inquiry.Figures{StartedAt: noon, FinishedAt: noon.Add(time.Second)}})
	b.Version++
}

func TestMetrics(t *testing.T) {
	t.Parallel()

	var lines bytes.Buffer
	fake, now := newFake(), noon
	api := httpapi.API{
		Batches: fake, Keys: fakeKeys{}, Access: trusting{}, Now: func() time.Time { now = now.Add(20 * time.Millisecond); return now },
		Metrics: metrics.New("test", &lines, func() time.Time { return noon }), Log: slog.New(slog.DiscardHandler),
		Pause: func(context.Context, time.Duration) error { return nil },
	}
	c := client{api.Handler(), auth.Caller{LenderID: acme, UserID: "user-1", Role: auth.RoleMember, Credential: auth.CredentialAPIKey}}
	c.do(t, "POST", "/v1/batch-inquiries", `{"name":"A","inquiries":[{"businessName":"B"}]}`)
	path := "/v1/batch-inquiries/" + fake.batches[0].ID.String()
	for _, tt := range []struct {
		method, path string
		want         string // names of the metrics
	}{
		{"POST", "/v1/batch-inquiries", "RequestMs SubmitMs"},
		{"GET", path, "PollMs RequestMs"},
		{"GET", path + "?waitSeconds=0", "PollMs RequestMs"},
		{"GET", "/v1/batch-inquiries", "RequestMs"},
		{"GET", "/v1/nowhere", "RequestMs"},
		{"GET", path + "?waitSeconds=20", ""},
	} {
		t.Run(tt.method+" "+strings.Replace(tt.path, path, "batch", 1), func(t *testing.T) {
			lines.Reset()
			c.do(t, tt.method, tt.path, "")
			members := map[string]any{}
			if err := json.Unmarshal(lines.Bytes(), &members); err != nil && tt.want != "" {
				t.Fatalf("%q: %v", lines.String(), err)
			}
			delete(members, "_aws")
			for name, value := range members {
				if ms, _ := value.(float64); ms <= 0 {
					t.Errorf("%s is %v", name, value)
				}
			}
			if got := strings.Join(slices.Sorted(maps.Keys(members)), " "); got != tt.want {
				t.Errorf("measured %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPoll(t *testing.T) {
	t.Parallel()

	t.Run("it costs one read", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t)
		for _, tag := range []string{"", `"old"`, "*"} {
			before := p.batches.reads
			p.do(t, "GET", p.path, "", "If-None-Match", tag)
			if n := p.batches.reads - before; n != 1 {
				t.Errorf("If-None-Match %s: %d reads", tag, n)
			}
		}
	})

	t.Run("the ETag identifies the state and nothing else", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t)
		first, _ := p.do(t, "GET", p.path, "")
		tag := first.Header.Get("ETag")
		if first.StatusCode != http.StatusOK || !strings.HasPrefix(tag, `"`) {
			t.Fatalf("%d, ETag %s", first.StatusCode, tag)
		}
		// Another time, another user, another credential, and a write that changes nothing visible.
		*p.now = noon.Add(time.Hour)
		p.batches.batches[0].Version++
		p.caller.UserID, p.caller.Credential = "user-2", auth.CredentialUser
		for _, sent := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			resp, body := p.do(t, "GET", p.path, "", "If-None-Match", sent)
			if resp.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("If-None-Match %s: %d %s, want 304 without a body", sent, resp.StatusCode, body)
			}
			if resp.Header.Get("ETag") != tag || resp.Header.Get("X-Request-Id") == "" {
				t.Errorf("If-None-Match %s: ETag %s, X-Request-Id %q", sent, resp.Header.Get("ETag"), resp.Header.Get("X-Request-Id"))
			}
		}
		p.reach(0, inquiry.StatusRunning)
		resp, _ := p.do(t, "GET", p.path, "", "If-None-Match", tag)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") == tag {
			t.Errorf("after a change: %d, ETag %s", resp.StatusCode, resp.Header.Get("ETag"))
		}
	})

	t.Run("Retry-After follows the age and the estimate", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t)
		for age, want := range map[time.Duration]string{0: "2", 29 * time.Second: "2", time.Minute: "5", 5 * time.Minute: "15", time.Hour: "30"} {
			*p.now = noon.Add(age)
			if resp, _ := p.do(t, "GET", p.path, ""); resp.Header.Get("Retry-After") != want {
				t.Errorf("after %s: Retry-After %q, want %s", age, resp.Header.Get("Retry-After"), want)
			}
		}
		// 100 of 150 took 1000 seconds, so the rest should take several hundred.
		p.do(t, "POST", "/v1/batch-inquiries", businesses(150))
		long := &p.batches.batches[1]
		for i := range 100 {
			long.Tally, _ = long.Merge(inquiry.Change{Index: i, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{
				StartedAt: noon, FinishedAt: noon.Add(time.Duration(i+1) * 10 * time.Second),
			}})
		}
		earliest, latest, ok := long.Estimate()
		if !ok {
			t.Fatal("there is no estimate, so this test proves nothing")
		}
		for name, c := range map[string]struct {
			at   time.Time
			want string
		}{
			"long before the end":             {earliest.Add(-time.Minute), "30"},
			"shortly before the earliest end": {earliest.Add(-10 * time.Second), "10"},
			"just before the earliest end":    {earliest.Add(-time.Millisecond), "2"},
			"shortly before the latest end":   {latest.Add(-7 * time.Second), "7"},
			"after the latest end":            {latest.Add(time.Second), "30"},
		} {
			*p.now = c.at
			if resp, _ := p.do(t, "GET", "/v1/batch-inquiries/"+long.ID.String(), ""); resp.Header.Get("Retry-After") != c.want {
				t.Errorf("%s: Retry-After %q, want %s", name, resp.Header.Get("Retry-After"), c.want)
			}
		}
		p.reach(0, inquiry.StatusCompleted)
		p.reach(1, inquiry.StatusFailed)
		if resp, _ := p.do(t, "GET", p.path, ""); resp.Header.Get("Retry-After") != "" {
			t.Errorf("terminal: Retry-After %q", resp.Header.Get("Retry-After"))
		}
	})

	t.Run("a long poll ends at a change", func(t *testing.T) {
		t.Parallel()
		const stale = "stale" // an ETag that is no longer current
		for name, c := range map[string]struct {
			query, known        string
			change              int // when it changes, in seconds; 0 means never
			finished            bool
			wantStatus, seconds int
		}{
			"no change, without an ETag":    {query: "?waitSeconds=20", wantStatus: 200, seconds: 20},
			"no change, with the ETag":      {query: "?waitSeconds=20", known: "*", wantStatus: 304, seconds: 20},
			"a change after three seconds":  {query: "?waitSeconds=20", change: 3, wantStatus: 200, seconds: 3},
			"it has already changed":        {query: "?waitSeconds=20", known: stale, wantStatus: 200},
			"the batch is terminal":         {query: "?waitSeconds=20", finished: true, wantStatus: 200},
			"no wait requested":             {wantStatus: 200},
			"a wait of one second":          {query: "?waitSeconds=1", wantStatus: 200, seconds: 1},
			"a wait beyond the maximum":     {query: "?waitSeconds=21", wantStatus: 422},
			"the function runs out of time": {query: "?waitSeconds=20", change: -1, wantStatus: 200, seconds: 1},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := newPoller(t)
				if c.finished {
					p.reach(0, inquiry.StatusCompleted)
					p.reach(1, inquiry.StatusCompleted)
				}
				p.during = func(seconds int) error {
					if c.change == -1 {
						return errors.New("no more time")
					}
					if seconds == c.change {
						p.reach(0, inquiry.StatusRunning)
					}
					return nil
				}
				resp, body := p.do(t, "GET", p.path+c.query, "", "If-None-Match", c.known)
				if resp.StatusCode != c.wantStatus {
					t.Errorf("status %d, want %d: %s", resp.StatusCode, c.wantStatus, body)
				}
				if p.batches.waits != 0 {
					t.Error("the wait still has its place")
				}
				if p.seconds != c.seconds {
					t.Errorf("waited %d seconds, want %d", p.seconds, c.seconds)
				}
				if c.change > 0 && !strings.Contains(body, `"running":1`) {
					t.Errorf("the response is not the new state: %s", body)
				}
			})
		}
	})

	t.Run("a lender has ten places for waits", func(t *testing.T) {
		t.Parallel()
		if _, text := reference(t, "/v1/openapi.json"); !strings.Contains(text, "or if "+strconv.Itoa(fairuse.WaitPlaces)+" requests of your lender are already waiting") {
			t.Error("the reference has another number of places")
		}
		p := newPoller(t)
		for taken := range fairuse.WaitPlaces + 1 {
			p.batches.waits, p.seconds = taken, 0
			resp, body := p.do(t, "GET", p.path+"?waitSeconds=20", "", "If-None-Match", "*")
			wait, left := 20, fairuse.WaitPlaces-taken-1
			if left < 0 {
				wait, left = 0, 0
			}
			if resp.StatusCode != http.StatusNotModified || resp.Header.Get("Retry-After") != "2" || p.seconds != wait {
				t.Errorf("with %d waiting: %d after %d seconds, Retry-After %q: %s", taken, resp.StatusCode, p.seconds, resp.Header.Get("Retry-After"), body)
			}
			if want := `, "waits";r=` + strconv.Itoa(left); !strings.HasSuffix(resp.Header.Get("RateLimit"), want) {
				t.Errorf("with %d waiting: RateLimit %s, want %s", taken, resp.Header.Get("RateLimit"), want)
			}
			if p.batches.waits != taken {
				t.Errorf("with %d waiting: %d places are taken afterwards", taken, p.batches.waits)
			}
		}
	})

	t.Run("a poll that does not wait takes no place", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t)
		p.batches.waits = fairuse.WaitPlaces
		for _, query := range []string{"", "?waitSeconds=0", "?waitSeconds=20"} {
			resp, _ := p.do(t, "GET", p.path+query, "", "If-None-Match", "old")
			if resp.StatusCode != http.StatusOK || strings.Contains(resp.Header.Get("RateLimit"), "waits") {
				t.Errorf("%s: %s, RateLimit %s", query, resp.Status, resp.Header.Get("RateLimit"))
			}
		}
	})

	t.Run("a place that cannot be given back does not spoil the answer", func(t *testing.T) {
		t.Parallel()
		p := newPoller(t)
		p.batches.endErr = errors.New("the table is gone")
		if resp, _ := p.do(t, "GET", p.path+"?waitSeconds=1", ""); resp.StatusCode != http.StatusOK {
			t.Errorf("%s", resp.Status)
		}
	})
}

package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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

func TestRetry(t *testing.T) {
	t.Parallel()

	// When a response is lost after the API has done the work, the client sends the same
	// submission again with the same key. Another call has another key.
	t.Run("sends a submission again with the same key after a lost response", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			made := map[string]int{} // tries by key
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				made[r.Header.Get("Idempotency-Key")]++
				var body struct{ Name string }
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Name != "Renewals" {
					t.Errorf("the body is %+v, %v", body, err)
				}
				if made[r.Header.Get("Idempotency-Key")] < 3 {
					panic(errLost)
				}
				respond(w, http.StatusOK, `{"batchId":"`+batchID+`","total":1}`, "Idempotent-Replayed", "true")
			})
			for range 2 {
				s, err := c.Submit(t.Context(), client.Submission{Name: "Renewals", Inquiries: []client.InquiryInput{{BusinessName: "A"}}})
				if err != nil {
					t.Errorf("submitting: %v", err)
				} else if s.BatchID != batchID || !s.Replayed {
					t.Errorf("submitted %+v", s)
				}
			}
			if _, err := c.Submit(t.Context(), client.Submission{Name: "Renewals", IdempotencyKey: "nightly"}); err != nil {
				t.Error(err)
			}
			if len(made) != 3 || made["nightly"] != 3 || made[""] != 0 {
				t.Errorf("tries by key: %v, want 3 keys with 3 tries each", made)
			}
		})
	})

	t.Run("waits as long as a busy API asks", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			status     int
			retryAfter func() string
			atLeast    time.Duration
		}{
			"429 with seconds":                        {429, func() string { return "7" }, 14 * time.Second},
			"503 with a date":                         {503, func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, 38 * time.Second},
			"503 without a time":                      {503, func() string { return "" }, 500 * time.Millisecond},
			"409 while the same request is processed": {409, func() string { return "1" }, 2 * time.Second},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					start, tries, retries := time.Now(), 0, 0
					c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
						if tries++; tries < 3 {
							respond(w, tt.status, problemBody("busy"), "Retry-After", tt.retryAfter())
							return
						}
						respond(w, http.StatusOK, batchBody(1))
					}, client.WithOnRetry(func(err error, wait time.Duration) { retries++ }))
					if _, err := c.Cancel(t.Context(), batchID); err != nil {
						t.Error(err)
					}
					if took := time.Since(start); took < tt.atLeast || took > tt.atLeast+10*time.Second {
						t.Errorf("it took %s, want about %s", took, tt.atLeast)
					}
					if retries != 2 {
						t.Errorf("onRetry was called %d times, want 2", retries)
					}
				})
			})
		}
	})

	t.Run("stops when the context ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, func(http.ResponseWriter, *http.Request) { panic(errLost) })
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err := c.Batch(ctx, batchID)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v, want the context's", err)
			}
			if !errors.Is(err, errLost) {
				t.Errorf("the error is %v, want the last try's too", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("it took %s", took)
			}
		})
	})

	// The other tests lose responses in memory. Here a real server closes the connection,
	// before a response and in the middle of one.
	t.Run("recovers when a real server closes the connection", func(t *testing.T) {
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
			respond(w, http.StatusOK, `{"batchId":"`+batchID+`"}`)
		}))
		defer server.Close()
		c, err := client.New(server.URL, key)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := c.Submit(t.Context(), client.Submission{Name: "x"}); err != nil {
			t.Error(err)
		} else if s.BatchID != batchID {
			t.Errorf("submitted %+v", s)
		}
		if len(keys) != 3 || len(slices.Compact(keys)) != 1 || keys[0] == "" {
			t.Errorf("the keys were %q, want the same key three times", keys)
		}
	})

	// A rerun and a single inquiry create batches too, so each must create only one.
	t.Run("sends a rerun and a single inquiry again with the same key", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			made := map[string]int{}
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				request := r.URL.Path + " " + string(body) + " " + r.Header.Get("Idempotency-Key")
				if made[request]++; made[request] == 1 {
					panic(errLost)
				}
				respond(w, 200, `{"batchId":"`+otherID+`","parentBatchId":"`+batchID+`","inquiryId":"`+inquiryID+`"}`, "Idempotent-Replayed", "true")
			})
			if s, err := c.Rerun(t.Context(), batchID, client.Rerun{IdempotencyKey: "again"}); err != nil || !s.Replayed || s.ParentBatchID != batchID {
				t.Errorf("the rerun is %+v, %v", s, err)
			}
			if s, err := c.SubmitInquiry(t.Context(), client.InquiryInput{BusinessName: "A"}, "one"); err != nil || !s.Replayed || s.InquiryID != inquiryID {
				t.Errorf("the single inquiry is %+v, %v", s, err)
			}
			if made["/dev/v1/batch-inquiries/"+batchID+"/rerun {} again"] != 2 || made[`/dev/v1/inquiries {"businessName":"A"} one`] != 2 {
				t.Errorf("the requests were %v, want each twice", made)
			}
		})
	})

	t.Run("deletes again after a lost response", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				if requests++; requests == 1 {
					panic(errLost)
				}
				respond(w, 200, `{"batchId":"`+batchID+`","isTerminal":true,"total":4,"completed":4,"deletedAt":"2026-11-23T17:00:00Z"}`)
			})
			if b, err := c.Delete(t.Context(), batchID); err != nil || b.DeletedAt == nil || b.Settled() != 4 || requests != 2 {
				t.Errorf("deleted %+v, %v after %d requests", b, err, requests)
			}
		})
	})

	t.Run("limits the time of one try", func(t *testing.T) {
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
					start := time.Now()
					c := newClient(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(errLost) }, client.WithTries(2))
					err := call(t.Context(), c)
					if took := time.Since(start); err == nil || !strings.Contains(err.Error(), "no response within 1m0s") || took > 3*time.Minute {
						t.Errorf("after %s: %v", took, err)
					}
				})
			})
		}
	})
}

package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// batchBody returns a batch of four inquiries, of which some are completed.
func batchBody(completed int) string {
	state := client.BatchRunning
	if completed == 4 {
		state = client.BatchCompleted
	}
	return fmt.Sprintf(`{"batchId":%q,"status":%q,"isTerminal":%t,"total":4,"running":%d,"completed":%d}`, batchID, state, completed == 4, 4-completed, completed)
}

func TestWait(t *testing.T) {
	t.Parallel()

	t.Run("continues after an hour without a connection", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				switch since := time.Since(start); {
				case since > time.Minute && since < 45*time.Minute:
					panic(errLost)
				case since >= 45*time.Minute && since < time.Hour:
					respond(w, 502, "<html>")
				case since >= time.Hour:
					respond(w, 200, batchBody(4))
				default:
					respond(w, 200, batchBody(1))
				}
			})
			b, err := c.Wait(t.Context(), batchID)
			if err != nil || b.Status != client.BatchCompleted {
				t.Errorf("Wait returns %+v, %v", b, err)
			}
			if took := time.Since(start); took > 62*time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	})

	t.Run("polls when the API or the caller suggests", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			retryAfter  string
			options     []client.Option
			least, most time.Duration // for four pauses
		}{
			"the API's suggestion": {"30", nil, 120 * time.Second, 120 * time.Second},
			"the caller's choice":  {"30", []client.Option{client.WithPollInterval(time.Second)}, 4 * time.Second, 4 * time.Second},
			"the client's default": {"", nil, 4 * time.Second, 4 * time.Second},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					start, completed := time.Now(), 0
					c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
						respond(w, 200, batchBody(completed), "Retry-After", tt.retryAfter)
						completed++
					}, tt.options...)
					if _, err := c.Wait(t.Context(), batchID); err != nil {
						t.Error(err)
					}
					if took := time.Since(start); took < tt.least || took > tt.most {
						t.Errorf("it took %s, want %s to %s", took, tt.least, tt.most)
					}
				})
			})
		}
	})

	// A wrong address is an error within about a minute, whatever is wrong with it.
	t.Run("fails soon if no response ever comes from the API", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			answer http.HandlerFunc
			most   time.Duration
			want   string
		}{
			"connection lost":         {func(http.ResponseWriter, *http.Request) { panic(errLost) }, 20 * time.Second, errLost.Error()},
			"no response":             {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(errLost) }, 70 * time.Second, "no response within 10s"},
			"always busy":             {func(w http.ResponseWriter, _ *http.Request) { respond(w, 503, problemBody("unavailable")) }, 20 * time.Second, "503 No"},
			"304 from another server": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, 0, "304"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					start, firstRetry := time.Now(), time.Duration(0)
					c := newClient(t, tt.answer, client.WithLongPoll(), client.WithOnRetry(func(err error, _ time.Duration) {
						if firstRetry == 0 {
							firstRetry = time.Since(start)
						}
						if !strings.Contains(err.Error(), tt.want) {
							t.Errorf("onRetry gets %v, want %q", err, tt.want)
						}
					}))
					_, err := c.Wait(t.Context(), batchID)
					if err == nil || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("the error is %v, want %q", err, tt.want)
					}
					if took := time.Since(start); took > tt.most {
						t.Errorf("it took %s, want at most %s", took, tt.most)
					}
					if firstRetry > 10*time.Second {
						t.Errorf("the first call of onRetry came after %s", firstRetry)
					}
				})
			})
		}
	})

	// If the API has answered once, it exists, so a later outage is temporary.
	t.Run("waits through an outage after the API has answered once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodPost:
					respond(w, 200, `{"batchId":"`+batchID+`"}`)
				case time.Since(start) < time.Hour:
					panic(errLost)
				default:
					respond(w, 200, batchBody(4))
				}
			})
			s, err := c.Submit(t.Context(), client.Submission{})
			if err != nil {
				t.Fatal(err)
			}
			if b, err := c.Wait(t.Context(), s.BatchID); err != nil || b.Completed != 4 {
				t.Errorf("Wait returns %+v, %v", b, err)
			}
		})
	})

	// The API accepts two polls of a batch per second. Its burst is meant for several
	// watchers of one batch, so a single client must not use it up.
	t.Run("never polls more often than the API allows", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			answer  func(try int, w http.ResponseWriter)
			options []client.Option
		}{
			"each response differs":     {func(try int, w http.ResponseWriter) { respond(w, 200, batchBody(try%4), "Retry-After", "0") }, nil},
			"the caller asks for more":  {func(try int, w http.ResponseWriter) { respond(w, 200, batchBody(try%4)) }, []client.Option{client.WithPollInterval(time.Nanosecond)}},
			"long polls return at once": {func(try int, w http.ResponseWriter) { respond(w, 200, batchBody(try%4), "ETag", fmt.Sprint(try)) }, []client.Option{client.WithLongPoll()}},
			"the connection is lost":    {func(try int, w http.ResponseWriter) { loseTwoOfThree(try, w) }, []client.Option{client.WithPollInterval(time.Nanosecond)}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var last time.Time
					tries := 0
					c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
						if pause := time.Since(last); pause < time.Second/2 {
							t.Errorf("poll %d was sent %s after the one before", tries, pause)
						}
						last = time.Now()
						tries++
						tt.answer(tries, w)
					}, tt.options...)
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
					defer cancel()
					if _, err := c.Wait(ctx, batchID); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the error is %v", err)
					}
					if tries < 10 {
						t.Errorf("the client sent only %d polls", tries)
					}
				})
			})
		}
	})

	// When the API rejects a poll because there were too many, the client waits for
	// Retry-After.
	t.Run("waits as long as a rate limit asks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start, tries := time.Now(), 0
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				switch tries++; tries {
				case 1:
					respond(w, 200, batchBody(1))
				case 2:
					respond(w, 429, problemBody("rate-limited"), "Retry-After", "300")
				default:
					respond(w, 200, batchBody(4))
				}
			})
			if b, err := c.Wait(t.Context(), batchID); err != nil || !b.IsTerminal {
				t.Errorf("Wait returns %+v, %v", b, err)
			}
			if tries != 3 {
				t.Errorf("the client sent %d polls, want 3", tries)
			}
			if took := time.Since(start); took < 300*time.Second {
				t.Errorf("it took only %s", took)
			}
		})
	})

	t.Run("polls less often while nothing changes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				requests++
				respond(w, 200, batchBody(1))
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			if _, err := c.Wait(ctx, batchID); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if requests < 115 || requests > 135 {
				t.Errorf("the client sent %d polls in an hour", requests)
			}
		})
	})

	t.Run("ends with a permanent error", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { respond(w, 404, problemBody("not-found")) })
		if b, err := c.Wait(t.Context(), batchID); !client.IsKind(err, client.KindNotFound) || b != nil {
			t.Errorf("Wait returns %v, %v", b, err)
		}
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()

	t.Run("returns each change once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				completed := requests / 3 // each state is sent three times
				requests++
				tag := fmt.Sprintf(`"%d"`, completed)
				if requests > 1 && r.Header.Get("If-None-Match") == "" {
					t.Error("a poll does not name the state that the client has")
				}
				if r.Header.Get("If-None-Match") == tag {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				respond(w, 200, batchBody(completed), "ETag", tag)
			})
			var seen []int
			for b, err := range c.Watch(t.Context(), batchID) {
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, b.Completed)
			}
			if !slices.Equal(seen, []int{0, 1, 2, 3, 4}) {
				t.Errorf("the counts were %v, want each of 0 to 4 once", seen)
			}
		})
	})
}

func TestLongPoll(t *testing.T) {
	t.Parallel()

	// While the API holds a long poll open, no response is normal. After that, it is an
	// outage, and onRetry must hear of it.
	t.Run("reports a lost long poll soon", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var start time.Time
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("waitSeconds") {
					start = time.Now()
					<-r.Context().Done()
					panic(errLost)
				}
				respond(w, 200, batchBody(1), "ETag", `"1"`)
			}, client.WithLongPoll(), client.WithOnRetry(func(err error, _ time.Duration) {
				if took := time.Since(start); took < 20*time.Second || took > 30*time.Second {
					t.Errorf("onRetry was called after %s", took)
				}
				if !strings.Contains(err.Error(), "no response within 30s") {
					t.Errorf("onRetry gets %v", err)
				}
			}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := c.Wait(ctx, batchID); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	})

	// The API holds a long poll open until the batch changes or the time is up.
	t.Run("notices a change soon", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start, requests := time.Now(), 0
			state := func() int { return min(int(time.Since(start)/time.Minute), 4) } // changes once a minute
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
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
				respond(w, 200, batchBody(state()), "ETag", tag(), "Retry-After", "30")
			}, client.WithLongPoll())
			for b, err := range c.Watch(t.Context(), batchID) {
				if err != nil {
					t.Fatal(err)
				}
				if late := time.Since(start) % time.Minute; late > 2*time.Second {
					t.Errorf("the change to %d completed was seen %s late", b.Completed, late)
				}
			}
			if requests > 20 {
				t.Errorf("the client sent %d polls in four minutes", requests)
			}
		})
	})

	// A lender has a limited number of places for long polls. Without one, the response
	// comes at once, and the client must poll as Retry-After says.
	t.Run("follows Retry-After if the API does not wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Retry-After", "15")
				switch requests++; requests {
				case 1:
					respond(w, 200, batchBody(1))
				case 10:
					respond(w, 200, batchBody(4))
				default:
					w.WriteHeader(http.StatusNotModified)
				}
			}, client.WithLongPoll())
			start := time.Now()
			if _, err := c.Wait(t.Context(), batchID); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took < 8*15*time.Second {
				t.Errorf("ten polls took %s", took)
			}
		})
	})
}

// loseTwoOfThree loses two of three responses.
func loseTwoOfThree(try int, w http.ResponseWriter) {
	if try%3 != 1 {
		panic(errLost)
	}
	respond(w, 200, batchBody(1))
}

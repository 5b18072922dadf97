package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func TestWatch(t *testing.T) {
	t.Parallel()

	t.Run("returns the outcome as the exit code", func(t *testing.T) {
		t.Parallel()
		for s, want := range map[client.BatchStatus]int{
			client.BatchCompleted: exitCompleted, client.BatchPartialSuccess: exitPartial,
			client.BatchFailed: exitFailed, client.BatchCancelled: exitCancelled,
		} {
			l := newLab(t, map[string]http.HandlerFunc{
				"POST " + batches: respond(200, `{"batchId":"`+batchID+`","total":4,"accepted":4}`),
				"GET " + oneBatch: turns(batchBody(client.BatchRunning, 1, 4), batchBody(client.BatchRunning, 3, 4), batchBody(s, 4, 4)),
			})
			l.expect(t, l.bi(t, "submit", file(t, "loans.csv", loans), "--wait"), want,
				"  1 of 4: 3 running, 1 completed\n  3 of 4: 1 running, 3 completed\n", string(s)+": Because.")
			if l.out.String() != batchID+"\n" {
				t.Errorf("submit --wait: stdout is %q, want only the batch's id", l.out.String())
			}
			l.expect(t, l.bi(t, "watch", batchID), want, "  4 of 4: 4 completed\n")
			if l.out.String() != string(s)+": Because.\n" {
				t.Errorf("watch: stdout is %q", l.out.String())
			}
		}
	})

	t.Run("continues after a lost connection", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, map[string]http.HandlerFunc{
			"GET " + oneBatch: turns(batchBody(client.BatchRunning, 1, 4), "", "", batchBody(client.BatchCompleted, 4, 4)),
		})
		l.expect(t, l.bi(t, "watch", batchID), exitCompleted,
			"The API cannot be reached (connection reset by peer). The batch continues", "`bi watch "+batchID+"` resumes", "The connection is back.", "COMPLETED")
		if n := strings.Count(l.errOut.String(), "reached"); n != 1 {
			t.Errorf("bi reported one outage %d times", n)
		}
	})

	t.Run("says how to resume after an interrupt", func(t *testing.T) {
		t.Parallel()
		var l *lab
		l = newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch: func(w http.ResponseWriter, _ *http.Request) {
			l.interrupt()
			io.WriteString(w, batchBody(client.BatchRunning, 1, 4))
		}})
		l.expect(t, l.bi(t, "watch", batchID), exitInterrupted, "the batch continues", "bi watch "+batchID)
	})

	// If no response ever comes from the API, bi prints the cause at once and soon gives
	// up: it does not know of a batch that continues.
	t.Run("gives up if no response ever comes from the API", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			api  http.HandlerFunc
			want string
			soon time.Duration
		}{
			"connection lost": {turns(""), "The API cannot be reached (connection reset by peer). Trying again in ", 30 * time.Second},
			"no response":     {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(http.ErrAbortHandler) }, "The API cannot be reached (no response within 10s)", 90 * time.Second},
			"unavailable":     {respond(503, `{"message":"Service Unavailable"}`), "The API is not available (503 Service Unavailable). Trying again in ", 30 * time.Second},
			"another server":  {respond(200, `{}`), "is the address right?", 0},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch: tt.api})
				l.expect(t, l.bi(t, "watch", batchID), exitError, tt.want)
				if l.took > tt.soon {
					t.Errorf("it took %s, want at most %s", l.took, tt.soon)
				}
				if strings.Contains(l.errOut.String(), "continues") {
					t.Errorf("bi says that an unknown batch continues: %s", &l.errOut)
				}
			})
		}
	})
}

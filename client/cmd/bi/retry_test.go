package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRetry(t *testing.T) {
	t.Parallel()

	// When the lender has no room for a batch, the command says so, waits, and continues
	// by itself.
	t.Run("waits until the lender has room for the batch", func(t *testing.T) {
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
					w.Header().Set("Retry-After", []string{"30", "300"}[tries%2]) // the client itself waits for 30 s, but not for 300 s
					w.WriteHeader(429)
					io.WriteString(w, noRoom)
				}
				l = newLab(t, map[string]http.HandlerFunc{"POST " + batches: answer, "POST " + batches + "/" + parentID + "/rerun": answer})
				l.expect(t, l.bi(t, command...), exitCompleted, "Your lender has 9900 inquiries", "Waiting for room: 30 s\n", "Waiting for room: 300 s\n")
				if n := strings.Count(l.errOut.String(), "Your lender has"); n != 1 {
					t.Errorf("bi gave the reason %d times, want once", n)
				}
				if len(keys) != 1 {
					t.Errorf("bi used %d keys, want 1", len(keys))
				}
				if l.took < 3300*time.Second {
					t.Errorf("bi waited only %s", l.took)
				}
				if l.out.String() != batchID+"\n" {
					t.Errorf("stdout is %q", l.out.String())
				}
				for stopAt = range 4 {
					if tries = 0; stopAt > 0 {
						l.expect(t, l.bi(t, command...), exitInterrupted, "nothing was submitted")
					}
				}
			})
		}
	})

	t.Run("says that it waits for a busy API", func(t *testing.T) {
		t.Parallel()
		tries := 0
		l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
			if tries++; tries < 3 {
				w.Header().Set("Retry-After", "7")
				respond(429, `{"type":"/v1/docs#problem-rate-limited","title":"Too many requests"}`)(w, r)
				return
			}
			respond(200, `{"batchId":"`+batchID+`","total":2,"accepted":2}`)(w, r)
		}})
		l.expect(t, l.bi(t, "submit", file(t, "loans.csv", loans)), exitCompleted, "The API is not available (429 Too many requests). Trying again in 7 s.")
		if l.took < 14*time.Second {
			t.Errorf("bi waited only %s", l.took)
		}
	})
}

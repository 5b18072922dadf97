package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func TestRerun(t *testing.T) {
	t.Parallel()

	t.Run("sends the scope that the flags name", func(t *testing.T) {
		t.Parallel()
		var body string
		l := newLab(t, map[string]http.HandlerFunc{
			"POST " + batches + "/" + parentID + "/rerun": func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				body = string(data)
				io.WriteString(w, `{"batchId":"`+batchID+`","parentBatchId":"`+parentID+`","total":3,"accepted":3}`)
			},
			"POST " + batches + "/" + absentID + "/rerun": turns(""),
			"GET " + oneBatch: respond(200, batchBody(client.BatchCompleted, 3, 3)),
		})
		for flags, want := range map[string]string{
			"--failed":            `{"scope":"failed"}`,
			"--partial":           `{"scope":"partial"}`,
			"--failed --partial":  `{"scope":"unsuccessful"}`,
			"--failed --name Two": `{"scope":"failed","name":"Two"}`,
		} {
			l.expect(t, l.bi(t, append([]string{"rerun", parentID}, strings.Fields(flags)...)...), exitCompleted, "3 inquiries are being looked up again", "bi watch "+batchID)
			if body != want || l.out.String() != batchID+"\n" {
				t.Errorf("%s: bi sent %s and printed %q", flags, body, l.out.String())
			}
		}
		l.expect(t, l.bi(t, "rerun", "--failed", parentID, "--wait"), exitCompleted, "COMPLETED: Because.")
		if l.out.String() != batchID+"\n" {
			t.Errorf("stdout is %q, want only the batch's id", l.out.String())
		}
		l.expect(t, l.bi(t, "rerun", "--failed", absentID), exitError, "It is not known", "--idempotency-key ")
		l.expect(t, l.bi(t, "rerun", parentID), exitUsage, "[failed partial]")
	})

	t.Run("names the right flags when there is nothing to rerun", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			counts, flags, want string
		}{
			"only partial":              {`"partialSuccess":2`, "--failed", "--partial selects inquiries whose report lacks a source"},
			"only cancelled":            {`"cancelled":2`, "--failed", "--failed --partial selects canceled inquiries"},
			"partial and cancelled":     {`"partialSuccess":1,"cancelled":1`, "--failed", "--failed --partial selects canceled inquiries"},
			"only failed":               {`"failed":2`, "--partial", "--failed selects inquiries without a useful report"},
			"only rejected":             {`"failed":2`, "--failed", "were rejected as invalid: correct them and submit them"},
			"only rejected, all scopes": {`"failed":2`, "--failed --partial", "were rejected as invalid: correct them and submit them"},
			"all completed":             {`"completed":2`, "--failed", "The batch has: 2 completed."},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, map[string]http.HandlerFunc{
					"POST " + oneBatch + "/rerun": respond(422, `{"type":"/v1/docs#problem-nothing-to-rerun","title":"Nothing to run again"}`),
					"GET " + oneBatch:             respond(200, `{"batchId":"`+batchID+`","isTerminal":true,"total":2,`+tt.counts+`}`),
				})
				l.expect(t, l.bi(t, append([]string{"rerun", batchID}, strings.Fields(tt.flags)...)...), exitError, "Nothing to run again", tt.want)
			})
		}
	})
}

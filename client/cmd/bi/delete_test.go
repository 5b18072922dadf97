package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func TestDelete(t *testing.T) {
	t.Parallel()

	t.Run("asks for confirmation", func(t *testing.T) {
		t.Parallel()
		const deleted = `{"batchId":"` + batchID + `","isTerminal":true,"total":4,"completed":3,"failed":1,"deletedAt":"2026-11-23T17:00:00Z"}`
		for name, tt := range map[string]struct {
			answer string
			args   []string
			status int
			body   string
			code   int
			want   []string
		}{
			"yes":              {"y\n", nil, 200, deleted, exitCompleted, []string{`"November" of `, "4 inquiries, COMPLETED", "[y/N]", "The batch's times and counts remain: 3 completed, 1 failed"}},
			"yes in capitals":  {"YES\n", nil, 200, deleted, exitCompleted, []string{"[y/N]", "Deleted"}},
			"no":               {"n\n", nil, 0, "", exitError, []string{"nothing was deleted"}},
			"only Enter":       {"\n", nil, 0, "", exitError, []string{"nothing was deleted"}},
			"Ctrl-D":           {" ", nil, 0, "", exitError, []string{"nothing was deleted"}},
			"--yes":            {"", []string{"--yes"}, 200, deleted, exitCompleted, []string{"Deleted"}},
			"unfinished batch": {"", []string{"--yes"}, 409, `{"type":"/v1/docs#problem-not-finished","title":"Not finished"}`, exitError, []string{"Not finished", "bi cancel " + batchID}},
			"no terminal":      {"", nil, 0, "", exitUsage, []string{"--yes"}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, map[string]http.HandlerFunc{
					"GET " + oneBatch: respond(200, batchBody(client.BatchCompleted, 4, 4)),
					"DELETE " + oneBatch: func(w http.ResponseWriter, r *http.Request) {
						if tt.status == 0 {
							t.Error("bi sent a DELETE request")
						}
						respond(tt.status, tt.body)(w, r)
					},
				})
				l.stdin = tt.answer
				l.expect(t, l.bi(t, append([]string{"delete", batchID}, tt.args...)...), tt.code, tt.want...)
				if asked := strings.Contains(l.errOut.String(), "[y/N]"); asked != (tt.answer != "") {
					t.Errorf("bi asked for confirmation: %t", asked)
				}
			})
		}
	})
}

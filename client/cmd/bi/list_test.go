package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func TestList(t *testing.T) {
	t.Parallel()
	var query string
	l := newLab(t, map[string]http.HandlerFunc{"GET " + batches: func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		fmt.Fprintf(w, `{"batches":[%s,%s],"nextCursor":null}`,
			strings.Replace(batchBody(client.BatchRunning, 1, 4), "November", `Nov\u001b[2Jember`, 1), batchBody(client.BatchCompleted, 4, 4))
	}})
	l.expect(t, l.bi(t, "list", "--limit", "1", "--status", "running"), exitCompleted, "BATCH", batchID+"  ", "RUNNING", "1/4", "Nov [2Jember")
	if query != "limit=1&status=RUNNING" {
		t.Errorf("the query is %s", query)
	}
	if strings.Contains(l.out.String(), "COMPLETED") {
		t.Error("bi lists more batches than --limit allows")
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]http.HandlerFunc{"POST " + oneBatch + "/cancel": respond(202, batchBody(client.BatchRunning, 1, 4))})
	l.expect(t, l.bi(t, "cancel", batchID), exitCompleted, "RUNNING: Because. (3 running, 1 completed)")
}

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	t.Parallel()

	t.Run("shows, rotates and revokes the key", func(t *testing.T) {
		t.Parallel()
		const fresh = "vd__another"
		gone := false
		l := newLab(t, map[string]http.HandlerFunc{
			"GET /v1/users/me/api-key":         respond(200, `{"apiKey":"`+fresh+`"}`),
			"POST /v1/users/me/api-key/rotate": respond(200, `{"apiKey":"`+fresh+`"}`),
			"DELETE /v1/users/me/api-key":      func(w http.ResponseWriter, _ *http.Request) { gone = true; w.WriteHeader(204) },
		})
		l.expect(t, l.bi(t, "key", "show"), exitCompleted)
		if l.out.String() != fresh+"\n" {
			t.Errorf("key show: %q", l.out.String())
		}
		path := filepath.Join(t.TempDir(), "key")
		l.expect(t, l.bi(t, "key", "rotate", "--to", path), exitCompleted, "in "+path)
		if strings.Contains(l.out.String()+l.errOut.String(), fresh) {
			t.Error("key rotate prints the key")
		}
		info, err := os.Stat(path)
		if data, _ := os.ReadFile(path); err != nil || info.Mode().Perm() != 0o600 || string(data) != fresh+"\n" {
			t.Errorf("the file contains %q with mode %v, %v", data, info.Mode(), err)
		}
		l.expect(t, l.bi(t, "key", "rotate", "--to", path), exitError, "exists")
		l.expect(t, l.bi(t, "key", "revoke"), exitCompleted, "has ended")
		if !gone {
			t.Error("key revoke sent no request")
		}
	})
}

func TestWhoami(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]http.HandlerFunc{
		"GET /v1/users/me": respond(200, `{"userId":"u-1","role":"member","lender":{"lenderId":"north","name":"North"},"limits":{"batchMax":250,"openMax":10000,"open":260,"requestsPerSecond":20,"requestsAtOnce":100,"pollsPerSecond":2}}`),
	})
	l.expect(t, l.bi(t, "whoami"), exitCompleted, "user u-1, member of North (north)\n",
		"at most 250 inquiries in a batch, and 10000 in unfinished batches, which have 260 now\n", "20 requests per second, or 100 at once after a pause; 2 polls of one batch per second\n")
}

package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

func TestAKeyIsRotatedRevokedAndMadeAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rotate := func() string {
		t.Helper()
		resp := f.ask(t, request(acme, "POST", "/v1/users/me/api-key/rotate", ""))
		var body httpapi.APIKeyBody
		if err := json.Unmarshal([]byte(resp.Body), &body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d, error %v", resp.StatusCode, err)
		}
		if _, shown := f.shown(t, acme); shown != body.APIKey {
			t.Error("another key is shown than the one just made")
		}
		return body.APIKey
	}
	first := rotate() // nobody had asked for a key before
	second := rotate()
	for range 2 {
		if resp := f.ask(t, request(acme, "DELETE", "/v1/users/me/api-key", "")); resp.StatusCode != http.StatusNoContent || resp.Body != "" {
			t.Errorf("revoking: %d %s", resp.StatusCode, resp.Body)
		}
	}
	if status, _ := f.shown(t, acme); status != http.StatusNotFound {
		t.Errorf("a revoked key: %d", status)
	}
	if third := rotate(); third == second || second == first {
		t.Error("a key came twice")
	}
	if resp := f.ask(t, request(globex, "DELETE", "/v1/users/me/api-key", "")); resp.StatusCode != http.StatusNoContent {
		t.Errorf("revoking what there never was: %d", resp.StatusCode)
	}
}

func TestTheSuspendedAreToldAndSeeNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for path, want := range map[string]int{"/v1/batch-inquiries": 403, "/v1/users/me/api-key": 403, "/v1/nothing": 403, "/v1/docs": 200} {
		ev := request(acme, "GET", path, "")
		ev.RequestContext.Authorizer = map[string]any{"principalId": "u1", "suspended": "true"}
		resp := f.ask(t, ev)
		if resp.StatusCode != want || want == 403 && !strings.Contains(resp.Body, "#problem-suspended") {
			t.Errorf("%s: %d %.300s", path, resp.StatusCode, resp.Body)
		}
	}
}

package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// The document is a promise. A program that reads little else makes requests
// from it, right and wrong ones, and finds no answer that it does not promise.
// The requests follow from the seed, so that a failure can be looked at again.
//
// Two lenders ask at once, each as fast as one may: a 429 would tell nothing of
// the request. Each has batches that the program is told of, or it would only
// ever see that there is no such batch.
func TestTheServiceKeepsToItsDocument(t *testing.T) {
	program, err := engine.InstallConformance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, served := session{}.do(t, http.MethodGet, "/v1/openapi.json", "")
	var (
		mu       sync.Mutex
		answered = map[string]map[int]int{} // operation, status, how often
	)
	t.Run("both", func(t *testing.T) {
		for name, phases := range map[string][]string{
			"every kind of value": {"--phases", "examples,coverage", "--max-time", "90"}, // which it does not need
			"values at random":    {"--phases", "fuzzing", "--max-examples", "10", "--max-time", "40"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				u := newUser(t, "", "member")
				document := adapt(t, served, u.key())
				at := t.TempDir()
				if err := os.WriteFile(filepath.Join(at, "openapi.json"), document, 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), program, append([]string{"run", "openapi.json",
					"--url", stack.APIURL,
					"--header", "Authorization: Bearer " + u.token, // a key could be revoked by the test itself
					"--rate-limit", fmt.Sprintf("%d/s", fairuse.Requests.PerSecond),
					"--mode", "all",
					// A request that fits the schemas may still be refused for what stands in
					// the table, such as a key that was used before.
					"--checks", "all", "--exclude-checks", "positive_data_acceptance",
					"--seed", "20261123",
					// Two threads of Python 3.11 get in each other's way now and then:
					// github.com/python/cpython/pull/113035
					"--workers", "1",
					"--report-har-path", "requests.har",
					"--no-shrink", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off",
				}, phases...)...)
				cmd.Dir = at // it leaves its notes where it is
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
				mu.Lock()
				defer mu.Unlock()
				count(t, answered, served, filepath.Join(at, "requests.har"))
			})
		}
	})
	for _, operation := range operationsOf(t, served) {
		statuses := answered[operation.id]
		t.Logf("%s: %v", operation.id, statuses)
		if !slices.ContainsFunc(slices.Collect(maps.Keys(statuses)), func(s int) bool { return s/100 == 2 }) {
			t.Errorf("%s was never seen to succeed, so its answer was not held against the document: %v", operation.id, statuses)
		}
	}
}

// adapt tells the program of batches that there are: each operation is asked for
// one with which it can succeed.
func adapt(t testing.TB, served []byte, s session) []byte {
	t.Helper()
	finished, doomed := s.submit(t, businesses("Finished", 2)).BatchID, s.submit(t, businesses("Doomed", 1)).BatchID
	s.follow(t, finished)
	s.follow(t, doomed)
	cancelled := s.cancelled(t)
	ids := map[string]string{
		"get-batch": finished, "list-inquiries": finished, "get-results": finished,
		"get-inquiry":  s.rows(t, finished, 1)[0].InquiryID,
		"delete-batch": doomed, "cancel-batch": cancelled, "rerun-batch": cancelled,
	}
	var doc map[string]any
	if err := json.Unmarshal(served, &doc); err != nil {
		t.Fatal(err)
	}
	for _, item := range doc["paths"].(map[string]any) {
		for _, op := range item.(map[string]any) {
			operation := op.(map[string]any)
			id := operation["operationId"].(string)
			for _, p := range operation["parameters"].([]any) {
				if parameter := p.(map[string]any); parameter["in"] == "path" {
					parameter["example"] = ids[id]
					parameter["schema"].(map[string]any)["enum"] = []string{ids[id]}
				}
			}
			body, _ := operation["requestBody"].(map[string]any)
			switch id {
			case "rerun-batch":
				content := body["content"].(map[string]any)["application/json"].(map[string]any)
				delete(content, "examples")
				content["example"] = map[string]any{"inquiryIds": []string{s.rows(t, cancelled, 1)[0].InquiryID}}
			case "submit-batch":
				examples := body["content"].(map[string]any)["application/json"].(map[string]any)["examples"].(map[string]any)
				delete(examples, "check")
				delete(examples, "skip")
			}
		}
	}
	components := doc["components"].(map[string]any)
	// The same key with every request would be refused but once.
	delete(components["parameters"].(map[string]any)["Idempotency-Key"].(map[string]any), "example")
	// With these two a request may be faulty and is not refused.
	submission := components["schemas"].(map[string]any)["SubmitBody"].(map[string]any)["properties"].(map[string]any)
	delete(submission, "validateOnly")
	submission["onInvalid"] = map[string]any{"enum": []any{"reject", nil}}
	document, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// cancelled makes a batch that a cancel has stopped before it was through.
func (s session) cancelled(t testing.TB) (id string) {
	t.Helper()
	for range 10 { // workers may be faster
		id = s.submit(t, businesses("Cancelled", 20)).BatchID
		s.do(t, http.MethodPost, "/v1/batch-inquiries/"+id+"/cancel", "", "Idempotency-Key", rand.Text())
		if s.follow(t, id).Cancelled > 0 {
			return id
		}
	}
	t.Fatal("no cancel came in time")
	return ""
}

// operation is one of the document's, and the requests that are meant for it.
type operation struct {
	id, method string
	path       *regexp.Regexp
}

func operationsOf(t testing.TB, served []byte) []operation {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(served, &doc); err != nil {
		t.Fatal(err)
	}
	var all []operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		pattern := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "[^/]+")
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			all = append(all, operation{doc.Paths[path][method].OperationID, strings.ToUpper(method), regexp.MustCompile("^" + pattern + "$")})
		}
	}
	return all
}

// count adds what the program's report says of the answers to each operation.
func count(t testing.TB, answered map[string]map[int]int, served []byte, report string) {
	t.Helper()
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var har struct {
		Log struct {
			Entries []struct {
				Request  struct{ Method, URL string }
				Response struct{ Status int }
			}
		}
	}
	if err := json.Unmarshal(data, &har); err != nil {
		t.Fatal(err)
	}
	operations := operationsOf(t, served)
	for _, e := range har.Log.Entries {
		at, err := url.Parse(e.Request.URL)
		if err != nil {
			continue // one of the wrong requests
		}
		for _, o := range operations {
			if o.method != e.Request.Method || !o.path.MatchString(strings.TrimPrefix(at.EscapedPath(), apiPath(t))) {
				continue
			}
			if answered[o.id] == nil {
				answered[o.id] = map[int]int{}
			}
			answered[o.id][e.Response.Status]++
		}
	}
}

// apiPath is what paths begin with on the local engine.
func apiPath(t testing.TB) string {
	t.Helper()
	at, err := url.Parse(stack.APIURL)
	if err != nil {
		t.Fatal(err)
	}
	return at.EscapedPath()
}

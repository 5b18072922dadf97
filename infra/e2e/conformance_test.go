package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

// The document is a promise. A program that reads nothing else makes requests
// from it, right and wrong ones, and finds no answer that it does not promise.
// The requests follow from the seed, so that a failure can be looked at again.
//
// Two lenders ask at once, each as fast as one may: a 429 would tell nothing of
// the request.
func TestTheServiceKeepsToItsDocument(t *testing.T) {
	program, err := engine.InstallConformance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	document := filepath.Join(t.TempDir(), "openapi.json")
	_, body := session{}.do(t, http.MethodGet, "/v1/openapi.json", "")
	if err := os.WriteFile(document, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, phases := range map[string][]string{
		"every kind of value": {"--phases", "examples,coverage", "--max-time", "90"}, // which it does not need
		"values at random":    {"--phases", "fuzzing", "--max-examples", "10", "--max-time", "40"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, "", "member")
			cmd := exec.CommandContext(t.Context(), program, append([]string{"run", document,
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
				"--no-shrink", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off",
			}, phases...)...)
			cmd.Dir = t.TempDir() // it leaves its notes where it is
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

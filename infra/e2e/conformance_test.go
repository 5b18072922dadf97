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
func TestTheServiceKeepsToItsDocument(t *testing.T) {
	program, err := engine.InstallConformance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	u := newUser(t, "", "member")
	document := filepath.Join(t.TempDir(), "openapi.json")
	_, body := session{}.do(t, http.MethodGet, "/v1/openapi.json", "")
	if err := os.WriteFile(document, body, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "run", document,
		"--url", stack.APIURL,
		"--header", "Authorization: Bearer "+u.token, // a key could be revoked by the test itself
		"--phases", "examples,coverage,fuzzing", "--mode", "all",
		// A request that fits the schemas may still be refused for what stands in
		// the table, such as a key that was used before.
		"--checks", "all", "--exclude-checks", "positive_data_acceptance",
		"--max-examples", "3", "--max-time", "30", "--seed", "20261123", "--workers", "2",
		// As fast as one lender may ask: a 429 would tell nothing of the request.
		"--rate-limit", fmt.Sprintf("%d/s", fairuse.Requests.PerSecond),
		"--no-shrink", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off",
	)
	cmd.Dir = t.TempDir() // it leaves its notes where it is
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

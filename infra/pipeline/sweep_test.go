package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSweepPreviews runs the script with a program in place of the AWS command.
func TestSweepPreviews(t *testing.T) {
	t.Parallel()

	// The script runs at 2026-11-24T12:00:00Z, so previews older than midnight are old.
	const now = "1795521600"
	for name, tt := range map[string]struct {
		stacks  string
		failing string // the stack that cannot be deleted
		deleted []string
	}{
		"an old preview":                 {stacks: "batch-inquiries-pr-7\t2026-11-23T23:59:59.000000+00:00\n", deleted: []string{"batch-inquiries-pr-7"}},
		"a preview in use":               {stacks: "batch-inquiries-pr-7\t2026-11-24T00:00:01.000000+00:00\n"},
		"no previews":                    {stacks: ""},
		"another stack with a like name": {stacks: "batch-inquiries-pr-east\t2026-01-01T00:00:00+00:00\nbatch-inquiries-prod\t2026-01-01T00:00:00+00:00\n"},
		"one of two cannot be deleted": {
			stacks:  "batch-inquiries-pr-7\t2026-01-01T00:00:00+00:00\nbatch-inquiries-pr-8\t2026-01-01T00:00:00+00:00\n",
			failing: "batch-inquiries-pr-7",
			deleted: []string{"batch-inquiries-pr-7", "batch-inquiries-pr-8"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fake := `#!/usr/bin/env bash
case "$2" in
describe-stacks) printf %s "$STACKS" ;;
delete-stack) echo "$4" >>"$DELETED" ;;
wait) [ "$5" != "$FAILING" ] ;;
*) exit 9 ;;
esac
`
			if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(fake), 0o755); err != nil {
				t.Fatal(err)
			}
			deleted := filepath.Join(dir, "deleted")
			cmd := exec.CommandContext(t.Context(), "./sweep-previews")
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "NOW="+now, "STACKS="+tt.stacks, "DELETED="+deleted, "FAILING="+tt.failing)
			out, err := cmd.CombinedOutput()
			if (err != nil) != (tt.failing != "") {
				t.Errorf("the script ended with %v\n%s", err, out)
			}
			got, _ := os.ReadFile(deleted)
			same(t, "deleted", strings.Fields(string(got)), append([]string{}, tt.deleted...))
		})
	}
}

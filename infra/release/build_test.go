// Package release_test checks the script that `make release` runs. It puts another program
// in place of the go command. The script `verify` checks that the real one builds the same
// bytes twice.
package release_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeGo writes the system, the architecture and its arguments to the file after -o.
const fakeGo = `#!/usr/bin/env bash
for argument; do
	[ "${previous:-}" != -o ] || echo "$GOOS $GOARCH $*" >"$argument"
	previous=$argument
done
`

const changelog = `# Changelog

## Unreleased

- Not yet in a release.

## v0.2.0-rc.1

- In the candidate.

## v0.1.0 (2026-12-01)

- In the first release.
`

// repository makes a repository with the script, a changelog and one commit, with these
// tags.
func repository(t *testing.T, tags ...string) (root string) {
	t.Helper()
	root = t.TempDir()
	script, err := os.ReadFile("build")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"infra/release/build": string(script), "bin/go": fakeGo, "CHANGELOG.md": changelog} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	git(t, root, "init", "--quiet")
	git(t, root, "add", "infra", "bin", "CHANGELOG.md")
	git(t, root, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "first")
	for _, tag := range tags {
		git(t, root, "tag", tag)
	}
	return root
}

func git(t *testing.T, root string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", root}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// build runs the script and returns its output and the folder of the release.
func build(t *testing.T, root, version string) (output, folder string, err error) {
	t.Helper()
	folder = filepath.Join(root, "out")
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "infra/release/build"), version, folder)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), folder, err
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestBuild(t *testing.T) {
	t.Parallel()

	t.Run("a program for every system, with its checksum", func(t *testing.T) {
		t.Parallel()
		root := repository(t)
		output, folder, err := build(t, root, "v0.1.0")
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		commit := git(t, root, "rev-parse", "--short=12", "HEAD")
		var sums strings.Builder
		for _, target := range []string{"darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64.exe", "windows-arm64.exe"} {
			name := "bi-v0.1.0-" + target
			program := read(t, folder, name)
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(program)), name)
			system, arch, _ := strings.Cut(strings.TrimSuffix(target, ".exe"), "-")
			for _, want := range []string{system + " " + arch + " ", "-trimpath", "-buildvcs=false", "main.version=v0.1.0 (" + commit + ")"} {
				if !strings.Contains(program, want) {
					t.Errorf("%s is built with %q; want %q", name, program, want)
				}
			}
		}
		if got := read(t, folder, "checksums.txt"); got != sums.String() {
			t.Errorf("checksums.txt is\n%s\nwant\n%s", got, &sums)
		}
	})

	t.Run("a changed file shows in the commit", func(t *testing.T) {
		t.Parallel()
		root := repository(t)
		if err := os.WriteFile(filepath.Join(root, "bin/go"), []byte(fakeGo+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		output, _, err := build(t, root, "v0.1.0")
		if err != nil || !strings.Contains(output, "-dirty") {
			t.Errorf("%v\n%s", err, output)
		}
	})

	for name, tt := range map[string]struct{ version, tag, notes string }{
		"the notes are the version's section":                  {"v0.1.0", "v0.1.0", "- In the first release."},
		"a candidate has its own section":                      {"v0.2.0-rc.1", "v0.2.0-rc.1", "- In the candidate."},
		"a dry run may have no section yet":                    {"v0.2.0", "", "- Not yet in a release."},
		"a tag of another version does not make it a release":  {"v0.2.0", "v0.1.0", "- Not yet in a release."},
		"a tagged version without a section is rejected":       {"v0.2.0", "v0.2.0", ""},
		"a version that is not of the form v1.2.3 is rejected": {"0.1.0", "", ""},
		"a version with text that a shell reads is rejected":   {"v0.1.0$(id)", "", ""},
		"a missing version is rejected":                        {"", "", ""},
		"a version that ends in the middle is rejected":        {"v0.1", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tags []string
			if tt.tag != "" {
				tags = append(tags, tt.tag)
			}
			output, folder, err := build(t, repository(t, tags...), tt.version)
			if tt.notes == "" {
				if programs, _ := filepath.Glob(filepath.Join(folder, "bi-*")); err == nil || len(programs) > 0 {
					t.Errorf("%q was built: %s", tt.version, output)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			if notes := strings.TrimSpace(read(t, folder, "notes.md")); notes != tt.notes {
				t.Errorf("the notes are %q; want %q", notes, tt.notes)
			}
		})
	}
}

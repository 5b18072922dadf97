package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Whatever -o names stays what it is, and gets the results.
func TestResultsGoWhereTheyAreSent(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(folder string) error{
		"a new file": func(string) error { return nil },
		"a file that is there": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "out"), []byte("old"), 0o600)
		},
		"a link": func(folder string) error {
			if err := os.WriteFile(filepath.Join(folder, "file"), []byte("old"), 0o600); err != nil {
				return err
			}
			return os.Symlink("file", filepath.Join(folder, "out"))
		},
		"a link to a link to what is not there yet": func(folder string) error {
			if err := os.Symlink("link", filepath.Join(folder, "out")); err != nil {
				return err
			}
			return os.Symlink(filepath.Join(folder, "file"), filepath.Join(folder, "link"))
		},
		"a file in a folder that is a link": func(folder string) error {
			if err := os.Mkdir(filepath.Join(folder, "real"), 0o700); err != nil {
				return err
			}
			return os.Symlink("real", filepath.Join(folder, "in"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := prepare(folder); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, "out")
			if _, err := os.Stat(filepath.Join(folder, "in")); err == nil {
				path = filepath.Join(folder, "in", "out")
			}
			was, _ := os.Lstat(path)
			l := newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch + "/results": exported})
			l.expect(t, l.bi(t, "results", batchID, "--format", "csv", "--scope", "failed", "-o", path), exitCompleted)
			data, err := os.ReadFile(path)
			if err != nil || string(data) != table {
				t.Errorf("there is %q, %v", data, err)
			}
			if is, err := os.Lstat(path); err != nil || was != nil && is.Mode() != was.Mode() {
				t.Errorf("it is %v and was %v, %v", is.Mode(), was.Mode(), err)
			}
			_ = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
				if err != nil || strings.HasPrefix(filepath.Base(path), ".") {
					t.Errorf("left behind: %s, %v", path, err)
				}
				return nil
			})
		})
	}
}

func TestResultsGoThroughAPipe(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		data, err := os.ReadFile(pipe)
		if err != nil {
			t.Error(err)
		}
		read <- string(data)
	}()
	l := newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch + "/results": exported})
	l.expect(t, l.bi(t, "results", batchID, "--format", "csv", "--scope", "failed", "-o", pipe), exitCompleted)
	if data := <-read; data != table {
		t.Errorf("through the pipe came %q", data)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe is %v, %v", info.Mode(), err)
	}
}

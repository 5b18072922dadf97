package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOutput(t *testing.T) {
	t.Parallel()

	// Whatever kind of file -o names, it keeps its kind and gets the results.
	t.Run("writes to any kind of file", func(t *testing.T) {
		t.Parallel()
		for name, prepare := range map[string]func(folder string) error{
			"new file": func(string) error { return nil },
			"existing file": func(folder string) error {
				return os.WriteFile(filepath.Join(folder, "out"), []byte("old"), 0o600)
			},
			"link": func(folder string) error {
				if err := os.WriteFile(filepath.Join(folder, "file"), []byte("old"), 0o600); err != nil {
					return err
				}
				return os.Symlink("file", filepath.Join(folder, "out"))
			},
			"link to a link to a file that does not exist yet": func(folder string) error {
				if err := os.Symlink("link", filepath.Join(folder, "out")); err != nil {
					return err
				}
				return os.Symlink(filepath.Join(folder, "file"), filepath.Join(folder, "link"))
			},
			"file in a folder that is a link": func(folder string) error {
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
				before, _ := os.Lstat(path)
				l := newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch + "/results": respondResults})
				l.expect(t, l.bi(t, "results", batchID, "--format", "csv", "--scope", "failed", "-o", path), exitCompleted)
				data, err := os.ReadFile(path)
				if err != nil || string(data) != table {
					t.Errorf("the file contains %q, %v", data, err)
				}
				if after, err := os.Lstat(path); err != nil {
					t.Error(err)
				} else if before != nil && after.Mode() != before.Mode() {
					t.Errorf("the mode is %v and was %v", after.Mode(), before.Mode())
				}
				_ = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
					if err != nil || strings.HasPrefix(filepath.Base(path), ".") {
						t.Errorf("bi left %s behind, %v", path, err)
					}
					return nil
				})
			})
		}
	})

	t.Run("writes to a pipe", func(t *testing.T) {
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
		l := newLab(t, map[string]http.HandlerFunc{"GET " + oneBatch + "/results": respondResults})
		l.expect(t, l.bi(t, "results", batchID, "--format", "csv", "--scope", "failed", "-o", pipe), exitCompleted)
		if data := <-read; data != table {
			t.Errorf("the pipe got %q", data)
		}
		if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
			t.Errorf("the pipe is now %v, %v", info.Mode(), err)
		}
	})
}

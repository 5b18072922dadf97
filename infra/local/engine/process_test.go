package engine

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// family is a child with two children of its own, one of which is stopped.
const family = "sleep 600 & sleep 600 & kill -STOP $!; sleep 600"

// asParent is the environment variable that makes this test binary start a
// long-lived child, print the child's process group and wait to be killed.
const asParent = "ENGINE_TEST_AS_PARENT"

func TestMain(m *testing.M) {
	if log := os.Getenv(asParent); log != "" {
		p, err := startProcess("", log, nil, "sh", "-c", family)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.cmd.Process.Pid)
		select {}
	}
	os.Exit(m.Run())
}

func TestStop(t *testing.T) {
	t.Parallel()

	t.Run("the child and everything it started end", func(t *testing.T) {
		t.Parallel()

		p, err := startProcess("", filepath.Join(t.TempDir(), "log"), nil, "sh", "-c", family)
		if err != nil {
			t.Fatal(err)
		}
		p.stop()
		p.stop()
		awaitGone(t, p.cmd.Process.Pid)
	})
}

func TestStartProcess(t *testing.T) {
	t.Parallel()

	t.Run("the child ends when its parent is killed", func(t *testing.T) {
		t.Parallel()

		parent := exec.CommandContext(t.Context(), os.Args[0])
		parent.Env = append(os.Environ(), asParent+"="+filepath.Join(t.TempDir(), "log"))
		out, err := parent.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		group, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("the parent printed %q instead of a process group", line)
		}
		_ = parent.Process.Kill()
		_ = parent.Wait()
		awaitGone(t, group)
	})
}

func TestAwait(t *testing.T) {
	t.Parallel()

	t.Run("the error has the output of a child that ended", func(t *testing.T) {
		t.Parallel()

		p, err := startProcess("", filepath.Join(t.TempDir(), "log"), nil, "sh", "-c", "echo no such luck; exit 1")
		if err != nil {
			t.Fatal(err)
		}
		err = p.await(t.Context(), "the child", func() bool { return false })
		if err == nil || !strings.Contains(err.Error(), "no such luck") {
			t.Errorf("await() = %v; want the child's output in it", err)
		}
	})
}

func TestPickPort(t *testing.T) {
	t.Parallel()

	t.Run("a port that is in use is named, with a way out", func(t *testing.T) {
		t.Parallel()

		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		_, err = pickPort(port)
		for _, want := range []string{fmt.Sprintf("port %d is in use", port), "PORT="} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("pickPort() = %v; want an error that says %q", err, want)
			}
		}
	})
}

// awaitGone waits until a process group has no process in it. A leash may sleep in
// it for another second.
func awaitGone(t *testing.T, group int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
		if time.Now().After(deadline) {
			t.Fatalf("process group %d still exists", group)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

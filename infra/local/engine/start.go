package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// startTimeout is generous: the default engine usually answers within a second, and
// LocalStack within ten.
const startTimeout = 2 * time.Minute

// Options are the settings of an engine.
type Options struct {
	Port    int    // 0 for any free one
	LogPath string // the file for the engine's output; default .local/log/engine.log
}

// Engine is a running local AWS.
type Engine struct {
	root     string
	endpoint string
	health   string // the path of its health check
	scratch  string // its temporary folder, which also has the functions' code
	process  *process
	release  func() // ends what it needs besides the process
}

// Start starts an engine that Install has installed. The engine listens only on
// the loopback interface, starts empty and loses everything when it stops.
func Start(ctx context.Context, o Options) (*Engine, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	v, err := chosen()
	if err != nil {
		return nil, err
	}
	port, err := pickPort(o.Port)
	if err != nil {
		return nil, err
	}
	log := o.LogPath
	if log == "" {
		log = filepath.Join(root, localDir, "log", "engine.log")
	}
	scratch, err := newScratch(root)
	if err != nil {
		return nil, err
	}
	at := place{root: root, scratch: scratch, log: log, port: port}
	e := &Engine{root: root, endpoint: at.address(), health: v.health(), scratch: scratch}
	e.process, e.release, err = v.start(ctx, at)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(scratch))
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := e.process.await(ctx, "the local AWS engine", e.healthy); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// Endpoint returns the address for AWS_ENDPOINT_URL.
func (e *Engine) Endpoint() string { return e.endpoint }

// Environ returns the environment variables that a program needs to use this
// engine.
func (e *Engine) Environ() []string { return Environ(e.endpoint) }

// Stop stops the engine and every function on it.
func (e *Engine) Stop() {
	e.process.stop()
	e.release()
	_ = os.RemoveAll(e.scratch)
}

// Exited returns a channel that is closed when the engine has ended for any reason.
func (e *Engine) Exited() <-chan struct{} { return e.process.exited }

func (e *Engine) healthy() bool {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(e.endpoint + e.health)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// CheckPort returns an error that says what to do if Start cannot use the port.
func CheckPort(port int) error {
	_, err := pickPort(port)
	return err
}

// pickPort returns the port want if it is free, or any free port if want is 0.
func pickPort(want int) (int, error) {
	if want == 0 {
		return freePort()
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(want)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, fmt.Errorf("port %d is in use: stop the program that uses it, or choose another port with PORT=<number>", want)
	}
	if err != nil {
		return 0, fmt.Errorf("port %d cannot be used (%w): choose another port with PORT=<number>", want, err)
	}
	return want, l.Close()
}

// newScratch creates a temporary folder named after our process number. It deletes
// the folders of processes that ended without doing so.
func newScratch(root string) (string, error) {
	parent := filepath.Join(root, localDir, "scratch")
	left, _ := filepath.Glob(filepath.Join(parent, "*"))
	for _, dir := range left {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
	dir := filepath.Join(parent, strconv.Itoa(os.Getpid()))
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return "", fmt.Errorf("creating a temporary folder: %w", err)
	}
	return dir, nil
}

package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// leash runs a command as the leader of its own process group and ends the
// whole group when its standard input closes. The other end of that pipe is
// ours, and the system closes it however we end, kill -9 included; so nothing
// we start outlives us. A group with a stopped process in it is hung up by the
// system when we end; the leash stays.
const leash = `exec 3<&0
( trap '' HUP TERM; read -r _ <&3; kill -TERM 0; sleep 1; kill -KILL 0 ) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null`

// stopGrace is how long a process group may take to end by itself.
const stopGrace = 5 * time.Second

// process is a child in a process group of its own, on a leash.
type process struct {
	cmd    *exec.Cmd
	leash  io.Closer
	log    string        // the file that has what it printed
	exited chan struct{} // closed when the child has ended
}

// startProcess starts the command in the folder dir, with env added to ours and
// its output in the file logPath.
func startProcess(dir, logPath string, env []string, command ...string) (*process, error) {
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return nil, err
	}
	// Appending, for another engine may be writing to a file of that name, and
	// would go on behind a gap.
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()

	cmd := exec.Command("sh", append([]string{"-c", leash, "leash"}, command...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	// A group of its own, so that Ctrl-C in a terminal reaches only us and we
	// end the child in our own order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(command[0]), err)
	}
	p := &process{cmd: cmd, leash: pipe, log: logPath, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // also closes the pipe, which ends what the child left behind
		close(p.exited)
	}()
	return p, nil
}

// stop ends the child and everything it started. Stopping twice is harmless.
func (p *process) stop() {
	_ = p.leash.Close()
	group := -p.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
	}
	// The leash itself is still in the group, so its number cannot have been
	// given to anyone else.
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.exited
}

// await waits until ready says so. It gives up when the child ends or ctx does.
func (p *process) await(ctx context.Context, name string, ready func() bool) error {
	for !ready() {
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended while starting; it said:\n%s", name, tail(p.log, 15))
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer in time (%w); it said:\n%s", name, context.Cause(ctx), tail(p.log, 15))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// run runs a command to its end in the repository's folder, with its output in .local/log/<name>.log; the
// end of that is part of the error when it fails.
func run(ctx context.Context, root, name, doing string, env []string, command ...string) error {
	log := filepath.Join(root, localDir, "log", name+".log")
	p, err := startProcess(root, log, env, command...)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.stop()
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %s; the end of %s:\n%s", doing, p.cmd.ProcessState, log, tail(log, 15))
	}
	return nil
}

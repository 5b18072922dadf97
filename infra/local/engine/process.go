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

// leash is a shell script that runs a command as the leader of its own process
// group and ends the whole group when its standard input closes. We have the other
// end of that pipe. The system closes it however we end, even by kill -9, so nothing
// that we start outlives us. When we end, the system sends SIGHUP to a group that
// has a stopped process; the leash ignores it.
const leash = `exec 3<&0
( trap '' HUP TERM; read -r _ <&3; kill -TERM 0; sleep 1; kill -KILL 0 ) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null`

// stopGrace is the time that a process group has to end after SIGTERM.
const stopGrace = 5 * time.Second

// process is a child process in its own process group, on a leash.
type process struct {
	cmd    *exec.Cmd
	leash  io.Closer
	log    string        // the file with its output
	exited chan struct{} // closed when the child has ended
}

// startProcess starts the command in the folder dir. env is added to our own
// environment, and the output goes to the file logPath.
func startProcess(dir, logPath string, env []string, command ...string) (*process, error) {
	return startProcessIn(dir, logPath, append(os.Environ(), env...), command...)
}

// startProcessIn is like startProcess, but env is the whole environment.
func startProcessIn(dir, logPath string, env []string, command ...string) (*process, error) {
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return nil, err
	}
	// Append: another engine may be writing to the same file, and without this its
	// next line would come after a gap.
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()

	cmd := exec.Command("sh", append([]string{"-c", leash, "leash"}, command...)...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = out, out
	// With its own group, Ctrl-C in a terminal reaches only us, and we stop the
	// children in our own order.
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
		_ = cmd.Wait() // also closes the pipe, which ends the rest of the group
		close(p.exited)
	}()
	return p, nil
}

// stop ends the child and everything it started. It may be called twice.
func (p *process) stop() {
	_ = p.leash.Close()
	group := -p.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
	}
	// The leash itself is still in the group, so the system cannot have reused the
	// group's number.
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.exited
}

// await waits until ready returns true. It returns an error if the child or ctx
// ends first.
func (p *process) await(ctx context.Context, name string, ready func() bool) error {
	for !ready() {
		select {
		case <-p.exited:
			return fmt.Errorf("%s stopped while starting. Its last output:\n%s", name, tail(p.log, 15))
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer in time (%w). Its last output:\n%s", name, context.Cause(ctx), tail(p.log, 15))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// run runs a command in the repository's folder and waits for its end. The output
// goes to .local/log/<name>.log, and its last lines are part of the error.
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
		return fmt.Errorf("%s: %s. The end of %s:\n%s", doing, p.cmd.ProcessState, log, tail(log, 15))
	}
	return nil
}

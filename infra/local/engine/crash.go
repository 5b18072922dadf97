package engine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// KillFunctions kills every function process that is running on the engine at this
// moment, without a chance to clean up, as a crash would. It returns the number of
// killed processes. It does not kill processes that an engine has frozen because they
// are waiting for an invocation.
func (e *Engine) KillFunctions(ctx context.Context) (killed int, err error) {
	out, err := exec.CommandContext(ctx, "ps", "-A", "-o", "pid=,pgid=,stat=,comm=").Output()
	if err != nil {
		return 0, fmt.Errorf("listing processes: %w", err)
	}
	group := e.process.cmd.Process.Pid
	for line := range strings.Lines(string(out)) {
		var pid, pgid int
		var state, command string
		if _, err := fmt.Sscan(line, &pid, &pgid, &state, &command); err != nil || pgid != group || filepath.Base(command) != "bootstrap" {
			continue
		}
		if state[0] == 'T' || state[0] == 'Z' { // stopped, or a zombie
			continue
		}
		// The process is still in our group, so the system has not reused its number.
		if current, err := syscall.Getpgid(pid); err != nil || current != group {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			killed++
		} else if !errors.Is(err, syscall.ESRCH) {
			return killed, fmt.Errorf("killing function process %d: %w", pid, err)
		}
	}
	return killed, nil
}

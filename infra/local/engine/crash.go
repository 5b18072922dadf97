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

// KillFunctions kills every function that runs on the engine in this moment, as
// a crash would: without a chance to do anything more. It returns how many. Those
// that wait for an invocation are frozen, and it leaves them.
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
		if state[0] == 'T' || state[0] == 'Z' { // stopped, or dead and not buried yet
			continue
		}
		// Of our group still, and so not some other process by now.
		if now, err := syscall.Getpgid(pid); err != nil || now != group {
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

package engine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// CheckPrerequisites returns an error that says which program is missing or too
// old, and what to do.
func CheckPrerequisites(ctx context.Context) error {
	v, err := chosen()
	if err != nil {
		return err
	}
	if _, err := nodeProgram(ctx); err != nil {
		return err
	}
	return v.check(ctx)
}

// nodeProgram returns the path of a Node.js that the CDK command and library run on.
func nodeProgram(ctx context.Context) (string, error) {
	const need = "Node.js 20 or newer is needed"
	path, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("%s, but there is no program `node` on the PATH: install it (nodejs.org, or your system's packages), then run this again", need)
	}
	if major, _, found := version(ctx, path, "--version"); major < 20 {
		return "", fmt.Errorf("%s, but %s is version %s: install a newer one, then run this again", need, path, found)
	}
	return path, nil
}

// pythonProgram returns the path of a Python that the engine runs on. An older
// system's `python3` may be too old while a newer one is installed next to it.
func pythonProgram(ctx context.Context) (string, error) {
	const need = "Python 3.10 or newer is needed"
	tooOld, noVenv := "", ""
	for _, name := range []string{"python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		major, minor, found := version(ctx, path, "--version")
		switch {
		case major == 0: // a version manager's placeholder for a Python that is not installed
		case major != 3 || minor < 10:
			tooOld = fmt.Sprintf(", but %s is version %s", path, found)
		case exec.CommandContext(ctx, path, "-c", "import venv, ensurepip").Run() != nil:
			noVenv = fmt.Sprintf("%s lacks the venv module: install it (on Debian and Ubuntu: apt install python3.%d-venv), then run this again", path, minor)
		default:
			return path, nil
		}
	}
	if noVenv != "" {
		return "", fmt.Errorf("%s", noVenv)
	}
	if tooOld == "" {
		tooOld = ", but there is no program `python3` on the PATH"
	}
	return "", fmt.Errorf("%s%s: install one (python.org, or your system's packages), then run this again", need, tooOld)
}

// python313 returns the path of a Python 3.13, the only version that LocalStack runs
// on. It also asks the version managers uv and pyenv for one.
func python313(ctx context.Context) (string, error) {
	candidates := []string{"python3.13", "python3", "python"}
	for _, ask := range [][]string{{"uv", "python", "find", "--no-python-downloads", "3.13"}, {"pyenv", "prefix", "3.13"}} {
		if out, err := exec.CommandContext(ctx, ask[0], ask[1:]...).Output(); err == nil {
			found := strings.TrimSpace(string(out))
			candidates = append(candidates, found, filepath.Join(found, "bin", "python3.13"))
		}
	}
	for _, name := range candidates {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if major, minor, _ := version(ctx, path, "--version"); major == 3 && minor == 13 &&
			exec.CommandContext(ctx, path, "-c", "import venv, ensurepip").Run() == nil {
			return path, nil
		}
	}
	return "", errors.New("LocalStack needs Python 3.13, no other version, and there is none with the venv module on the PATH: " +
		"install it (python.org, `pip install uv && uv python install 3.13`, or `pyenv install 3.13`), then run this again")
}

var versionNumber = regexp.MustCompile(`(\d+)\.(\d+)[.\d]*`)

// version returns the version that a program prints, or zeros if it prints none.
func version(ctx context.Context, path, flag string) (major, minor int, found string) {
	out, err := exec.CommandContext(ctx, path, flag).CombinedOutput()
	m := versionNumber.FindStringSubmatch(string(out))
	if err != nil || m == nil {
		return 0, 0, "unknown"
	}
	major, _ = strconv.Atoi(m[1])
	minor, _ = strconv.Atoi(m[2])
	return major, minor, m[0]
}

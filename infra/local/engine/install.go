package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// localDir is the folder in the repository's root for everything that is installed
// or logged. It can be deleted to start over.
const localDir = ".local"

// Install installs the pinned programs into .local, unless they are already there.
// It writes a line to progress, if that is not nil, before each installation.
func Install(ctx context.Context, progress io.Writer) error {
	root, err := Root()
	if err != nil {
		return err
	}
	v, err := chosen()
	if err != nil {
		return err
	}
	return errors.Join(installNode(ctx, root, progress), v.install(ctx, root, progress))
}

// FirstRun returns a sentence that says how long the first run takes, or "" if
// Install has already succeeded here.
func FirstRun() string {
	root, err := Root()
	if err != nil {
		return ""
	}
	v, err := chosen()
	if err != nil || v.installed(root) {
		return ""
	}
	return v.firstRun()
}

// installNode installs the versions in package-lock.json of the CDK command and
// the table server.
func installNode(ctx context.Context, root string, progress io.Writer) error {
	files := []string{"package.json", "package-lock.json", ".npmrc"}
	return installOnce(root, "node", files, progress, func(dir string) error {
		if _, err := nodeProgram(ctx); err != nil {
			return err
		}
		npm, err := exec.LookPath("npm")
		if err != nil {
			return errors.New("npm is missing: install it (it comes with Node.js; on Debian: apt install npm), then run this again")
		}
		for _, name := range files {
			data, err := os.ReadFile(filepath.Join(root, "infra", "local", name))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		return run(ctx, root, "install-node", "installing the CDK command and the table server", nil,
			npm, "ci", "--prefix", dir, "--loglevel", "error")
	})
}

// installPython installs a file of requirements into the folder .local/<name>.
// find returns the Python for it.
func installPython(ctx context.Context, root, name, requirements string, progress io.Writer, find func(context.Context) (string, error)) error {
	return installOnce(root, name, []string{requirements}, progress, func(dir string) error {
		python, err := find(ctx)
		if err != nil {
			return err
		}
		if err := run(ctx, root, "install-"+name+"-venv", "creating a Python environment", nil, python, "-m", "venv", dir); err != nil {
			return err
		}
		return run(ctx, root, "install-"+name, "installing "+requirements, nil,
			venvPython(root, name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
			"--requirement", filepath.Join(root, "infra", "local", requirements))
	})
}

// venvPython returns the path of the Python in the folder .local/<name>.
func venvPython(root, name string) string {
	return filepath.Join(root, localDir, name, "bin", "python")
}

func nodeModules(root string) string {
	return filepath.Join(root, localDir, "node", "node_modules")
}

// tableBinary returns the path of the table server that was built for this machine.
func tableBinary(root string) (string, error) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	path := filepath.Join(nodeModules(root), "@dynoxide", runtime.GOOS+"-"+arch, "dynoxide")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no table server for %s/%s: start any DynamoDB engine yourself and set TABLE_ENDPOINT to its address", runtime.GOOS, runtime.GOARCH)
	}
	return path, nil
}

// installOnce runs install unless .local/<name> was already installed from the
// current content of the given files of infra/local. It takes a lock because
// several test binaries may run at the same time.
func installOnce(root, name string, files []string, progress io.Writer, install func(dir string) error) error {
	dir := filepath.Join(root, localDir, name)
	stamp := dir + ".installed"
	want, err := digest(filepath.Join(root, "infra", "local"), files)
	if err != nil {
		return err
	}
	if holds(stamp, want) {
		return nil
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if holds(stamp, want) {
		return nil // another process installed it while we waited
	}
	if progress != nil {
		fmt.Fprintf(progress, "Installing into %s/%s. This happens only once.\n", localDir, name)
	}
	// Start from scratch: half an installation is worse than none.
	if err := errors.Join(os.RemoveAll(stamp), os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	if err := install(dir); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

// digest returns a hash of the files' content.
func digest(dir string, files []string) (string, error) {
	sum := sha256.New()
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// holds reports whether the file stamp has exactly the content want.
func holds(stamp, want string) bool {
	got, err := os.ReadFile(stamp)
	return err == nil && string(got) == want
}

// lock locks the file. It waits while another process has it locked.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

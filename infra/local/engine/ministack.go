package engine

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// ministack is the default engine: small, and ready within a second.
type ministack struct{}

func (ministack) check(ctx context.Context) error {
	_, err := pythonProgram(ctx)
	return err
}

func (ministack) install(ctx context.Context, root string, progress io.Writer) error {
	return installPython(ctx, root, "python", "requirements.txt", progress, pythonProgram)
}

func (ministack) installed(root string) bool {
	_, err := os.Stat(filepath.Join(root, localDir, "python.installed"))
	return err == nil
}

func (ministack) firstRun() string {
	return "The first run takes two to three minutes, most of it compiling. Later runs take seconds."
}

func (ministack) system() string { return "" }

func (ministack) health() string { return "/_ministack/health" }

func (ministack) start(_ context.Context, at place) (*process, func(), error) {
	// Functions inherit the engine's environment, and with it the engine's address.
	env := append(Environ(at.address()),
		"GATEWAY_PORT="+strconv.Itoa(at.port),
		"BIND_HOST=127.0.0.1", // its default is every interface
		"IOT_MTLS_ENABLED=0",  // these two services would ignore BIND_HOST
		"SFTP_ENABLED=0",
		"LAMBDA_EXECUTOR=local",
		"PERSIST_STATE=0",
		"TMPDIR="+at.scratch,
		"PYTHONPATH="+at.source("patch")+":"+at.source("behavior"),
		"PYTHONDONTWRITEBYTECODE=1",
	)
	p, err := startProcess(at.root, at.log, env, venvPython(at.root, "python"), "-m", "ministack")
	return p, func() {}, err
}

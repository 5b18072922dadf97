package engine

import (
	"context"
	"io"
	"path/filepath"
)

// InstallConformance installs the pinned program that generates requests from an
// OpenAPI document into .local, unless it is already there. It returns its path.
func InstallConformance(ctx context.Context, progress io.Writer) (program string, err error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	const requirements = "conformance.txt"
	venv := filepath.Join(root, localDir, "conformance")
	err = installOnce(root, "conformance", []string{requirements}, progress, func(dir string) error {
		python, err := pythonProgram(ctx)
		if err != nil {
			return err
		}
		if err := run(ctx, root, "install-conformance-venv", "creating a Python environment", nil, python, "-m", "venv", dir); err != nil {
			return err
		}
		return run(ctx, root, "install-conformance", "installing the conformance test's program", nil,
			filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
			"--requirement", filepath.Join(root, "infra", "local", requirements))
	})
	return filepath.Join(venv, "bin", "schemathesis"), err
}

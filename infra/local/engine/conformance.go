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
	err = installPython(ctx, root, "conformance", requirements, progress, pythonProgram)
	return filepath.Join(venv, "bin", "schemathesis"), err
}

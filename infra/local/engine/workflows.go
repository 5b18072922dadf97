package engine

import (
	"context"
	"io"
	"path/filepath"
)

// InstallZizmor installs the pinned program that checks the workflows in .github into
// .local, unless it is already there. It returns its path.
func InstallZizmor(ctx context.Context, progress io.Writer) (program string, err error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	err = installPython(ctx, root, "workflows", "workflows.txt", progress, pythonProgram)
	return filepath.Join(root, localDir, "workflows", "bin", "zizmor"), err
}

package engine

import "context"

// Build builds dist/ for this machine, with the sanctions list of the folder
// ofac, or the one in the repository if that is empty. How is for the Makefile
// to know.
func Build(ctx context.Context, ofac string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	command := []string{"make", "--no-print-directory", "build"}
	if ofac != "" {
		command = append(command, "OFAC_DIR="+ofac)
	}
	return run(ctx, root, "build", "building", nil, command...)
}

package engine

import "context"

// Build runs `make build`, which builds dist/ for this machine. The sanctions list
// is the one in the folder ofac, or the repository's own if ofac is "".
func Build(ctx context.Context, ofac string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	v, err := chosen()
	if err != nil {
		return err
	}
	command := []string{"make", "--no-print-directory", "build"}
	if ofac != "" {
		command = append(command, "OFAC_DIR="+ofac)
	}
	if system := v.system(); system != "" {
		command = append(command, "SYSTEM="+system)
	}
	return run(ctx, root, "build", "building", nil, command...)
}

package engine

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// variant is one of the programs that can be the engine. Everything that is not
// here is the same for all of them: deploying, addresses, tests.
type variant interface {
	// check returns an error that says what to do if a program is missing that a
	// person has to install.
	check(ctx context.Context) error

	// install installs the pinned version, unless it is already there. It writes a
	// line to progress, if that is not nil, before an installation.
	install(ctx context.Context, root string, progress io.Writer) error

	// installed reports whether install has ever succeeded here.
	installed(root string) bool

	// firstRun says how long the first run takes, for people.
	firstRun() string

	// system is the operating system that functions run on, as Go names it, or "" for
	// this machine's.
	system() string

	// start starts it. release, which is not nil, ends what start started besides
	// the process, after the process has ended.
	start(ctx context.Context, at place) (p *process, release func(), err error)

	// health is the path of a request that succeeds when it is ready.
	health() string
}

// place is where an engine runs.
type place struct {
	root    string // the repository
	scratch string // its temporary folder
	log     string // the file for its output
	port    int    // on the loopback interface
}

// address returns the address for AWS clients.
func (p place) address() string { return fmt.Sprintf("http://127.0.0.1:%d", p.port) }

// source returns the path of a file or folder of this package.
func (p place) source(name ...string) string {
	return filepath.Join(append([]string{p.root, "infra", "local", "engine"}, name...)...)
}

// variants are the values that the environment variable ENGINE may have.
var variants = map[string]variant{
	"ministack":         ministack{},
	"localstack":        localstack{},
	"localstack-docker": localstackDocker{},
}

// defaultName is the engine that is used if ENGINE is empty.
const defaultName = "ministack"

// Name returns the name of the chosen engine: ENGINE, or the default.
func Name() string {
	if name := os.Getenv("ENGINE"); name != "" {
		return name
	}
	return defaultName
}

// Names returns the values that ENGINE may have, for people.
func Names() string {
	return strings.Join(slices.Sorted(maps.Keys(variants)), ", ")
}

// chosen returns the engine that ENGINE names.
func chosen() (variant, error) {
	v, ok := variants[Name()]
	if !ok {
		return nil, fmt.Errorf("ENGINE is %q, but it must be one of %s, or empty for %s", Name(), Names(), defaultName)
	}
	return v, nil
}

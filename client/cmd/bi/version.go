package main

import "runtime/debug"

// version is the release and commit that bi was built from. `make release` sets it.
var version string

// versionText returns what `bi --version` prints after the name. Outside a release, it is
// the version that the go command recorded: a tag, or a commit with its date.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

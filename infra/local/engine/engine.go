// Package engine runs this system on one machine, without an AWS account: it
// installs, starts and stops a local AWS engine and deploys the CDK app to it.
//
// Only this package knows which programs those are: MiniStack or LocalStack for the
// whole stack, dynoxide where only a table is needed, and DynamoDB Local to check the
// behavior of both. Other packages get an endpoint that speaks AWS. This package knows
// nothing about batches or inquiries.
package engine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Region and account are those that the engine claims to run in.
const (
	Region  = "us-east-1"
	account = "000000000000"
)

// Environ returns the environment variables that an AWS client or tool needs to
// reach an engine at endpoint. The credentials are invented; no engine checks them.
func Environ(endpoint string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint,
		"AWS_REGION=" + Region,
		"AWS_DEFAULT_REGION=" + Region,
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
		// Keep a developer's own AWS profile out: nothing here may reach a real account.
		"AWS_PROFILE=",
		"AWS_SESSION_TOKEN=",
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Root returns the repository's folder: the nearest folder with a go.mod, from the
// working directory upward.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in the working directory or above it: run this inside the repository")
		}
		dir = parent
	}
}

// freePort returns a loopback port that no process listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail returns the last lines of a file, for error messages.
func tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

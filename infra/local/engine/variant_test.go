package engine

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The tests in this file set environment variables, so they are not parallel.

func TestChosen(t *testing.T) {
	t.Run("every engine can be chosen, and none means the default", func(t *testing.T) {
		for name, want := range map[string]variant{
			"": ministack{}, "ministack": ministack{}, "localstack": localstack{}, "localstack-docker": localstackDocker{},
		} {
			t.Setenv("ENGINE", name)
			if got, err := chosen(); err != nil || got != want {
				t.Errorf("ENGINE=%s: chosen() = %T, %v; want %T", name, got, err, want)
			}
		}
	})

	t.Run("an unknown engine is named, with those that exist", func(t *testing.T) {
		t.Setenv("ENGINE", "localstak")
		_, err := chosen()
		for _, want := range []string{`"localstak"`, "localstack", "localstack-docker", "ministack"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("chosen() = %v; want an error that says %s", err, want)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("chosen() = %v; want one sentence", err)
		}
	})
}

func TestDockerRun(t *testing.T) {
	at := place{root: "/repository", port: 4566}

	t.Run("the image is the last one that needs no account", func(t *testing.T) {
		t.Setenv(authToken, "")
		command := dockerRun(at, "name")
		if got := command[len(command)-1]; got != "localstack/localstack:4.14.0" {
			t.Errorf("the image is %s", got)
		}
	})

	t.Run("with a token, the image is the newest, and the command does not show the token", func(t *testing.T) {
		t.Setenv(authToken, "ls-secret")
		command := dockerRun(at, "name")
		if got := command[len(command)-1]; got != "localstack/localstack:latest" {
			t.Errorf("the image is %s", got)
		}
		if text := strings.Join(command, " "); strings.Contains(text, "ls-secret") {
			t.Errorf("the command has the token: %s", text)
		}
	})

	t.Run("the container is reachable from this machine only", func(t *testing.T) {
		command := dockerRun(at, "name")
		if i := slices.Index(command, "--publish"); command[i+1] != "127.0.0.1:4566:4566" {
			t.Errorf("the port is published as %s", command[i+1])
		}
	})

	t.Run("the plugin that is mounted exists", func(t *testing.T) {
		root, err := Root()
		if err != nil {
			t.Fatal(err)
		}
		at := place{root: root, port: 4566}
		command := dockerRun(at, "name")
		folder, _, _ := strings.Cut(command[slices.Index(command, "--volume")+1], ":")
		if _, err := os.Stat(folder + "/plugin-1.0.dist-info/entry_points.txt"); err != nil {
			t.Error(err)
		}
	})
}

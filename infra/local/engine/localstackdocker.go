package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// localstackDocker is LocalStack's image, with the same plugin as localstack. It is
// untested: it was written where there is no Docker.
type localstackDocker struct{}

// localstackImage is the last version that starts without an account. With a
// LOCALSTACK_AUTH_TOKEN in the environment, the newest one is used.
const localstackImage = "localstack/localstack:4.14.0"

func image() string {
	if os.Getenv(authToken) != "" {
		return "localstack/localstack:latest"
	}
	return localstackImage
}

// authToken is the environment variable that newer versions of LocalStack need.
const authToken = "LOCALSTACK_AUTH_TOKEN"

func (localstackDocker) check(ctx context.Context) error {
	if err := exec.CommandContext(ctx, "docker", "version").Run(); err != nil {
		return errors.New("ENGINE=localstack-docker needs Docker, and `docker version` fails: start or install Docker, or use ENGINE=localstack, which needs none")
	}
	return nil
}

func (d localstackDocker) install(ctx context.Context, root string, progress io.Writer) error {
	if d.installed(root) {
		return nil
	}
	if progress != nil {
		fmt.Fprintf(progress, "Pulling the image %s. This happens only once.\n", image())
	}
	return run(ctx, root, "install-localstack-docker", "pulling the image", nil, "docker", "pull", image())
}

func (localstackDocker) installed(string) bool {
	return exec.Command("docker", "image", "inspect", image()).Run() == nil
}

func (localstackDocker) firstRun() string {
	return "The first run pulls LocalStack's image. ENGINE=localstack-docker is untested: it was written where there is no Docker."
}

func (localstackDocker) system() string { return "linux" }

func (localstackDocker) health() string { return localstackHealth }

func (localstackDocker) start(_ context.Context, at place) (*process, func(), error) {
	name := "batch-inquiries-" + strconv.Itoa(at.port)
	p, err := startProcess(at.root, at.log, nil, dockerRun(at, name)...)
	release := func() { _ = exec.Command("docker", "rm", "--force", name).Run() }
	return p, release, err
}

// dockerRun returns the command that runs the image as a container with this name,
// reachable on the loopback interface only. The port is the same inside and outside,
// because links in responses have it.
func dockerRun(at place, name string) []string {
	const inside = "/opt/batch-inquiries/"
	port := strconv.Itoa(at.port)
	command := []string{"docker", "run", "--rm", "--name", name,
		"--publish", "127.0.0.1:" + port + ":" + port,
		"--volume", at.source("localstack") + ":" + inside + "localstack:ro",
		"--volume", at.source("behavior") + ":" + inside + "behavior:ro",
		"--env", "PYTHONPATH=" + inside + "localstack:" + inside + "behavior",
		"--env", authToken, // docker takes its value from our environment
	}
	for _, variable := range localstackEnviron(at.port, "0.0.0.0") {
		command = append(command, "--env", variable)
	}
	return append(command, image())
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
)

// ErrPrerequisite is the cause of an error when a program is missing that a person
// has to install.
var ErrPrerequisite = errors.New("a program is missing")

// StartDynamoDBLocal starts DynamoDB Local on a free loopback port. It installs it
// first if necessary. DynamoDB Local is AWS's own, so it is the authority on how a
// table behaves. It keeps its items in memory and takes seconds to start.
func StartDynamoDBLocal(ctx context.Context) (*TableServer, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	java, err := javaProgram(ctx)
	if err != nil {
		return nil, err
	}
	if err := installDynamoDBLocal(ctx, root); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	dir := filepath.Join(root, localDir, "dynamodblocal")
	log := filepath.Join(root, localDir, "log", "dynamodblocal.log")
	p, err := startProcess(dir, log, nil, java, "-Xmx512m", "-XX:TieredStopAtLevel=1",
		"-Djava.library.path="+dir, "-cp", filepath.Join(dir, "*"),
		filepath.Join(root, "infra", "local", "dynamodblocal", "Loopback.java"),
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, "DynamoDB Local", func() bool { return answers(address) }); err != nil {
		p.stop()
		return nil, err
	}
	return &TableServer{endpoint: "http://" + address, port: port, process: p}, nil
}

// installDynamoDBLocal installs the version that dynamodblocal/pom.xml pins.
func installDynamoDBLocal(ctx context.Context, root string) error {
	pom := filepath.Join("dynamodblocal", "pom.xml")
	return installOnce(root, "dynamodblocal", []string{pom}, nil, func(dir string) error {
		mvn, err := exec.LookPath("mvn")
		if err != nil {
			return fmt.Errorf("%w: Maven, to install DynamoDB Local (on Debian: apt install maven)", ErrPrerequisite)
		}
		return run(ctx, root, "install-dynamodblocal", "installing DynamoDB Local", nil, mvn, "--quiet", "--batch-mode", "--strict-checksums",
			"--file", filepath.Join(root, "infra", "local", pom), "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+dir)
	})
}

// javaProgram returns the path of a Java that DynamoDB Local runs on. It must be a
// JDK, because our launcher, Loopback.java, is a source file.
func javaProgram(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("javac"); err != nil {
		return "", fmt.Errorf("%w: a JDK 17 or newer, to run DynamoDB Local (on Debian: apt install default-jdk-headless)", ErrPrerequisite)
	}
	path, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("%w: a JDK 17 or newer, to run DynamoDB Local: the PATH has javac but no java", ErrPrerequisite)
	}
	if major, _, found := version(ctx, path, "-version"); major < 17 {
		return "", fmt.Errorf("%w: a JDK 17 or newer, to run DynamoDB Local; %s is version %s", ErrPrerequisite, path, found)
	}
	return path, nil
}

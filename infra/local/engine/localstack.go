package engine

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// localstack is LocalStack without Docker. It runs functions as processes and uses
// AWS's own DynamoDB Local for the table.
type localstack struct{}

func (localstack) check(ctx context.Context) error {
	if _, err := python313(ctx); err != nil {
		return err
	}
	_, err := javaProgram(ctx)
	return err
}

func (localstack) install(ctx context.Context, root string, progress io.Writer) error {
	if err := installPython(ctx, root, "localstack", "requirements-localstack.txt", progress, python313); err != nil {
		return err
	}
	return installDynamoDBLocal(ctx, root)
}

func (localstack) installed(root string) bool {
	_, err := os.Stat(filepath.Join(root, localDir, "localstack.installed"))
	return err == nil
}

func (localstack) firstRun() string {
	return "The first run downloads LocalStack, 250 MB, and takes about five minutes. Later runs take about a minute."
}

func (localstack) system() string { return "" }

func (localstack) health() string { return localstackHealth }

// localstackHealth is the path of LocalStack's own health check.
const localstackHealth = "/_localstack/health"

// start also starts DynamoDB Local, which LocalStack would download and leave
// running.
func (localstack) start(ctx context.Context, at place) (*process, func(), error) {
	table, err := StartDynamoDBLocal(ctx)
	if err != nil {
		return nil, nil, err
	}
	env := append(without("AWS_", os.Environ()), localstackEnviron(at.port, "127.0.0.1")...)
	env = append(env,
		"PYTHONPATH="+at.source("localstack")+":"+at.source("behavior"),
		// Inside a container it would take the root of the file system.
		"OVERRIDE_IN_DOCKER=0",
		"FILESYSTEM_ROOT="+filepath.Join(at.scratch, "root"),
		"TMPDIR="+at.scratch,
		"XDG_CACHE_HOME="+filepath.Join(at.root, localDir, "cache"),
		"DYNAMODB_LOCAL_PORT="+strconv.Itoa(table.port),
	)
	p, err := startProcessIn(at.root, at.log, env, venvPython(at.root, "localstack"), "-m", "localstack.runtime.main")
	if err != nil {
		table.Stop()
		return nil, nil, err
	}
	return p, table.Stop, nil
}

// localstackEnviron returns LocalStack's settings for listening on a port of a host.
// The plugin needs API_STAGE and the executor.
func localstackEnviron(port int, host string) []string {
	listen := ":" + strconv.Itoa(port)
	return []string{
		"GATEWAY_LISTEN=" + host + listen,
		"LOCALSTACK_HOST=127.0.0.1" + listen,
		"DNS_ADDRESS=0",
		"SKIP_SSL_CERT_DOWNLOAD=1",
		"DISABLE_EVENTS=1", // it must not phone home
		// Version 2 has DynamoDB Local's own streams.
		"PROVIDER_OVERRIDE_DYNAMODB=v2", "PROVIDER_OVERRIDE_DYNAMODBSTREAMS=v2", "DYNAMODB_IN_MEMORY=1",
		"SQS_ENDPOINT_STRATEGY=path", "SQS_DISABLE_CLOUDWATCH_METRICS=1",
		"LAMBDA_RUNTIME_EXECUTOR=process",
		"LAMBDA_SYNCHRONOUS_CREATE=1",
		// Its defaults of 1 and 10 seconds would make every batch slow.
		"LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC=0.1", "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC=1",
		// The service answers browsers itself.
		"DISABLE_CORS_CHECKS=1", "DISABLE_CORS_HEADERS=1", "DISABLE_PREFLIGHT_PROCESSING=1",
		"PYTHONDONTWRITEBYTECODE=1",
		"API_STAGE=" + stage,
	}
}

// without returns the variables whose names do not start with the prefix. LocalStack
// does not start with the settings of an AWS client.
func without(prefix string, env []string) []string {
	var rest []string
	for _, variable := range env {
		if !strings.HasPrefix(variable, prefix) {
			rest = append(rest, variable)
		}
	}
	return rest
}

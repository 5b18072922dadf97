package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
)

// stage is the name of a local deployment's stage. The CDK app does not protect
// the data of this stage.
const stage = "local"

// PortalOrigin is the web origin that may call a local deployment from a browser: a
// portal under development on the same machine.
const PortalOrigin = "http://localhost:3000"

// Deploy deploys the CDK app to the engine with the CDK command, the same way as
// to AWS. It deploys what `make build` has built into dist/.
func (e *Engine) Deploy(ctx context.Context) (Outputs, error) {
	if err := e.prepareForCDK(ctx); err != nil {
		return Outputs{}, fmt.Errorf("preparing the engine for a deployment: %w", err)
	}
	// Other processes may deploy to an engine of their own, but all share .local.
	unlock, err := lock(filepath.Join(e.root, localDir, "deploy.lock"))
	if err != nil {
		return Outputs{}, err
	}
	defer unlock()

	inputs, err := e.inputsOfSynthesis()
	if err != nil {
		return Outputs{}, err
	}
	assembly := filepath.Join(localDir, "cdk.out")
	stamp := filepath.Join(e.root, assembly+".of")
	source := []string{"--app", assembly}
	if !holds(stamp, inputs) {
		// Delete the old assembly, or the code of every build would pile up in it.
		if err := os.RemoveAll(filepath.Join(e.root, assembly)); err != nil {
			return Outputs{}, err
		}
		source = []string{"--app", filepath.Join("dist", "infra"), "--output", assembly}
	}
	_ = os.Remove(stamp)
	outputs := filepath.Join(e.root, localDir, "outputs.json")
	if err := e.runCDK(ctx, append(source, "--outputs-file", outputs)...); err != nil {
		return Outputs{}, err
	}
	if err := os.WriteFile(stamp, []byte(inputs), 0o644); err != nil {
		return Outputs{}, err
	}
	return e.readOutputs(outputs)
}

// runCDK runs `cdk deploy` against the engine.
func (e *Engine) runCDK(ctx context.Context, args ...string) error {
	command := append([]string{
		filepath.Join(nodeModules(e.root), ".bin", "cdk"), "deploy",
		"--context", "stage=" + stage, "--context", "arch=" + lambdaArch(), "--context", "portalOrigin=" + PortalOrigin,
		"--method", "direct", "--require-approval", "never", "--progress", "events",
		"--no-notices", "--ci",
	}, args...)
	env := append(e.Environ(),
		"CDK_DISABLE_CLI_TELEMETRY=true",
		"CDK_DISABLE_VERSION_CHECK=true",
		// Hide warnings about the age of Node.js, which a person who only runs this cannot
		// act on.
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20",
		"NODE_NO_WARNINGS=1",
	)
	return run(ctx, e.root, "deploy", "deploying", env, command...)
}

// prepareForCDK creates what `cdk bootstrap` would, as far as a deployment needs
// it: the bucket for the functions' code and the version parameter. The real
// command would take seven seconds at every start, because an engine starts empty.
func (e *Engine) prepareForCDK(ctx context.Context) error {
	const qualifier = "hnb659fds"
	bucket := fmt.Sprintf("%s/cdk-%s-assets-%s-%s", e.endpoint, qualifier, account, Region)
	if err := e.call(ctx, http.MethodPut, bucket, "s3", "", nil); err != nil {
		return err
	}
	parameter, err := json.Marshal(map[string]any{
		"Name": "/cdk-bootstrap/" + qualifier + "/version", "Value": "30", "Type": "String", "Overwrite": true,
	})
	if err != nil {
		return err
	}
	return e.call(ctx, http.MethodPost, e.endpoint, "ssm", "AmazonSSM.PutParameter", parameter)
}

// call makes one AWS request without an SDK. The engine reads the service from
// the credential and does not check the signature.
func (e *Engine) call(ctx context.Context, method, address, service, target string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+Region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=none")
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		message, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("%s %s: %s: %s", method, service, resp.Status, message)
	}
	return nil
}

// inputsOfSynthesis returns a hash of everything that the template and its assets
// are made from.
func (e *Engine) inputsOfSynthesis() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, e.root, lambdaArch(), PortalOrigin)
	for _, name := range []string{"cdk.json", filepath.Join("dist", "infra"), filepath.Join("dist", "functions")} {
		err := filepath.WalkDir(filepath.Join(e.root, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			fmt.Fprintln(sum, path)
			_, err = io.Copy(sum, f)
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s is missing: run `make build` first", name)
		}
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// lambdaArch returns Lambda's name for this machine's architecture, because the
// engine runs functions as ordinary processes.
func lambdaArch() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

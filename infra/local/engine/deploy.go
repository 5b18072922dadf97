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

// stage is what a local deployment is called; the CDK app lets its data go.
const stage = "local"

// PortalOrigin is the origin whose scripts may call a local deployment: that of a
// portal under development on the same machine.
const PortalOrigin = "http://localhost:3000"

// Outputs are what the stack says of itself, by the names it gives them.
type Outputs struct {
	TableName          string
	QueueURL           string `json:"QueueUrl"`
	DeadLetterQueueURL string `json:"DeadLetterQueueUrl"`
	UserPoolID         string `json:"UserPoolId"`
	UserPoolClientID   string `json:"UserPoolClientId"`
	MasterKeySecretARN string `json:"MasterKeySecretArn"`
	UsagePlanID        string `json:"UsagePlanId"`

	APIFunction              string `json:"ApiFunction"`
	AuthorizeRequestFunction string
	DispatchBatchFunction    string
	ProcessInquiryFunction   string
	TallyStatusesFunction    string
	FailExhaustedFunction    string
	SweepOpenBatchesFunction string

	// APIURL is where this machine reaches the API, without a slash at its
	// end. The stack's own output names a host that exists on AWS only.
	APIURL string `json:"ApiUrl"`
}

// Deploy deploys the CDK app to the engine with the CDK command, as it would be
// to AWS. `make build` must have built dist/ before.
func (e *Engine) Deploy(ctx context.Context) (Outputs, error) {
	var out Outputs
	if err := e.prepareForCDK(ctx); err != nil {
		return out, fmt.Errorf("preparing the engine for a deployment: %w", err)
	}
	// Others may deploy to an engine of their own, but .local is one.
	unlock, err := lock(filepath.Join(e.root, localDir, "deploy.lock"))
	if err != nil {
		return out, err
	}
	defer unlock()
	app := filepath.Join("dist", "infra")
	assembly := filepath.Join(localDir, "cdk.out")
	stamp := filepath.Join(e.root, assembly+".of")
	want, err := e.inputsOfSynthesis()
	if err != nil {
		return out, err
	}
	if holds(stamp, want) {
		app = assembly // synthesized before from the very same input
	}
	_ = os.Remove(stamp)
	if app != assembly {
		// Or the code of every build there has ever been would gather in it.
		if err := os.RemoveAll(filepath.Join(e.root, assembly)); err != nil {
			return out, err
		}
	}
	outputs := filepath.Join(e.root, localDir, "outputs.json")
	command := []string{
		filepath.Join(nodeModules(e.root), ".bin", "cdk"), "deploy", "--app", app,
		"--context", "stage=" + stage, "--context", "arch=" + lambdaArch(), "--context", "portalOrigin=" + PortalOrigin,
		"--method", "direct", "--require-approval", "never", "--progress", "events",
		"--no-notices", "--ci", "--outputs-file", outputs,
	}
	if app != assembly {
		command = append(command, "--output", assembly)
	}
	env := append(e.Environ(),
		"CDK_DISABLE_CLI_TELEMETRY=true",
		"CDK_DISABLE_VERSION_CHECK=true",
		// Not what somebody who only runs this can do anything about.
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20",
		"NODE_NO_WARNINGS=1",
	)
	if err := run(ctx, e.root, "deploy", "deploying", env, command...); err != nil {
		return out, err
	}
	if err := os.WriteFile(stamp, []byte(want), 0o644); err != nil {
		return out, err
	}
	return e.readOutputs(outputs)
}

// prepareForCDK makes what `cdk bootstrap` would leave behind, as far as a
// deployment looks at it: the bucket for functions' code and the version note.
// The real command takes seven seconds each time, for an engine starts empty.
func (e *Engine) prepareForCDK(ctx context.Context) error {
	const qualifier = "hnb659fds"
	bucket := fmt.Sprintf("%s/cdk-%s-assets-%s-%s", e.endpoint, qualifier, account, Region)
	if err := e.call(ctx, http.MethodPut, bucket, "s3", "", nil); err != nil {
		return err
	}
	note, err := json.Marshal(map[string]any{
		"Name": "/cdk-bootstrap/" + qualifier + "/version", "Value": "30", "Type": "String", "Overwrite": true,
	})
	if err != nil {
		return err
	}
	return e.call(ctx, http.MethodPost, e.endpoint, "ssm", "AmazonSSM.PutParameter", note)
}

// call makes one AWS request without an SDK. The engine reads from the
// credential which service is meant, and does not check the signature.
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
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("%s %s: %s: %s", method, service, resp.Status, said)
	}
	return nil
}

// readOutputs reads what `cdk deploy --outputs-file` wrote.
func (e *Engine) readOutputs(path string) (Outputs, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Outputs{}, err
	}
	var stacks map[string]Outputs
	if err := json.Unmarshal(data, &stacks); err != nil {
		return Outputs{}, fmt.Errorf("reading the stack's outputs: %w", err)
	}
	for _, out := range stacks { // there is one
		out.APIURL = e.endpoint + "/" + stage // see patch/addresses.py
		return out, nil
	}
	return Outputs{}, errors.New("the stack has no outputs: see .local/log/deploy.log")
}

// inputsOfSynthesis names everything that the template and its assets are made
// from.
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
			return "", fmt.Errorf("%s is not there: run `make build` first", name)
		}
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// lambdaArch is this machine's architecture as Lambda calls it: the engine runs
// functions as ordinary processes.
func lambdaArch() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

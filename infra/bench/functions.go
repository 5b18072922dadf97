package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// starts is the number of starts whose median is printed.
const starts = 11

// zipSize returns the size of the zip file that Lambda gets of a function's folder.
func zipSize(folder string) (int, error) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	if err := w.AddFS(os.DirFS(folder)); err != nil {
		return 0, fmt.Errorf("zipping %s: %w", folder, err)
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return packed.Len(), nil
}

// lambdaRuntime is the environment of a function: Lambda's runtime API and a
// Secrets Manager, both at one address.
type lambdaRuntime struct {
	address string
	server  *http.Server
	ready   chan struct{} // receives when a function asks for its first event
	secrets atomic.Int32  // reads of a secret
}

func startRuntime() (*lambdaRuntime, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &lambdaRuntime{address: listener.Addr().String(), ready: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(_ http.ResponseWriter, req *http.Request) {
		r.ready <- struct{}{}
		<-req.Context().Done() // there is never an event
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, _ *http.Request) {
		r.secrets.Add(1)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, `{"ARN": "arn", "Name": "master-key", "SecretString": "0123456789abcdef0123456789abcdef0123456789abcdef"}`)
	})
	r.server = &http.Server{Handler: mux}
	go func() { _ = r.server.Serve(listener) }() // until Close
	return r, nil
}

// start starts the function in folder and returns the time until it asks for its
// first event.
func (r *lambdaRuntime) start(ctx context.Context, folder, taskRoot string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(folder, "bootstrap"))
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + r.address, "AWS_ENDPOINT_URL=http://" + r.address, "LAMBDA_TASK_ROOT=" + taskRoot,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"TABLE_NAME=table", "QUEUE_URL=http://" + r.address + "/queue", "MASTER_KEY_SECRET_ARNS=arn", "RESULTS_BUCKET=bucket", "FAILED_RECORDS_BUCKET=bucket", "USER_POOL_ID=pool",
		"USER_POOL_CLIENT_ID=client", "METRICS_NAMESPACE=test", "MAX_RECEIVES=" + strconv.Itoa(deployment.MaxReceives), "BATCH_DEADLINE=" + batchDeadline.String(),
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	defer func() { _ = cmd.Process.Kill(); <-ended }()
	select {
	case <-r.ready:
		return time.Since(begun), nil
	case <-ended:
		return 0, fmt.Errorf("%s ended before it asked for an event: %s", filepath.Base(folder), bytes.TrimSpace(output.Bytes()))
	}
}

// median starts the function several times and returns the median of the times.
func (r *lambdaRuntime) median(ctx context.Context, folder, taskRoot string) (time.Duration, error) {
	var all []time.Duration
	for range starts + 1 {
		took, err := r.start(ctx, folder, taskRoot)
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	all = all[1:] // the first start loaded the program from disk
	slices.Sort(all)
	return all[len(all)/2], nil
}

// functionFacts has the measurements of one function.
type functionFacts struct {
	name    string
	zip     int // bytes, for Linux on arm64
	start   time.Duration
	secrets int // reads from Secrets Manager in one start
}

// inspect measures the zip files of the functions in packages, and the start of
// the same functions built for this machine, in programs. If list is not empty, it
// also measures process-inquiry with the sanctions list in that folder.
func inspect(ctx context.Context, packages, programs, list string) ([]functionFacts, error) {
	folders, err := os.ReadDir(packages)
	if err != nil {
		return nil, err
	}
	r, err := startRuntime()
	if err != nil {
		return nil, err
	}
	defer r.server.Close()
	var all []functionFacts
	for _, folder := range folders {
		name := folder.Name()
		size, err := zipSize(filepath.Join(packages, name))
		if err != nil {
			return nil, err
		}
		program := filepath.Join(programs, name)
		r.secrets.Store(0)
		took, err := r.median(ctx, program, program)
		if err != nil {
			return nil, err
		}
		all = append(all, functionFacts{name, size, took, int(r.secrets.Load()) / (starts + 1)})
		if name != deployment.ProcessInquiry || list == "" {
			continue
		}
		full, err := r.withList(ctx, filepath.Join(packages, name), program, list)
		if err != nil {
			return nil, err
		}
		all = append(all, full)
	}
	return all, nil
}

// withList measures process-inquiry with another sanctions list.
func (r *lambdaRuntime) withList(ctx context.Context, packed, program, list string) (functionFacts, error) {
	root, err := os.MkdirTemp("", "bench")
	if err != nil {
		return functionFacts{}, err
	}
	defer os.RemoveAll(root)
	if err := os.CopyFS(filepath.Join(root, "ofac"), os.DirFS(list)); err != nil {
		return functionFacts{}, err
	}
	if err := copyFile(filepath.Join(root, "bootstrap"), filepath.Join(packed, "bootstrap")); err != nil {
		return functionFacts{}, err
	}
	size, err := zipSize(root)
	if err != nil {
		return functionFacts{}, err
	}
	took, err := r.median(ctx, program, root)
	return functionFacts{name: deployment.ProcessInquiry + ", your list", zip: size, start: took}, err
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// asFunction is an environment variable that makes this test binary run as a Lambda
// function.
const asFunction = "E2E_TEST_AS_FUNCTION"

// order tells the function what to do before it responds.
type order struct {
	Fail string // error to return
	Exit bool   // end the process
	Meet string // URL to call
}

// memory is the function's response: its process, the number of invocations that the
// process has served including this one, and the settings that it started with.
type memory struct {
	PID, Served   int
	Code, Setting string
}

func serveAsFunction() {
	served := 0
	awslambda.Start(func(_ context.Context, o order) (memory, error) {
		served++
		if o.Fail != "" {
			return memory{}, errors.New(o.Fail)
		}
		if o.Exit {
			os.Exit(3)
		}
		if o.Meet != "" {
			resp, err := http.Get(o.Meet)
			if err != nil {
				return memory{}, err
			}
			_ = resp.Body.Close()
		}
		return memory{os.Getpid(), served, os.Getenv("CODE"), os.Getenv("SETTING")}, nil
	})
}

// The local engine reuses a function's process for later invocations, as AWS does, and
// replaces it when it ends or when the function changes.
func TestProcessReuse(t *testing.T) {
	t.Parallel()
	in, name := newInternals(), aws.String("process-reuse")
	deployed := &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(30),
		Role: aws.String("arn:aws:iam::000000000000:role/none"), Code: &lambdatypes.FunctionCode{ZipFile: bootstrap(t, "first")},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"SETTING": "first"}},
	}
	if _, err := in.functions.CreateFunction(t.Context(), deployed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := in.functions.DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: name}); err != nil {
			t.Error(err)
		}
	})
	// A change of a function takes effect some time after the call.
	updated := func() {
		t.Helper()
		waiter := lambda.NewFunctionUpdatedV2Waiter(in.functions)
		if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: name}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	invoke := func(o order) (m memory) {
		t.Helper()
		response, err := in.invoke(t, *name, o)
		if err != nil {
			t.Error(err)
			return m
		}
		if err := json.Unmarshal(response, &m); err != nil {
			t.Error(err)
		}
		return m
	}

	one := invoke(order{})
	if want := (memory{one.PID, 1, "first", "first"}); one != want {
		t.Errorf("the first invocation returns %+v, want %+v", one, want)
	}
	if _, err := in.invoke(t, *name, order{Fail: "no such luck"}); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("a failing invocation returns the error %v, want its own", err)
	}
	if again := invoke(order{}); again.PID != one.PID || again.Served != 3 {
		t.Errorf("the third invocation returns %+v, want the process of the first: %+v", again, one)
	}

	// Two concurrent invocations wait for each other.
	met := make(chan struct{})
	meeting := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case met <- struct{}{}:
		case <-met:
		case <-t.Context().Done():
		}
	}))
	defer meeting.Close()
	var both [2]memory
	var wg sync.WaitGroup
	for i := range both {
		wg.Go(func() { both[i] = invoke(order{Meet: meeting.URL}) })
	}
	wg.Wait()
	if both[0].PID == both[1].PID {
		t.Errorf("two concurrent invocations ran in the same process %d", both[0].PID)
	}
	if min(both[0].Served, both[1].Served) != 1 || max(both[0].Served, both[1].Served) != 4 {
		t.Errorf("two concurrent invocations return %+v, want one new process and one that has served 4", both)
	}

	if _, err := in.invoke(t, *name, order{Exit: true}); err == nil || !strings.Contains(err.Error(), "Runtime.ExitError") {
		t.Errorf("an invocation whose process ends returns the error %v, want Runtime.ExitError", err)
	}
	left := invoke(order{})
	if left.PID != both[0].PID && left.PID != both[1].PID {
		t.Errorf("after one process ended, %+v responds, want the other one of %+v", left, both)
	}
	if err := syscall.Kill(left.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the idle process is gone", func() bool { return errors.Is(syscall.Kill(left.PID, 0), syscall.ESRCH) })
	if fresh := invoke(order{}); fresh.Served != 1 {
		t.Errorf("after all processes ended, %+v responds, want a new process", fresh)
	}

	_, err := in.functions.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: name, Environment: &lambdatypes.Environment{Variables: map[string]string{"SETTING": "second"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	updated()
	if m := invoke(order{}); m != (memory{m.PID, 1, "first", "second"}) {
		t.Errorf("after changing the configuration, %+v responds, want a new process with the new setting", m)
	}
	if _, err := in.functions.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: bootstrap(t, "second")}); err != nil {
		t.Fatal(err)
	}
	updated()
	if m := invoke(order{}); m != (memory{m.PID, 1, "second", "second"}) {
		t.Errorf("after changing the code, %+v responds, want a new process with the new code", m)
	}
}

// bootstrap returns a function's zip: it runs this test binary with CODE set.
func bootstrap(t testing.TB, code string) []byte {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	archive := zip.NewWriter(&buf)
	w, err := archive.Create("bootstrap")
	if err == nil {
		_, err = fmt.Fprintf(w, "#!/bin/sh\n%s=1 CODE=%s exec '%s'\n", asFunction, code, program)
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

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

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// asFunction makes this test binary a Lambda function that tells what it
// remembers.
const asFunction = "E2E_TEST_AS_FUNCTION"

// order is what the function is to do before it answers.
type order struct {
	Fail string // an error to end with
	Exit bool
	Meet string // an address to call
}

// memory is what it answers: the invocations that its process has served, this
// one too, and what that was started with.
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

// The local engine keeps a function's process as AWS does, and no longer.
func TestAFunctionsProcessServesOneInvocationAfterTheOther(t *testing.T) {
	t.Parallel()
	in, name := lookInside(), aws.String("tells-what-it-remembers")
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
	invoke := func(o order) (m memory) {
		t.Helper()
		answer, err := in.invoke(t, *name, o)
		if err == nil {
			err = json.Unmarshal(answer, &m)
		}
		if err != nil {
			t.Error(err)
		}
		return m
	}

	one := invoke(order{})
	if want := (memory{one.PID, 1, "first", "first"}); one != want {
		t.Errorf("the first invocation answers %+v, want %+v", one, want)
	}
	if _, err := in.invoke(t, *name, order{Fail: "no such luck"}); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("an invocation that fails answers %v", err)
	}
	if again := invoke(order{}); again.PID != one.PID || again.Served != 3 {
		t.Errorf("the third answers %+v, the first %+v", again, one)
	}

	// Two that wait for each other.
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
	if both[0].PID == both[1].PID || min(both[0].Served, both[1].Served) != 1 || max(both[0].Served, both[1].Served) != 4 {
		t.Errorf("two at once answer %+v, after %+v", both, one)
	}

	if _, err := in.invoke(t, *name, order{Exit: true}); err == nil || !strings.Contains(err.Error(), "Runtime.ExitError") {
		t.Errorf("an invocation whose process ends answers %v", err)
	}
	left := invoke(order{})
	if left.PID != both[0].PID && left.PID != both[1].PID {
		t.Errorf("%+v answers after another has died, and not one of %+v", left, both)
	}
	if err := syscall.Kill(left.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the idle process is gone", func() bool { return errors.Is(syscall.Kill(left.PID, 0), syscall.ESRCH) })
	if fresh := invoke(order{}); fresh.Served != 1 {
		t.Errorf("after all have died %+v answers", fresh)
	}

	_, err := in.functions.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: name, Environment: &lambdatypes.Environment{Variables: map[string]string{"SETTING": "second"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if m := invoke(order{}); m != (memory{m.PID, 1, "first", "second"}) {
		t.Errorf("with another configuration %+v answers", m)
	}
	if _, err := in.functions.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: bootstrap(t, "second")}); err != nil {
		t.Fatal(err)
	}
	if m := invoke(order{}); m != (memory{m.PID, 1, "second", "second"}) {
		t.Errorf("with other code %+v answers", m)
	}
}

// bootstrap is a function's code: this very program, told which code it is.
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

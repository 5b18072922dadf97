package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

const (
	demoLenderID = "demo-lender"
	demoEmail    = "demo@lender.example"
)

// demoLender creates a lender and a user as an operator would, signs the user in
// as a portal would, and returns the lender with the API key that its own systems
// would use.
func demoLender(ctx context.Context, e *engine.Engine, stack engine.Outputs) (*lender, error) {
	password := "Aa1-" + rand.Text()
	if err := admin(ctx, e, stack, "", "lender", "create", "--id", demoLenderID, "--name", "Demo Lender"); err != nil {
		return nil, err
	}
	if err := admin(ctx, e, stack, password, "user", "invite", "--lender", demoLenderID,
		"--email", demoEmail, "--role", "member", "--password-stdin"); err != nil {
		return nil, err
	}
	token, err := signIn(ctx, e, stack, password)
	if err != nil {
		return nil, err
	}
	user, err := client.New(stack.APIURL, token)
	if err != nil {
		return nil, err
	}
	key, err := user.APIKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, seeLog)
	}
	systems, err := client.New(stack.APIURL, key, client.WithPollInterval(pollEvery))
	return &lender{Client: systems, key: key}, err
}

// admin runs the operators' command dist/admin against the engine.
func admin(ctx context.Context, e *engine.Engine, stack engine.Outputs, stdin string, args ...string) error {
	root, err := engine.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "dist", "admin"), append(args, "--output", "json")...)
	cmd.Env = append(os.Environ(), e.Environ()...)
	cmd.Env = append(cmd.Env, "TABLE_NAME="+stack.TableName, "USER_POOL_ID="+stack.UserPoolID, "USAGE_PLAN_ID="+stack.UsagePlanID,
		"MASTER_KEY_GENERATION="+stack.MasterKeyGeneration)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("admin %s %s: %w\n%s", args[0], args[1], err, out)
	}
	return nil
}

// signIn returns the demo user's ID token.
func signIn(ctx context.Context, e *engine.Engine, stack engine.Outputs, password string) (string, error) {
	pool := cognito.New(cognito.Options{
		BaseEndpoint: aws.String(e.Endpoint()),
		Region:       engine.Region,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	out, err := pool.AdminInitiateAuth(ctx, &cognito.AdminInitiateAuthInput{
		UserPoolId:     &stack.UserPoolID,
		ClientId:       &stack.UserPoolClientID,
		AuthFlow:       types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": demoEmail, "PASSWORD": password},
	})
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	if out.AuthenticationResult == nil || out.AuthenticationResult.IdToken == nil {
		return "", fmt.Errorf("signing in: Cognito asks for more than a password (%s)", out.ChallengeName)
	}
	return *out.AuthenticationResult.IdToken, nil
}

// seeLog is added to every error that a function may have caused.
const seeLog = "the functions' log is in .local/log/engine.log"

// lender calls the API as the demo lender's own systems would.
type lender struct {
	*client.Client
	key string
}

// inFile adds the place in the batch's file to each fault of an API error. If the API
// itself failed, it says where the log is.
func inFile(err error, file *batchfile.File) error {
	p, ok := errors.AsType[*client.Problem](err)
	if !ok {
		return err
	}
	for i, fault := range p.Errors {
		p.Errors[i].Pointer = file.Place(fault.Pointer)
	}
	if p.Status >= http.StatusInternalServerError {
		return fmt.Errorf("%w\n%s", err, seeLog)
	}
	return err
}

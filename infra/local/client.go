package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

const (
	demoLenderID = "demo-lender"
	demoEmail    = "demo@lender.example"
)

// demoLender makes a lender and a user the way an operator does, signs the user
// in the way a portal does, and fetches the API key that a lender's own systems
// would use.
func demoLender(ctx context.Context, e *engine.Engine, stack engine.Outputs) (*client, error) {
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
	user := newClient(stack.APIURL, token)
	var body struct {
		APIKey string `json:"apiKey"`
	}
	if err := user.call(ctx, http.MethodGet, "/users/me/api-key", nil, &body); err != nil {
		return nil, err
	}
	return newClient(stack.APIURL, body.APIKey), nil
}

// admin runs the operator's command against the engine.
func admin(ctx context.Context, e *engine.Engine, stack engine.Outputs, stdin string, args ...string) error {
	root, err := engine.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "dist", "admin"), append(args, "--output", "json")...)
	cmd.Env = append(os.Environ(), e.Environ()...)
	cmd.Env = append(cmd.Env, "TABLE_NAME="+stack.TableName, "USER_POOL_ID="+stack.UserPoolID, "USER_POOL_CLIENT_ID="+stack.UserPoolClientID)
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
		return "", fmt.Errorf("signing in: Cognito wants more than a password (%s)", out.ChallengeName)
	}
	return *out.AuthenticationResult.IdToken, nil
}

// seeLog follows every error whose cause may lie in a function.
const seeLog = "see .local/log/engine.log for what the functions logged"

// client calls the public API with one credential.
type client struct {
	base       string
	credential string
	http       http.Client
}

func newClient(base, credential string) *client {
	return &client{base: base, credential: credential, http: http.Client{Timeout: 30 * time.Second}}
}

// problem is how the API says no (RFC 9457).
type problem struct {
	Title  string
	Detail string
	Errors []struct {
		Pointer string
		Message string
	}
}

// call sends one request and decodes the answer into out.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.credential)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		err := fmt.Errorf("%s %s: %d %s: %w", method, path, resp.StatusCode, http.StatusText(resp.StatusCode), refusal(data))
		if resp.StatusCode >= 500 {
			err = fmt.Errorf("%w\n%s", err, seeLog)
		}
		return err
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: reading the answer: %w", method, path, err)
	}
	return nil
}

// refusal puts a problem document into words.
func refusal(body []byte) error {
	const most = 10
	var p problem
	if err := json.Unmarshal(body, &p); err != nil || p.Detail == "" {
		return errors.New(string(body))
	}
	said := p.Detail
	for i, fault := range p.Errors {
		if i == most {
			said += fmt.Sprintf("\n  and %d more", len(p.Errors)-most)
			break
		}
		said += fmt.Sprintf("\n  %s: %s", fault.Pointer, fault.Message)
	}
	return errors.New(said)
}

// Command admin is how we create, suspend and show lenders and users. It works
// on AWS and on a local engine alike: it knows no more of where it is than the
// SDK's standard environment says (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL).
//
// Every command may be run again: it finishes what an earlier run began, and
// says so when there is nothing left to do.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := newRoot(wire).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "admin:", err)
		os.Exit(1)
	}
}

// newRoot returns the command line. The commands call connect when they run, so
// that help needs no AWS.
func newRoot(connect func(context.Context, settings) (*admin, error)) *cobra.Command {
	var s settings
	var output string
	root := &cobra.Command{
		Use:           "admin",
		Short:         "Create, suspend and show the lenders and users of batch-inquiries",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.table, "table", "", "the table's name (else from --stack, else TABLE_NAME)")
	flags.StringVar(&s.pool, "user-pool", "", "the Cognito user pool's id (else from --stack, else USER_POOL_ID)")
	flags.StringVar(&s.plan, "usage-plan", "", "the id of the gateway's usage plan (else from --stack, else USAGE_PLAN_ID)")
	flags.StringVar(&s.stack, "stack", "", "a deployed stack to read all of these from")
	flags.StringVar(&output, "output", "text", "text or json")

	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if output != "text" && output != "json" {
			return fmt.Errorf("--output %s is neither text nor json", output)
		}
		return nil
	}
	// run connects, does the work and prints what came of it.
	run := func(work func(context.Context, *admin) (result, error)) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			a, err := connect(cmd.Context(), s)
			if err != nil {
				return err
			}
			r, err := work(cmd.Context(), a)
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(r.data)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), r.text)
			return err
		}
	}
	root.AddCommand(lenderCommand(run), userCommand(run))
	return root
}

// runner turns a command's work into what cobra calls.
type runner = func(work func(context.Context, *admin) (result, error)) func(*cobra.Command, []string) error

// result is what a command has to say, to a person and to a program.
type result struct {
	text string
	data any
}

// command returns a leaf of the command line; its flags are required unless
// they have a default.
func command(use, short string, runE func(*cobra.Command, []string) error, required map[string]*string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: runE}
	for name, value := range required {
		cmd.Flags().StringVar(value, name, "", usage[name])
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // only for a flag that does not exist
		}
	}
	return cmd
}

// group returns a command that only holds others, and refuses words that are
// none of them instead of printing help and calling that a success.
func group(use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
}

var usage = map[string]string{
	"id":     "the lender's id: lower-case letters, digits and hyphens",
	"name":   "the lender's name",
	"lender": "the id of the user's lender",
	"email":  "the user's e-mail address, with which they sign in",
	"role":   "member (submits, cancels and reads) or viewer (reads)",
}

// settings say which table, user pool and usage plan to work on.
type settings struct{ table, pool, plan, stack string }

// wire builds the admin. It alone makes clients and reads the environment.
func wire(ctx context.Context, s settings) (*admin, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading AWS configuration: %w", err)
	}
	cfg.HTTPClient = boot.HTTPClient(cfg.HTTPClient) // afterwards: loading adds AWS_CA_BUNDLE to the SDK's own client only
	var outputs map[string]string
	if s.stack != "" && (s.table == "" || s.pool == "" || s.plan == "") {
		if outputs, err = stackOutputs(ctx, cloudformation.NewFromConfig(cfg), s.stack); err != nil {
			return nil, err
		}
	}
	table := first(s.table, outputs["TableName"], os.Getenv("TABLE_NAME"))
	if table == "" {
		return nil, fmt.Errorf("no table named: give --stack or --table, or set TABLE_NAME")
	}
	return &admin{
		access:  store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		people:  cognitoidentityprovider.NewFromConfig(cfg),
		pool:    first(s.pool, outputs["UserPoolId"], os.Getenv("USER_POOL_ID")),
		gateway: apigateway.NewFromConfig(cfg),
		plan:    first(s.plan, outputs["UsagePlanId"], os.Getenv("USAGE_PLAN_ID")),
	}, nil
}

// stackOutputs returns the outputs of a deployed stack by their names.
func stackOutputs(ctx context.Context, client *cloudformation.Client, stack string) (map[string]string, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("reading the outputs of stack %s: %w", stack, err)
	}
	outputs := map[string]string{}
	for _, described := range out.Stacks {
		for _, o := range described.Outputs {
			if o.OutputKey != nil && o.OutputValue != nil {
				outputs[*o.OutputKey] = *o.OutputValue
			}
		}
	}
	return outputs, nil
}

// first returns the first of the values that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

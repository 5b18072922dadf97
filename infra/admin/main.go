// Command admin creates, shows, changes and suspends lenders and users. It works on
// AWS and on a local engine: the SDK's standard environment (AWS_REGION,
// AWS_PROFILE, AWS_ENDPOINT_URL) decides which.
//
// Every command can be repeated: it finishes what an earlier run started, and says
// so if there is nothing left to do.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
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

const about = `Create, show, change and suspend the lenders and users of batch-inquiries.

Name the deployment with --stack. admin uses the AWS region and credentials of
your environment (AWS_REGION, AWS_PROFILE).

Every command can be repeated. It finishes what an earlier run started, and says
so if there is nothing left to do.`

const examples = `  admin --stack batch-inquiries-prod lender create --id acme --name "Acme Lending"
  admin --stack batch-inquiries-prod user invite --lender acme --email jane@acme.example --role member`

// newRoot returns the command line. The commands call connect when they run, so
// that help works without AWS.
func newRoot(connect func(context.Context, settings) (*admin, error)) *cobra.Command {
	var s settings
	var output string
	root := &cobra.Command{
		Use:           "admin",
		Long:          about,
		Example:       examples,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.table, "table", "", "DynamoDB table (default: from --stack, or TABLE_NAME)")
	flags.StringVar(&s.pool, "user-pool", "", "ID of the Cognito user pool (default: from --stack, or USER_POOL_ID)")
	flags.StringVar(&s.plan, "usage-plan", "", "ID of the API Gateway usage plan (default: from --stack, or USAGE_PLAN_ID)")
	flags.StringVar(&s.stack, "stack", "", "CloudFormation stack of the deployment, such as batch-inquiries-prod")
	flags.StringVar(&output, "output", "text", "output format: text or json")

	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if output != "text" && output != "json" {
			return fmt.Errorf("--output must be text or json, not %q", output)
		}
		return nil
	}
	// run connects, does the work and prints its result.
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

// runner turns a command's work into a function that cobra can call.
type runner = func(work func(context.Context, *admin) (result, error)) func(*cobra.Command, []string) error

// result is a command's result, as text for people and as data for programs.
type result struct {
	text string
	data any
}

// command returns a command without subcommands. The flags in required are
// mandatory; usage has their help texts.
func command(use, short string, runE func(*cobra.Command, []string) error, required map[string]*string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: runE}
	for name, value := range required {
		cmd.Flags().StringVar(value, name, "", usage[name])
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // happens only if the flag does not exist
		}
	}
	return cmd
}

// group returns a command that only has subcommands. An unknown subcommand is an
// error, instead of help and success.
func group(use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
}

var usage = map[string]string{
	"id":     "ID of the lender: lower-case letters, digits and hyphens",
	"name":   "name of the lender",
	"lender": "ID of the user's lender",
	"email":  "email address that the user signs in with",
	"role":   "member (can submit, cancel and read) or viewer (can only read)",
}

// settings name the table, user pool and usage plan to work on.
type settings struct{ table, pool, plan, stack string }

// wire returns the admin. Only wire creates clients and reads the environment.
func wire(ctx context.Context, s settings) (*admin, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	cfg.HTTPClient = boot.HTTPClient(cfg.HTTPClient) // last, because only the SDK's own client can load AWS_CA_BUNDLE
	cfg.Retryer = boot.Retryer                       // a submission may be checking the user or lender who is suspended
	var outputs map[string]string
	if s.stack != "" {
		if outputs, err = stackOutputs(ctx, cloudformation.NewFromConfig(cfg), s.stack); err != nil {
			return nil, err
		}
	}
	table := cmp.Or(s.table, outputs["TableName"], os.Getenv("TABLE_NAME"))
	if table == "" {
		return nil, errors.New("the table is not known; pass --stack or --table, or set TABLE_NAME")
	}
	generation, err := strconv.Atoi(cmp.Or(outputs["MasterKeyGeneration"], os.Getenv("MASTER_KEY_GENERATION"), "0"))
	if err != nil {
		return nil, fmt.Errorf("the generation of the master key is not a number: %w", err)
	}
	return &admin{
		access:   store.New(dynamodb.NewFromConfig(cfg), table, time.Now),
		userPool: cognitoidentityprovider.NewFromConfig(cfg),
		poolID:   cmp.Or(s.pool, outputs["UserPoolId"], os.Getenv("USER_POOL_ID")),
		gateway:  apigateway.NewFromConfig(cfg),
		planID:   cmp.Or(s.plan, outputs["UsagePlanId"], os.Getenv("USAGE_PLAN_ID")),

		generation: generation,
	}, nil
}

// stackOutputs returns the outputs of a deployed stack by their names.
func stackOutputs(ctx context.Context, client *cloudformation.Client, stack string) (map[string]string, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("reading the outputs of stack %s: %w; check --stack, and the AWS region and credentials in your environment", stack, err)
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

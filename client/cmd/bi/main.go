// Command bi screens batches of businesses from a terminal, through the public
// API. It stores nothing on disk: a batch's id is all you need to find it again.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// Exit codes tell scripts how a batch ended, if the command waited for that.
const (
	exitCompleted   = 0
	exitError       = 1 // the API rejected the request or cannot be reached
	exitUsage       = 2 // a flag, an argument or the environment is wrong
	exitPartial     = 3
	exitFailed      = 4
	exitCancelled   = 5
	exitInterrupted = 130
)

const exitCodes = `Exit codes:
    0  the command succeeded; if it followed a batch, every inquiry completed
    1  the API rejected the request or cannot be reached
    2  a flag, an argument or an environment variable is wrong
    3  some inquiries failed or lack a source
    4  no inquiry has a useful report
    5  the batch was canceled
  130  interrupted`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], process{
		env: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		attended: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
	})
	stop()
	os.Exit(code)
}

// process is the environment that a command runs in, except for network and files.
type process struct {
	env            func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	attended       bool // a person reads stderr and types on stdin
}

// run runs the command and returns its exit code.
func run(ctx context.Context, args []string, p process, options ...client.Option) int {
	a := &app{process: p, options: options}
	a.onRetry = a.announceRetry
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitCompleted
	}
	if ended, ok := errors.AsType[outcome](err); ok {
		return ended.exitCode()
	}
	fmt.Fprintln(p.stderr, "bi:", a.explain(err))
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case !a.started:
		fmt.Fprintf(p.stderr, "For help, run `%s --help`.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitError
}

// app is the state that all commands share.
type app struct {
	process
	options []client.Option // set by tests

	url, key string // flags
	batchID  string // the argument BATCH, if the command has one
	started  bool   // the command line is valid, so any error comes later
	waited   bool   // a submission has had to wait for room
	onRetry  func(err error, wait time.Duration)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "bi",
		Short: "Screen batches of businesses",
		Long: `bi screens batches of businesses through the batch-inquiries API.

It needs the API's address and an API key. Set them in the environment variables
BI_URL and BI_API_KEY, or use flags. The environment is safer for the key, because
other users of this machine can see flags.`,
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArguments,
		RunE:          showHelp,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().StringVar(&a.url, "url", "", "the API's `address`, which is the part of its URLs before /v1 (default: BI_URL)")
	root.PersistentFlags().StringVar(&a.key, "api-key", "", "the API `key` (default: BI_API_KEY)")
	root.AddCommand(a.submitCommand(), a.watchCommand(), a.resultsCommand(), a.listCommand(), a.cancelCommand(),
		a.rerunCommand(), a.deleteCommand(), a.keyCommand(), a.whoamiCommand())
	// Without a RunE, cobra's completion command shows help for any unknown shell
	// instead of an error.
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args, cmd.RunE = noArguments, showHelp
		}
	}
	return root
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// noArguments checks that a command has no arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		return fmt.Errorf("unknown command %q", cmd.CommandPath()+" "+args[0])
	}
	return fmt.Errorf("%s takes no arguments, but it got %q", cmd.Name(), args[0])
}

// oneArgument checks that a command has exactly one argument.
func oneArgument(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s needs exactly one argument, but it got %d\nUsage: %s", cmd.Name(), len(args), cmd.UseLine())
	}
	return nil
}

// oneBatch checks that the only argument is a batch's id.
func (a *app) oneBatch(cmd *cobra.Command, args []string) error {
	if err := oneArgument(cmd, args); err != nil {
		return err
	}
	if !client.IsID(args[0]) {
		return fmt.Errorf("BATCH must be a batch's id, such as 019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000, but it is %q\n%s", args[0], listHint)
	}
	a.batchID = args[0]
	return nil
}

const listHint = "To see your batches and their ids, run `bi list`."

// withClient returns a RunE function that makes a client and calls work with it.
func (a *app) withClient(work func(ctx context.Context, c *client.Client) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		address, key := cmp.Or(a.url, a.env("BI_URL")), cmp.Or(a.key, a.env("BI_API_KEY"))
		if address == "" {
			return errors.New("the API's address is missing. Set BI_URL or use --url: it is the part of the API's URLs before /v1")
		}
		if key == "" {
			return errors.New("the API key is missing. Set BI_API_KEY or use --api-key. Your key is in the portal, and at GET /v1/users/me/api-key")
		}
		onRetry := client.WithOnRetry(func(err error, wait time.Duration) { a.onRetry(err, wait) })
		c, err := client.New(address, key, append([]client.Option{onRetry, client.WithLongPoll()}, a.options...)...)
		if err != nil {
			return fmt.Errorf("%w\nCheck BI_URL (or --url) and BI_API_KEY (or --api-key)", err)
		}
		a.started = true
		return work(cmd.Context(), c)
	}
}

// explain returns the text of an error with a hint at what to do about it.
func (a *app) explain(err error) string {
	p, isProblem := errors.AsType[*client.Problem](err)
	_, unreachable := errors.AsType[*url.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case isProblem && p.Status == http.StatusUnauthorized:
		return err.Error() + "\nCheck that BI_API_KEY is right and belongs to the API at BI_URL."
	case client.IsKind(err, client.KindNotFound) && a.batchID != "":
		return err.Error() + "\n" + listHint
	case isProblem && p.Kind() == "" && p.Status == http.StatusNotFound, unreachable && !isProblem:
		return err.Error() + "\nCheck BI_URL and your network connection."
	}
	return err.Error()
}

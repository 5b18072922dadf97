// Command bi screens batches of businesses from a terminal, through the public
// API. It keeps nothing on disk: a batch is found again by its id.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// Exit codes tell scripts what became of a batch, where a command waits for its
// end.
const (
	exitCompleted   = 0
	exitError       = 1 // the API refused, or could not be reached
	exitUsage       = 2 // a flag, an argument or the environment is wrong
	exitPartial     = 3
	exitFailed      = 4
	exitCancelled   = 5
	exitInterrupted = 130
)

const exitCodes = `Exit codes: 0 every inquiry completed, 3 some failed or lack a source, 4 none has
a useful report, 5 cancelled, 1 the API refused or cannot be reached, 2 wrong
usage, 130 interrupted.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command, but for the process around it.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer, options ...client.Option) int {
	a := &app{env: env, stderr: stderr, options: options}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var ended outcome
	switch {
	case err == nil:
		return exitCompleted
	case errors.As(err, &ended):
		return ended.exitCode()
	case !a.running:
		fmt.Fprintln(stderr, "bi:", err)
		return exitUsage
	}
	fmt.Fprintln(stderr, "bi:", inWords(err))
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return exitError
}

// app is what all commands share.
type app struct {
	env     func(string) string
	stderr  io.Writer
	options []client.Option // of tests

	url, key string // flags
	running  bool   // the command line has been understood
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "bi",
		Short: "Screen batches of businesses",
		Long: `bi screens batches of businesses through the batch-inquiries API.

It needs the API's address and an API key, from BI_URL and BI_API_KEY or from
flags. Prefer the environment for the key: others on this machine can see flags.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&a.url, "url", "", "the API's `address`, what stands before /v1 (default: BI_URL)")
	root.PersistentFlags().StringVar(&a.key, "api-key", "", "the API `key` (default: BI_API_KEY)")
	root.AddCommand(a.submitCommand(), a.watchCommand(), a.resultsCommand(), a.listCommand(), a.cancelCommand(), a.rerunCommand(), a.keyCommand(), a.whoamiCommand())
	return root
}

// calling makes a client and hands it to a command's work.
func (a *app) calling(work func(cmd *cobra.Command, c *client.Client, args []string) error, options ...client.Option) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		address, key := a.url, a.key
		if address == "" {
			address = a.env("BI_URL")
		}
		if key == "" {
			key = a.env("BI_API_KEY")
		}
		if address == "" {
			return errors.New("where is the API? Set BI_URL, or give --url: what stands before /v1 in its addresses")
		}
		if key == "" {
			return errors.New("who are you? Set BI_API_KEY, or give --api-key. Your key is in the portal, and at GET /users/me/api-key")
		}
		c, err := client.New(address, key, append(options, a.options...)...)
		if err != nil {
			return err
		}
		a.running = true
		return work(cmd, c, args)
	}
}

// inWords is an error for a person, with what to do about it.
func inWords(err error) string {
	p, ok := errors.AsType[*client.Problem](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case ok && p.Status == http.StatusUnauthorized:
		return err.Error() + "\nCheck BI_API_KEY, and that it belongs to the API at BI_URL."
	case client.IsKind(err, client.KindNotFound):
		return err.Error() + "\n`bi list` shows your batches."
	}
	return err.Error()
}

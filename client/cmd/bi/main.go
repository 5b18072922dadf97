// Command bi screens batches of businesses from a terminal, through the public
// API. It keeps nothing on disk: a batch is found again by its id.
package main

import (
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
	code := run(ctx, os.Args[1:], process{
		env: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		attended: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
	})
	stop()
	os.Exit(code)
}

// process is what a command sees of the world but for the network and files.
type process struct {
	env            func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	attended       bool // there is a person, who reads stderr and answers on stdin
}

// run is the whole command, but for the process around it.
func run(ctx context.Context, args []string, p process, options ...client.Option) int {
	a := &app{process: p, options: options}
	a.onRetry = a.again
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitCompleted
	}
	if ended, ok := errors.AsType[outcome](err); ok {
		return ended.exitCode()
	}
	fmt.Fprintln(p.stderr, "bi:", a.inWords(err))
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case !a.running:
		return exitUsage
	}
	return exitError
}

// app is what all commands share.
type app struct {
	process
	options []client.Option // of tests

	url, key string // flags
	batchID  string // the argument BATCH, of commands that have one
	running  bool   // the command line has been understood
	noRoom   bool   // a submission has been waiting for room
	onRetry  func(err error, wait time.Duration)
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
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().StringVar(&a.url, "url", "", "the API's `address`, what stands before /v1 (default: BI_URL)")
	root.PersistentFlags().StringVar(&a.key, "api-key", "", "the API `key` (default: BI_API_KEY)")
	root.AddCommand(a.submitCommand(), a.watchCommand(), a.resultsCommand(), a.listCommand(), a.cancelCommand(),
		a.rerunCommand(), a.deleteCommand(), a.keyCommand(), a.whoamiCommand())
	// Without work of its own, cobra's completion takes any word for a call for help.
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

// oneBatch takes the argument BATCH.
func (a *app) oneBatch(cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	if !client.IsID(args[0]) {
		return fmt.Errorf("BATCH must be a batch's id, such as 019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000, and is %q\n%s", args[0], seeList)
	}
	a.batchID = args[0]
	return nil
}

const seeList = "`bi list` shows your batches."

// calling makes a client and hands it to a command's work.
func (a *app) calling(work func(cmd *cobra.Command, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
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
			return errors.New("who are you? Set BI_API_KEY, or give --api-key. Your key is in the portal, and at GET /v1/users/me/api-key")
		}
		again := client.WithOnRetry(func(err error, wait time.Duration) { a.onRetry(err, wait) })
		c, err := client.New(address, key, append([]client.Option{again, client.WithLongPoll()}, a.options...)...)
		if err != nil {
			return err
		}
		a.running = true
		return work(cmd, c, args)
	}
}

// inWords is an error for a person, with what to do about it.
func (a *app) inWords(err error) string {
	p, ok := errors.AsType[*client.Problem](err)
	_, unreached := errors.AsType[*url.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case ok && p.Status == http.StatusUnauthorized:
		return err.Error() + "\nCheck BI_API_KEY, and that it belongs to the API at BI_URL."
	case client.IsKind(err, client.KindNotFound) && a.batchID != "":
		return err.Error() + "\n" + seeList
	case ok && p.Kind() == "" && p.Status == http.StatusNotFound, unreached && !ok:
		return err.Error() + "\nCheck BI_URL, and your connection."
	}
	return err.Error()
}

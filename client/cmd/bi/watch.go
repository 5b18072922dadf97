package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

// outcome is the status of a batch that did not complete, as an error that sets the
// exit code. It has already been printed.
type outcome client.BatchStatus

func (o outcome) Error() string { return "the batch ended as " + string(o) }

func (o outcome) exitCode() int {
	switch client.BatchStatus(o) {
	case client.BatchCompleted:
		return exitCompleted
	case client.BatchPartialSuccess:
		return exitPartial
	case client.BatchFailed:
		return exitFailed
	case client.BatchCancelled:
		return exitCancelled
	}
	return exitError
}

func (a *app) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch BATCH",
		Short: "Follow a batch until it is final",
		Long: `Follows a batch until it is final. Shows a progress bar on a terminal, or else prints
a line per change. Progress goes to standard error, the outcome to standard output.

The batch does not depend on this command: it retries if the connection is lost, and
after Ctrl-C the same command resumes.

` + exitCodes,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.withClient(func(ctx context.Context, c *client.Client) error {
			return a.follow(ctx, c, a.batchID, a.stdout, false)
		}),
	}
}

// follower shows one batch until it is final.
type follower struct {
	batchID      string
	show         progress.Display
	found        bool // the API has confirmed that the batch exists
	disconnected bool // since the most recent response
}

// onRetry explains why there is no response: after each try until the first
// response, then once per outage.
func (f *follower) onRetry(err error, wait time.Duration) {
	switch {
	case !f.found:
		f.show.Say(fmt.Sprintf("%s. Trying again in %s.", cause(err), seconds(wait)))
	case !f.disconnected:
		f.disconnected = true
		f.show.Say(fmt.Sprintf("%s. The batch continues. Trying again in %s, and until it works. You can press Ctrl-C: `bi watch %s` resumes.",
			cause(err), seconds(wait), f.batchID))
	}
}

// follow shows a batch's progress on stderr until it is final, and writes the
// outcome to end. found says that the API has just accepted the batch.
func (a *app) follow(ctx context.Context, c *client.Client, batchID string, end io.Writer, found bool) error {
	f := &follower{batchID: batchID, show: progress.New(a.stderr), found: found}
	defer f.show.Close()
	a.onRetry = f.onRetry
	for batch, err := range c.Watch(ctx, batchID) {
		switch {
		case err != nil && ctx.Err() != nil && f.found:
			return errors.New("stopped watching, but the batch continues. To watch it again, run: bi watch " + batchID)
		case err != nil:
			return err
		case f.disconnected:
			f.disconnected = false
			f.show.Say("The connection is back.")
		}
		f.found = true
		f.show.Update(batch)
		if batch.IsTerminal {
			f.show.Close()
			return printOutcome(end, batch)
		}
	}
	return nil // unreachable: a watch ends with a final batch or an error
}

func printOutcome(w io.Writer, b *client.Batch) error {
	fmt.Fprintf(w, "%s: %s\n", b.Status, b.StatusReason)
	if b.Status == client.BatchCompleted {
		return nil
	}
	return outcome(b.Status)
}

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

// outcome is how a batch ended, for the exit code. It has been told already.
type outcome client.Status

func (o outcome) Error() string { return "the batch ended as " + string(o) }

func (o outcome) exitCode() int {
	switch client.Status(o) {
	case client.StatusCompleted:
		return exitCompleted
	case client.StatusPartialSuccess:
		return exitPartial
	case client.StatusFailed:
		return exitFailed
	case client.StatusCancelled:
		return exitCancelled
	}
	return exitError
}

func (a *app) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch BATCH",
		Short: "Follow a batch to its end",
		Long: `Follows a batch to its end: with a bar on a terminal, else with a line per change.

The batch does not need us. A lost connection is waited out, and after Ctrl-C the
same command picks it up again. Progress goes to stderr, and how it ended to stdout.

` + exitCodes,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
			return a.follow(cmd.Context(), c, args[0], a.stdout, false)
		}),
	}
}

// follower shows a batch to its end.
type follower struct {
	batchID string
	show    progress.Display
	isThere bool // the API has told of the batch
	isLost  bool // and has not answered since
}

// lost says why there is no answer: each time until there has been one, then once
// for each time that the connection goes.
func (f *follower) lost(err error, wait time.Duration) {
	switch {
	case !f.isThere:
		f.show.Say(fmt.Sprintf("%s. Trying again in %s.", cause(err), seconds(wait)))
	case !f.isLost:
		f.isLost = true
		f.show.Say(fmt.Sprintf("%s. The batch goes on; trying again in %s and from then on. Ctrl-C is safe: `bi watch %s` resumes.",
			cause(err), seconds(wait), f.batchID))
	}
}

// follow shows on stderr how far a batch has come until it ends, and says on end
// how. isThere says that the API has just taken the batch.
func (a *app) follow(ctx context.Context, c *client.Client, batchID string, end io.Writer, isThere bool) error {
	f := &follower{batchID: batchID, show: progress.New(a.stderr), isThere: isThere}
	defer f.show.Close()
	a.onRetry = f.lost
	for batch, err := range c.Watch(ctx, batchID) {
		switch {
		case err != nil && ctx.Err() != nil && f.isThere:
			return errors.New("stopped watching: the batch goes on without us. To watch it again: bi watch " + batchID)
		case err != nil:
			return err
		case f.isLost:
			f.isLost = false
			f.show.Say("The connection is back.")
		}
		f.isThere = true
		f.show.Update(batch)
		if batch.IsTerminal {
			f.show.Close()
			return ended(batch, end)
		}
	}
	return nil // not reached: what ends a watch is an end or an error
}

func ended(b *client.Batch, w io.Writer) error {
	fmt.Fprintf(w, "%s: %s\n", b.Status, b.StatusReason)
	if b.Status == client.StatusCompleted {
		return nil
	}
	return outcome(b.Status)
}
